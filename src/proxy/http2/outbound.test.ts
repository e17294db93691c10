import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAULT, type Fault } from './fault.ts';
import { OutboundFrames } from './outbound.ts';
import { Http2Stats } from './stats.ts';

function outbound(): {
  readonly frames: OutboundFrames;
  readonly transport: { taken: number };
  readonly floods: Fault[];
} {
  const transport = { taken: 0 };
  const floods: Fault[] = [];
  const bounds = { maxOutboundFrames: 10, maxControlFrames: 3 };
  const frames = new OutboundFrames(transport, bounds, new Http2Stats(), (fault) => floods.push(fault));
  return { frames, transport, floods };
}

test('frames that the other side takes slowly but takes are no flood, however many and though some always wait', () => {
  const { frames, transport, floods } = outbound();
  for (let sent = 1; sent <= 1000; sent++) {
    frames.add(100, 1);
    transport.taken = Math.max(0, 100 * sent - 900);
  }
  assert.deepEqual(floods, []);
});

test('more frames than may wait are a flood, of whatever kind they are', () => {
  const { frames, floods } = outbound();
  frames.add(1000, 9);
  frames.addControl(17);
  assert.deepEqual(floods, []);
  frames.add(9, 1);
  assert.deepEqual(floods, [FAULT.OUTBOUND_FLOOD]);
});

test('of frames that the other side causes fewer may wait', () => {
  const { frames, transport, floods } = outbound();
  for (let more = 0; more < 3; more++) frames.addControl(17);
  transport.taken = 17;
  frames.addControl(17);
  assert.deepEqual(floods, []);
  frames.addControl(17);
  assert.deepEqual(floods, [FAULT.CONTROL_FLOOD]);
});
