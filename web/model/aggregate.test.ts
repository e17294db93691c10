import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addFlow, createServiceMap, edgeState, type ServiceMap } from './aggregate.ts';
import { type Flow, readFlow } from './flow.ts';

const startMs = Date.parse('2026-01-01T00:00:00Z');

function flow(from: string, to: string, more: Flow & { readonly second?: number } = {}): Flow {
  const { second = 0, ...rest } = more;
  return {
    time: new Date(startMs + second * 1000).toISOString(),
    verdict: 'FORWARDED',
    source: { namespace: 'a', workloads: [{ name: from }] },
    destination: { namespace: 'a', workloads: [{ name: to }] },
    l4: { TCP: { source_port: 40_000, destination_port: 80 } },
    ...rest,
  };
}

function mapOf(flows: readonly Flow[]): ServiceMap {
  const map = createServiceMap();
  for (const each of flows) addFlow(map, readFlow(each));
  return map;
}

const verdictCases: readonly { readonly verdicts: readonly string[]; readonly shown: string }[] = [
  { verdicts: ['FORWARDED', 'REDIRECTED', 'TRACED'], shown: 'forwarded' },
  { verdicts: ['DROPPED'], shown: 'dropped' },
  { verdicts: ['DROPPED', 'FORWARDED'], shown: 'mixed' },
  { verdicts: ['AUDIT', 'FORWARDED'], shown: 'audited' },
  { verdicts: ['ERROR'], shown: 'error' },
];

for (const { verdicts, shown } of verdictCases) {
  test(`an arrow of ${verdicts.join(', ')} is ${shown}`, () => {
    const map = mapOf(verdicts.map((verdict) => flow('x', 'y', { verdict })));
    const [edge] = map.edges.values();
    assert.ok(edge);
    assert.equal(edgeState(edge, startMs, 10).verdict, shown);
  });
}

test('the last minute decides how an arrow looks, and an idle one keeps its look', () => {
  const map = mapOf([flow('x', 'y', { verdict: 'DROPPED' }), flow('x', 'y', { second: 100 })]);
  const [edge] = map.edges.values();
  assert.ok(edge);
  assert.equal(edgeState(edge, startMs + 100_000, 10).verdict, 'forwarded');
  const idle = edgeState(edge, startMs + 900_000, 10);
  assert.deepEqual([idle.verdict, idle.isIdle, idle.rate], ['mixed', true, 0]);
});

test('a request that both proxies saw is counted once in the rate', () => {
  const request: Flow = { l7: { type: 'REQUEST', http: { method: 'GET', url: '/x' } } };
  const both = (['EGRESS', 'INGRESS'] as const).map((traffic_direction) =>
    flow('x', 'y', { ...request, traffic_direction }),
  );
  const map = mapOf([...both, flow('x', 'y')]);
  const [edge] = map.edges.values();
  assert.ok(edge);
  assert.equal(edgeState(edge, startMs, 1).rate, 1);
});

test('calls are rows of their port, with denials, errors and latency', () => {
  const http = { method: 'GET', url: 'http://y/x/1' };
  const answer: Flow = {
    is_reply: true,
    source: { namespace: 'a', workloads: [{ name: 'y' }] },
    destination: { namespace: 'a', workloads: [{ name: 'x' }] },
    l4: { TCP: { source_port: 80, destination_port: 40_000 } },
    l7: { type: 'RESPONSE', latency_ns: '5000000', http: { ...http, code: 503 } },
  };
  const map = mapOf([
    flow('x', 'y', { l7: { type: 'REQUEST', http } }),
    flow('x', 'y', { l7: { type: 'REQUEST', http }, verdict: 'DROPPED' }),
    flow('x', 'y', answer),
  ]);
  const row = map.cards.get('a/y')?.accessPoints.get('TCP:80')?.rows.get('GET /x/*');
  assert.ok(row);
  assert.deepEqual([row.total, row.denied, row.responses, row.errors, row.latencySumMs], [2, 1, 1, 1, 5]);
  assert.equal(map.cards.get('a/x')?.accessPoints.size, 0);
});

test('a map stays bounded whatever comes', () => {
  const map = createServiceMap();
  for (let index = 0; index < 3000; index++) {
    const call: Flow = { l7: { type: 'REQUEST', http: { method: 'GET', url: `/path-${index}` } } };
    addFlow(map, readFlow(flow(`client-${index}`, 'y', call)));
    addFlow(map, readFlow(flow('x', 'y', { l4: { TCP: { destination_port: index } } })));
  }
  assert.equal(map.cards.size, 400);
  assert.ok(map.edges.size <= 2_000);
  assert.equal(map.cards.get('a/y')?.accessPoints.get('TCP:80')?.rows.size, 20);
  assert.ok(map.omitted > 2_000);
});
