import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIssue } from '../../base/index.ts';
import type { Flow } from '../../model/flow/index.ts';
import { resourceAttributes } from './attributes.ts';
import { flowRecord } from './log-record.ts';
import { readTelemetry } from './settings.ts';

const cart = { identity: 7, namespace: 'shop', pod_name: 'cart-1', workloads: [{ name: 'cart', kind: 'StatefulSet' }] };
const world = { identity: 2, labels: ['reserved:world'] };

const dropped: Flow = {
  uuid: 'u1',
  time: { seconds: 5, nanos: 6 },
  verdict: 2,
  drop_reason_desc: 133,
  traffic_direction: 2,
  event_type: { type: 1, sub_type: 133 },
  IP: { source: '10.0.0.1', destination: '203.0.113.10', ipVersion: 1 },
  l4: { TCP: { source_port: 40_000, destination_port: 443, flags: { SYN: true } } },
  source: cart,
  destination: world,
  destination_names: ['one.one.one.one'],
  egress_denied_by: [{ kind: 'CiliumNetworkPolicy', namespace: 'shop', name: 'closed' }],
  Summary: 'TCP Flags: SYN',
};

test('a dropped packet', () => {
  assert.deepEqual(flowRecord(dropped), {
    workload: { name: 'cart', namespace: 'shop', kind: 'StatefulSet' },
    timeNs: 5_000_000_006n,
    severity: 'WARN',
    body: 'shop/cart-1:40000 <> one.one.one.one:443 Policy denied DROPPED (TCP Flags: SYN)',
    parent: undefined,
    attributes: {
      'cilium.flow.uuid': 'u1',
      'cilium.flow.type': 'Policy denied',
      'cilium.verdict': 'DROPPED',
      'cilium.traffic_direction': 'egress',
      'cilium.drop_reason': 'POLICY_DENIED',
      'cilium.policy.denied_by': ['CiliumNetworkPolicy shop/closed'],
      'network.transport': 'tcp',
      'network.type': 'ipv4',
      'source.address': '10.0.0.1',
      'source.port': 40_000,
      'source.k8s.namespace.name': 'shop',
      'source.k8s.pod.name': 'cart-1',
      'source.k8s.workload.name': 'cart',
      'source.k8s.workload.kind': 'StatefulSet',
      'source.cilium.identity': 7,
      'destination.address': '203.0.113.10',
      'destination.domain': 'one.one.one.one',
      'destination.port': 443,
      'destination.cilium.identity': 2,
    },
  });
});

test('of whom a record is, and how severe', () => {
  const cases: readonly [Partial<Flow>, string, string][] = [
    [{}, 'cart', 'WARN'],
    [{ verdict: 1 }, 'cart', 'INFO'],
    [{ verdict: 3 }, 'cart', 'ERROR'],
    [{ verdict: 4 }, 'cart', 'WARN'],
    [{ traffic_direction: 1 }, 'world', 'WARN'],
    [{ traffic_direction: 1, is_reply: { value: true } }, 'cart', 'WARN'],
    [{ traffic_direction: 2, is_reply: { value: true } }, 'world', 'WARN'],
    [{ source: {} }, 'unknown', 'WARN'],
  ];
  for (const [changed, service, severity] of cases) {
    const record = flowRecord({ ...dropped, ...changed });
    assert.deepEqual([record.workload.name, record.severity], [service, severity], JSON.stringify(changed));
  }
});

test('requests and names that were asked for', () => {
  const url = 'http://me:x@web/a?Signature=s';
  const http = flowRecord({
    ...dropped,
    event_type: { type: 129 },
    l7: { type: 2, http: { code: 200, method: 'GET', url, protocol: 'HTTP/1.1' } },
    Summary: `HTTP/1.1 200 1ms (GET ${url})`,
  });
  assert.equal(http.attributes['url.full'], 'http://web/a?Signature=REDACTED');
  assert.equal(http.attributes['http.response.status_code'], 200);
  assert.doesNotMatch(http.body, /Signature=s/);
  const dns = flowRecord({ ...dropped, event_type: { type: 129 }, l7: { type: 1, dns: { query: 'a.test.' } } });
  assert.equal(dns.attributes['dns.question.name'], 'a.test.');
});

test('resources', () => {
  assert.deepEqual(resourceAttributes({ name: 'world', namespace: '', kind: '' }, 'n1', '9'), {
    'service.name': 'world',
    'k8s.node.name': 'n1',
    'telemetry.distro.name': 'ciliate',
    'telemetry.distro.version': '9',
  });
});

test('the settings, and what is wrong with them', () => {
  const endpoint = { 'hubble-otlp-endpoint': 'http://10.0.0.9:4318/' };
  assert.deepEqual(readTelemetry({ 'hubble-otlp-signals': 'nonsense' }), { ok: true, value: undefined });
  assert.deepEqual(readTelemetry(endpoint), {
    ok: true,
    value: { endpoint: 'http://10.0.0.9:4318', headers: {}, traces: true, logs: false, allow: [], deny: [] },
  });
  const all = readTelemetry({
    ...endpoint,
    'hubble-otlp-headers': 'Authorization=Basic%20a%3D%3D, x-tenant = t1',
    'hubble-otlp-signals': 'logs,traces',
    'hubble-otlp-denylist': '{"verdict":["FORWARDED"]}',
  });
  assert.ok(all.ok && all.value);
  assert.deepEqual(all.value.headers, { authorization: 'Basic a==', 'x-tenant': 't1' });
  assert.deepEqual([all.value.traces, all.value.logs, all.value.deny], [true, true, [{ verdict: [1] }]]);
  const cases: readonly [Record<string, string>, string][] = [
    [
      { 'hubble-otlp-endpoint': 'ftp://x' },
      'hubble-otlp-endpoint: is not such a URL; allowed: http://HOST:PORT, https://HOST:PORT/PATH',
    ],
    [
      { 'hubble-otlp-endpoint': 'http://me:secret@x' },
      'hubble-otlp-endpoint: is not such a URL; allowed: http://HOST:PORT, https://HOST:PORT/PATH',
    ],
    [{ 'hubble-otlp-headers': 'a=b,c' }, 'hubble-otlp-headers: entry 2 is not understood; allowed: KEY=VALUE'],
    [{ 'hubble-otlp-headers': 'a=b%0d%0ac' }, 'hubble-otlp-headers: entry 1 is not understood; allowed: KEY=VALUE'],
    [{ 'hubble-otlp-signals': 'metrics' }, 'hubble-otlp-signals: found "metrics"; allowed: traces, logs'],
    [{ 'hubble-otlp-allowlist': '{"a":1}' }, 'hubble-otlp-allowlist[0].a: no field of flow.FlowFilter has this name'],
  ];
  for (const [data, expected] of cases) {
    const read = readTelemetry({ ...endpoint, ...data });
    assert.deepEqual(read.ok ? [] : read.error.map(formatIssue), [expected]);
  }
});
