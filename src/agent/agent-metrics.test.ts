import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DnsEvent, HttpEvent, PacketEvent } from '../model/flow/index.ts';
import { createAgentMetrics } from './agent-metrics.ts';
import type { FlowEvent } from './flows.ts';

const place = { address: '10.244.1.2', port: 40_000 };
const request: HttpEvent = {
  kind: 'http',
  way: { listener: 'cilium-http-egress' },
  direction: 'egress',
  startNs: 0n,
  latencyNs: 0n,
  source: place,
  destination: place,
  method: 'GET',
  url: 'http://echo/',
  protocol: 'HTTP/1.1',
  requestHeaders: [],
  responseHeaders: [],
  status: 200,
  verdicts: { egress: { denied: false, rules: [] } },
};
const question: DnsEvent = {
  kind: 'dns',
  timeNs: 0n,
  type: 'request',
  client: place,
  server: place,
  transport: 'udp',
  query: 'echo.',
  queryTypes: ['A'],
  denied: false,
  rules: [],
};
const drop: PacketEvent = { kind: 'drop', timeNs: 0n, packet: new Uint8Array(), direction: 'egress', dropReason: 133 };

const learnt = [
  { endpoint: '10.244.1.2', name: 'a.example', address: '192.0.2.1', leftMs: 5_000 },
  { endpoint: '10.244.1.2', name: 'b.example', address: '192.0.2.1', leftMs: 5_000 },
  { endpoint: '10.244.1.2', name: 'c.example', address: '192.0.2.3', leftMs: 0 },
  { endpoint: '10.244.1.3', name: 'a.example', address: '192.0.2.1', leftMs: 5_000 },
];

function metricsOf() {
  return createAgentMetrics({
    version: '1',
    plan: () => undefined,
    policyRevision: () => 0,
    learnt: () => learnt,
    endpointId: (address) => (address === '10.244.1.2' ? 7 : 8),
  });
}

async function samples(metrics: ReturnType<typeof metricsOf>, wanted: RegExp): Promise<readonly string[]> {
  return (await metrics.text()).body.split('\n').filter((line) => wanted.test(line) && !line.endsWith(' 0'));
}

const l7 = (rule: string, proxy: string, count: number): string =>
  `cilium_policy_l7_total{rule="${rule}",proxy_type="${proxy}"} ${count}`;

const cases: readonly (readonly [what: string, events: readonly FlowEvent[], expected: readonly string[]])[] = [
  ['request and response', [request], [l7('received', 'envoy', 2), l7('forwarded', 'envoy', 2)]],
  [
    'refused by ingress rules',
    [{ ...request, status: 403, verdicts: { ingress: { denied: true, rules: [] } } }],
    [l7('received', 'envoy', 1), l7('denied', 'envoy', 1)],
  ],
  [
    'question and answer',
    [question, { ...question, type: 'response' }],
    [l7('received', 'fqdn', 2), l7('forwarded', 'fqdn', 2)],
  ],
  ['refused question', [{ ...question, denied: true }], [l7('received', 'fqdn', 1), l7('denied', 'fqdn', 1)]],
  [
    'drops, and no other packets',
    [drop, drop, { ...drop, kind: 'trace' }],
    ['cilium_drop_count_total{reason="Policy denied",direction="EGRESS"} 2'],
  ],
];

test('what proxies handle and what is dropped is counted', async () => {
  for (const [what, events, expected] of cases) {
    const metrics = metricsOf();
    for (const event of events) metrics.event(event);
    const seen = await samples(metrics, /^cilium_(?:policy_l7|drop_count)_total\{/);
    assert.deepEqual([...seen].sort(), [...expected].sort(), what);
  }
});

test('names learnt show by endpoint when they are asked for', async () => {
  assert.deepEqual(await samples(metricsOf(), /^cilium_fqdn_/), [
    'cilium_fqdn_active_names{endpoint="7"} 2',
    'cilium_fqdn_active_names{endpoint="8"} 1',
    'cilium_fqdn_active_ips{endpoint="7"} 1',
    'cilium_fqdn_active_ips{endpoint="8"} 1',
    'cilium_fqdn_alive_zombie_connections{endpoint="7"} 1',
  ]);
});

test('rounds are timed by how they ended', async () => {
  const metrics = metricsOf();
  metrics.regenerated('success', 0.02);
  metrics.regenerated('failure', 3);
  assert.deepEqual(await samples(metrics, /^cilium_endpoint_regeneration_time_stats_seconds_count/), [
    'cilium_endpoint_regeneration_time_stats_seconds_count{scope="total",status="success"} 1',
    'cilium_endpoint_regeneration_time_stats_seconds_count{scope="total",status="failure"} 1',
  ]);
});
