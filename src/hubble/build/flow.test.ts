import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Endpoint,
  encodeMessage,
  type Flow,
  type HttpEvent,
  type PacketEvent,
  printJson,
  type TlsEvent,
} from '../../model/flow/index.ts';
import type { RuleReference } from '../../plan/index.ts';
import { createPrinter } from '../printer/printer.ts';
import { buildFlow } from './flow.ts';
import type { FlowLookups } from './lookups.ts';
import { parsePacket } from './packet.ts';

const client: Endpoint = { ID: 1, identity: 300, namespace: 'cilium-test', pod_name: 'client2-a' };
const echo: Endpoint = { ID: 2, identity: 400, namespace: 'cilium-test', pod_name: 'echo-same-node-b' };
const dns: Endpoint = { identity: 500, namespace: 'kube-system', pod_name: 'coredns-c' };
const endpoints = new Map([
  ['10.244.1.10', client],
  ['10.244.1.11', echo],
  ['10.244.1.12', dns],
  ['10.244.1.1', { identity: 1 }],
]);
const rule: RuleReference = {
  kind: 'CiliumNetworkPolicy',
  namespace: 'cilium-test',
  name: 'client-egress-l7-http',
  path: 'spec.egress[0]',
  labels: ['k8s:io.cilium.k8s.policy.name=client-egress-l7-http'],
};
const ingressRule: RuleReference = {
  kind: 'CiliumClusterwideNetworkPolicy',
  name: 'echo',
  path: 'spec.ingressDeny[0]',
  labels: ['k8s:io.cilium.k8s.policy.name=echo'],
};
const rules = new Map([
  ['r1', rule],
  ['r2', { ...rule, path: 'spec.egress[1].toPorts[0]' }],
  ['r3', { ...rule, path: 'specs[0].egress[0]', labels: [...rule.labels, 'unspec:tier=two'] }],
  ['i1', ingressRule],
]);
const lookups: FlowLookups = {
  nodeName: 'node-1',
  endpoint: (address) => endpoints.get(address),
  service: (address, port) =>
    address === '10.96.0.9' && port === 8080 ? { name: 'echo-same-node', namespace: 'cilium-test' } : undefined,
  names: (endpoint, address) => (endpoint === '10.244.1.10' && address === '203.0.113.10' ? ['one.one.one.one'] : []),
  policyRevision: 7,
  rule: (key) => rules.get(key),
  closing: ({ endpoint, direction, peer, protocol, port }) => {
    const asked = `${direction} ${endpoint} ${peer} ${protocol}/${port}`;
    return asked === 'egress 10.244.1.10 10.244.1.11 tcp/8080' ? ['r2'] : [];
  },
};
const timeNs = 1_639_581_017_639_000_000n;

function build(event: Parameters<typeof buildFlow>[0]): Flow[] {
  let count = 0;
  return buildFlow(event, lookups, () => `uuid-${++count}`);
}

function lines(flows: readonly Flow[]): string[] {
  const printer = createPrinter({ output: 'compact', policyNames: true });
  return flows.map((flow) => printer.print({ flow }).out.trimEnd().slice('Dec 15 15:10:17.639: '.length));
}

function ipv4(source: string, destination: string, protocol: number, payload: readonly number[]): Uint8Array {
  const bytes = (text: string): number[] => text.split('.').map(Number);
  return Uint8Array.from([
    0x45,
    0,
    0,
    20,
    0,
    0,
    0,
    0,
    64,
    protocol,
    0,
    0,
    ...bytes(source),
    ...bytes(destination),
    ...payload,
  ]);
}

function tcp(sourcePort: number, destinationPort: number, flags: number): number[] {
  const ports = [sourcePort >> 8, sourcePort & 255, destinationPort >> 8, destinationPort & 255];
  return [...ports, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, flags];
}

const syn = ipv4('10.244.1.10', '10.244.1.11', 6, tcp(51312, 8080, 2));

