import { typed } from '../config.ts';
import { GRPC, HTTP, type TracingRow, tracingScenario } from '../tracing.ts';
import type { Json, Scenario } from '../types.ts';

const parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const unsampled = parent.replace(/1$/, '0');
const asked = (headers: Readonly<Record<string, string>>): Pick<TracingRow, 'requests'> => ({
  requests: [{ headers }],
});
const tag = (name: string, type: Json): Pick<TracingRow, 'tracing'> => ({
  tracing: { custom_tags: [{ tag: name, ...type }] },
});
const metadataTag = (kind: string, more: Json = {}, key = 'of'): Pick<TracingRow, 'tracing'> =>
  tag('from-metadata', {
    metadata: { kind: { [kind]: {} }, metadata_key: { key: 'tags', path: [{ key }] }, ...more },
  });
const childSpans: Json = { spawn_upstream_span: true };
const grpcRequest = {
  method: 'POST',
  path: '/a.Service/Method',
  headers: { 'content-type': 'application/grpc', 'grpc-timeout': '3S', te: 'trailers' },
  body: '\0\0\0\0\0',
};

const plain: readonly TracingRow[] = [
  { name: 'a plain request' },
  { name: 'over HTTP', tracer: HTTP },
  { name: 'a name of the service', tracer: { ...GRPC, service_name: 'shop' } },
  { name: 'without a provider', tracer: null },
  {
    name: 'everything that a request says of itself',
    requests: [
      {
        method: 'POST',
        path: '/a/b?c=d',
        host: 'Shop.Example:8080',
        headers: {
          'user-agent': 'browser',
          'x-envoy-downstream-service-cluster': 'front',
          'x-client-trace-id': 'c1',
          'x-envoy-original-path': '/before',
        },
        body: 'hello',
      },
    ],
  },
  { name: 'a long path', requests: [{ path: `/${'a'.repeat(300)}` }] },
  { name: 'a short limit for paths', tracing: { max_path_tag_length: 5 }, requests: [{ path: '/abcdefghi' }] },
  { name: 'no limit for paths', tracing: { max_path_tag_length: 0 }, requests: [{ path: '/abcdefghi' }] },
  { name: 'a path that is rewritten', route: { prefix_rewrite: '/there' }, requests: [{ path: '/here' }] },
  { name: 'bytes that are no ASCII', ...asked({ 'user-agent': 'caf\xc3\xa9' }) },
  { name: 'bytes that are no UTF-8', difference: 'span-not-utf8', ...asked({ 'user-agent': 'caf\xe9' }) },
  {
    name: 'HTTP/1.0',
    manager: { http_protocol_options: { accept_http_10: true } },
    requests: [{ version: 'HTTP/1.0' }],
  },
  { name: 'no host', requests: [{ host: null }] },
  { name: 'no route', routes: [] },
  { name: 'a direct response', routes: [{ match: { prefix: '/' }, direct_response: { status: 418 } }] },
  { name: 'an answer with 404', backends: { 0: [{ raw: 'HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n' }] } },
  { name: 'an answer with 500', backends: { 0: [{ raw: 'HTTP/1.1 500 Bad\r\ncontent-length: 0\r\n\r\n' }] } },
  { name: 'nobody listens', route: { cluster: 'c3' } },
  { name: 'verbose', tracing: { verbose: true } },
  { name: 'gRPC', requests: [grpcRequest] },
  {
    name: 'a gRPC status',
    requests: [grpcRequest],
    backends: {
      0: [
        {
          raw: 'HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ngrpc-status: 7\r\ngrpc-message: no\r\ncontent-length: 0\r\n\r\n',
        },
      ],
    },
  },
  ...[0, 1, 2, 4, 5, 12, 13, 14, 15, 16].map((code) => ({
    name: `gRPC status ${code}`,
    requests: [grpcRequest],
    backends: {
      0: [
        {
          raw: `HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ngrpc-status: ${code}\r\ncontent-length: 0\r\n\r\n`,
        },
      ],
    },
  })),
  {
    name: 'a gRPC status to a client',
    listener: { traffic_direction: 'OUTBOUND' },
    requests: [grpcRequest],
    backends: {
      0: [{ raw: 'HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ngrpc-status: 5\r\ncontent-length: 0\r\n\r\n' }],
    },
  },
  {
    name: 'a gRPC status without gRPC',
    backends: { 0: [{ raw: 'HTTP/1.1 200 OK\r\ngrpc-status: 13\r\ncontent-length: 0\r\n\r\n' }] },
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
        { name: 'envoy.filters.http.router', typed_config: typed('envoy.extensions.filters.http.router.v3.Router') },
      ],
    },
  },
];

