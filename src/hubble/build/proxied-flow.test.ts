import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DnsEvent, type Endpoint, enumName, type Flow, type HttpEvent } from '../../model/flow/index.ts';
import { buildFlow } from './flow.ts';
import type { FlowLookups } from './lookups.ts';

// What the flows of requests and DNS messages say of their ends, after Cilium's `pkg/hubble/parser/seven`: a response is from the server to the client, a Service
// is that of the address and port, and names are those that the other end has asked for. Ours alone: the Service that the client asked for where the
// data plane chose the backend, and workloads of pods on other nodes.

const pod = (name: string, identity: number, id = 0): Endpoint => ({
  ...(id > 0 && { ID: id }),
  identity,
  namespace: 'shop',
  pod_name: `${name}-1`,
  workloads: [{ name, kind: 'Deployment' }],
});
const endpoints = new Map([
  ['10.1.0.1', pod('cart', 300, 1)],
  ['10.1.0.2', pod('web', 400, 2)],
  ['10.2.0.2', pod('far', 500)],
  ['10.2.0.53', pod('coredns', 600)],
]);
const names = new Map([
  ['10.1.0.1 203.0.113.10', ['api.example.org', 'example.org']],
  ['10.1.0.1 10.2.0.2', ['far-0.far.shop.svc.cluster.local']],
  ['10.1.0.2 198.51.100.7', ['client.example.net']],
]);
const lookups: FlowLookups = {
  nodeName: 'c/n',
  endpoint: (address) => endpoints.get(address),
  service: (address, port) => (address === '10.96.0.9' && port === 80 ? { name: 'web', namespace: 'shop' } : undefined),
  names: (endpoint, address) => names.get(`${endpoint} ${address}`) ?? [],
  policyRevision: 1,
  rule: () => undefined,
  closing: () => [],
};

const end = (text: string): { address: string; port: number } => {
  const [address = '', port] = text.split(':');
  return { address, port: Number(port) };
};

const trace = '0af7651916cd43dd8448eb211c80319c';
const traceParent = `00-${trace}-b7ad6b7169203331-01`;

function http(from: string, to: string, change: Partial<HttpEvent> = {}): HttpEvent {
  return {
    kind: 'http',
    way: { listener: 'cilium-http-egress' },
    direction: 'egress',
    startNs: 0n,
    latencyNs: 1n,
    source: end(from),
    destination: end(to),
    method: 'GET',
    url: 'http://web/',
    protocol: 'HTTP/1.1',
    requestHeaders: [{ key: 'X-Request-Id', value: 'r' }],
    responseHeaders: [],
    status: 200,
    verdicts: {},
    ...change,
  };
}

function dns(type: DnsEvent['type'], denied = false): DnsEvent {
  return {
    kind: 'dns',
    timeNs: 0n,
    type,
    client: end('10.1.0.1:5000'),
    server: end('10.2.0.53:53'),
    transport: 'udp',
    query: 'example.org.',
    queryTypes: ['A'],
    denied,
    rules: [],
  };
}

const refused = { egress: { denied: true, rules: [] } };
const traced = (value: string): Partial<HttpEvent> => ({
  status: 0,
  requestHeaders: [{ key: 'Traceparent', value }],
});

