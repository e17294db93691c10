import { simple, typed } from '../config.ts';
import { GRPC, openTelemetryLog, type TracingRow, tracingClusters, tracingScenario } from '../tracing.ts';
import type { Json, Scenario } from '../types.ts';

const text = (string_value: string): Json => ({ string_value });
const entry = (key: string, value: Json): Json => ({ key, value });
const list = (...values: readonly Json[]): Json => ({ values });

/** Each record is sent on its own. */
const soon: Json = { log_name: 'log', buffer_size_bytes: 1, buffer_flush_interval: '0.02s' };
/** Envoy waits a second with `grpc_service`, whatever the log says, so that most cases stand on the common configuration. */
const byItself = (more: Json = {}): Json => ({ grpc_service: GRPC['grpc_service'], ...soon, ...more });
const overHttp = (more: Json = {}): Json => ({
  http_service: { http_uri: { uri: 'http://collector.test/v1/logs', cluster: 'c2', timeout: '1s' } },
  ...soon,
  ...more,
});
const commonConfig = (more: Json = {}): Json => ({
  log_name: 'log',
  transport_api_version: 'V3',
  grpc_service: GRPC['grpc_service'],
  buffer_size_bytes: 1,
  buffer_flush_interval: '0.02s',
  ...more,
});
const overGrpc = (more: Json = {}, common: Json = {}): Json => ({ common_config: commonConfig(common), ...more });
const extension = (type: string, config: Json = {}): Json => ({
  name: 'it',
  typed_config: typed(`envoy.extensions.tracers.opentelemetry.resource_detectors.v3.${type}`, config),
});

const records: readonly TracingRow[] = [
  { name: 'nothing but the time', log: overGrpc() },
  { name: 'by a service of its own', log: byItself({ body: text('x') }), settleMs: 1300 },
  { name: 'over HTTP', log: overHttp({ body: text('%PROTOCOL%') }) },
  { name: 'a body', log: overGrpc({ body: text('%REQ(:METHOD)% %RESPONSE_CODE% %REQ(X-NONE)%') }) },
  {
    name: 'a body of a formatter',
    log: overGrpc({
      body: text('%REQ_WITHOUT_QUERY(:PATH)%'),
      attributes: list(entry('path', text('%REQ_WITHOUT_QUERY(:PATH):2%'))),
      formatters: [
        {
          name: 'envoy.formatter.req_without_query',
          typed_config: typed('envoy.extensions.formatter.req_without_query.v3.ReqWithoutQuery'),
        },
      ],
    }),
    requests: [{ path: '/a/b?c' }],
  },
  { name: 'a body of one command', log: overGrpc({ body: text('%RESPONSE_CODE%') }) },
  { name: 'an absent body', log: overGrpc({ body: text('%REQ(X-NONE)%') }) },
  { name: 'an empty body', log: overGrpc({ body: text('') }) },
  {
    name: 'a body of entries',
    log: overGrpc({
      body: { kvlist_value: list(entry('code', text('%RESPONSE_CODE%')), entry('none', text('%REQ(X-NONE)%'))) },
    }),
  },
  {
    name: 'a body of a list',
    log: overGrpc({
      body: { array_value: list(text('a'), text('%PROTOCOL%'), { kvlist_value: list(entry('b', text('c'))) }) },
    }),
  },
  {
    name: 'attributes',
    log: overGrpc({
      attributes: list(
        entry('method', text('%REQ(:METHOD)%')),
        entry('deep', { kvlist_value: list(entry('path', text('%REQ(:PATH)%'))) }),
        entry('list', { array_value: list(text('%PROTOCOL%')) }),
      ),
    }),
  },
  { name: 'an attribute twice', log: overGrpc({ attributes: list(entry('a', text('1')), entry('a', text('2'))) }) },
  {
    name: 'no ASCII',
    log: overGrpc({ body: text('caf\u00e9 %REQ(X-A)%') }),
    requests: [{ headers: { 'x-a': 'caf\xc3\xa9' } }],
  },
  {
    name: 'metadata',
    log: overGrpc({ body: text('%METADATA(ROUTE:tags)%') }),
    level: { metadata: { filter_metadata: { tags: { of: 'route' } } } },
  },
  {
    name: 'resource attributes',
    log: overGrpc({
      resource_attributes: list(
        entry('region', text('r')),
        entry('n', { int_value: '5' }),
        entry('yes', { bool_value: true }),
      ),
    }),
  },
  { name: 'without labels', log: overGrpc({ disable_builtin_labels: true }) },
  {
    name: 'resource attributes alone',
    log: overGrpc({ disable_builtin_labels: true, resource_attributes: list(entry('region', text('%PROTOCOL%'))) }),
  },
  {
    name: 'detected attributes',
    log: overGrpc({
      resource_detectors: [extension('StaticConfigResourceDetectorConfig', { attributes: { of: 'detector' } })],
    }),
  },
  { name: 'a prefix of statistics', log: overGrpc({ stat_prefix: 'mine' }) },
  { name: 'a prefix that ends with a dot', log: overGrpc({ stat_prefix: 'mine.' }) },
  { name: 'a name of its own and a common one', log: overGrpc({ log_name: 'own' }) },
  { name: 'no name', log: byItself({ log_name: '' }), settleMs: 1300 },
  { name: 'a tag', log: overGrpc({ custom_tags: [{ tag: 'a', literal: { value: 'b' } }] }) },
  {
    name: 'a tag of a header',
    log: overGrpc({ custom_tags: [{ tag: 'a', request_header: { name: 'x-a', default_value: 'none' } }] }),
  },
  { name: 'a tag without a value', log: overGrpc({ custom_tags: [{ tag: 'a', request_header: { name: 'x-a' } }] }) },
  {
    name: 'a tag that is a number',
    log: overGrpc({ custom_tags: [{ tag: 'a', value: '%RESPONSE_CODE%', value_type: 'INT' }] }),
  },
  { name: 'filter state', log: overGrpc({ filter_state_objects_to_log: ['none'] }) },
  { name: 'in a trace', log: overGrpc(), tracing: {} },
  { name: 'in a trace that is not recorded', log: overGrpc(), tracing: { random_sampling: { value: 0 } } },
  {
    name: 'filtered',
    log: overGrpc(),
    filter: { status_code_filter: { comparison: { op: 'GE', value: { default_value: 500, runtime_key: 'x' } } } },
  },
  {
    name: 'not filtered',
    log: overGrpc(),
    filter: { status_code_filter: { comparison: { op: 'GE', value: { default_value: 200, runtime_key: 'x' } } } },
  },
  { name: 'what is traced', log: overGrpc(), tracing: {}, filter: { traceable_filter: {} } },
  {
    name: 'what is not traced',
    log: overGrpc(),
    tracing: { random_sampling: { value: 0 } },
    filter: { traceable_filter: {} },
  },
  {
    name: 'several at a time',
    log: overGrpc({}, { buffer_size_bytes: 100_000, buffer_flush_interval: '0.2s' }),
    requests: [{}, {}, {}],
    settleMs: 400,
  },
  { name: 'a call that fails', log: overGrpc(), backends: { 1: [{ status: 14 }] } },
  { name: 'nobody listens', log: overGrpc({}, { grpc_service: { envoy_grpc: { cluster_name: 'down' } } }) },
  {
    name: 'a cluster that there is not',
    log: overGrpc({}, { grpc_service: { envoy_grpc: { cluster_name: 'gone' } } }),
  },
  {
    name: 'nobody listens, over HTTP',
    log: { ...overHttp(), http_service: { http_uri: { uri: 'http://a/v1/logs', cluster: 'c3', timeout: '1s' } } },
  },
  {
    name: 'an answer with 503',
    log: overHttp(),
    backends: { 2: [{ raw: 'HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n' }] },
  },
  {
    name: 'headers over HTTP',
    log: {
      ...overHttp(),
      http_service: {
        http_uri: { uri: 'http://collector.test/v1/logs', cluster: 'c2', timeout: '1s' },
        request_headers_to_add: [{ header: { key: 'Authorization', value: 'Bearer x' } }],
      },
    },
  },
];