const contexts: readonly TracingRow[] = [
  { name: 'a parent', ...asked({ traceparent: parent, tracestate: 'a=b' }) },
  { name: 'without a state', ...asked({ traceparent: parent }) },
  { name: 'not sampled', ...asked({ traceparent: unsampled, tracestate: 'a=b' }) },
  { name: 'sampled though nothing is', ...asked({ traceparent: parent }), tracing: { random_sampling: { value: 0 } } },
  { name: 'a state alone', ...asked({ tracestate: 'a=b' }) },
  {
    name: 'several states',
    requests: [
      {
        headers: [
          ['traceparent', parent],
          ['tracestate', 'a=b'],
          ['tracestate', 'c=d'],
        ],
      },
    ],
  },
  {
    name: 'several parents',
    requests: [
      {
        headers: [
          ['traceparent', parent],
          ['traceparent', unsampled],
        ],
      },
    ],
  },
  { name: 'more flags', ...asked({ traceparent: parent.replace(/01$/, 'ff') }) },
  { name: 'a later version', ...asked({ traceparent: parent.replace(/^00/, '01') }) },
  { name: 'the version that there is not', ...asked({ traceparent: parent.replace(/^00/, 'ff') }) },
  { name: 'upper case', ...asked({ traceparent: parent.toUpperCase() }) },
  { name: 'no trace', ...asked({ traceparent: parent.replace(/0af7[0-9a-f]*/, '0'.repeat(32)) }) },
  { name: 'no span', ...asked({ traceparent: parent.replace('b7ad6b7169203331', '0'.repeat(16)) }) },
  { name: 'a word', ...asked({ traceparent: 'word' }) },
  { name: 'too long', ...asked({ traceparent: `${parent}-00` }) },
  { name: 'no digits', ...asked({ traceparent: parent.replace('0af', 'xyz') }) },
  { name: 'empty', ...asked({ traceparent: '' }) },
  { name: 'not told', tracing: { no_context_propagation: true }, ...asked({ traceparent: parent }) },
  { name: 'new and not told', tracing: { no_context_propagation: true } },
  {
    name: 'B3',
    ...asked({
      b3: '463ac35c9f6413ad48485a3953bb6124-0020000000000001-1',
      'x-b3-traceid': '463ac35c9f6413ad48485a3953bb6124',
    }),
  },
];

const percent = (value: number): Json => ({ value });
const shares = { random_sampling: { numerator: 0 } };
const decisions: readonly TracingRow[] = [
  { name: 'none at random', tracing: { random_sampling: percent(0) } },
  {
    name: 'none at random, a client asks',
    tracing: { random_sampling: percent(0) },
    ...asked({ 'x-client-trace-id': 'q' }),
  },
  {
    name: 'none of clients',
    tracing: { random_sampling: percent(0), client_sampling: percent(0) },
    ...asked({ 'x-client-trace-id': 'q' }),
  },
  { name: 'none over all', tracing: { overall_sampling: percent(0) } },
  {
    name: 'an id that is sampled',
    tracing: { random_sampling: percent(0) },
    ...asked({ 'x-request-id': '11111111-1111-9111-8111-111111111111' }),
  },
  {
    name: 'an id that is not',
    tracing: { random_sampling: percent(0) },
    ...asked({ 'x-request-id': '11111111-1111-4111-8111-111111111111' }),
  },
  { name: 'an id that is no UUID', ...asked({ 'x-request-id': 'word' }) },
  { name: 'no id', manager: { generate_request_id: false } },
  {
    name: 'not by id',
    manager: {
      request_id_extension: {
        typed_config: typed('envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig', {
          use_request_id_for_trace_sampling: false,
        }),
      },
    },
    tracing: { random_sampling: percent(0) },
  },
  { name: 'forced from outside', tracing: { random_sampling: percent(0) }, ...asked({ 'x-envoy-force-trace': '1' }) },
  {
    name: 'forced from within',
    tracing: { random_sampling: percent(0) },
    manager: {
      use_remote_address: true,
      internal_address_config: { cidr_ranges: [{ address_prefix: '127.0.0.0', prefix_len: 8 }] },
    },
    ...asked({ 'x-envoy-force-trace': '1' }),
  },
  { name: 'none by the route', level: { tracing: shares } },
  { name: 'all by the route', tracing: { random_sampling: percent(0) }, level: { tracing: {} } },
  {
    name: 'none of clients by the route',
    level: { tracing: { ...shares, client_sampling: { numerator: 0 } } },
    ...asked({ 'x-client-trace-id': 'q' }),
  },
  { name: 'none over all by the route', level: { tracing: { overall_sampling: { numerator: 0 } } } },
];

