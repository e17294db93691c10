import { typed } from '../config.ts';
import { GRPC, GRPC_DOWN, type RemoteRow, remoteScenario } from '../remote-filters.ts';
import type { Behaviour, Json, Scenario } from '../types.ts';

const filter = { name: 'envoy.filters.http.ext_authz', type: 'envoy.extensions.filters.http.ext_authz.v3.ExtAuthz' };
const PER_ROUTE = 'envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute';
const TTL = '5s';
const config = (more: Json = {}): Json => ({
  grpc_service: { ...GRPC, timeout: TTL },
  transport_api_version: 'V3',
  ...more,
});
const perRoute = (override: Json): Json => ({
  typed_per_filter_config: { [filter.name]: typed(PER_ROUTE, override) },
});

const option = (key: string, value: string, more: Json = {}): Json => ({ header: { key, value }, ...more });
const ok = (ok_response: Json = {}, more: Json = {}): Behaviour => ({
  reply: { status: { code: 0 }, ok_response, ...more },
});
const denied = (denied_response?: Json, more: Json = {}): Behaviour => ({
  reply: { status: { code: 7 }, ...(denied_response ? { denied_response } : {}), ...more },
});
const actions = ['APPEND_IF_EXISTS_OR_ADD', 'ADD_IF_ABSENT', 'OVERWRITE_IF_EXISTS_OR_ADD', 'OVERWRITE_IF_EXISTS'];
/** One header for each action, for headers that the message has once, twice and not. */
const everyAction = (prefix: string): readonly Json[] =>
  actions.flatMap((append_action, at) =>
    ['once', 'twice', 'none'].map((kind) => option(`${prefix}-${kind}-${at}`, 'new', { append_action })),
  );
const everyAppend = (prefix: string): readonly Json[] =>
  [true, false].flatMap((append, at) =>
    ['once', 'twice', 'none'].map((kind) => option(`${prefix}-${kind}-${at}`, 'new', { append })),
  );
const present = (prefix: string): readonly (readonly [string, string])[] =>
  [0, 1, 2, 3].flatMap((at): readonly (readonly [string, string])[] => [
    [`${prefix}-once-${at}`, 'old'],
    [`${prefix}-twice-${at}`, 'old1'],
    [`${prefix}-twice-${at}`, 'old2'],
  ]);
const presentText = (prefix: string): string =>
  present(prefix)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');

const attributes: readonly RemoteRow[] = [
  { name: 'a plain request', config: config() },
  {
    name: 'everything that a request says of itself',
    config: config(),
    requests: [
      {
        method: 'POST',
        path: '/a%20b/c?d=e&f',
        host: 'Host.Example:8080',
        headers: [
          ['x-a', '1'],
          ['x-a', '2'],
          ['cookie', 'a=b'],
          ['cookie', 'c=d'],
          ['x-forwarded-for', '10.1.1.1'],
          ['x-envoy-downstream-service-cluster', 'client'],
          ['x-utf', 'caf\xc3\xa9'],
          ['x-latin', 'caf\xe9'],
          ['x-envoy-auth-partial-body', 'mine'],
        ],
        body: 'hello',
      },
    ],
    manager: { use_remote_address: false },
  },
  {
    name: 'the client of a trusted header',
    config: config(),
    manager: { use_remote_address: true, xff_num_trusted_hops: 1 },
    requests: [{ headers: { 'x-forwarded-for': '10.1.1.1, 10.2.2.2' } }],
  },
  { name: 'chunked, not buffered', config: config(), requests: [{ method: 'POST', chunked: true, body: 'hello' }] },
  { name: 'HEAD', config: config(), requests: [{ method: 'HEAD' }] },
  {
    name: 'raw headers',
    config: config({ encode_raw_headers: true }),
    requests: [
      {
        headers: [
          ['x-a', '1'],
          ['X-B', 'caf\xe9'],
          ['x-a', '2'],
        ],
      },
    ],
  },
  {
    name: 'allowed headers',
    config: config({ allowed_headers: { patterns: [{ exact: 'x-a' }, { prefix: 'x-b', ignore_case: true }] } }),
    requests: [{ headers: { 'x-a': '1', 'x-b1': '2', 'x-c': '3', authorization: 'secret' } }],
  },
  {
    name: 'disallowed headers',
    config: config({ disallowed_headers: { patterns: [{ exact: 'x-a' }, { exact: ':path' }] } }),
    requests: [{ headers: { 'x-a': '1', 'x-c': '3', authorization: 'secret' } }],
  },
  {
    name: 'allowed and disallowed headers',
    config: config({
      allowed_headers: { patterns: [{ prefix: 'x-' }] },
      disallowed_headers: { patterns: [{ exact: 'x-a' }] },
    }),
    requests: [{ headers: { 'x-a': '1', 'x-c': '3' } }],
  },
  {
    name: 'metadata of filters and the route',
    config: config({
      metadata_context_namespaces: ['envoy.filters.http.header_to_metadata', 'first', 'gone'],
      route_metadata_context_namespaces: ['envoy.lb', 'gone'],
    }),
    level: {
      metadata: { filter_metadata: { 'envoy.lb': { a: 'b', n: 1, deep: { list: [true, null] } }, other: { x: 1 } } },
    },
    before: [
      {
        name: 'first',
        typed_config: typed('envoy.extensions.filters.http.fault.v3.HTTPFault', {
          filter_metadata: { x: 'noted', n: 2.5 },
          delay: { percentage: { numerator: 100 }, fixed_delay: '0.001s' },
        }),
      },
    ],
  },
  {
    name: 'the TLS session of plain text',
    config: config({ include_tls_session: true, include_peer_certificate: true }),
  },
  {
    name: 'metadata of the call',
    config: {
      grpc_service: {
        envoy_grpc: { cluster_name: 'asked', authority: 'authority.test' },
        timeout: TTL,
        initial_metadata: [
          { key: 'x-who', value: 'proxy' },
          { key: 'x-path', value: '%REQ(:PATH)%' },
        ],
      },
      transport_api_version: 'V3',
    },
  },
  {
    name: 'a call without headers of the proxy',
    config: {
      grpc_service: { envoy_grpc: { cluster_name: 'asked', skip_envoy_headers: true }, timeout: TTL },
      transport_api_version: 'V3',
    },
  },
];

