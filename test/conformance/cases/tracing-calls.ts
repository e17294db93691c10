import { router, typed } from '../config.ts';
import { jwk, jwks, token } from '../jwt.ts';
import { type TracingRow, tracingScenario } from '../tracing.ts';
import type { Behaviour, Json, Scenario } from '../types.ts';

/** Calls that filters make on behalf of a request that is traced: gRPC to backend 1, which is the collector as well, HTTP to backend 2. */
const HTTP = 'envoy.extensions.filters.http';
const GRPC_SERVICE: Json = { envoy_grpc: { cluster_name: 'collector' }, timeout: '5s' };
const DOWN: Json = { envoy_grpc: { cluster_name: 'down' } };
const parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

const filters = (name: string, type: string, config: Json): Pick<TracingRow, 'manager'> => ({
  manager: {
    http_filters: [{ name: `envoy.filters.http.${name}`, typed_config: typed(`${HTTP}.${type}`, config) }, router()],
  },
});
const perRoute = (name: string, type: string, config: Json): Json => ({
  typed_per_filter_config: { [`envoy.filters.http.${name}`]: typed(`${HTTP}.${type}`, config) },
});

const authz = (config: Json = {}): Pick<TracingRow, 'manager'> =>
  filters('ext_authz', 'ext_authz.v3.ExtAuthz', { grpc_service: GRPC_SERVICE, ...config });
const authzHttp = (config: Json = {}, server: Json = {}): Pick<TracingRow, 'manager'> =>
  filters('ext_authz', 'ext_authz.v3.ExtAuthz', {
    http_service: { server_uri: { uri: 'http://auth.test/', cluster: 'c2', timeout: '1s', ...server } },
    ...config,
  });
const authzRoute = (settings: Json): Json =>
  perRoute('ext_authz', 'ext_authz.v3.ExtAuthzPerRoute', { check_settings: settings });
