import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HttpAccessLogEntry, httpEventOf, tlsEventOf } from './access-log.ts';

const address = (ip: string, port: number) => ({ socket_address: { address: ip, port_value: port } });

/** A Struct of texts as protobuf decodes it. */
const struct = (texts: Readonly<Record<string, string>>) => ({
  fields: Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, { stringValue: text }])),
});

const startSeconds = Date.parse('2026-01-02T03:04:05Z') / 1000;

const entry: HttpAccessLogEntry = {
  common_properties: {
    downstream_remote_address: address('10.244.1.5', 40000),
    downstream_local_address: address('10.96.44.9', 8080),
    upstream_remote_address: address('10.244.2.7', 8080),
    start_time: { seconds: startSeconds, nanos: 6 },
    time_to_last_downstream_tx_byte: { nanos: 2_941_000 },
    upstream_cluster: 'cilium-test/echo:8080',
    route_name: 'rewritten',
    metadata: {
      filter_metadata: {
        'envoy.filters.http.upstream_rbac': struct({
          enforced_engine_result: 'allowed',
          enforced_effective_policy_id: 'rule-1',
        }),
      },
    },
  },
  protocol_version: 2,
  request: {
    request_method: 1,
    scheme: 'http',
    authority: 'echo:8080',
    path: '/',
    original_path: '/foo?x=1',
    user_agent: 'curl/8',
    referer: 'http://before/',
    forwarded_for: '10.0.0.1',
    request_id: 'id-1',
    request_headers: { 'x-forwarded-proto': 'http', accept: '*/*', 'user-agent': 'curl/8' },
  },
  response: { response_code: { value: 200 }, response_headers: { server: 'envoy', 'content-type': 'a/b' } },
};

test('an allowed request names the backend, the frontend and the rule', () => {
  const event = httpEventOf('egress:envoy-lb-listener', entry);
  assert.deepEqual(event, {
    kind: 'http',
    way: {
      listener: 'envoy-lb-listener',
      route: 'rewritten',
      cluster: 'cilium-test/echo:8080',
      originalPath: '/foo?x=1',
    },
    direction: 'egress',
    startNs: BigInt(Date.parse('2026-01-02T03:04:05Z')) * 1_000_000n + 6n,
    latencyNs: 2_941_000n,
    source: { address: '10.244.1.5', port: 40000 },
    destination: { address: '10.244.2.7', port: 8080 },
    frontend: { address: '10.96.44.9', port: 8080 },
    method: 'GET',
    url: 'http://echo:8080/',
    protocol: 'HTTP/1.1',
    requestHeaders: [
      { key: 'Accept', value: '*/*' },
      { key: 'Referer', value: 'http://before/' },
      { key: 'User-Agent', value: 'curl/8' },
      { key: 'X-Forwarded-For', value: '10.0.0.1' },
      { key: 'X-Request-Id', value: 'id-1' },
    ],
    responseHeaders: [
      { key: 'Content-Type', value: 'a/b' },
      { key: 'Server', value: 'envoy' },
    ],
    status: 200,
    verdicts: { egress: { denied: false, rules: ['rule-1'] } },
  });
});

test('what a filter of the listener itself refuses is an answer, and no verdict of policy', () => {
  const metadata = { filter_metadata: { 'envoy.filters.http.rbac': struct({ enforced_engine_result: 'denied' }) } };
  const event = httpEventOf('egress:l', { ...entry, common_properties: { ...entry.common_properties, metadata } });
  assert.deepEqual(event?.verdicts, {});
});

test('a method without a number is told like a header; whether the connection goes on is not shown', () => {
  const headersOf = (connection: string) =>
    httpEventOf('egress:l', {
      ...entry,
      request: { request_method: 0, request_headers: { ':method': 'PURGE', connection } },
      response: { response_headers: { connection } },
    });
  const closing = headersOf('close');
  assert.deepEqual([closing?.method, closing?.requestHeaders, closing?.responseHeaders], ['PURGE', [], []]);
  const upgrade = { key: 'Connection', value: 'keep-alive, Upgrade' };
  assert.deepEqual(headersOf(upgrade.value)?.requestHeaders, [upgrade]);
});

test('a denied request without a backend goes to the address it asked for', () => {
  const { upstream_remote_address: _, ...common } = entry.common_properties ?? {};
  const denied = {
    ...common,
    metadata: { filter_metadata: { 'envoy.filters.http.upstream_rbac': struct({ enforced_engine_result: 'denied' }) } },
  };
  const event = httpEventOf('ingress:cilium-http-ingress', {
    ...entry,
    common_properties: denied,
    response: { response_code: { value: 403 } },
  });
  assert.deepEqual(event?.verdicts, { egress: { denied: true, rules: [] } });
  assert.equal(event?.direction, 'ingress');
  assert.deepEqual(event?.destination, { address: '10.96.44.9', port: 8080 });
  assert.equal(event?.frontend, undefined);
});

test('a denial by the ingress rules of a backend on the same node counts, with its rule', () => {
  const metadata = {
    filter_metadata: {
      'envoy.filters.http.upstream_rbac': struct({
        enforced_engine_result: 'allowed',
        enforced_effective_policy_id: 'egress-rule',
        ingress_enforced_engine_result: 'denied',
        ingress_enforced_effective_policy_id: 'ingress-rule',
      }),
    },
  };
  const event = httpEventOf('egress:x', { ...entry, common_properties: { ...entry.common_properties, metadata } });
  assert.deepEqual(event?.verdicts, {
    egress: { denied: false, rules: ['egress-rule'] },
    ingress: { denied: true, rules: ['ingress-rule'] },
  });
});

test('an entry without a client is no event', () => {
  assert.equal(httpEventOf('egress:x', {}), undefined);
});

test('a connection that rules about server names refuse is an event of the direction whose rules they are', () => {
  const logged = (verdicts: Readonly<Record<string, string>>, tls_sni_hostname?: string) => ({
    common_properties: {
      downstream_remote_address: address('10.244.1.5', 40000),
      downstream_local_address: address('203.0.113.10', 443),
      start_time: { seconds: startSeconds },
      ...(tls_sni_hostname !== undefined && { tls_properties: { tls_sni_hostname } }),
      metadata: { filter_metadata: { 'envoy.filters.network.rbac': struct(verdicts) } },
    },
  });
  const [allowed, denied] = ['allowed', 'denied'];
  const refused = { egress_shadow_engine_result: allowed, ingress_shadow_engine_result: denied };
  assert.deepEqual(tlsEventOf(logged(refused, 'a.test')), {
    kind: 'tls',
    direction: 'ingress',
    startNs: BigInt(Date.parse('2026-01-02T03:04:05Z')) * 1_000_000n,
    source: { address: '10.244.1.5', port: 40000 },
    destination: { address: '203.0.113.10', port: 443 },
    serverName: 'a.test',
  });
  assert.equal(tlsEventOf(logged({ egress_shadow_engine_result: denied }))?.serverName, '');
  assert.equal(tlsEventOf(logged({ egress_shadow_engine_result: allowed }, 'a.test')), undefined);
  assert.equal(tlsEventOf({}), undefined);
});
