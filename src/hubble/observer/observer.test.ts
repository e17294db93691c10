import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  decodeMessage,
  EncodedMessage,
  type Flow,
  type GetFlowsRequest,
  type GetFlowsResponse,
  toBigint,
  toTimestamp,
} from '../../model/flow/index.ts';
import { createObserver, type Observer } from './observer.ts';
import { type EventReader, type FlowMessage, openReader } from './reader.ts';
import { createEventStore, type Entry } from './store.ts';

const second = 1_000_000_000n;
let nowNs = 1000n * second;

function observerWith(count: number, capacity = 4095): Observer {
  nowNs = 1000n * second;
  const observer = createObserver({ nodeName: 'n1', version: 'v1', capacity, now: () => nowNs });
  for (let index = 0; index < count; index++) observer.push(flow(index));
  return observer;
}

function flow(index: number): Flow {
  return {
    uuid: String(index),
    time: toTimestamp(BigInt(index) * second),
    node_name: 'n1',
    verdict: index % 2 === 0 ? 1 : 2,
    source: { namespace: `ns${index % 3}`, pod_name: 'p', identity: index },
  };
}

function open(observer: Observer, request: GetFlowsRequest): EventReader<FlowMessage> {
  const reader = observer.getFlows(request);
  assert.ok(reader.ok, reader.ok ? '' : reader.error.details);
  return reader.value;
}

function drain(reader: EventReader<FlowMessage>): GetFlowsResponse[] {
  const out: GetFlowsResponse[] = [];
  for (let message = reader.next(); message !== undefined; message = reader.next()) {
    out.push(message instanceof EncodedMessage ? decodeMessage('observer.GetFlowsResponse', message.bytes) : message);
  }
  return out;
}

function told(responses: readonly GetFlowsResponse[]): string {
  return responses
    .map(({ flow: found, lost_events: lost }) => found?.uuid ?? `lost ${toBigint(lost?.num_events_lost)}`)
    .join(' ');
}

test('where reading starts and ends', () => {
  const cases: readonly [GetFlowsRequest, string][] = [
    [{}, '0 1 2 3 4 5 6 7 8 9'],
    [{ number: 3 }, '7 8 9'],
    [{ number: '18446744073709551615' }, '0 1 2 3 4 5 6 7 8 9'],
    [{ number: 3, first: true }, '0 1 2'],
    [{ number: 2, whitelist: [{ verdict: [2] }] }, '7 9'],
    [{ number: 2, first: true, blacklist: [{ verdict: [2] }] }, '0 2'],
    [{ since: { seconds: 6 } }, '6 7 8 9'],
    [{ since: { seconds: 6 }, number: 2 }, '6 7'],
    [{ since: { seconds: 2 }, until: { seconds: 4 } }, '2 3 4'],
    [{ until: { seconds: 4 }, number: 2 }, '3 4'],
    [{ since: { seconds: 99 } }, ''],
    [{ follow: true }, ''],
    [{ follow: true, number: 2 }, '8 9'],
    [{ follow: true, since: { seconds: 8 } }, '8 9'],
    [{ follow: true, since: { seconds: 3 }, until: { seconds: 4 } }, '3 4'],
  ];
  for (const [request, expected] of cases) {
    assert.equal(told(drain(open(observerWith(10), request))), expected, JSON.stringify(request));
  }
});

test('a long search leaves turns to others and finds the same', async () => {
  const last = 3999;
  const cases: readonly [GetFlowsRequest, string][] = [
    [{ number: 1, whitelist: [{ uuid: ['7'] }] }, '7'],
    [{ number: 2, whitelist: [{ uuid: ['7'] }] }, '7'],
    [{ first: true, number: 1, whitelist: [{ uuid: [String(last)] }] }, String(last)],
    [{ since: { seconds: last - 1 } }, `${last - 1} ${last}`],
    [{ whitelist: [{ uuid: ['none'] }] }, ''],
  ];
  const { signal } = new AbortController();
  for (const [request, expected] of cases) {
    const reader = open(observerWith(last + 1), request);
    const found = drain(reader);
    let turns = 0;
    for (; !reader.finished(); turns++) {
      let others = 0;
      setImmediate(() => others++);
      await reader.wait(signal);
      assert.equal(others, 1);
      found.push(...drain(reader));
    }
    assert.equal(told(found), expected, JSON.stringify(request));
    assert.ok(turns > 10, `${turns} turns`);
  }
});

test('a filter is asked about no flow that is out of the time asked for', () => {
  const store = createEventStore(10);
  for (let index = 0; index < 10; index++) store.pushFlow(flow(index), nowNs);
  const asked: bigint[] = [];
  const wanted = ({ timeNs }: Entry): boolean => asked.push(timeNs / second) > 0;
  const surroundings = { store, nodeName: 'n1', now: () => nowNs };
  const reader = openReader({ since: { seconds: 8 } }, surroundings, { wanted, message: () => 'wanted' });
  assert.ok(reader.ok);
  assert.deepEqual([reader.value.next(), reader.value.next(), reader.value.next()], ['wanted', 'wanted', undefined]);
  assert.deepEqual(asked, [8n, 9n]);
});

