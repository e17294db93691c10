import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Flow, HttpEvent } from '../../model/flow/index.ts';
import { requestSpan } from './span.ts';
import { parseTraceParent } from './trace-parent.ts';

const event: HttpEvent = {
  kind: 'http',
  way: { listener: 'cilium-http-egress' },
  direction: 'egress',
  startNs: 10n,
  latencyNs: 5n,
  source: { address: '10.0.0.1', port: 40_000 },
  destination: { address: '10.0.0.2', port: 8080 },
  method: 'GET',
  url: 'http://web:8080/a?b=1',
  protocol: 'HTTP/1.1',
  requestHeaders: [{ key: 'User-Agent', value: 'curl/8' }],
  responseHeaders: [],
  status: 200,
  verdicts: {},
};

const flow: Flow = {
  verdict: 1,
  traffic_direction: 2,
  IP: { source: '10.0.0.1', destination: '10.0.0.2', ipVersion: 1 },
  l4: { TCP: { source_port: 40_000, destination_port: 8080 } },
  source: { identity: 7, namespace: 'shop', pod_name: 'cart-1', workloads: [{ name: 'cart', kind: 'Deployment' }] },
  destination: { identity: 8, namespace: 'shop', pod_name: 'web-1' },
  destination_service: { name: 'web', namespace: 'shop' },
  l7: {
    type: 1,
    http: {
      method: 'GET',
      url: 'http://web:8080/a?b=1',
      protocol: 'HTTP/1.1',
      headers: [{ key: 'User-Agent', value: 'HUBBLE_REDACTED' }],
    },
  },
};

test('a request that was answered', () => {
  assert.deepEqual(requestSpan(event, flow), {
    workload: { name: 'cart', namespace: 'shop', kind: 'Deployment' },
    name: 'GET',
    kind: 'client',
    startNs: 10n,
    endNs: 15n,
    parent: undefined,
    attributes: {
      'http.request.method': 'GET',
      'url.full': 'http://web:8080/a?b=1',
      'url.scheme': 'http',
      'url.path': '/a',
      'url.query': 'b=1',
      'server.address': 'web',
      'server.port': 8080,
      'http.response.status_code': 200,
      'network.protocol.name': 'http',
      'network.protocol.version': '1.1',
      'network.transport': 'tcp',
      'network.type': 'ipv4',
      'network.peer.address': '10.0.0.2',
      'network.peer.port': 8080,
      'client.address': '10.0.0.1',
      'client.port': 40_000,
      'user_agent.original': 'HUBBLE_REDACTED',
      'source.address': '10.0.0.1',
      'source.port': 40_000,
      'source.k8s.namespace.name': 'shop',
      'source.k8s.pod.name': 'cart-1',
      'source.k8s.workload.name': 'cart',
      'source.k8s.workload.kind': 'Deployment',
      'source.cilium.identity': 7,
      'destination.address': '10.0.0.2',
      'destination.port': 8080,
      'destination.k8s.namespace.name': 'shop',
      'destination.k8s.pod.name': 'web-1',
      'destination.k8s.service.name': 'web',
      'destination.cilium.identity': 8,
      'cilium.verdict': 'FORWARDED',
    },
    error: undefined,
  });
});