const buffered = (more: Json): Json => config({ with_request_body: { max_request_bytes: 10, ...more } });
const post = (body: string, more = {}): { readonly method: string; readonly body: string } => ({
  method: 'POST',
  body,
  ...more,
});

const bodies: readonly RemoteRow[] = [
  { name: 'no body', config: buffered({}) },
  { name: 'an empty body', config: buffered({}), requests: [post('')] },
  { name: 'a body', config: buffered({}), requests: [post('hello')] },
  { name: 'a body as bytes', config: buffered({ pack_as_bytes: true }), requests: [post('caf\xe9')] },
  { name: 'a body that is no UTF-8', config: buffered({}), requests: [post('caf\xe9')] },
  { name: 'a body of the limit', config: buffered({}), requests: [post('0123456789')] },
  { name: 'a body over the limit', config: buffered({}), requests: [post('0123456789a')] },
  { name: 'a chunked body', config: buffered({}), requests: [post('hello', { chunked: true })] },
  { name: 'a chunked body over the limit', config: buffered({}), requests: [post('0123456789a', { chunked: true })] },
  {
    name: 'a body in pieces',
    config: buffered({}),
    steps: [
      { send: 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\nabc' },
      { sleep: 30 },
      { send: 'def' },
      { awaitResponses: 1 },
    ],
  },
  {
    name: 'a part of a body',
    config: buffered({ allow_partial_message: true }),
    requests: [post('0123456789abcdef')],
  },
  {
    name: 'all of a body where a part would do',
    config: buffered({ allow_partial_message: true }),
    requests: [post('hello')],
  },
  {
    name: 'a part of a body of exactly the limit',
    config: buffered({ allow_partial_message: true }),
    requests: [post('0123456789')],
  },
  {
    name: 'a part of a body in pieces',
    config: buffered({ allow_partial_message: true }),
    steps: [
      { send: 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 20\r\n\r\n01234' },
      { sleep: 30 },
      { send: '56789ab' },
      { sleep: 60 },
      { send: 'cdefghij' },
      { awaitResponses: 1 },
    ],
  },
  {
    name: 'a part of a body that is denied',
    config: buffered({ allow_partial_message: true }),
    answers: [denied({ body: 'no' })],
    requests: [post('0123456789abcdef')],
  },
  { name: 'a body with raw headers', config: { ...buffered({}), encode_raw_headers: true }, requests: [post('hello')] },
  {
    name: 'not buffered on a route',
    config: buffered({}),
    level: perRoute({ check_settings: { disable_request_body_buffering: true } }),
    requests: [post('0123456789a')],
  },
  {
    name: 'buffered on a route',
    config: config(),
    level: perRoute({ check_settings: { with_request_body: { max_request_bytes: 3, allow_partial_message: true } } }),
    requests: [post('hello')],
  },
  {
    name: 'another limit on a route',
    config: buffered({ allow_partial_message: true }),
    level: perRoute({ check_settings: { with_request_body: { max_request_bytes: 3 } } }),
    requests: [post('hello'), post('hel')],
  },
  {
    name: 'a body denied',
    config: buffered({}),
    answers: [denied()],
    requests: [post('hello')],
  },
  {
    name: 'a large body',
    config: config({ with_request_body: { max_request_bytes: 3_000_000 } }),
    requests: [post('x'.repeat(2_000_000))],
    timeoutMs: 8000,
    without: ['backends'],
  },
  {
    name: 'a large body that goes on while the call is under way',
    config: config(),
    answers: [{ reply: { status: { code: 0 } }, afterMs: 50 }],
    requests: [post('x'.repeat(2_000_000))],
    timeoutMs: 8000,
  },
];

const allowed: readonly RemoteRow[] = [
  {
    name: 'request headers, every action',
    config: config(),
    answers: [ok({ headers: everyAction('x') })],
    requests: [{ headers: present('x') }],
  },
  {
    name: 'request headers, append or not',
    config: config(),
    answers: [ok({ headers: everyAppend('x') })],
    requests: [{ headers: present('x') }],
  },
  {
    name: 'response headers, every action',
    config: config(),
    answers: [ok({ response_headers_to_add: everyAction('x') })],
    upstream: [{ raw: `HTTP/1.1 200 OK\r\n${presentText('x')}content-length: 0\r\n\r\n` }],
  },
  {
    name: 'response headers, append or not',
    config: config(),
    answers: [ok({ response_headers_to_add: everyAppend('x') })],
    upstream: [{ raw: `HTTP/1.1 200 OK\r\n${presentText('x')}content-length: 0\r\n\r\n` }],
  },
  {
    name: 'response headers on an answer of the proxy',
    config: config(),
    answers: [ok({ response_headers_to_add: [option('x-a', 'b')] })],
    routes: [{ match: { prefix: '/' }, direct_response: { status: 201, body: { inline_string: 'direct' } } }],
  },
  {
    name: 'headers to remove',
    config: config(),
    answers: [ok({ headers_to_remove: ['x-a', 'X-B', 'x-gone', 'host', ':path', ':method', 'bad name'] })],
    requests: [{ headers: { 'x-a': '1', 'x-b': '2', 'x-c': '3' } }],
  },
  {
    name: 'set and removed',
    config: config(),
    answers: [ok({ headers: [option('x-a', 'new', { append: false })], headers_to_remove: ['x-a'] })],
    requests: [{ headers: { 'x-a': 'old' } }],
  },
  {
    name: 'several values of one name',
    config: config(),
    answers: [
      ok({
        headers: [
          option('x-a', '1', { append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' }),
          option('x-a', '2', { append_action: 'APPEND_IF_EXISTS_OR_ADD' }),
          option('x-a', '3', { append: true }),
          option('x-b', '1'),
          option('x-b', '2', { append: true }),
          option('x-c', '1', { append: true }),
          option('x-c', '2', { append: true }),
        ],
      }),
    ],
    requests: [{ headers: { 'x-a': 'old', 'x-c': 'old' } }],
  },
  {
    name: 'names in capitals, values with spaces, empty ones',
    config: config(),
    answers: [
      ok({
        headers: [
          option('X-Caps', ' spaced '),
          option('x-empty', ''),
          option('x-kept', '', { keep_empty_value: true }),
        ],
        response_headers_to_add: [option('X-Caps', ' spaced '), option('x-empty', '')],
      }),
    ],
  },
  {
    name: 'fields of the head',
    config: config(),
    answers: [
      ok({
        headers: [
          option(':path', '/other', { append: false }),
          option(':method', 'PUT', { append: false }),
          option('host', 'other.test', { append: false }),
        ],
      }),
    ],
  },
  {
    name: 'the authority',
    config: config(),
    answers: [ok({ headers: [option(':authority', 'other.test', { append: false })] })],
  },
  {
    name: 'fields of the head appended',
    config: config(),
    answers: [ok({ headers: [option(':path', '/other'), option('host', 'other.test')] })],
  },
  {
    name: 'headers that are kept once',
    config: config(),
    answers: [
      ok({
        headers: [option('user-agent', 'b'), option('authorization', 'b'), option('accept', 'b', { append: true })],
        response_headers_to_add: [
          option('server', 'b'),
          option('content-type', 'b'),
          option('vary', 'b', { append: true }),
        ],
      }),
    ],
    requests: [{ headers: { 'user-agent': 'a', authorization: 'a', accept: 'a' } }],
    upstream: [{ raw: 'HTTP/1.1 200 OK\r\nserver: a\r\ncontent-type: a\r\nvary: a\r\ncontent-length: 0\r\n\r\n' }],
  },
  {
    name: 'query parameters',
    config: config(),
    answers: [
      ok({
        query_parameters_to_set: [
          { key: 'a', value: 'new' },
          { key: 'z', value: 'x+y' },
          { key: 'b', value: '' },
        ],
        query_parameters_to_remove: ['c', 'gone'],
      }),
    ],
    requests: [{ path: '/p?c=3&b=2&a=1&a=11&d=%20x' }],
  },
  {
    name: 'query parameters where there are none',
    config: config(),
    answers: [ok({ query_parameters_to_set: [{ key: 'a', value: 'new' }] }), ok({ query_parameters_to_remove: ['a'] })],
    requests: [{ path: '/p' }, { path: '/p' }],
  },
  {
    name: 'query parameters that end with an empty one',
    config: config(),
    answers: Array<Behaviour>(4).fill(ok({ query_parameters_to_set: [{ key: 'b', value: '2' }] })),
    requests: [{ path: '/p?a=1&' }, { path: '/p?' }, { path: '/p?&&a=1' }, { path: '/p?a=1?' }],
  },
  {
    name: 'all query parameters removed',
    config: config(),
    answers: [ok({ query_parameters_to_remove: ['a', 'b'] })],
    requests: [{ path: '/p?a=1&b' }],
  },
  {
    name: 'dynamic metadata',
    config: config(),
    answers: [ok({}, { dynamic_metadata: { user: 'me', n: 1, deep: { list: [1, null, 'x', true] } } })],
    without: ['log'],
    requests: [{}],
  },
  {
    name: 'dynamic metadata of a denial',
    config: config(),
    answers: [denied(undefined, { dynamic_metadata: { user: 'me', n: 1.5 } })],
  },
  {
    name: 'dynamic metadata that is not wanted',
    config: config({ enable_dynamic_metadata_ingestion: false }),
    answers: [ok({}, { dynamic_metadata: { user: 'me' } })],
  },
  {
    name: 'the old place of dynamic metadata',
    config: config(),
    answers: [
      denied(undefined),
      {
        reply: { status: { code: 7 }, ok_response: { dynamic_metadata: { a: 'old' } }, dynamic_metadata: { a: 'new' } },
      },
    ],
    requests: [{}, {}],
  },
  {
    name: 'ok without anything',
    config: config(),
    answers: [{ reply: {} }],
  },
  {
    name: 'ok with a denial',
    config: config(),
    answers: [{ reply: { status: { code: 0 }, denied_response: { status: { code: 401 }, body: 'no' } } }],
  },
];

const routesByHeader: readonly Json[] = [
  {
    name: 'b',
    match: { prefix: '/', headers: [{ name: 'x-b', present_match: true }] },
    route: { cluster: 'c0', prefix_rewrite: '/b' },
  },
  {
    name: 'q',
    match: { prefix: '/', query_parameters: [{ name: 'q', present_match: true }] },
    route: { cluster: 'c0', prefix_rewrite: '/q' },
  },
  { name: 'a', match: { prefix: '/' }, route: { cluster: 'c0', prefix_rewrite: '/a' } },
];
const routeRow = (name: string, more: Json, ok_response: Json): RemoteRow => ({
  name,
  config: config(more),
  routes: routesByHeader,
  answers: [ok(ok_response)],
});
const setB = { headers: [option('x-b', '1', { append: false })] };

const routing: readonly RemoteRow[] = [
  routeRow('the route stays', {}, setB),
  routeRow('the route is found again', { clear_route_cache: true }, setB),
  routeRow(
    'the route is found again for an added header',
    { clear_route_cache: true },
    { headers: [option('x-b', '1')] },
  ),
  routeRow(
    'the route is found again for a header that is absent',
    { clear_route_cache: true },
    { headers: [option('x-b', '1', { append_action: 'ADD_IF_ABSENT' })] },
  ),
  routeRow(
    'the route is found again for a query',
    { clear_route_cache: true },
    { query_parameters_to_set: [{ key: 'q', value: '1' }] },
  ),
  routeRow(
    'the route stays for a response header',
    { clear_route_cache: true },
    { response_headers_to_add: [option('x-b', '1')] },
  ),
  {
    ...routeRow(
      'the route is found again for a removed header',
      { clear_route_cache: true },
      { headers_to_remove: ['x-b'] },
    ),
    requests: [{ headers: { 'x-b': '1' } }],
  },
  {
    ...routeRow('no route any more', { clear_route_cache: true }, { headers_to_remove: ['x-b'] }),
    routes: routesByHeader.slice(0, 1),
    requests: [{ headers: { 'x-b': '1' } }],
  },
];

const denials: readonly RemoteRow[] = [
  { name: 'denied without words', config: config(), answers: [denied()] },
  ...[1, 3, 7, 13, 14, 16].map(
    (code): RemoteRow => ({
      name: `denied with code ${code}`,
      config: config(),
      answers: [{ reply: { status: { code, message: 'why' } } }],
    }),
  ),
  {
    name: 'denied with status, headers and body',
    config: config(),
    answers: [
      denied({
        status: { code: 'Unauthorized' },
        headers: [
          option('www-authenticate', 'Basic'),
          option('set-cookie', 'a=1', { append: true }),
          option('set-cookie', 'b=2', { append: true }),
          option('content-type', 'application/json'),
          option('X-Caps', 'v'),
        ],
        body: '{"no":1}',
      }),
    ],
  },
  {
    name: 'headers of a denial, every action',
    config: config(),
    level: { response_headers_to_add: present('x').map(([key, value]) => ({ header: { key, value } })) },
    answers: [denied({ headers: everyAction('x'), body: 'no' })],
  },
  {
    name: 'headers of a denial, append or not',
    config: config(),
    level: { response_headers_to_add: present('x').map(([key, value]) => ({ header: { key, value } })) },
    answers: [denied({ headers: everyAppend('x'), body: 'no' })],
  },
  {
    name: 'a denial to HEAD, to OPTIONS and to gRPC',
    config: config(),
    answers: [
      denied({ body: 'no' }),
      denied({ body: 'no' }),
      denied({ body: 'no %', status: { code: 'Unauthorized' } }),
    ],
    requests: [{ method: 'HEAD' }, { method: 'OPTIONS' }, { headers: { 'content-type': 'application/grpc' } }],
  },
  ...['BadRequest', 'Found', 'OK', 'ServiceUnavailable', 'TooManyRequests'].map(
    (code): RemoteRow => ({
      name: `a denial as ${code}`,
      config: config(),
      answers: [denied({ status: { code }, headers: [option('location', '/login')], body: 'body' })],
    }),
  ),
  {
    name: 'a denial cut short',
    config: config({ max_denied_response_body_bytes: 3 }),
    answers: [denied({ body: '0123456789' }), denied({ body: '012' })],
    requests: [{}, {}],
  },
  {
    name: 'a denial that local replies are mapped for',
    config: config(),
    answers: [denied({ body: 'no' })],
    manager: {
      local_reply_config: {
        mappers: [
          {
            filter: { response_flag_filter: { flags: ['UAEX'] } },
            status_code: 418,
            body_format_override: {
              text_format_source: { inline_string: 'mapped %LOCAL_REPLY_BODY% %RESPONSE_FLAGS%' },
            },
          },
        ],
      },
    },
  },
  {
    name: 'an error response',
    config: config(),
    answers: [
      { reply: { status: { code: 13 }, error_response: { headers: [option('x-a', 'b')], body: 'broken' } } },
      { reply: { status: { code: 13 }, error_response: { status: { code: 'ServiceUnavailable' }, body: 'broken' } } },
      { reply: { status: { code: 0 }, error_response: { body: 'broken' } } },
    ],
    requests: [{}, {}, {}],
  },
  {
    name: 'an error response that is let pass',
    config: config({ failure_mode_allow: true, failure_mode_allow_header_add: true }),
    answers: [{ reply: { status: { code: 13 }, error_response: { headers: [option('x-a', 'b')], body: 'broken' } } }],
  },
  {
    name: 'no statistics of the cluster',
    config: config({ charge_cluster_response_stats: false }),
    answers: [denied()],
  },
  {
    name: 'a prefix of the statistics',
    config: config({ stat_prefix: 'waf' }),
    answers: [ok(), denied(), { status: 14 }],
    requests: [{}, {}, {}],
  },
];

const failures: readonly RemoteRow[] = [
  ...[1, 2, 4, 7, 13, 14].map(
    (status): RemoteRow => ({
      name: `the call ends with ${status}`,
      config: config(),
      answers: [{ status, message: 'words' }],
    }),
  ),
  { name: 'a failure is let pass', config: config({ failure_mode_allow: true }), answers: [{ status: 14 }] },
  {
    name: 'a failure is let pass and told',
    config: config({ failure_mode_allow: true, failure_mode_allow_header_add: true }),
    answers: [{ status: 14 }],
    requests: [{ headers: { 'x-envoy-auth-failure-mode-allowed': 'mine' } }],
  },
  ...['ServiceUnavailable', 'OK', 'BadGateway'].map(
    (code): RemoteRow => ({
      name: `a failure as ${code}`,
      config: config({ status_on_error: { code } }),
      answers: [{ status: 14 }],
    }),
  ),
  {
    name: 'nobody listens',
    config: config({ grpc_service: { ...GRPC_DOWN, timeout: TTL } }),
  },
  {
    name: 'nobody listens and it is let pass',
    config: config({ grpc_service: { ...GRPC_DOWN, timeout: TTL }, failure_mode_allow: true }),
    requests: [{ method: 'POST', body: 'hello' }],
  },
  {
    name: 'no cluster',
    config: config({ grpc_service: { envoy_grpc: { cluster_name: 'unknown' } } }),
  },
  {
    name: 'no cluster and it is let pass',
    config: config({ grpc_service: { envoy_grpc: { cluster_name: 'unknown' } }, failure_mode_allow: true }),
    requests: [{ method: 'POST', body: 'hello' }, {}],
  },
  { name: 'no hosts', config: config({ grpc_service: { envoy_grpc: { cluster_name: 'empty' } } }) },
  {
    name: 'a server that says nothing',
    config: config({ grpc_service: { ...GRPC, timeout: '0.1s' } }),
    answers: ['hang'],
    settleMs: 80,
  },
  {
    name: 'a server that says nothing, by default',
    config: config({ grpc_service: GRPC }),
    answers: ['hang'],
    settleMs: 80,
  },
  {
    name: 'a server that says nothing and it is let pass',
    config: config({ grpc_service: { ...GRPC, timeout: '0.1s' }, failure_mode_allow: true }),
    answers: ['hang'],
    requests: [{ method: 'POST', body: 'hello' }],
    settleMs: 80,
  },
  {
    name: 'a slow server',
    config: config(),
    answers: [{ reply: { status: { code: 0 } }, afterMs: 150 }],
    requests: [{ method: 'POST', body: 'hello' }],
  },
  {
    name: 'no timeout',
    config: config({ grpc_service: { ...GRPC, timeout: '0s' } }),
    answers: [{ reply: { status: { code: 0 } }, afterMs: 400 }],
  },
  {
    name: 'the client goes away',
    config: config(),
    answers: ['hang'],
    steps: [{ send: 'GET / HTTP/1.1\r\nhost: a\r\n\r\n' }, { sleep: 80 }, { do: 'close' }, { sleep: 80 }],
    responses: 0,
    settleMs: 100,
  },
  {
    name: 'the client goes away within a body',
    config: buffered({}),
    steps: [
      { send: 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nab' },
      { sleep: 50 },
      { do: 'close' },
      { sleep: 80 },
    ],
    responses: 0,
    settleMs: 100,
  },
];

const validated = (name: string, answer: Behaviour, more: Json = {}): RemoteRow => ({
  name,
  config: config({ validate_mutations: true, ...more }),
  answers: [answer],
  requests: [{ path: '/?a=1', headers: { 'x-a': '1' } }],
});

const validation: readonly RemoteRow[] = [
  validated('good mutations', ok({ headers: [option('x-b', 'v')], headers_to_remove: ['x-a'] })),
  validated('a bad name', ok({ headers: [option('x b', 'v')] })),
  validated('a bad value', ok({ headers: [option('x-b', 'a\nb')] })),
  validated('a bad name that is appended', ok({ headers: [option('x b', 'v', { append: true })] })),
  validated('a bad name to remove', ok({ headers_to_remove: ['x b', 'x-a'] })),
  validated('a bad response header', ok({ response_headers_to_add: [option('x b', 'v')] })),
  validated(
    'a bad value of a response header',
    ok({ response_headers_to_add: [option('x-b', 'a\rb', { append: false })] }),
  ),
  validated('a bad query parameter', ok({ query_parameters_to_set: [{ key: 'a b', value: '1' }] })),
  validated('a bad value of a query parameter', ok({ query_parameters_to_set: [{ key: 'a', value: 'b&c' }] })),
  validated('a bad header of a denial', denied({ headers: [option('x b', 'v')], body: 'no' })),
  validated('a bad value of a denial', denied({ headers: [option('x-b', 'a\nb')], body: 'no' })),
  validated('good mutations of a denial', denied({ headers: [option('x-b', 'v')], body: 'no' })),
  {
    ...validated('a bad header of an error', {
      reply: { status: { code: 13 }, error_response: { headers: [option('x b', 'v')] } },
    }),
  },
  validated('a failure that is let pass is for answers alone', ok({ headers: [option('x b', 'v')] }), {
    failure_mode_allow: true,
  }),
];

/** Without validation, and refused here all the same. */
const unvalidated: readonly RemoteRow[] = [
  ...[
    ['a bad value', ok({ headers: [option('x-b', 'a\nb', { append: false })] })] as const,
    ['a bad name', ok({ headers: [option('x b', 'v', { append: false })] })] as const,
    ['a bad response header', ok({ response_headers_to_add: [option('x-b', 'a\rb')] })] as const,
    ['a bad header of a denial', denied({ headers: [option('x-b', 'a\nb')], body: 'no' })] as const,
  ].map(
    ([name, answer]): RemoteRow => ({ name, config: config(), answers: [answer], difference: 'filter-answer-invalid' }),
  ),
  {
    name: 'a bad name to remove',
    config: config(),
    answers: [ok({ headers_to_remove: ['x b', 'x-a'] })],
    requests: [{ headers: { 'x-a': '1' } }],
  },
  {
    name: 'a path with a space',
    config: config(),
    answers: [ok({ query_parameters_to_set: [{ key: 'a', value: 'b c' }] })],
    difference: 'filter-answer-invalid',
  },
  {
    name: 'the frame of the request',
    config: config(),
    answers: [ok({ headers: [option('content-length', '3', { append: false }), option('x-a', 'b')] })],
    requests: [{ method: 'POST', body: 'hello' }],
    without: ['stats'],
    difference: 'filter-answer-frame',
  },
  {
    name: 'many headers',
    config: config(),
    answers: [ok({ headers: Array.from({ length: 120 }, (_, at) => option(`x-${at}`, 'v')) })],
  },
  {
    name: 'a large header',
    config: config(),
    answers: [ok({ headers: [option('x-large', 'v'.repeat(70_000))] })],
  },
  {
    name: 'many headers where more may be',
    config: config(),
    manager: { common_http_protocol_options: { max_headers_count: 200 } },
    answers: [ok({ headers: Array.from({ length: 120 }, (_, at) => option(`x-${at}`, 'v')) })],
  },
];

const rules = (rule: Json, headers: readonly Json[], more: Json = {}, name = ''): RemoteRow => ({
  name: name === '' ? `rules ${JSON.stringify(rule)}` : name,
  config: config({ decoder_header_mutation_rules: rule }),
  answers: [ok({ headers, ...more })],
  requests: [{ headers: { 'x-a': '1', 'x-envoy-mine': '1', 'x-gone': '1' } }],
});
const set = { append: false };
const mixed: readonly Json[] = [
  option('x-a', 'new', set),
  option('x-b', 'new'),
  option('host', 'other.test', set),
  option(':authority', 'other.test', set),
  option(':path', '/other', set),
  option(':method', 'PUT', set),
  option(':scheme', 'https', set),
  option('x-envoy-mine', 'new', set),
];
const remove = { headers_to_remove: ['x-gone', 'host', ':path', 'x-envoy-mine'] };

const mutationRules: readonly RemoteRow[] = [
  rules({}, mixed, remove),
  rules({ allow_all_routing: true }, mixed, remove),
  rules({ allow_envoy: true }, mixed, remove),
  rules({ disallow_system: true }, mixed, remove),
  rules({ disallow_all: true }, mixed, remove),
  rules({ disallow_all: true, allow_expression: { regex: 'x-(a|gone)' } }, mixed, remove),
  rules({ disallow_expression: { regex: 'x-a' } }, mixed, remove),
  rules({ disallow_expression: { regex: 'x-a' }, allow_expression: { regex: 'x-.*' } }, mixed, remove),
  rules({ disallow_is_error: true }, [option('x-a', 'new', set)], {}, 'an error where nothing is wrong'),
  rules({ disallow_is_error: true }, mixed, {}, 'an error'),
  rules({ disallow_is_error: true }, [], { headers_to_remove: ['host'] }, 'an error for a removal'),
  rules(
    { allow_all_routing: true },
    [option('host', 'bad host', set), option(':scheme', 'bad', set), option('x-a', 'a\nb', set)],
    {},
    'bad values',
  ),
  rules(
    {},
    [option(':path', '/appended', { append: true }), option(':path', '/added')],
    {},
    'fields of the head appended',
  ),
];

const NEVER: Json = { default_value: { numerator: 0 } };
const enabled: readonly RemoteRow[] = [
  { name: 'not enabled', config: config({ filter_enabled: NEVER }) },
  {
    name: 'not enabled and denied',
    config: config({ filter_enabled: NEVER, deny_at_disable: { default_value: true, runtime_key: 'no.key' } }),
  },
  {
    name: 'not enabled and denied by runtime',
    config: config({ filter_enabled: NEVER, deny_at_disable: { default_value: false, runtime_key: 'flag.on' } }),
  },
  {
    name: 'not enabled and denied with a status',
    config: config({
      filter_enabled: NEVER,
      deny_at_disable: { default_value: true, runtime_key: 'no.key' },
      status_on_error: { code: 'ServiceUnavailable' },
    }),
  },
  { name: 'enabled by runtime', config: config({ filter_enabled: { ...NEVER, runtime_key: 'share.on' } }) },
  {
    name: 'disabled by runtime',
    config: config({ filter_enabled: { default_value: { numerator: 100 }, runtime_key: 'share.off' } }),
  },
  {
    name: 'enabled by metadata that is not there',
    config: config({
      filter_enabled_metadata: { filter: 'f', path: [{ key: 'k' }], value: { string_match: { exact: 'v' } } },
    }),
  },
  {
    name: 'enabled by metadata',
    config: config({
      filter_enabled_metadata: { filter: 'first', path: [{ key: 'k' }], value: { string_match: { exact: 'v' } } },
    }),
    before: [
      {
        name: 'first',
        typed_config: typed('envoy.extensions.filters.http.fault.v3.HTTPFault', {
          filter_metadata: { k: 'v' },
          delay: { percentage: { numerator: 100 }, fixed_delay: '0.001s' },
        }),
      },
    ],
  },
  {
    name: 'a route that is not asked for',
    config: config(),
    level: perRoute({ disabled: true }),
  },
  {
    name: 'a virtual host that is not asked for, a route that is',
    config: config(),
    host: perRoute({ disabled: true }),
    level: perRoute({ check_settings: { context_extensions: { a: 'route' } } }),
  },
  {
    name: 'a virtual host that is asked for, a route that is not',
    config: config(),
    host: perRoute({ check_settings: { context_extensions: { a: 'route' } } }),
    level: perRoute({ disabled: true }),
  },
  {
    name: 'context extensions of all levels',
    config: config(),
    host: perRoute({ check_settings: { context_extensions: { a: 'host', b: 'host' } } }),
    level: perRoute({ check_settings: { context_extensions: { a: 'route', c: 'route' } } }),
  },
  {
    name: 'no route',
    config: config(),
    routes: [{ match: { prefix: '/x' }, route: { cluster: 'c0' } }],
  },
  {
    name: 'a redirect',
    config: config(),
    answers: [ok(), denied()],
    routes: [{ match: { prefix: '/' }, redirect: { path_redirect: '/x' } }],
    requests: [{}, {}],
  },
  {
    name: 'another server on a route',
    config: config(),
    level: perRoute({ check_settings: { grpc_service: { envoy_grpc: { cluster_name: 'down' }, timeout: '1s' } } }),
  },
  {
    name: 'an HTTP server on a route',
    config: config(),
    level: perRoute({
      check_settings: {
        http_service: { server_uri: { uri: 'http://auth.test', cluster: 'c2', timeout: '1s' }, path_prefix: '/auth' },
      },
    }),
    without: ['backends'],
  },
  {
    name: 'the old form of disabled',
    config: config(),
    level: {
      typed_per_filter_config: { [filter.name]: typed('envoy.config.route.v3.FilterConfig', { disabled: true }) },
    },
  },
];

const HTTP: Json = { server_uri: { uri: 'http://a', cluster: 'c2', timeout: '1s' } };
const refused = (name: string, filterConfig: Json, override?: Json, difference?: string): Scenario => ({
  ...remoteScenario({ feature: 'ext_authz over gRPC', name: `configuration: ${name}` }, filter, [
    { name: '', config: filterConfig, ...(override ? { level: perRoute(override) } : {}) },
  ]),
  validateOnly: true,
  cases: difference === undefined ? [] : [{ name: '', difference }],
});
const mistaken = (name: string, filterConfig: Json): Scenario =>
  refused(name, filterConfig, undefined, 'filter-mistakes');

const refusals: readonly Scenario[] = [
  mistaken('no service', { transport_api_version: 'V3' }),
  refused('two services', { ...config(), http_service: HTTP }),
  refused('no version', { grpc_service: GRPC }),
  refused('version 2', config({ transport_api_version: 'V2' })),
  refused('an HTTP server without a version', { http_service: HTTP }),
  refused('no target', config({ grpc_service: {} })),
  refused('no cluster of the target', config({ grpc_service: { envoy_grpc: { cluster_name: '' } } })),
  refused('a body of no bytes', config({ with_request_body: { max_request_bytes: 0 } })),
  refused('a path prefix without a slash', { http_service: { ...HTTP, path_prefix: 'auth' } }),
  refused('a path override without a slash', { http_service: { ...HTTP, path_override: 'auth' } }),
  refused('a path prefix and override', { http_service: { ...HTTP, path_prefix: '/a', path_override: '/b' } }),
  refused('an HTTP server without a URI', { http_service: { server_uri: { cluster: 'c2', timeout: '1s' } } }),
  refused('an HTTP server without a timeout', { http_service: { server_uri: { uri: 'http://a', cluster: 'c2' } } }),
  refused('an HTTP server without a cluster', { http_service: { server_uri: { uri: 'http://a', timeout: '1s' } } }),
  mistaken('no server', { http_service: {} }),
  refused('allowed headers in both places', {
    http_service: { ...HTTP, authorization_request: { allowed_headers: { patterns: [{ exact: 'a' }] } } },
    allowed_headers: { patterns: [{ exact: 'a' }] },
  }),
  refused('allowed headers without patterns', config({ allowed_headers: {} })),
  refused('a bad pattern', config({ allowed_headers: { patterns: [{ safe_regex: { regex: '(' } }] } })),
  refused(
    'a bad pattern of the rules',
    config({ decoder_header_mutation_rules: { allow_expression: { regex: '(' } } }),
  ),
  refused('a flag without a key', config({ deny_at_disable: { default_value: true } })),
  refused('a share without a default', config({ filter_enabled: { runtime_key: 'x' } })),
  refused(
    'metadata without a path',
    config({ filter_enabled_metadata: { filter: 'f', value: { present_match: true } } }),
  ),
  refused('a status that is none', config({ status_on_error: { code: 99 } })),
  mistaken(
    'a bad format of metadata',
    config({ grpc_service: { ...GRPC, initial_metadata: [{ key: 'a', value: '%NOPE%' }] } }),
  ),
  refused('metadata without a name', config({ grpc_service: { ...GRPC, initial_metadata: [{ value: 'a' }] } })),
  refused('headers to add with a bad format', {
    http_service: { ...HTTP, authorization_request: { headers_to_add: [{ key: 'a', value: '%NOPE%' }] } },
  }),
  refused('headers to add of the head', {
    http_service: { ...HTTP, authorization_request: { headers_to_add: [{ key: ':path', value: '/' }] } },
  }),
  refused('retries', { http_service: { ...HTTP, retry_policy: { retry_on: '5xx', num_retries: 2 } } }),
  mistaken('retries with a bad back-off', {
    http_service: { ...HTTP, retry_policy: { retry_back_off: { base_interval: '2s', max_interval: '1s' } } },
  }),
  refused('a route that says nothing', config(), {}),
  refused('a route that is not disabled', config(), { disabled: false }),
  refused('a route with both settings of a body', config(), {
    check_settings: { disable_request_body_buffering: true, with_request_body: { max_request_bytes: 1 } },
  }),
  refused('a route with both services', config(), { check_settings: { grpc_service: GRPC, http_service: HTTP } }),
  refused('a route with a body of no bytes', config(), { check_settings: { with_request_body: {} } }),
  refused('a route with another server', config(), { check_settings: { grpc_service: GRPC } }),
];

const named: readonly RemoteRow[] = [
  { name: 'names of all statistics', config: config({ stat_prefix: 'waf' }), requests: [], statNames: true },
];

const stats: readonly RegExp[] = [/ext_authz\./, /^cluster\.c0\.(internal|external)\.upstream_rq_/];
const scenario = (name: string, rows: readonly RemoteRow[]): Scenario =>
  remoteScenario({ feature: 'ext_authz over gRPC', name, stats }, filter, rows, () => ({
    layered_runtime: { layers: [{ name: 'static', static_layer: { share: { on: 100, off: 0 }, flag: { on: true } } }] },
  }));

export const scenarios: readonly Scenario[] = [
  scenario('attributes', attributes),
  scenario('bodies', bodies),
  scenario('allowed', allowed),
  scenario('routes', routing),
  scenario('denied', denials),
  scenario('failures', failures),
  scenario('validated mutations', validation),
  scenario('mutations that are not validated', unvalidated),
  scenario('mutation rules', mutationRules),
  scenario('enabled', enabled),
  scenario('names', named),
  {
    ...remoteScenario(
      { feature: 'ext_authz over gRPC', name: 'another name of the filter', stats },
      { ...filter, name: 'authz' },
      [
        {
          name: 'its metadata and its route',
          config: config(),
          host: {
            typed_per_filter_config: {
              authz: typed(PER_ROUTE, { check_settings: { context_extensions: { a: 'b' } } }),
            },
          },
          answers: [denied(undefined, { dynamic_metadata: { user: 'me' } })],
        },
      ],
    ),
  },
  ...refusals,
];