const names: readonly TracingRow[] = [
  { name: 'egress', listener: { traffic_direction: 'OUTBOUND' } },
  { name: 'inbound', listener: { traffic_direction: 'INBOUND' } },
  { name: 'decorated', level: { decorator: { operation: 'checkout' } } },
  { name: 'decorated and not told', level: { decorator: { operation: 'checkout', propagate: false } } },
  {
    name: 'decorated, named by who asks',
    level: { decorator: { operation: 'checkout' } },
    ...asked({ 'x-envoy-decorator-operation': 'asked' }),
  },
  { name: 'named by who asks', ...asked({ 'x-envoy-decorator-operation': 'asked' }) },
  {
    name: 'an empty name',
    level: { decorator: { operation: 'checkout' } },
    ...asked({ 'x-envoy-decorator-operation': '' }),
  },
  {
    name: 'decorated egress',
    listener: { traffic_direction: 'OUTBOUND' },
    level: { decorator: { operation: 'checkout' } },
    ...asked({ 'x-envoy-decorator-operation': 'asked' }),
  },
  {
    name: 'decorated egress and not told',
    listener: { traffic_direction: 'OUTBOUND' },
    level: { decorator: { operation: 'checkout', propagate: false } },
  },
  {
    name: 'egress named by who is asked',
    listener: { traffic_direction: 'OUTBOUND' },
    backends: { 0: [{ raw: 'HTTP/1.1 200 OK\r\nx-envoy-decorator-operation: told\r\ncontent-length: 0\r\n\r\n' }] },
  },
  {
    name: 'ingress named by who is asked',
    backends: { 0: [{ raw: 'HTTP/1.1 200 OK\r\nx-envoy-decorator-operation: told\r\ncontent-length: 0\r\n\r\n' }] },
  },
  { name: 'decorated without a provider', tracer: null, level: { decorator: { operation: 'checkout' } } },
  { name: 'decorated without tracing', manager: { tracing: null }, level: { decorator: { operation: 'checkout' } } },
  { name: 'an operation', tracing: { operation: '%REQ(:METHOD)% of %REQ(:AUTHORITY)%' } },
  { name: 'an operation that is empty', tracing: { operation: '%REQ(X-A)%' } },
  {
    name: 'an operation and a decorator',
    tracing: { operation: 'mine' },
    level: { decorator: { operation: 'checkout' } },
  },
  {
    name: 'an operation and who asks',
    tracing: { operation: 'mine' },
    ...asked({ 'x-envoy-decorator-operation': 'asked' }),
  },
  {
    name: 'an operation of the route',
    tracing: { operation: 'mine' },
    level: { tracing: { operation: 'route %ROUTE_NAME%' } },
  },
  { name: 'an operation of egress', tracing: { operation: 'mine' }, listener: { traffic_direction: 'OUTBOUND' } },
  { name: 'an operation of attempts', tracing: { ...childSpans, upstream_operation: 'to %UPSTREAM_CLUSTER%' } },
  {
    name: 'an operation of attempts of the route',
    tracing: { ...childSpans, upstream_operation: 'mine' },
    level: { tracing: { upstream_operation: 'route' } },
  },
];