test('packets become lines', () => {
  const cases: readonly [Partial<PacketEvent>, string][] = [
    [
      { kind: 'trace', point: 'to-stack', reply: false, direction: 'egress' },
      'cilium-test/client2-a:51312 (ID:300) -> cilium-test/echo-same-node-b:8080 (ID:400) to-stack FORWARDED (TCP Flags: SYN)',
    ],
    [
      {
        kind: 'trace',
        point: 'to-endpoint',
        reply: true,
        packet: ipv4('10.244.1.11', '10.244.1.10', 6, tcp(8080, 51312, 0x12)),
      },
      'cilium-test/client2-a:51312 (ID:300) <- cilium-test/echo-same-node-b:8080 (ID:400) to-endpoint FORWARDED (TCP Flags: SYN, ACK)',
    ],
    [
      { kind: 'trace', point: 'from-endpoint', packet: ipv4('10.244.1.10', '10.96.0.9', 6, tcp(51312, 8080, 2)) },
      'cilium-test/client2-a:51312 (ID:300) <> cilium-test/echo-same-node:8080 (unknown) from-endpoint FORWARDED (TCP Flags: SYN)',
    ],
    [
      {
        kind: 'trace',
        point: 'to-network',
        reply: false,
        packet: ipv4('10.244.1.10', '203.0.113.10', 6, tcp(1, 80, 0x11)),
      },
      'cilium-test/client2-a:1 (ID:300) -> one.one.one.one:80 (world) to-network FORWARDED (TCP Flags: ACK, FIN)',
    ],
    [
      { kind: 'drop', dropReason: 133, direction: 'egress' },
      'cilium-test/client2-a:51312 (ID:300) <> cilium-test/echo-same-node-b:8080 (ID:400) Policy denied DROPPED (TCP Flags: SYN)',
    ],
    [
      { kind: 'policy-verdict', verdict: 'redirected', matchType: 2, direction: 'egress', rules: ['r1', 'r1', 'gone'] },
      'cilium-test/client2-a:51312 (ID:300) -> cilium-test/echo-same-node-b:8080 (ID:400) policy-verdict:L3-L4 EGRESS ALLOWED BY client-egress-l7-http (CiliumNetworkPolicy) (TCP Flags: SYN)',
    ],
    [
      { kind: 'policy-verdict', verdict: 'denied', direction: 'ingress' },
      'cilium-test/client2-a:51312 (ID:300) <> cilium-test/echo-same-node-b:8080 (ID:400) policy-verdict:none INGRESS DENIED (TCP Flags: SYN)',
    ],
    [
      { kind: 'trace', point: 'to-host', reply: false, packet: ipv4('10.244.1.10', '10.244.1.1', 1, [8, 0]) },
      'cilium-test/client2-a (ID:300) -> 10.244.1.1 (host) to-host FORWARDED (ICMPv4 EchoRequest)',
    ],
    [
      {
        kind: 'trace',
        point: 'to-proxy',
        reply: false,
        packet: ipv4('10.244.1.10', '10.244.1.12', 17, [0, 99, 0, 53]),
      },
      'cilium-test/client2-a:99 (ID:300) -> kube-system/coredns-c:53 (ID:500) to-proxy FORWARDED (UDP)',
    ],
  ];
  for (const [event, expected] of cases) {
    assert.deepEqual(lines(build({ kind: 'trace', timeNs, packet: syn, ...event })), [expected]);
  }
});