test('what is refused', () => {
  const cases: readonly [GetFlowsRequest, RegExp, number?][] = [
    [{ first: true, follow: true }, /^first cannot be specified with follow$/, 3],
    [{ whitelist: [{ protocol: ['x'] }] }, /^invalid protocol filter: unknown protocol: "x"$/],
    [{ field_mask: { paths: ['source.nope'] } }, /"source.nope"/],
    [{ field_mask: { paths: ['egress_allowed_by.name'] } }, /"egress_allowed_by.name"/],
  ];
  for (const [request, expected, code = 2] of cases) {
    const reader = observerWith(1).getFlows(request);
    assert.ok(!reader.ok);
    assert.equal(reader.error.code, code);
    assert.match(reader.error.details, expected);
  }
});

test('a full ring forgets the oldest', () => {
  assert.equal(told(drain(open(observerWith(10, 4), {}))), '6 7 8 9');
  assert.equal(told(drain(open(observerWith(10, 4), { number: 100 }))), '6 7 8 9');
});

test('a slow reader is told what it lost and goes on', () => {
  const observer = observerWith(4, 4);
  const reader = open(observer, { follow: true, number: 4, whitelist: [{ verdict: [1] }] });
  assert.equal(told([decode(reader.next())]), '0');
  for (let index = 4; index < 12; index++) observer.push(flow(index));
  nowNs += 5n * second;
  assert.equal(told(drain(reader)), 'lost 7 8 10');
  assert.equal(reader.finished(), false);
});

function decode(message: FlowMessage | undefined): GetFlowsResponse {
  assert.ok(message instanceof EncodedMessage);
  return decodeMessage('observer.GetFlowsResponse', message.bytes);
}

test('loss before the ring passes every filter', () => {
  const observer = observerWith(1);
  observer.pushLost({ source: 2, num_events_lost: 9 });
  assert.equal(told(drain(open(observer, { whitelist: [{ uuid: ['none'] }], number: 1 }))), 'lost 9');
});

test('a follower wakes when something is pushed, and when it is cancelled', async () => {
  const observer = observerWith(0);
  const reader = open(observer, { follow: true });
  assert.equal(reader.next(), undefined);
  const stop = new AbortController();
  const waiting = reader.wait(stop.signal);
  observer.push(flow(1));
  await waiting;
  assert.equal(told(drain(reader)), '1');
  const again = reader.wait(stop.signal);
  stop.abort();
  await again;
});

test('a mask keeps the named fields alone, the envelope included', () => {
  const masked = drain(
    open(observerWith(2), { number: 1, field_mask: { paths: ['source.pod_name', 'verdict', 'source'] } }),
  );
  assert.deepEqual(masked, [{ flow: { source: flow(1).source, verdict: 2 } }]);
  const named = drain(
    open(observerWith(2), { number: 1, field_mask: { paths: ['source.pod_name', 'time', 'node_name', 'IP.source'] } }),
  );
  assert.deepEqual(named, [
    {
      flow: { source: { pod_name: 'p' }, time: { seconds: 1, nanos: 0 }, node_name: 'n1' },
      node_name: 'n1',
      time: { seconds: 1, nanos: 0 },
    },
  ]);
});

test('status and namespaces', () => {
  const observer = observerWith(10, 7);
  nowNs += 30n * second;
  const { flows_rate: rate, ...status } = observer.status();
  assert.deepEqual(status, { num_flows: 7, max_flows: 7, seen_flows: 10, uptime_ns: 30e9, version: 'v1' });
  assert.equal(rate, 0);
  assert.deepEqual(observer.namespaces(), {
    namespaces: [{ namespace: 'ns0' }, { namespace: 'ns1' }, { namespace: 'ns2' }],
  });
  nowNs += 3601n * second;
  assert.deepEqual(observer.namespaces(), { namespaces: [] });
});

test('agent events share the ring and have their own stream', () => {
  const observer = observerWith(2);
  observer.pushAgentEvent({ type: 7, endpoint_update: { id: 1 } });
  assert.equal(told(drain(open(observer, {}))), '0 1');
  const reader = observer.getAgentEvents({});
  assert.ok(reader.ok);
  assert.deepEqual(reader.value.next()?.agent_event, { type: 7, endpoint_update: { id: 1 } });
  assert.equal(reader.value.next(), undefined);
  assert.equal(reader.value.finished(), true);
});

test('the answer equals a plain filter over the same ring', () => {
  const request = fc.record({
    number: fc.nat(12),
    first: fc.boolean(),
    verdict: fc.constantFrom([], [1], [2], [1, 2]),
    namespace: fc.constantFrom(undefined, 'ns0/', 'ns1/p'),
  });
  fc.assert(
    fc.property(fc.nat(20), request, (count, { number, first, verdict, namespace }) => {
      const observer = observerWith(count, 8);
      const kept = Array.from({ length: count }, (_, index) => flow(index)).slice(-8);
      const matching = kept.filter(
        ({ verdict: found = 0, source }) =>
          (verdict.length === 0 || verdict.includes(found as never)) &&
          (namespace === undefined || namespace.startsWith(`${source?.namespace}/`)),
      );
      const expected = number === 0 ? matching : first ? matching.slice(0, number) : matching.slice(-number);
      const whitelist = [{ verdict: [...verdict], ...(namespace && { source_pod: [namespace] }) }];
      const found = drain(open(observer, { number, first, whitelist }));
      assert.equal(told(found), expected.map(({ uuid }) => uuid).join(' '));
    }),
  );
});