const tags: readonly TracingRow[] = [
  { name: 'literal', ...tag('a', { literal: { value: 'caf\u00e9' } }) },
  { name: 'the environment', ...tag('a', { environment: { name: 'HOME_OF_NOBODY', default_value: 'none' } }) },
  { name: 'nothing of the environment', ...tag('a', { environment: { name: 'HOME_OF_NOBODY' } }) },
  {
    name: 'a header',
    ...tag('a', { request_header: { name: 'X-A', default_value: 'none' } }),
    ...asked({ 'x-a': '1' }),
  },
  {
    name: 'a header twice',
    ...tag('a', { request_header: { name: 'x-a' } }),
    requests: [
      {
        headers: [
          ['x-a', '1'],
          ['x-a', '2'],
        ],
      },
    ],
  },
  { name: 'no header', ...tag('a', { request_header: { name: 'x-a', default_value: 'none' } }) },
  { name: 'no header and no other value', ...tag('a', { request_header: { name: 'x-a' } }) },
  { name: 'a pseudo header', ...tag('a', { request_header: { name: ':path' } }) },
  { name: 'a format', ...tag('a', { value: 'code %RESPONSE_CODE%' }) },
  { name: 'a format without a value', ...tag('a', { value: '%REQ(X-A)%' }) },
  { name: 'a number', ...tag('a', { value: '%RESPONSE_CODE%', value_type: 'INT' }) },
  { name: 'a number that is none', ...tag('a', { value: 'x', value_type: 'INT' }) },
  { name: 'a literal number', ...tag('a', { literal: { value: '1' }, value_type: 'INT' }) },
  { name: 'a fraction', ...tag('a', { value: '1.5', value_type: 'DOUBLE' }) },
  { name: 'yes or no', ...tag('a', { value: 'true', value_type: 'BOOL' }) },
  { name: 'text', ...tag('a', { value: '1', value_type: 'STRING' }) },
  { name: 'a tag that there is', ...tag('component', { literal: { value: 'mine' } }) },
  {
    name: 'metadata of the route',
    ...metadataTag('route'),
    level: { metadata: { filter_metadata: { tags: { of: 'route' } } } },
  },
  {
    name: 'a number in metadata',
    ...metadataTag('route'),
    level: { metadata: { filter_metadata: { tags: { of: 1.5 } } } },
  },
  {
    name: 'a list in metadata',
    ...metadataTag('route'),
    level: { metadata: { filter_metadata: { tags: { of: [1, 'a', true, null] } } } },
  },
  {
    name: 'an object in metadata',
    ...metadataTag('route'),
    level: { metadata: { filter_metadata: { tags: { of: { a: 1 } } } } },
  },
  { name: 'no metadata', ...metadataTag('route', { default_value: 'none' }) },
  { name: 'no metadata and no other value', ...metadataTag('route') },
  { name: 'metadata of the cluster', ...metadataTag('cluster') },
  {
    name: 'metadata of no cluster',
    ...metadataTag('cluster', { default_value: 'none' }),
    routes: [{ match: { prefix: '/' }, direct_response: { status: 200 } }],
  },
  { name: 'metadata of the host', ...metadataTag('host', { default_value: 'none' }) },
  { name: 'metadata of the request', ...metadataTag('request', { default_value: 'none' }) },
  { name: 'of the route alone', level: { tracing: { custom_tags: [{ tag: 'a', literal: { value: 'route' } }] } } },
  {
    name: 'of the route before the manager',
    ...tag('a', { literal: { value: 'manager' } }),
    level: { tracing: { custom_tags: [{ tag: 'a', literal: { value: 'route' } }] } },
  },
  { name: 'on attempts', tracing: { ...childSpans, custom_tags: [{ tag: 'a', value: '%UPSTREAM_CLUSTER%' }] } },
];