const denied: Behaviour = { reply: { status: { code: 7 } } };
const answer = (status: string, body = ''): Behaviour => ({
  raw: `HTTP/1.1 ${status}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
});
const asked: Pick<TracingRow, 'requests'> = { requests: [{ headers: { traceparent: parent, tracestate: 'a=b' } }] };
const none: Json = { random_sampling: { value: 0 } };
/** The client goes while a server that is asked thinks. */
const goes: Partial<TracingRow> = {
  steps: [{ send: 'GET / HTTP/1.1\r\nhost: a\r\n\r\n' }, { sleep: 60 }, { do: 'close' }],
  responses: 0,
};

const authorization: readonly TracingRow[] = [
  { name: 'a check', ...authz() },
  { name: 'a check with a span', ...authz({ emit_client_span: true }) },
  { name: 'a check without a span', ...authz({ emit_client_span: false }) },
  { name: 'a check with a span of the route', ...authz(), level: authzRoute({ emit_client_span: true }) },
  {
    name: 'a check without a span of the route',
    ...authz({ emit_client_span: true }),
    level: authzRoute({ emit_client_span: false }),
  },
  {
    name: 'a check that the route says nothing of',
    ...authz({ emit_client_span: false }),
    level: authzRoute({ context_extensions: { a: 'b' } }),
  },
  { name: 'a check with a parent', ...authz(), ...asked },
  { name: 'a check that is not sampled', ...authz(), tracing: none },
  { name: 'a check that denies', ...authz(), backends: { 1: [denied] } },
  { name: 'a check that fails', ...authz(), backends: { 1: [{ status: 13, message: 'no' }] } },
  { name: 'a check of nobody', ...authz({ grpc_service: DOWN }) },
  {
    name: 'a check with an authority',
    ...authz({ grpc_service: { envoy_grpc: { cluster_name: 'collector', authority: 'authz.test' } } }),
  },
  { name: 'a check that the client leaves', ...authz(), ...goes, backends: { 1: ['hang'] } },
  { name: 'a check with tags', ...authz(), tracing: { custom_tags: [{ tag: 'a', literal: { value: 'b' } }] } },
  { name: 'a check, verbose', ...authz(), tracing: { verbose: true } },
  { name: 'a check, egress', ...authz(), listener: { traffic_direction: 'OUTBOUND' } },
  { name: 'a check, and spans of attempts', ...authz(), tracing: { spawn_upstream_span: true } },
  { name: 'a check that is not told', ...authz(), tracing: { no_context_propagation: true } },
  { name: 'a check with a name of the upstream', ...authz(), tracing: { upstream_operation: 'mine' } },
  { name: 'a check without a provider', ...authz(), tracer: null },
  { name: 'a check with a context that makes no sense', ...authz(), requests: [{ headers: { traceparent: 'word' } }] },
];

const overHttp: readonly TracingRow[] = [
  { name: 'a check', ...authzHttp() },
  { name: 'a check with a span', ...authzHttp({ emit_client_span: true }) },
  { name: 'a check without a span', ...authzHttp({ emit_client_span: false }) },
  { name: 'a check without a span of the route', ...authzHttp(), level: authzRoute({ emit_client_span: false }) },
  { name: 'a check with a parent', ...authzHttp(), ...asked },
  { name: 'a check that is not sampled', ...authzHttp(), tracing: none },
  { name: 'a check that denies', ...authzHttp(), backends: { 2: [answer('403 No', 'no')] } },
  { name: 'a check that fails', ...authzHttp(), backends: { 2: [answer('503 No')] } },
  { name: 'a check too slow', ...authzHttp({}, { timeout: '0.05s' }), backends: { 2: ['hang'] } },
  { name: 'a check that breaks off', ...authzHttp(), backends: { 2: [{ end: 'close' }] } },
  {
    name: 'a check that breaks off in the middle',
    ...authzHttp(),
    backends: { 2: [{ raw: 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab', afterwards: 'close' }] },
  },
  { name: 'a check of nobody', ...authzHttp({}, { cluster: 'c3' }) },
  { name: 'a check that the client leaves', ...authzHttp(), ...goes, backends: { 2: ['hang'] } },
  { name: 'a check with tags', ...authzHttp(), tracing: { custom_tags: [{ tag: 'a', literal: { value: 'b' } }] } },
  { name: 'a check, verbose', ...authzHttp(), tracing: { verbose: true } },
  { name: 'a check that is not told', ...authzHttp(), tracing: { no_context_propagation: true } },
  { name: 'a check, and spans of attempts', ...authzHttp(), tracing: { spawn_upstream_span: true } },
];

const limit = (service: Json = {}): Partial<TracingRow> => ({
  ...filters('ratelimit', 'ratelimit.v3.RateLimit', {
    domain: 'd',
    timeout: '5s',
    rate_limit_service: { grpc_service: { ...GRPC_SERVICE, ...service }, transport_api_version: 'V3' },
  }),
  route: { rate_limits: [{ actions: [{ generic_key: { descriptor_value: 'a' } }] }] },
});
const limits: readonly TracingRow[] = [
  { name: 'a limit', ...limit() },
  { name: 'a limit with a parent', ...limit(), ...asked },
  { name: 'a limit that is over', ...limit(), backends: { 1: [{ reply: { overall_code: 'OVER_LIMIT' } }] } },
  { name: 'a limit that fails', ...limit(), backends: { 1: [{ status: 14, message: 'no' }] } },
  { name: 'a limit of nobody', ...limit(DOWN) },
  { name: 'a limit that the client leaves', ...limit(), ...goes, backends: { 1: ['hang'] } },
  { name: 'a limit that is not sampled', ...limit(), tracing: none },
];

const proc = (config: Json = {}): Pick<TracingRow, 'manager'> =>
  filters('ext_proc', 'ext_proc.v3.ExternalProcessor', {
    grpc_service: GRPC_SERVICE,
    message_timeout: '5s',
    ...config,
  });
const procRoute = (overrides: Json): Json => perRoute('ext_proc', 'ext_proc.v3.ExtProcPerRoute', { overrides });
const processing: readonly TracingRow[] = [
  { name: 'a processor', ...proc() },
  { name: 'a processor with a span', ...proc({ emit_client_span: true }) },
  { name: 'a processor without a span', ...proc({ emit_client_span: false }) },
  { name: 'a processor without a span of the route', ...proc(), level: procRoute({ emit_client_span: false }) },
  {
    name: 'a processor with a span of the route',
    ...proc({ emit_client_span: false }),
    level: procRoute({ emit_client_span: true }),
  },
  { name: 'a processor with a parent', ...proc(), ...asked },
  { name: 'a processor that is not sampled', ...proc(), tracing: none },
  {
    name: 'a processor that answers itself',
    ...proc(),
    backends: { 1: [{ reply: { immediate_response: { status: { code: 'Forbidden' } } } }] },
  },
  { name: 'a processor that fails', ...proc(), backends: { 1: [{ status: 13, message: 'no' }] } },
  { name: 'a processor that ends', ...proc(), backends: { 1: [{ status: 0 }] } },
  { name: 'a processor too slow', ...proc({ message_timeout: '0.05s' }), backends: { 1: ['hang'] } },
  { name: 'a processor of nobody', ...proc({ grpc_service: DOWN }) },
  { name: 'a processor that the client leaves', ...proc(), ...goes, backends: { 1: ['hang'] } },
];

const keys = jwks(jwk('rsa'));
const jwt = filters('jwt_authn', 'jwt_authn.v3.JwtAuthentication', {
  providers: {
    p: {
      issuer: 'issuer',
      remote_jwks: { http_uri: { uri: 'http://keys.test/jwks', cluster: 'c2', timeout: '1s' } },
    },
  },
  rules: [{ match: { prefix: '/' }, requires: { provider_name: 'p' } }],
});
const withToken: Pick<TracingRow, 'requests'> = { requests: [{ headers: { authorization: `Bearer ${token()}` } }] };
const fetches: readonly TracingRow[] = [
  { name: 'keys', ...jwt, ...withToken, backends: { 2: [answer('200 OK', keys)] } },
  { name: 'keys of a broken server', ...jwt, ...withToken, backends: { 2: [answer('503 No')] } },
  { name: 'keys that there are not', ...jwt, ...withToken, backends: { 2: [answer('404 No')] } },
  { name: 'keys that are not sampled', ...jwt, ...withToken, tracing: none, backends: { 2: [answer('200 OK', keys)] } },
];

const toZipkin: Json = {
  collector_cluster: 'c2',
  collector_endpoint: '/api/v2/spans',
  collector_endpoint_version: 'HTTP_JSON',
};
const b3: Pick<TracingRow, 'requests'> = {
  requests: [{ headers: { 'x-b3-traceid': '463ac35c9f6413ad48485a3953bb6124', 'x-b3-spanid': '0020000000000001' } }],
};
const zipkin: readonly TracingRow[] = [
  { name: 'a check to Zipkin', zipkin: toZipkin, ...authz(), ...b3 },
  { name: 'a check to Zipkin in one header', zipkin: toZipkin, ...authz(), requests: [{ headers: { b3: '1' } }] },
  { name: 'a limit to Zipkin', zipkin: toZipkin, ...limit(), ...b3 },
  { name: 'a processor to Zipkin', zipkin: toZipkin, ...proc(), ...b3 },
];

// When the timer goes off is a matter of luck.
const stats = [/tracing\.(?!opentelemetry\.timer|zipkin\.timer)/];
const scenario = (name: string, list: readonly TracingRow[]): Scenario =>
  tracingScenario({ feature: 'tracing', name: `calls: ${name}`, stats }, list);
export const scenarios: readonly Scenario[] = [
  scenario('ext_authz', authorization),
  scenario('ext_authz over HTTP', overHttp),
  scenario('ratelimit', limits),
  scenario('ext_proc', processing),
  scenario('jwt_authn', fetches),
  tracingScenario({ feature: 'tracing', name: 'calls: Zipkin', stats }, zipkin, {
    layered_runtime: { layers: [{ name: 'static', static_layer: { 'tracing.zipkin.min_flush_spans': 2 } }] },
  }),
];
