import assert from 'node:assert/strict';
import { test } from 'node:test';
import { beginTurn, endTurn } from '../time/clock.ts';
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

test('frames of one turn wait together, also where the kernel has taken the first of them', () => {
  const { frames, transport, floods } = outbound();
  beginTurn();
  for (let more = 0; more < 3; more++) frames.addControl(17);
  transport.taken = 17;
  frames.addControl(17);
  endTurn();
  assert.deepEqual(floods, [FAULT.CONTROL_FLOOD]);
});

test('what was taken of an earlier turn waits no more', () => {
  const { frames, transport, floods } = outbound();
  for (let turn = 0; turn < 5; turn++) {
    beginTurn();
    for (let more = 0; more < 3; more++) frames.addControl(17);
    endTurn();
    transport.taken += 3 * 17;
  }
  assert.deepEqual(floods, []);
});