test('what differs from it', () => {
  const policies = [
    { kind: 'CiliumNetworkPolicy', namespace: 'shop', name: 'only-get' },
    { kind: 'CiliumNetworkPolicy', namespace: 'shop', name: 'only-get' },
    { kind: 'CiliumClusterwideNetworkPolicy', name: 'all' },
  ];
  const http = (url: string): Partial<Flow> => ({ l7: { type: 1, http: { url } } });
  const cases: readonly [string, Partial<HttpEvent>, Partial<Flow>, Readonly<Record<string, unknown>>][] = [
    [
      'a server',
      {},
      { traffic_direction: 1 },
      { kind: 'server', service: 'web-1', error: undefined, 'network.peer.address': '10.0.0.1' },
    ],
    ['a fault of the client, at the client', { status: 404 }, {}, { error: 'HTTP 404', 'error.type': '404' }],
    [
      'a fault of the client, at the server',
      { status: 404 },
      { traffic_direction: 1 },
      { error: undefined, 'error.type': undefined },
    ],
    [
      'a fault of the server, at the server',
      { status: 503 },
      { traffic_direction: 1 },
      { error: 'HTTP 503', 'error.type': '503' },
    ],
    [
      'no answer',
      { status: 0 },
      {},
      { error: 'no response', 'error.type': '_OTHER', 'http.response.status_code': undefined },
    ],
    [
      'a denial by rules',
      { status: 403 },
      { verdict: 2, egress_denied_by: policies },
      {
        error: 'denied by CiliumNetworkPolicy shop/only-get, CiliumClusterwideNetworkPolicy all',
        'error.type': 'policy_denied',
        'http.response.status_code': 403,
        'cilium.verdict': 'DROPPED',
        'cilium.policy.denied_by': ['CiliumNetworkPolicy shop/only-get', 'CiliumClusterwideNetworkPolicy all'],
      },
    ],
    [
      'a denial because nothing allows',
      { status: 0 },
      { verdict: 2 },
      { error: 'denied: no policy allows it', 'http.response.status_code': 403, 'cilium.policy.denied_by': [] },
    ],
    [
      'another method',
      { method: 'PURGE' },
      {},
      { name: 'HTTP', 'http.request.method': '_OTHER', 'http.request.method_original': 'PURGE' },
    ],
    [
      'a password',
      {},
      http('http://me:HUBBLE_REDACTED@web/'),
      { 'url.full': 'http://web/', 'server.port': 80, 'url.query': undefined },
    ],
    [
      'a signature',
      {},
      http('https://web/a?x=1&sig=abc#f'),
      { 'url.full': 'https://web/a?x=1&sig=REDACTED#f', 'url.query': 'x=1&sig=REDACTED', 'server.port': 443 },
    ],
    [
      'an address of IPv6',
      {},
      http('http://[fd00::1]:81'),
      { 'server.address': 'fd00::1', 'server.port': 81, 'url.path': '/' },
    ],
    ['no URL', {}, http('*'), { 'url.full': undefined, 'server.address': undefined }],
    ['the world', {}, { source: { identity: 2, labels: ['reserved:world'] } }, { service: 'world' }],
  ];
  for (const [what, changedEvent, changedFlow, expected] of cases) {
    const span = requestSpan({ ...event, ...changedEvent }, { ...flow, ...changedFlow });
    const found: Record<string, unknown> = { ...span.attributes, ...span, service: span.workload.name };
    for (const [key, value] of Object.entries(expected)) assert.deepEqual(found[key], value, `${what}: ${key}`);
  }
});

test('the span that asked', () => {
  const [trace, span] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'];
  const parent = (sampled: boolean) => ({ traceId: trace, spanId: span, sampled });
  const cases: readonly [string | undefined, unknown][] = [
    [`00-${trace}-${span}-01`, parent(true)],
    [`00-${trace}-${span}-00`, parent(false)],
    [`00-${trace}-${span}-03`, parent(true)],
    [`01-${trace}-${span}-01-more`, parent(true)],
    [`00-${trace}-${span}-01-more`, undefined],
    [`ff-${trace}-${span}-01`, undefined],
    [`00-${'0'.repeat(32)}-${span}-01`, undefined],
    [`00-${trace}-${'0'.repeat(16)}-01`, undefined],
    [`00-${trace.toUpperCase()}-${span}-01`, undefined],
    ['', undefined],
    [undefined, undefined],
  ];
  for (const [header, expected] of cases) assert.deepEqual(parseTraceParent(header), expected, header);
  const asked = requestSpan(
    { ...event, requestHeaders: [{ key: 'Traceparent', value: `00-${trace}-${span}-01` }] },
    flow,
  );
  assert.deepEqual(asked.parent, parent(true));
});