const refusal = (name: string, config: Json, difference?: string): Scenario => ({
  feature: 'access log sinks',
  name: `refused: ${name}`,
  validateOnly: true,
  bootstrap: (places) =>
    simple(places, { manager: { access_log: [openTelemetryLog(config)] }, clusters: tracingClusters(places) }),
  cases: difference ? [{ name: '', difference }] : [],
});

const refusals: readonly Scenario[] = [
  refusal('no collector', soon),
  refusal('two collectors', { ...byItself(), ...overHttp() }),
  refusal('a common one and one of its own', { ...overGrpc(), ...byItself() }),
  refusal('a common configuration without a collector', {
    common_config: { log_name: 'log', transport_api_version: 'V3' },
  }),
  refusal('a common configuration without a name', {
    common_config: { grpc_service: GRPC['grpc_service'], transport_api_version: 'V3' },
  }),
  refusal('another version', {
    common_config: { log_name: 'log', grpc_service: GRPC['grpc_service'], transport_api_version: 'V2' },
  }),
  refusal('no version', { common_config: { log_name: 'log', grpc_service: GRPC['grpc_service'] } }),
  refusal('a number as body', overGrpc({ body: { int_value: '1' } })),
  refusal('a flag as attribute', overGrpc({ attributes: list(entry('a', { bool_value: true })) })),
  refusal('an attribute without a value', overGrpc({ attributes: list({ key: 'a' }) })),
  refusal('a format that is none', overGrpc({ body: text('%NOTHING%') })),
  refusal('an attribute with a format that is none', overGrpc({ attributes: list(entry('a', text('%NOTHING%'))) })),
  refusal('an interval of nothing', overGrpc({ buffer_flush_interval: '0s' })),
  refusal('a buffer of nothing', overGrpc({ buffer_size_bytes: 0 })),
];

const stats = [/open_telemetry_access_log/];
export const scenarios: readonly Scenario[] = [
  tracingScenario(
    { feature: 'access log sinks', name: 'OpenTelemetry', stats },
    records.map((row) => ({ settleMs: 120, ...row })),
  ),
  ...refusals,
];
