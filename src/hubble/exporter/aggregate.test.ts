import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AgentEvent, type Flow, TrafficDirection } from '../../model/flow/index.ts';
import { createObserver, type Observer } from '../observer/observer.ts';
import { createAggregator, flowsIn } from './aggregate.ts';
import type { ExportReader } from './events.ts';
import { type LineSink, startExporter } from './exporter.ts';

const { INGRESS, EGRESS } = TrafficDirection;
const pods = (source: string, destination: string, change: Flow = {}): Flow => ({
  node_name: 'c/n',
  verdict: 1,
  source: { namespace: 'shop', pod_name: source, identity: 7 },
  destination: { namespace: 'shop', pod_name: destination },
  ...change,
});

function setUp(fields: readonly string[], intervalMs = 1_000, allow: readonly object[] = []) {
  const clock = { ms: 10_000 };
  const observer = createObserver({ nodeName: 'c/n', version: '1', now: () => BigInt(clock.ms) * 1_000_000n });
  const opened = observer.exportLines({ allow, deny: [], fieldMask: ['uuid'], aggregation: { fields, intervalMs } });
  assert.ok(opened.ok);
  let seconds = 0;
  const push = (flow: Flow): void => observer.push({ ...flow, time: { seconds: ++seconds } });
  return { clock, observer, reader: opened.value, push };
}

function linesOf(reader: ExportReader): string[] {
  const lines: string[] = [];
  for (let line = reader.next(); line !== undefined; line = reader.next()) lines.push(line);
  return lines;
}

test('flows that are alike become one line at the end of the interval, with the time of the first', () => {
  const { clock, reader, push } = setUp(['source.pod_name', 'destination.pod_name', 'verdict']);
  push(pods('a', 'b', { traffic_direction: EGRESS }));
  push(pods('a', 'b', { traffic_direction: INGRESS, source: { namespace: 'other', pod_name: 'a' } }));
  push(pods('a', 'c', { verdict: 2 }));
  push(pods('a', 'b', { traffic_direction: EGRESS, uuid: 'x' }));
  assert.deepEqual(linesOf(reader), []);
  clock.ms += 999;
  assert.deepEqual(linesOf(reader), []);
  clock.ms += 1;
  assert.deepEqual(linesOf(reader), [
    '{"flow":{"time":"1970-01-01T00:00:01Z","verdict":"FORWARDED","source":{"pod_name":"a"},"destination":{"pod_name":"b"},"aggregate":{"ingress_flow_count":1,"egress_flow_count":2}},"time":"1970-01-01T00:00:01Z"}',
    '{"flow":{"time":"1970-01-01T00:00:03Z","verdict":"DROPPED","source":{"pod_name":"a"},"destination":{"pod_name":"c"},"aggregate":{"unknown_direction_flow_count":1}},"time":"1970-01-01T00:00:03Z"}',
  ]);
  clock.ms += 5_500;
  assert.deepEqual(linesOf(reader), [], 'nothing happened');
  push(pods('a', 'b'));
  assert.deepEqual(linesOf(reader), [], 'intervals go on from the start');
  clock.ms += 500;
  assert.equal(linesOf(reader).length, 1);
});

test('the node is in a line where it is among the fields, and agent events and loss are told at once', () => {
  const { clock, observer, reader, push } = setUp(['node_name']);
  push(pods('a', 'b'));
  const event: AgentEvent = { type: 2 };
  observer.pushAgentEvent(event);
  observer.pushLost({ num_events_lost: 3 });
  const told = linesOf(reader);
  assert.deepEqual(
    told.map((line) => Object.keys(JSON.parse(line) as object)[0]),
    ['agent_event', 'lost_events'],
  );
  clock.ms += 1_000;
  assert.match(linesOf(reader).join(), /^\{"flow":\{.*"node_name":"c\/n".*\},"node_name":"c\/n","time":/);
});

test('filters say what is counted', () => {
  const { clock, reader, push } = setUp(['verdict'], 1_000, [{ verdict: [2] }]);
  push(pods('a', 'b'));
  push(pods('a', 'b', { verdict: 2 }));
  assert.deepEqual(linesOf(reader), []);
  clock.ms += 1_000;
  assert.deepEqual(linesOf(reader).map(flowsIn), [1]);
});

test('what is counted has a bound, at which it is told early', () => {
  const many = createAggregator((flow) => flow, 1_000, 0);
  let added = 0;
  for (; !many.isDue(0); added++) many.add({ uuid: String(added) });
  assert.equal(added, 10_000);
  assert.equal(many.take(0).length, 10_000);
  assert.equal(many.isDue(0), false);
  const large = createAggregator((flow) => flow, 1_000, 0);
  for (added = 0; !large.isDue(0); added++) large.add({ uuid: `${added}${'x'.repeat(100_000)}` });
  assert.equal(added, 84);
});

test('what was counted is written when the exporter ends, and counts in full when it cannot be written', async () => {
  const observer: Observer = createObserver({
    nodeName: 'c/n',
    version: '1',
    now: () => BigInt(Date.now()) * 1_000_000n,
  });
  const written: string[] = [];
  let refuses = true;
  const sink: LineSink = {
    append: async (lines) => {
      if (refuses) throw new Error('full');
      written.push(...lines);
    },
    close: async () => {},
  };
  const aggregation = { fields: ['verdict'], intervalMs: 400 };
  const reader = observer.exportLines({ allow: [], deny: [], fieldMask: [], aggregation });
  assert.ok(reader.ok);
  let failed = (): void => {};
  const failing = new Promise<void>((resolve) => {
    failed = resolve;
  });
  const exporter = startExporter({
    reader: reader.value,
    sink,
    nodeName: 'c/n',
    endMs: undefined,
    now: Date.now,
    onState: () => failed(),
  });
  for (let count = 0; count < 5; count++) observer.push(pods('a', 'b'));
  await failing;
  refuses = false;
  for (let count = 0; count < 3; count++) observer.push(pods('a', 'b'));
  await exporter.stop();
  const read = written.map((line) => JSON.parse(line) as Record<string, Record<string, unknown>>);
  assert.equal(read[0]?.['lost_events']?.['num_events_lost'], '5');
  assert.deepEqual(read[1]?.['flow']?.['aggregate'], { unknown_direction_flow_count: 3 });
  assert.equal(read.length, 2);
});
