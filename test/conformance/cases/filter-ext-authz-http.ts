import { typed } from '../config.ts';
import { type RemoteRow, remoteScenario } from '../remote-filters.ts';
import type { Behaviour, Json, Scenario } from '../types.ts';

const filter = { name: 'envoy.filters.http.ext_authz', type: 'envoy.extensions.filters.http.ext_authz.v3.ExtAuthz' };
const PER_ROUTE = 'envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute';

const server = (more: Json = {}): Json => ({ uri: 'http://auth.test:9000/uri', cluster: 'c2', timeout: '5s', ...more });
const config = (service: Json = {}, more: Json = {}): Json => ({
  http_service: { server_uri: server(), ...service },
  ...more,
});
const perRoute = (override: Json): Json => ({
  typed_per_filter_config: { [filter.name]: typed(PER_ROUTE, override) },
});
const answer = (status: string, headers: readonly string[] = [], body = ''): Behaviour => ({
  raw: `HTTP/1.1 ${status}\r\n${headers.map((line) => `${line}\r\n`).join('')}content-length: ${body.length}\r\n\r\n${body}`,
});
const ok = (...headers: readonly string[]): Behaviour => answer('200 OK', headers);
const names = (...patterns: readonly Json[]): Json => ({ patterns });
const exact = (...list: readonly string[]): Json => names(...list.map((name) => ({ exact: name })));

const requests: readonly RemoteRow[] = [
  { name: 'a plain request', config: config() },
  {
    name: 'a request with everything',
    config: config(),
    requests: [
      {
        method: 'POST',
        path: '/a/b?c=d',
        host: 'Host.Example:8080',
        headers: [
          ['authorization', 'Bearer x'],
          ['x-a', '1'],
          ['cookie', 'a=b'],
          ['content-type', 'text/plain'],
          ['x-forwarded-for', '10.1.1.1'],
        ],
        body: 'hello',
      },
    ],
  },
  {
    name: 'allowed headers',
    config: config({ authorization_request: { allowed_headers: names({ exact: 'x-a' }, { prefix: 'x-b' }) } }),
    requests: [
      {
        headers: [
          ['x-a', '1'],
          ['x-a', '2'],
          ['X-Bb', '3'],
          ['x-c', '4'],
          ['authorization', 'y'],
          ['x-bytes', 'caf\xe9'],
        ],
      },
    ],
  },
  {
    name: 'allowed headers in their new place',
    config: config({}, { allowed_headers: names({ prefix: 'x-', ignore_case: true }) }),
    requests: [{ headers: { 'x-a': '1', 'x-bytes': 'caf\xe9', 'x-utf': 'caf\xc3\xa9', cookie: 'a=b' } }],
  },
  {
    name: 'disallowed headers',
    config: config({}, { allowed_headers: names({ prefix: 'x-' }), disallowed_headers: exact('x-a', 'authorization') }),
    requests: [{ headers: { 'x-a': '1', 'x-b': '2', authorization: 'y' } }],
  },
  {
    name: 'headers of the head are disallowed',
    config: config({}, { disallowed_headers: names({ prefix: ':' }) }),
    requests: [{ headers: { 'x-a': '1' } }],
  },
  {
    name: 'headers to add',
    config: config({
      authorization_request: {
        allowed_headers: exact('x-a'),
        headers_to_add: [
          { key: 'x-a', value: 'added' },
          { key: 'X-Path', value: '%REQ(:PATH)%' },
          { key: 'x-address', value: '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%' },
          { key: 'authorization', value: 'mine' },
        ],
      },
    }),
    requests: [{ path: '/p', headers: { 'x-a': '1', authorization: 'theirs' } }],
  },
  { name: 'a prefix of the path', config: config({ path_prefix: '/auth' }), requests: [{ path: '/a?b=c' }] },
  { name: 'a prefix of the path with a slash', config: config({ path_prefix: '/auth/' }), requests: [{ path: '/a' }] },
  { name: 'a path of its own', config: config({ path_override: '/check' }), requests: [{ path: '/a?b=c' }] },
  {
    name: 'a path of its own with a query',
    config: config({ path_override: '/check?x=1' }),
    requests: [{ path: '/a?b=c' }],
  },
  ...['HEAD', 'OPTIONS', 'PUT', 'DELETE'].map(
    (method): RemoteRow => ({
      name: `a request of ${method}`,
      config: config(),
      requests: [{ method }],
    }),
  ),
  {
    name: 'a body',
    config: config({}, { with_request_body: { max_request_bytes: 10 } }),
    requests: [
      { method: 'POST', body: 'caf\xe9' },
      { method: 'POST', body: 'hello', chunked: true },
    ],
  },
  {
    name: 'a part of a body',
    config: config({}, { with_request_body: { max_request_bytes: 4, allow_partial_message: true } }),
    requests: [{ method: 'POST', body: 'hello' }],
  },
  {
    name: 'a part of a body, headers allowed',
    config: config(
      {},
      {
        with_request_body: { max_request_bytes: 4, allow_partial_message: true },
        allowed_headers: names(
          { prefix: 'x-' },
          { exact: 'content-length' },
          { exact: 'content-type' },
          { exact: 'transfer-encoding' },
        ),
      },
    ),
    requests: [
      { method: 'POST', body: 'hello', headers: { 'content-type': 'text/plain', 'content-length': '5' } },
      { method: 'POST', body: 'hell', chunked: true },
    ],
  },
  {
    name: 'a body of the filter for nothing',
    config: config({}, { with_request_body: { max_request_bytes: 4 } }),
    requests: [{ method: 'POST', body: 'hello' }],
  },
  {
    name: 'context extensions',
    config: config(),
    level: perRoute({ check_settings: { context_extensions: { a: 'b' } } }),
  },
  {
    name: 'metadata is not sent',
    config: config({}, { metadata_context_namespaces: ['x'], encode_raw_headers: true, include_tls_session: true }),
  },
];