const refused = 'HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n';
const attempts: readonly TracingRow[] = [
  {
    name: 'gRPC',
    tracing: childSpans,
    requests: [grpcRequest],
    backends: {
      0: [
        {
          raw: 'HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ngrpc-status: 13\r\ngrpc-message: no\r\ncontent-length: 0\r\n\r\n',
        },
      ],
    },
  },
  {
    name: 'mirrored with tags',
    tracing: { verbose: true, custom_tags: [{ tag: 'a', literal: { value: 'b' } }] },
    route: { request_mirror_policies: [{ cluster: 'c3' }] },
  },
  { name: 'mirrored to nobody', route: { request_mirror_policies: [{ cluster: 'c3' }] } },
  { name: 'one', tracing: childSpans },
  {
    name: 'by the router',
    manager: {
      http_filters: [
        {
          name: 'envoy.filters.http.router',
          typed_config: typed('envoy.extensions.filters.http.router.v3.Router', { start_child_span: true }),
        },
      ],
    },
  },
  { name: 'with a parent', tracing: childSpans, ...asked({ traceparent: parent, tracestate: 'a=b' }) },
  { name: 'not sampled', tracing: { ...childSpans, random_sampling: percent(0) } },
  { name: 'egress', tracing: childSpans, listener: { traffic_direction: 'OUTBOUND' } },
  {
    name: 'tried again',
    tracing: childSpans,
    route: { retry_policy: { retry_on: '5xx', num_retries: 2 } },
    backends: { 0: [{ raw: refused }, { raw: refused }] },
  },
  {
    name: 'tried again without spans',
    route: { retry_policy: { retry_on: '5xx', num_retries: 1 } },
    backends: { 0: [{ raw: refused }] },
  },
  { name: 'nobody listens', tracing: childSpans, route: { cluster: 'c3' } },
  { name: 'broken off', tracing: childSpans, backends: { 0: [{ end: 'close' }] } },
  {
    name: 'broken off in the middle',
    tracing: childSpans,
    backends: { 0: [{ raw: 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab', afterwards: 'close' }] },
  },
  { name: 'too slow', tracing: childSpans, route: { timeout: '0.05s' }, backends: { 0: ['hang'] } },
  {
    name: 'an attempt too slow',
    tracing: childSpans,
    route: { retry_policy: { retry_on: '5xx', num_retries: 1, per_try_timeout: '0.05s' } },
    backends: { 0: ['hang'] },
  },
  {
    name: 'an answer with 404',
    tracing: childSpans,
    backends: { 0: [{ raw: 'HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n' }] },
  },
  { name: 'verbose', tracing: { ...childSpans, verbose: true } },
  {
    name: 'an answer of the proxy',
    tracing: childSpans,
    routes: [{ match: { prefix: '/' }, direct_response: { status: 200 } }],
  },
  {
    name: 'a client that goes',
    tracing: childSpans,
    steps: [{ send: 'GET / HTTP/1.1\r\nhost: a\r\n\r\n' }, { sleep: 60 }, { do: 'close' }],
    responses: 0,
    backends: { 0: ['hang'] },
  },
  { name: 'mirrored', route: { request_mirror_policies: [{ cluster: 'c2' }] } },
  { name: 'mirrored, with spans', tracing: childSpans, route: { request_mirror_policies: [{ cluster: 'c2' }] } },
  { name: 'mirrored and not sampled', route: { request_mirror_policies: [{ cluster: 'c2', trace_sampled: false }] } },
  {
    name: 'mirrored and sampled alone',
    tracing: { random_sampling: percent(0) },
    route: { request_mirror_policies: [{ cluster: 'c2', trace_sampled: true }] },
  },
  {
    name: 'mirrored, nothing sampled',
    tracing: { random_sampling: percent(0) },
    route: { request_mirror_policies: [{ cluster: 'c2' }] },
  },
];

// When the timer goes off is a matter of luck.
const stats = [/tracing\.(?!opentelemetry\.timer)/];
export const scenarios: readonly Scenario[] = [
  tracingScenario({ feature: 'tracing', name: 'requests', stats }, plain),
  tracingScenario({ feature: 'tracing', name: 'contexts', stats }, contexts),
  tracingScenario({ feature: 'tracing', name: 'decisions', stats }, decisions),
  tracingScenario({ feature: 'tracing', name: 'names', stats }, names),
  tracingScenario({ feature: 'tracing', name: 'tags', stats }, tags),
  tracingScenario({ feature: 'tracing', name: 'attempts', stats }, attempts),
];