const http: HttpEvent = {
  kind: 'http',
  way: { listener: 'shop/config/entry', route: 'rewritten', cluster: 'shop/echo:8080', originalPath: '/old?x=1' },
  direction: 'egress',
  startNs: timeNs,
  latencyNs: 2_941_007n,
  source: { address: '10.244.1.10', port: 51312 },
  destination: { address: '10.244.1.11', port: 8080 },
  frontend: { address: '10.96.0.9', port: 8080 },
  method: 'GET',
  url: 'http://joe:secret@echo-same-node:8080/foo?x=1',
  protocol: 'HTTP/1.1',
  requestHeaders: [
    { key: 'Authorization', value: 'Bearer 1' },
    { key: 'Traceparent', value: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` },
    { key: 'X-Request-Id', value: 'id-1' },
  ],
  responseHeaders: [],
  status: 200,
  verdicts: { egress: { denied: false, rules: ['r1'] }, ingress: { denied: false, rules: ['unenforced'] } },
};
const url = 'http://joe:HUBBLE_REDACTED@echo-same-node:8080/foo?x=1';

test('an HTTP request becomes a request and a response', () => {
  const flows = build(http);
  assert.deepEqual(lines(flows), [
    `cilium-test/client2-a:51312 (ID:300) -> cilium-test/echo-same-node-b:8080 (ID:400) http-request FORWARDED (HTTP/1.1 GET ${url})`,
    `cilium-test/client2-a:51312 (ID:300) <- cilium-test/echo-same-node-b:8080 (ID:400) http-response FORWARDED (HTTP/1.1 200 2ms (GET ${url}))`,
  ]);
  assert.equal(
    printJson('flow.Flow', flows[1] ?? {}),
    `{"time":"2021-12-15T15:10:17.641941007Z","uuid":"uuid-2","verdict":"FORWARDED","IP":{"source":"10.244.1.11","destination":"10.244.1.10","ipVersion":"IPv4"},"l4":{"TCP":{"source_port":8080,"destination_port":51312}},"source":{"ID":2,"identity":400,"namespace":"cilium-test","pod_name":"echo-same-node-b"},"destination":{"ID":1,"identity":300,"namespace":"cilium-test","pod_name":"client2-a"},"Type":"L7","node_name":"node-1","l7":{"type":"RESPONSE","latency_ns":"2941007","http":{"code":200,"method":"GET","url":"${url}","protocol":"HTTP/1.1","headers":[{"key":"X-Request-Id","value":"id-1"}]}},"reply":true,"event_type":{"type":129},"source_service":{"name":"echo-same-node","namespace":"cilium-test"},"traffic_direction":"EGRESS","is_reply":true,"trace_context":{"parent":{"trace_id":"${'a'.repeat(32)}"}},"Summary":"HTTP/1.1 200 2ms (GET ${url})","egress_allowed_by":[{"name":"client-egress-l7-http","namespace":"cilium-test","labels":["k8s:io.cilium.k8s.policy.name=client-egress-l7-http","ciliate:rule=spec.egress[0]"],"revision":"7","kind":"CiliumNetworkPolicy"}],"proxied":{"listener":"shop/config/entry","route":"rewritten","cluster":"shop/echo:8080","original_path":"/old?x=1"}}`,
  );
  assert.deepEqual(flows[0]?.l7?.http?.headers?.[0], { key: 'Authorization', value: 'HUBBLE_REDACTED' });
});

test('a denied request is one dropped flow', () => {
  assert.deepEqual(
    lines(
      build({
        ...http,
        verdicts: { egress: { denied: true, rules: [] } },
        status: 403,
        url: 'http://echo-same-node:8080/foo',
      }),
    ),
    [
      'cilium-test/client2-a:51312 (ID:300) -> cilium-test/echo-same-node-b:8080 (ID:400) http-request DROPPED (HTTP/1.1 GET http://echo-same-node:8080/foo)',
    ],
  );
});

const own = { name: 'client-egress-l7-http', namespace: 'cilium-test', kind: 'CiliumNetworkPolicy', revision: 7 };
const [nameLabel = ''] = rule.labels;
const place = (path: string) => `ciliate:rule=${path}`;
const denyEcho = {
  name: 'echo',
  kind: 'CiliumClusterwideNetworkPolicy',
  revision: 7,
  labels: [...ingressRule.labels, place('spec.ingressDeny[0]')],
};
const decided: readonly (readonly [
  what: string,
  event: Partial<PacketEvent> | Partial<HttpEvent> | TlsEvent,
  by: Partial<Flow>,
])[] = [
  [
    'rules of one policy are one entry with all their places',
    { kind: 'policy-verdict', verdict: 'allowed', direction: 'egress', rules: ['r2', 'r1', 'r1', 'gone'] },
    {
      egress_allowed_by: [{ ...own, labels: [nameLabel, place('spec.egress[0]'), place('spec.egress[1].toPorts[0]')] }],
    },
  ],
  [
    'rules of one policy with labels of their own are entries of their own',
    { kind: 'policy-verdict', verdict: 'redirected', direction: 'egress', rules: ['r1', 'r3'] },
    {
      egress_allowed_by: [
        { ...own, labels: [nameLabel, place('spec.egress[0]')] },
        { ...own, labels: [nameLabel, 'unspec:tier=two', place('specs[0].egress[0]')] },
      ],
    },
  ],
  [
    'a verdict of denial',
    { kind: 'policy-verdict', verdict: 'denied', direction: 'ingress', dropReason: 181, rules: ['i1'] },
    { ingress_denied_by: [denyEcho] },
  ],
  [
    'what is let pass by audit mode is named under denied',
    { kind: 'policy-verdict', verdict: 'audited', direction: 'ingress', rules: ['i1'] },
    { ingress_denied_by: [denyEcho] },
  ],
  [
    'a drop by a rule',
    { kind: 'drop', dropReason: 181, direction: 'ingress', rules: ['i1'] },
    { ingress_denied_by: [denyEcho] },
  ],
  [
    'default deny: the rules that close the endpoint',
    { kind: 'policy-verdict', verdict: 'denied', direction: 'egress' },
    { egress_denied_by: [{ ...own, labels: [nameLabel, place('spec.egress[1].toPorts[0]')] }] },
  ],
  ['default deny without any rule', { kind: 'drop', dropReason: 133, direction: 'ingress' }, {}],
  [
    'default deny that audit mode overrides',
    { kind: 'policy-verdict', verdict: 'audited', direction: 'egress' },
    { egress_denied_by: [{ ...own, labels: [nameLabel, place('spec.egress[1].toPorts[0]')] }] },
  ],
  [
    'a request that no rule allows: those that sent it to the proxy',
    { ...http, status: 403, verdicts: { egress: { denied: true, rules: [] } } },
    { egress_denied_by: [{ ...own, labels: [nameLabel, place('spec.egress[1].toPorts[0]')] }] },
  ],
  [
    'a server name that no rule allows',
    {
      kind: 'tls',
      direction: 'egress',
      startNs: timeNs,
      source: { address: '10.244.1.10', port: 5 },
      destination: { address: '10.244.1.11', port: 8080 },
      serverName: 'a.b',
    },
    { egress_denied_by: [{ ...own, labels: [nameLabel, place('spec.egress[1].toPorts[0]')] }] },
  ],
  [
    'a request that the client may send and the backend may not take',
    {
      ...http,
      status: 403,
      verdicts: { egress: { denied: false, rules: ['r1'] }, ingress: { denied: true, rules: ['i1'] } },
    },
    { egress_allowed_by: [{ ...own, labels: [nameLabel, place('spec.egress[0]')] }], ingress_denied_by: [denyEcho] },
  ],
];

for (const [what, event, expected] of decided) {
  test(`deciding policies: ${what}`, () => {
    const whole = { timeNs, packet: syn, ...event } as PacketEvent | HttpEvent | TlsEvent;
    const [flow = {}] = build(whole);
    const fields = ['egress_allowed_by', 'egress_denied_by', 'ingress_allowed_by', 'ingress_denied_by'] as const;
    assert.deepEqual(
      Object.fromEntries(fields.flatMap((field) => (flow[field] ? [[field, flow[field]]] : []))),
      expected,
    );
    encodeMessage('flow.Flow', flow);
  });
}

test('DNS messages become lines', () => {
  const question = {
    kind: 'dns',
    timeNs,
    client: { address: '10.244.1.10', port: 45012 },
    server: { address: '10.244.1.12', port: 53 },
    transport: 'udp',
    query: 'k8s.io.',
    queryTypes: ['A'],
    denied: false,
    rules: [],
  } as const;
  const ends = 'cilium-test/client2-a:45012 (ID:300) X kube-system/coredns-c:53 (ID:500)';
  const cases: readonly [object, string][] = [
    [{ type: 'request' }, `${ends.replace('X', '->')} dns-request proxy FORWARDED (DNS Query k8s.io. A)`],
    [
      { type: 'response', addresses: ['1.2.3.4', '1.2.3.5'], ttl: 30, cnames: ['a.'] },
      `${ends.replace('X', '<-')} dns-response proxy FORWARDED (DNS Answer "1.2.3.4,1.2.3.5" CNAMEs: "a." TTL: 30 (Proxy k8s.io. A))`,
    ],
    [
      { type: 'response', rcode: 3 },
      `${ends.replace('X', '<-')} dns-response proxy FORWARDED (DNS Answer RCode: Non-Existent Domain TTL: 4294967295 (Proxy k8s.io. A))`,
    ],
    [{ type: 'request', denied: true }, `${ends.replace('X', '->')} dns-request proxy DROPPED (DNS Query k8s.io. A)`],
  ];
  for (const [rest, expected] of cases) {
    assert.deepEqual(lines(build({ ...question, ...(rest as { type: 'request' }) })), [expected]);
  }
});

test('no bytes make the parser fail, and every flow can be encoded', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.constantFrom(0x45, 0x60, 0x4f, 0x00), (bytes, first) => {
      const packet = Uint8Array.from([first, ...bytes]);
      const parsed = parsePacket(packet);
      for (const flow of build({ kind: 'trace', timeNs, packet })) encodeMessage('flow.Flow', flow);
      assert.ok(parsed === undefined || parsed.ip.source !== undefined);
    }),
  );
});

test('a connection that is refused for its server name is one dropped flow', () => {
  const event = {
    kind: 'tls',
    direction: 'egress',
    startNs: timeNs,
    source: { address: '10.244.1.10', port: 51312 },
    destination: { address: '203.0.113.10', port: 443 },
  } as const;
  const [named, unnamed] = ['a.test', ''].map((serverName) => lines(build({ ...event, serverName })));
  const ends = 'cilium-test/client2-a:51312 (ID:300) -> one.one.one.one:443 (world)';
  assert.deepEqual(named, [`${ends} l7-request DROPPED (TLS server name a.test)`]);
  assert.deepEqual(unnamed, [`${ends} l7-request DROPPED (TLS without a server name)`]);
});
