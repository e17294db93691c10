import { simple, typed } from '../config.ts';
import { GRPC, type TracingRow, tracingClusters, tracingScenario, zipkinProvider } from '../tracing.ts';
import type { Json, Scenario } from '../types.ts';

/** The collector is backend 2. */
const ZIPKIN: Json = {
  collector_cluster: 'c2',
  collector_endpoint: '/api/v2/spans',
  collector_endpoint_version: 'HTTP_JSON',
};
const accepted = { raw: 'HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n' };
const TAKEN: Pick<TracingRow, 'backends'> = { backends: { 2: [accepted, accepted, accepted, accepted] } };
type Row = Partial<TracingRow> & { readonly name: string };
const rows = (list: readonly Row[], config: Json = {}): readonly TracingRow[] =>
  list.map((row) => ({
    ...row,
    zipkin: { ...ZIPKIN, ...config, ...row.zipkin },
    backends: { ...TAKEN.backends, ...row.backends },
  }));
const asked = (headers: Readonly<Record<string, string>>): Pick<TracingRow, 'requests'> => ({
  requests: [{ headers }],
});

const long = '463ac35c9f6413ad48485a3953bb6124';
const short = '48485a3953bb6124';
const span = '0020000000000001';
const parent = 'b7ad6b7169203331';
const w3c = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const none: Json = { random_sampling: { value: 0 } };
const childSpans: Json = { spawn_upstream_span: true };
const EGRESS: Json = { traffic_direction: 'OUTBOUND' };
const multi = (more: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> => ({
  'x-b3-traceid': long,
  'x-b3-spanid': span,
  ...more,
});

const plain = rows([
  { name: 'a plain request' },
  { name: 'a long id', zipkin: { trace_id_128bit: true } },
  { name: 'egress', listener: EGRESS },
  { name: 'contexts of their own', zipkin: { shared_span_context: false } },
  { name: 'protobuf', difference: 'zipkin-protobuf-ids', zipkin: { collector_endpoint_version: 'HTTP_PROTO' } },
  {
    name: 'protobuf with a parent',
    difference: 'zipkin-protobuf-ids',
    zipkin: { collector_endpoint_version: 'HTTP_PROTO' },
    ...asked(multi({ 'x-b3-parentspanid': parent })),
  },
  {
    name: 'protobuf, verbose',
    difference: 'zipkin-protobuf-ids',
    zipkin: { collector_endpoint_version: 'HTTP_PROTO' },
    tracing: { verbose: true },
    listener: EGRESS,
  },
  { name: 'verbose', tracing: { verbose: true } },
  {
    name: 'everything that a request says of itself',
    requests: [
      {
        method: 'POST',
        path: '/a/b?c=d',
        host: 'Shop.Example:8080',
        headers: { 'user-agent': 'browser', 'x-envoy-downstream-service-cluster': 'front', 'x-client-trace-id': 'c1' },
        body: 'hello',
      },
    ],
  },
  { name: 'an empty header', ...asked({ 'user-agent': '' }) },
  { name: 'bytes that are no ASCII', ...asked({ 'user-agent': 'caf\xc3\xa9 "\\' }) },
  { name: 'bytes that are no UTF-8', difference: 'span-not-utf8', ...asked({ 'user-agent': 'caf\xe9' }) },
  { name: 'no host', requests: [{ host: null }] },
  { name: 'no route', routes: [] },
  { name: 'an answer with 500', backends: { 0: [{ raw: 'HTTP/1.1 500 Bad\r\ncontent-length: 0\r\n\r\n' }] } },
  { name: 'nobody listens', route: { cluster: 'c3' } },
  { name: 'decorated', level: { decorator: { operation: 'checkout' } } },
  { name: 'an operation', tracing: { operation: '%REQ(:METHOD)% of %REQ(:AUTHORITY)%' } },
  {
    name: 'tags',
    tracing: {
      custom_tags: [
        { tag: 'a', literal: { value: 'caf\u00e9' } },
        { tag: 'number', value: '%RESPONSE_CODE%', value_type: 'INT' },
        { tag: 'fraction', value: '1.5', value_type: 'DOUBLE' },
        { tag: 'yes', value: 'true', value_type: 'BOOL' },
        { tag: 'component', literal: { value: 'mine' } },
      ],
    },
  },
  {
    name: 'gRPC',
    requests: [
      {
        method: 'POST',
        path: '/a.Service/Method',
        headers: { 'content-type': 'application/grpc', te: 'trailers' },
        body: '\0\0\0\0\0',
      },
    ],
    backends: {
      0: [
        {
          raw: 'HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ngrpc-status: 13\r\ngrpc-message: no\r\ncontent-length: 0\r\n\r\n',
        },
      ],
    },
  },
]);

const logged: Json = { log: { ...GRPC, disable_builtin_labels: true }, tracing: {} };
const logs = rows([
  { name: 'a short id', ...logged },
  { name: 'a long id', zipkin: { trace_id_128bit: true }, ...logged },
]);

const contexts: readonly Row[] = [
  { name: 'a parent', ...asked(multi()) },
  { name: 'a short id', ...asked(multi({ 'x-b3-traceid': short })) },
  { name: 'a parent with a parent', ...asked(multi({ 'x-b3-parentspanid': parent })) },
  { name: 'sampled', ...asked(multi({ 'x-b3-sampled': '1' })), tracing: none },
  { name: 'true', ...asked(multi({ 'x-b3-sampled': 'true' })), tracing: none },
  { name: 'not sampled', ...asked(multi({ 'x-b3-sampled': '0' })) },
  { name: 'sampled d', ...asked(multi({ 'x-b3-sampled': 'd' })), tracing: none },
  { name: 'sampled otherwise', ...asked(multi({ 'x-b3-sampled': 'yes' })) },
  { name: 'sampled with nothing', ...asked(multi({ 'x-b3-sampled': '' })) },
  { name: 'debug', ...asked(multi({ 'x-b3-flags': '1' })), tracing: none },
  { name: 'debug but not sampled', ...asked(multi({ 'x-b3-flags': '1', 'x-b3-sampled': '0' })) },
  { name: 'flags of nothing', ...asked(multi({ 'x-b3-flags': '0' })) },
  { name: 'undecided, none at random', ...asked(multi()), tracing: none },
  { name: 'only sampled', ...asked({ 'x-b3-sampled': '1' }), tracing: none },
  { name: 'only not sampled', ...asked({ 'x-b3-sampled': '0' }) },
  { name: 'only debug', ...asked({ 'x-b3-flags': '1' }), tracing: none },
  { name: 'no span', ...asked({ 'x-b3-traceid': long }) },
  { name: 'no trace', ...asked({ 'x-b3-spanid': span }) },
  { name: 'a trace that is none', ...asked(multi({ 'x-b3-traceid': 'x'.repeat(16) })) },
  { name: 'a trace of one digit', ...asked(multi({ 'x-b3-traceid': 'a' })) },
  { name: 'a trace of 17 digits', ...asked(multi({ 'x-b3-traceid': `1${short}` })) },
  { name: 'a trace of 31 digits', ...asked(multi({ 'x-b3-traceid': long.slice(1) })) },
  { name: 'a trace with 33 digits', ...asked(multi({ 'x-b3-traceid': `1${long}` })) },
  { name: 'a trace with a half that is none', ...asked(multi({ 'x-b3-traceid': `${'x'.repeat(16)}${short}` })) },
  { name: 'a trace in capitals', ...asked(multi({ 'x-b3-traceid': long.toUpperCase() })) },
  { name: 'a trace of zeros', ...asked(multi({ 'x-b3-traceid': '0'.repeat(32) })) },
  { name: 'a trace with 0x', ...asked(multi({ 'x-b3-traceid': `0x${short.slice(2)}` })) },
  { name: 'a trace with a plus', ...asked(multi({ 'x-b3-traceid': '+7' })) },
  { name: 'a trace with a minus', ...asked(multi({ 'x-b3-traceid': '-7' })) },
  { name: 'a trace that is empty', ...asked(multi({ 'x-b3-traceid': '' })) },
  { name: 'a span that is empty', ...asked(multi({ 'x-b3-spanid': '' })) },
  { name: 'a trace of many zeros', ...asked(multi({ 'x-b3-traceid': `${'0'.repeat(20)}7` })) },
  { name: 'a trace with a space', ...asked(multi({ 'x-b3-traceid': `${short.slice(1)} x` })) },
  { name: 'a long id that begins with zeros', ...asked(multi({ 'x-b3-traceid': `${'0'.repeat(16)}${short}` })) },
  { name: 'a span that is none', ...asked(multi({ 'x-b3-spanid': 'word' })) },
  { name: 'a span of zeros', ...asked(multi({ 'x-b3-spanid': '0'.repeat(16) })) },
  { name: 'a span of one digit', ...asked(multi({ 'x-b3-spanid': '7' })) },
  { name: 'a span too long', ...asked(multi({ 'x-b3-spanid': `1${span}` })) },
  { name: 'a parent that is none', ...asked(multi({ 'x-b3-parentspanid': 'word' })) },
  { name: 'a parent that is empty', ...asked(multi({ 'x-b3-parentspanid': '' })) },
  { name: 'a parent of zeros', ...asked(multi({ 'x-b3-parentspanid': '0'.repeat(16) })) },
  {
    name: 'lines twice',
    requests: [
      {
        headers: [
          ['x-b3-traceid', long],
          ['x-b3-traceid', short],
          ['x-b3-spanid', span],
          ['x-b3-sampled', '0'],
          ['x-b3-sampled', '1'],
        ],
      },
    ],
  },
  { name: 'W3C alone', ...asked({ traceparent: w3c, tracestate: 'a=b' }) },
  { name: 'W3C beside it', ...asked(multi({ traceparent: w3c, tracestate: 'a=b' })) },
];

const b3 = (value: string, tracing: Json = {}, more: Readonly<Record<string, string>> = {}): Partial<TracingRow> => ({
  ...asked({ b3: value, ...more }),
  tracing,
});
const single: readonly Row[] = [
  { name: 'b3', ...b3(`${long}-${span}`) },
  { name: 'b3, sampled', ...b3(`${long}-${span}-1`, none) },
  { name: 'b3, not sampled', ...b3(`${long}-${span}-0`) },
  { name: 'b3, debug', ...b3(`${long}-${span}-d`, none) },
  { name: 'b3, sampled otherwise', ...b3(`${long}-${span}-x`) },
  { name: 'b3, with a parent', ...b3(`${long}-${span}-1-${parent}`) },
  { name: 'b3, short', ...b3(`${short}-${span}-1`) },
  { name: 'b3, short with a parent', ...b3(`${short}-${span}-1-${parent}`) },
  { name: 'b3, short and undecided', ...b3(`${short}-${span}`, none) },
  { name: 'b3, only sampled', ...b3('1', none) },
  { name: 'b3, only not sampled', ...b3('0') },
  { name: 'b3, only debug', ...b3('d', none) },
  { name: 'b3, one letter', ...b3('x') },
  { name: 'b3, nothing', ...b3('') },
  { name: 'b3, too short', ...b3('48485a-1') },
  { name: 'b3, too long', ...b3(`${long}-${span}-1-${parent}0`) },
  { name: 'b3, without a sampling', ...b3(`${long}-${span}-`) },
  { name: 'b3, a parent without a sampling', ...b3(`${long}-${span}-${parent}`) },
  { name: 'b3, a short parent', ...b3(`${long}-${span}-1-${parent.slice(1)}`) },
  { name: 'b3, an empty parent', ...b3(`${long}-${span}-1-`) },
  { name: 'b3, a parent that is none', ...b3(`${long}-${span}-1-${'x'.repeat(16)}`) },
  { name: 'b3, no digits', ...b3(`${'x'.repeat(32)}-${span}-1`) },
  { name: 'b3, no digits in its lower half', ...b3(`${short}${'x'.repeat(16)}-${span}-1`) },
  { name: 'b3, no digits in a short trace', ...b3(`${'x'.repeat(16)}-${span}-1`) },
  { name: 'b3, no digits in its span', ...b3(`${long}-${'x'.repeat(16)}-1`) },
  { name: 'b3, no dashes', ...b3(`${long}+${span}+1`) },
  { name: 'b3, in capitals', ...b3(`${long.toUpperCase()}-${span}-1`) },
  { name: 'b3, zeros', ...b3(`${'0'.repeat(32)}-${'0'.repeat(16)}-1`) },
  {
    name: 'b3 before the lines',
    ...b3(`${long}-${span}-1`, {}, { 'x-b3-traceid': short, 'x-b3-spanid': parent, 'x-b3-sampled': '0' }),
  },
  { name: 'b3 that is none before the lines', ...b3('x', {}, multi()) },
  { name: 'b3 before W3C', ...b3(`${long}-${span}-1`, {}, { traceparent: w3c }) },
  {
    name: 'b3 twice',
    requests: [
      {
        headers: [
          ['b3', `${long}-${span}-1`],
          ['b3', '0'],
        ],
      },
    ],
  },
];

const both: readonly Row[] = [
  { name: 'nothing' },
  { name: 'nothing, a long id', zipkin: { trace_id_128bit: true } },
  { name: 'nothing, not sampled', tracing: none },
  { name: 'W3C', ...asked({ traceparent: w3c }) },
  { name: 'W3C with a state', ...asked({ traceparent: w3c, tracestate: 'a=b' }) },
  { name: 'W3C, not sampled', ...asked({ traceparent: w3c.replace(/1$/, '0') }) },
  { name: 'W3C, sampled all the same', ...asked({ traceparent: w3c }), tracing: none },
  { name: 'W3C that is none', ...asked({ traceparent: 'word' }) },
  { name: 'W3C of zeros', ...asked({ traceparent: `00-${'0'.repeat(32)}-${'0'.repeat(16)}-01` }) },
  { name: 'W3C of another version', ...asked({ traceparent: w3c.replace(/^00/, '01') }) },
  { name: 'W3C of version ff', ...asked({ traceparent: w3c.replace(/^00/, 'ff') }) },
  { name: 'W3C in capitals', ...asked({ traceparent: w3c.toUpperCase() }) },
  { name: 'B3 and W3C', ...asked(multi({ traceparent: w3c, tracestate: 'a=b' })) },
  { name: 'B3', ...asked(multi({ 'x-b3-sampled': '1' })) },
  { name: 'a short id', ...asked(multi({ 'x-b3-traceid': short })) },
  { name: 'b3', ...b3(`${long}-${span}-1`) },
  { name: 'b3 and W3C', ...b3(`${long}-${span}-1`, {}, { traceparent: w3c }) },
  { name: 'b3 that is none, and W3C', ...b3('x', {}, { traceparent: w3c }) },
  { name: 'b3 of sampling alone, and W3C', ...b3('0', {}, { traceparent: w3c }) },
  { name: 'sampling alone, and W3C', ...asked({ 'x-b3-sampled': '0', traceparent: w3c }) },
  {
    name: 'sampling alone, and W3C that is not sampled',
    ...asked({ 'x-b3-sampled': '1', traceparent: w3c.replace(/1$/, '0') }),
  },
  { name: 'egress', ...asked({ traceparent: w3c }), listener: EGRESS },
  { name: 'spans of attempts', ...asked({ traceparent: w3c }), tracing: childSpans },
];

const ROUTER = (more: Json): Json => ({
  http_filters: [
    {
      name: 'envoy.filters.http.router',
      typed_config: typed('envoy.extensions.filters.http.router.v3.Router', more),
    },
  ],
});
const spans = rows([
  { name: 'of attempts', tracing: childSpans },
  { name: 'of attempts, egress', tracing: childSpans, listener: EGRESS },
  { name: 'of attempts, with a parent', tracing: childSpans, ...asked(multi({ 'x-b3-parentspanid': parent })) },
  { name: 'of attempts, with b3', tracing: childSpans, ...asked({ b3: `${long}-${span}-1-${parent}` }) },
  {
    name: 'of attempts, contexts of their own',
    zipkin: { shared_span_context: false },
    tracing: childSpans,
    ...asked(multi()),
  },
  { name: 'by the router', manager: ROUTER({ start_child_span: true }) },
  { name: 'by the router, with a parent', manager: ROUTER({ start_child_span: true }), ...asked(multi()) },
  { name: 'by the router, egress', manager: ROUTER({ start_child_span: true }), listener: EGRESS },
  {
    name: 'by the router, contexts of their own',
    zipkin: { shared_span_context: false },
    manager: ROUTER({ start_child_span: true }),
    ...asked(multi()),
  },
  { name: 'split', zipkin: { split_spans_for_request: true }, manager: ROUTER({ start_child_span: true }) },
  {
    name: 'split, egress',
    zipkin: { split_spans_for_request: true },
    manager: ROUTER({ start_child_span: true }),
    listener: EGRESS,
  },
  { name: 'split alone', zipkin: { split_spans_for_request: true }, ...asked(multi()) },
  { name: 'split alone, egress', zipkin: { split_spans_for_request: true }, listener: EGRESS, ...asked(multi()) },
  { name: 'egress, with a parent', listener: EGRESS, ...asked(multi({ 'x-b3-parentspanid': parent })) },
  {
    name: 'contexts of their own, with a parent',
    zipkin: { shared_span_context: false },
    ...asked(multi({ 'x-b3-parentspanid': parent })),
  },
  { name: 'not sampled', tracing: { ...childSpans, random_sampling: { value: 0 } } },
  { name: 'verbose', tracing: { ...childSpans, verbose: true } },
  { name: 'not told', tracing: { no_context_propagation: true }, ...asked(multi()) },
]);

const decisions = rows([
  { name: 'none at random', tracing: none },
  { name: 'a client asks', tracing: none, ...asked({ 'x-client-trace-id': 'q' }) },
  {
    name: 'none of clients',
    tracing: { ...none, client_sampling: { value: 0 } },
    ...asked({ 'x-client-trace-id': 'q' }),
  },
  { name: 'none over all', tracing: { overall_sampling: { value: 0 } } },
  {
    name: 'none over all, but sampled',
    tracing: { overall_sampling: { value: 0 } },
    ...asked(multi({ 'x-b3-sampled': '1' })),
  },
  {
    name: 'forced from within',
    tracing: none,
    manager: {
      use_remote_address: true,
      internal_address_config: { cidr_ranges: [{ address_prefix: '127.0.0.0', prefix_len: 8 }] },
    },
    ...asked({ 'x-envoy-force-trace': '1' }),
  },
  { name: 'none by the route', level: { tracing: { random_sampling: { numerator: 0 } } } },
  {
    name: 'none by the route, but sampled',
    level: { tracing: { random_sampling: { numerator: 0 } } },
    ...asked({ b3: '1' }),
  },
  {
    name: 'mirrored and sampled alone',
    tracing: none,
    route: { request_mirror_policies: [{ cluster: 'c2', trace_sampled: true }] },
  },
  {
    name: 'a health check',
    routes: [{ match: { prefix: '/' }, direct_response: { status: 200 } }],
    manager: {
      http_filters: [
        {
          name: 'hc',
          typed_config: typed('envoy.extensions.filters.http.health_check.v3.HealthCheck', {
            pass_through_mode: false,
            headers: [{ name: ':path', string_match: { exact: '/' } }],
          }),
        },
        ...(ROUTER({})['http_filters'] as readonly Json[]),
      ],
    },
  },
]);

const service = (uri: string, more: Json = {}): Json => ({
  collector_service: { http_uri: { uri, cluster: 'c2', timeout: '1s' }, ...more },
  collector_endpoint_version: 'HTTP_JSON',
});
const collectors: readonly TracingRow[] = [
  { name: 'a host of its own', zipkin: { ...ZIPKIN, collector_hostname: 'zipkin.test' }, ...TAKEN },
  { name: 'a path that is none', zipkin: { ...ZIPKIN, collector_endpoint: 'api/v2/spans' }, ...TAKEN },
  { name: 'a service', zipkin: service('https://zipkin.test:9411/api/v2/spans'), ...TAKEN },
  { name: 'a service by its path', zipkin: service('/api/v2/spans'), ...TAKEN },
  { name: 'a service without a path', zipkin: service('http://zipkin.test'), ...TAKEN },
  { name: 'a service without a scheme', zipkin: service('zipkin.test/api/v2/spans'), ...TAKEN },
  {
    name: 'a service before a cluster',
    zipkin: { ...ZIPKIN, collector_cluster: 'c3', ...service('http://zipkin.test/api/v2/spans') },
    ...TAKEN,
  },
  {
    name: 'headers',
    zipkin: service('http://zipkin.test/api/v2/spans', {
      request_headers_to_add: [
        { header: { key: 'Authorization', value: 'Bearer x' } },
        { header: { key: 'content-type', value: 'application/json; charset=utf-8' } },
        { header: { key: 'X-A', value: '1' } },
        { header: { key: 'x-a', value: '2' }, append_action: 'APPEND_IF_EXISTS_OR_ADD' },
        { header: { key: 'x-format', value: '100%%' } },
      ],
    }),
    ...TAKEN,
  },
  { name: 'an answer with 200', zipkin: ZIPKIN },
  {
    name: 'an answer with 503',
    zipkin: ZIPKIN,
    backends: { 2: [{ raw: 'HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n' }] },
  },
  {
    name: 'a collector that breaks off',
    zipkin: ZIPKIN,
    backends: { 2: [{ raw: 'HTTP/1.1 202 Yes\r\ncontent-length: 9\r\n\r\nab', afterwards: 'close' }] },
  },
  { name: 'a collector that hangs', zipkin: ZIPKIN, backends: { 2: ['hang'] } },
  { name: 'nobody listens', zipkin: { ...ZIPKIN, collector_cluster: 'c3' } },
];

const batched = rows([
  { name: 'three at a time', requests: [{}, {}, {}] },
  {
    name: 'tried again',
    tracing: childSpans,
    route: { retry_policy: { retry_on: '5xx', num_retries: 1 } },
    backends: { 0: [{ raw: 'HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n' }] },
  },
  {
    name: 'protobuf, three at a time',
    difference: 'zipkin-protobuf-ids',
    zipkin: { collector_endpoint_version: 'HTTP_PROTO' },
    requests: [{}, {}, {}],
  },
]);

const refusal = (name: string, config: Json, difference?: string): Scenario => ({
  feature: 'tracing',
  name: `Zipkin refused: ${name}`,
  validateOnly: true,
  bootstrap: (places) =>
    simple(places, { manager: { tracing: zipkinProvider(config) }, clusters: tracingClusters(places) }),
  cases: difference ? [{ name: '', difference }] : [],
});
const refusals: readonly Scenario[] = [
  refusal('nothing', {}),
  refusal('no cluster', { collector_endpoint: '/a', collector_endpoint_version: 'HTTP_JSON' }),
  refusal('no endpoint', { collector_cluster: 'c2', collector_endpoint_version: 'HTTP_JSON' }),
  refusal('no version', { collector_cluster: 'c2', collector_endpoint: '/a' }),
  refusal('gRPC', { ...ZIPKIN, collector_endpoint_version: 'GRPC' }),
  refusal('a cluster that there is not', { ...ZIPKIN, collector_cluster: 'gone' }),
  refusal('a service with a cluster that there is not', {
    collector_service: { http_uri: { uri: '/a', cluster: 'gone', timeout: '1s' } },
    collector_endpoint_version: 'HTTP_JSON',
  }),
  refusal('a service without a place', { collector_service: {}, collector_endpoint_version: 'HTTP_JSON' }),
];

// When the timer goes off is a matter of luck.
const stats = [/tracing\.(?!zipkin\.timer)/];
const scenario = (name: string, list: readonly TracingRow[]): Scenario =>
  tracingScenario({ feature: 'tracing', name: `Zipkin: ${name}`, stats }, list);
export const scenarios: readonly Scenario[] = [
  scenario('requests', plain),
  scenario('contexts', rows(contexts)),
  scenario('the single header', rows(single)),
  scenario('B3 and W3C', rows(both, { trace_context_option: 'USE_B3_WITH_W3C_PROPAGATION' })),
  scenario('spans', spans),
  scenario('logs', logs),
  scenario('decisions', decisions),
  scenario('collectors', collectors),
  tracingScenario({ feature: 'tracing', name: 'Zipkin: batches', stats }, batched, {
    layered_runtime: { layers: [{ name: 'static', static_layer: { 'tracing.zipkin.min_flush_spans': 3 } }] },
  }),
  ...refusals,
];