const cases: readonly [what: string, event: HttpEvent | DnsEvent, flows: readonly string[]][] = [
  [
    'egress to a pod of this node',
    http('10.1.0.1:4000', '10.1.0.2:80'),
    ['EGRESS FORWARDED request cart#1 -> web#2', 'EGRESS FORWARDED response web#2 -> cart#1'],
  ],
  [
    'egress to a pod of another node, whose own name the client has asked for',
    http('10.1.0.1:4000', '10.2.0.2:80'),
    [
      'EGRESS FORWARDED request cart#1 -> far#0 (far-0.far.shop.svc.cluster.local)',
      'EGRESS FORWARDED response far#0 (far-0.far.shop.svc.cluster.local) -> cart#1',
    ],
  ],
  [
    'egress to the world by name',
    http('10.1.0.1:4000', '203.0.113.10:80'),
    [
      'EGRESS FORWARDED request cart#1 -> world (api.example.org,example.org)',
      'EGRESS FORWARDED response world (api.example.org,example.org) -> cart#1',
    ],
  ],
  [
    'egress to the world, where another pod has asked for the name',
    http('10.1.0.2:4000', '203.0.113.10:80'),
    ['EGRESS FORWARDED request web#2 -> world', 'EGRESS FORWARDED response world -> web#2'],
  ],
  [
    'egress to a Service of which the data plane chose a backend',
    http('10.1.0.1:4000', '10.1.0.2:8080', { frontend: end('10.96.0.9:80') }),
    ['EGRESS FORWARDED request cart#1 -> web#2 of shop/web', 'EGRESS FORWARDED response web#2 of shop/web -> cart#1'],
  ],
  [
    'egress to a Service that no backend was chosen for',
    http('10.1.0.1:4000', '10.96.0.9:80', { status: 503 }),
    ['EGRESS FORWARDED request cart#1 -> ? of shop/web', 'EGRESS FORWARDED response ? of shop/web -> cart#1'],
  ],
  [
    'ingress from the world',
    http('198.51.100.7:4000', '10.1.0.2:80', { direction: 'ingress' }),
    [
      'INGRESS FORWARDED request world (client.example.net) -> web#2',
      'INGRESS FORWARDED response web#2 -> world (client.example.net)',
    ],
  ],
  [
    'ingress from a pod of another node',
    http('10.2.0.2:4000', '10.1.0.2:80', { direction: 'ingress' }),
    ['INGRESS FORWARDED request far#0 -> web#2', 'INGRESS FORWARDED response web#2 -> far#0'],
  ],
  [
    'a request that is refused has no response',
    http('10.1.0.1:4000', '10.1.0.2:80', { verdicts: refused, status: 403 }),
    ['EGRESS DROPPED request cart#1 -> web#2'],
  ],
  [
    'a request that nobody answered',
    http('10.1.0.1:4000', '10.1.0.2:80', { status: 0 }),
    ['EGRESS FORWARDED request cart#1 -> web#2'],
  ],
  [
    'request and response are of the trace that the request names',
    http('10.1.0.1:4000', '10.1.0.2:80', { ...traced(traceParent), status: 200 }),
    [`EGRESS FORWARDED request cart#1 -> web#2 ${trace}`, `EGRESS FORWARDED response web#2 -> cart#1 ${trace}`],
  ],
  ...[`00-${'0'.repeat(32)}-b7ad6b7169203331-01`, `${traceParent}-more`, `ff-${trace}-b7ad6b7169203331-01`, trace].map(
    (value): (typeof cases)[number] => [
      `no trace is named by ${value}`,
      http('10.1.0.1:4000', '10.1.0.2:80', traced(value)),
      ['EGRESS FORWARDED request cart#1 -> web#2'],
    ],
  ),
  ['a DNS question', dns('request'), ['EGRESS FORWARDED request cart#1 -> coredns#0']],
  ['a DNS question that is refused', dns('request', true), ['EGRESS DROPPED request cart#1 -> coredns#0']],
  ['a DNS answer', dns('response'), ['EGRESS FORWARDED response coredns#0 -> cart#1']],
];

for (const [what, event, expected] of cases) {
  test(`proxied flows: ${what}`, () => {
    assert.deepEqual(buildFlow(event, lookups, () => 'uuid').map(described), expected);
  });
}

function described(flow: Flow): string {
  assert.equal(flow.is_reply?.value, flow.reply ?? false);
  assert.equal(flow.l7?.type === 2, flow.reply ?? false);
  const words = [
    enumName('flow.TrafficDirection', flow.traffic_direction ?? 0),
    enumName('flow.Verdict', flow.verdict ?? 0),
    flow.reply ? 'response' : 'request',
    sideText(flow.source, flow.source_service, flow.source_names),
    '->',
    sideText(flow.destination, flow.destination_service, flow.destination_names),
    flow.trace_context?.parent?.trace_id ?? '',
  ];
  return words.filter((word) => word !== '').join(' ');
}

function sideText(endpoint: Flow['source'], service: Flow['source_service'], known: readonly string[] = []): string {
  const { ID: id = 0, identity, workloads = [] } = endpoint ?? {};
  const who = workloads.map(({ name }) => `${name}#${id}`).join(',') || (identity === 2 ? 'world' : '?');
  return [
    who,
    ...(service ? [`of ${service.namespace}/${service.name}`] : []),
    ...(known.length > 0 ? [`(${known.join(',')})`] : []),
  ].join(' ');
}