const allowed: readonly RemoteRow[] = [
  { name: 'allowed', config: config(), answers: [ok('x-a: b')] },
  {
    name: 'upstream headers',
    config: config({ authorization_response: { allowed_upstream_headers: exact('x-a', 'x-b', ':status') } }),
    answers: [ok('x-a: new', 'x-b: 1', 'x-b: 2', 'x-c: 3')],
    requests: [
      {
        headers: [
          ['x-a', 'old'],
          ['x-a', 'old2'],
          ['x-c', 'old'],
        ],
      },
    ],
  },
  {
    name: 'upstream headers to append',
    config: config({
      authorization_response: { allowed_upstream_headers_to_append: exact('x-a', 'x-b', 'user-agent') },
    }),
    answers: [ok('x-a: new', 'x-b: 1', 'x-b: 2', 'x-c: 3', 'user-agent: b')],
    requests: [{ headers: { 'x-a': 'old', 'user-agent': 'a' } }],
  },
  {
    name: 'both kinds of upstream headers',
    config: config({
      authorization_response: {
        allowed_upstream_headers: names({ prefix: 'x-' }),
        allowed_upstream_headers_to_append: exact('x-a'),
      },
    }),
    answers: [ok('x-a: new', 'x-b: 1')],
    requests: [{ headers: { 'x-a': 'old' } }],
  },
  {
    name: 'headers for the client',
    config: config({ authorization_response: { allowed_client_headers_on_success: exact('x-a', 'x-b', 'server') } }),
    answers: [ok('x-a: new', 'x-b: 1', 'x-b: 2', 'server: auth')],
    upstream: [{ raw: 'HTTP/1.1 200 OK\r\nx-a: old\r\ncontent-length: 0\r\n\r\n' }],
  },
  {
    name: 'headers to remove',
    config: config({ authorization_response: { allowed_upstream_headers: names({ prefix: 'x-' }) } }),
    answers: [
      ok('x-envoy-auth-headers-to-remove: x-a, X-B ,, host, :path', 'x-envoy-auth-headers-to-remove: x-c', 'x-d: 1'),
    ],
    requests: [{ headers: { 'x-a': '1', 'x-b': '2', 'x-c': '3', 'x-e': '4' } }],
  },
  {
    name: 'dynamic metadata',
    config: config({ authorization_response: { dynamic_metadata_from_headers: exact('x-user', 'x-role') } }),
    answers: [answer('403 Forbidden', ['x-user: me', 'x-role: a', 'x-role: b'])],
  },
  {
    name: 'the route is found again',
    config: config({ authorization_response: { allowed_upstream_headers: exact('x-b') } }, { clear_route_cache: true }),
    answers: [ok('x-b: 1')],
    routes: [
      {
        name: 'b',
        match: { prefix: '/', headers: [{ name: 'x-b', present_match: true }] },
        route: { cluster: 'c0', prefix_rewrite: '/b' },
      },
      { name: 'a', match: { prefix: '/' }, route: { cluster: 'c0', prefix_rewrite: '/a' } },
    ],
  },
  {
    name: 'the route stays for a header that is appended',
    config: config(
      { authorization_response: { allowed_upstream_headers_to_append: exact('x-b') } },
      { clear_route_cache: true },
    ),
    answers: [ok('x-b: 1')],
    routes: [
      {
        name: 'b',
        match: { prefix: '/', headers: [{ name: 'x-b', present_match: true }] },
        route: { cluster: 'c0', prefix_rewrite: '/b' },
      },
      { name: 'a', match: { prefix: '/' }, route: { cluster: 'c0', prefix_rewrite: '/a' } },
    ],
  },
  ...['201 Created', '204 No Content', '302 Found', '100 Continue'].map(
    (status): RemoteRow => ({
      name: `an answer ${status}`,
      config: config(),
      answers: [
        status === '204 No Content'
          ? { raw: 'HTTP/1.1 204 No Content\r\nx-a: b\r\n\r\n' }
          : status === '100 Continue'
            ? { raw: 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n' }
            : answer(status, ['x-a: b', 'location: /x'], 'body'),
      ],
    }),
  ),
];

const denied: readonly RemoteRow[] = [
  ...['401 Unauthorized', '403 Forbidden', '400 Bad Request', '429 Too Many'].map(
    (status): RemoteRow => ({
      name: `denied ${status}`,
      config: config(),
      answers: [answer(status, ['x-a: b', 'www-authenticate: Basic', 'set-cookie: a=1', 'set-cookie: b=2'], 'no')],
    }),
  ),
  {
    name: 'a denial with everything',
    config: config(),
    answers: [
      answer(
        '403 Forbidden',
        [
          'content-type: application/json',
          'server: auth',
          'date: today',
          'connection: keep-alive',
          'x-envoy-upstream-service-time: 7',
          'keep-alive: timeout=5',
        ],
        '{}',
      ),
    ],
  },
  {
    name: 'a denial without a body',
    config: config(),
    answers: [answer('403 Forbidden', ['content-type: text/html'])],
  },
  {
    name: 'a denial in chunks',
    config: config(),
    answers: [{ raw: 'HTTP/1.1 403 Forbidden\r\ntransfer-encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n' }],
  },
  {
    name: 'a denial that closes its connection',
    config: config(),
    answers: [{ raw: 'HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\nno', afterwards: 'close' }],
  },
  {
    name: 'client headers',
    config: config({ authorization_response: { allowed_client_headers: exact('x-a', 'set-cookie') } }),
    answers: [
      answer(
        '401 Unauthorized',
        ['x-a: b', 'x-b: c', 'www-authenticate: Basic', 'location: /l', 'content-type: text/html', 'set-cookie: a=1'],
        'no',
      ),
    ],
  },
  {
    name: 'a denial over the headers of the route',
    config: config(),
    level: {
      response_headers_to_add: [{ header: { key: 'x-a', value: 'route' } }, { header: { key: 'x-r', value: 'route' } }],
    },
    answers: [answer('403 Forbidden', ['x-a: b'], 'no')],
  },
  {
    name: 'denials to HEAD and gRPC',
    config: config(),
    answers: [
      answer('403 Forbidden', ['x-a: b']),
      answer('401 Unauthorized', ['x-a: b', 'content-type: text/html'], 'no'),
    ],
    requests: [{ method: 'HEAD' }, { headers: { 'content-type': 'application/grpc' } }],
  },
  {
    name: 'a denial cut short',
    config: config({}, { max_denied_response_body_bytes: 2 }),
    answers: [answer('403 Forbidden', [], 'body')],
  },
  {
    name: 'a denial of a request with a body',
    config: config(),
    answers: [answer('403 Forbidden', [], 'no')],
    requests: [{ method: 'POST', body: 'hello' }, {}],
  },
  {
    name: 'a denial with a bad header where mutations are validated',
    config: config({}, { validate_mutations: true }),
    answers: [answer('403 Forbidden', ['x-a: b'], 'no')],
  },
];

const failures: readonly RemoteRow[] = [
  ...['500 Internal', '503 Unavailable', '504 Timeout', '599 Odd'].map(
    (status): RemoteRow => ({
      name: `a failure ${status}`,
      config: config(),
      answers: [answer(status, ['x-a: b'], 'broken')],
    }),
  ),
  {
    name: 'a failure is let pass',
    config: config({}, { failure_mode_allow: true, failure_mode_allow_header_add: true }),
    answers: [answer('500 Internal')],
  },
  {
    name: 'a failure with a status',
    config: config({}, { status_on_error: { code: 503 } }),
    answers: [answer('500 Internal')],
  },
  { name: 'the connection ends', config: config(), answers: [{ end: 'close' }] },
  { name: 'the connection is reset', config: config(), answers: [{ end: 'reset' }] },
  { name: 'no HTTP', config: config(), answers: [{ raw: 'hello\r\n\r\n', afterwards: 'close' }] },
  {
    name: 'a body that ends early',
    config: config(),
    answers: [{ raw: 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc', afterwards: 'close' }],
  },
  {
    name: 'a denial whose body ends early',
    config: config(),
    answers: [{ raw: 'HTTP/1.1 403 Forbidden\r\ncontent-length: 10\r\n\r\nabc', afterwards: 'close' }],
  },
  {
    name: 'a server that says nothing',
    config: config({ server_uri: server({ timeout: '0.1s' }) }),
    answers: ['hang'],
  },
  {
    name: 'a server that says nothing and it is let pass',
    config: config({ server_uri: server({ timeout: '0.1s' }) }, { failure_mode_allow: true }),
    answers: ['hang'],
    requests: [{ method: 'POST', body: 'hello' }],
  },
  {
    name: 'a slow server',
    config: config(),
    answers: [{ raw: [{ raw: 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n', afterMs: 120 }] }],
    requests: [{ method: 'POST', body: 'hello' }],
  },
  {
    name: 'a body that comes too late',
    config: config({ server_uri: server({ timeout: '0.1s' }) }),
    answers: [{ raw: [{ raw: 'HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n' }, { raw: 'abc', afterMs: 200 }] }],
  },
  { name: 'nobody listens', config: config({ server_uri: server({ cluster: 'c3' }) }) },
  { name: 'no hosts', config: config({ server_uri: server({ cluster: 'c4' }) }) },
  { name: 'no cluster', config: config({ server_uri: server({ cluster: 'unknown' }) }) },
  {
    name: 'no cluster and it is let pass',
    config: config({ server_uri: server({ cluster: 'unknown' }) }, { failure_mode_allow: true }),
    requests: [{ method: 'POST', body: 'hello' }],
  },
  {
    name: 'the client goes away',
    config: config(),
    answers: ['hang'],
    steps: [{ send: 'GET / HTTP/1.1\r\nhost: a\r\n\r\n' }, { sleep: 60 }, { do: 'close' }, { sleep: 60 }],
    responses: 0,
    settleMs: 60,
  },
  {
    name: 'tried again',
    config: config({
      retry_policy: { num_retries: 2, retry_back_off: { base_interval: '0.001s', max_interval: '0.002s' } },
    }),
    answers: [answer('503 Unavailable'), { end: 'close' }, ok()],
    without: ['connections'],
  },
  {
    name: 'tried again on a condition',
    config: config({ retry_policy: { retry_on: 'retriable-4xx', retry_back_off: { base_interval: '0.001s' } } }),
    answers: [answer('409 Conflict'), ok()],
    without: ['connections'],
  },
  {
    name: 'tried again in vain',
    config: config({ retry_policy: { retry_on: '5xx', num_retries: 1, retry_back_off: { base_interval: '0.001s' } } }),
    answers: [answer('503 Unavailable'), answer('503 Unavailable')],
    without: ['connections'],
  },
  {
    name: 'another server on a route',
    config: config(),
    level: perRoute({
      check_settings: {
        http_service: {
          server_uri: { uri: 'http://x', cluster: 'c2', timeout: '1s' },
          path_prefix: '/route',
          authorization_response: { allowed_upstream_headers: exact('x-a') },
        },
      },
    }),
    answers: [ok('x-a: b')],
  },
];

/** Envoy's check requests have their headers in the order of a hash map. */
const unordered = (row: RemoteRow): RemoteRow => ({ ...row, without: [...(row.without ?? []), 'order'] });
const stats: readonly RegExp[] = [/ext_authz\./, /^cluster\.c[02]\.(internal|external)\.upstream_rq_/];
const scenario = (name: string, rows: readonly RemoteRow[]): Scenario =>
  remoteScenario({ feature: 'ext_authz over HTTP', name, stats }, filter, rows.map(unordered));

export const scenarios: readonly Scenario[] = [
  scenario('requests', requests),
  scenario('allowed', allowed),
  scenario('denied', denied),
  scenario('failures', failures),
];
