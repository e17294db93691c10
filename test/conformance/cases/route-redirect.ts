import { headerOption, named, tableScenario } from '../route-tables.ts';
import type { Json, Request, Scenario } from '../types.ts';

const redirect = (match: Json, action: Json, more: Json = {}): Json => ({ match, redirect: action, ...more });
const paths = (...list: readonly string[]): readonly (readonly [string, Request])[] =>
  list.map((path) => [path, { path }]);
const direct = (path: string, action: Json, more: Json = {}): Json => ({
  match: { path },
  direct_response: action,
  ...more,
});
const hosts = (...list: readonly string[]): readonly (readonly [string, Request])[] =>
  list.flatMap((host) => [
    [host, { host, path: '/x?q' }],
    [`${host} behind TLS`, { host, path: '/x?q', headers: { 'X-Forwarded-Proto': 'https' } }],
  ]);
const everyHost = (name: string): Json => ({
  domains: [`${name}.test`, `${name}.test:80`, `${name}.test:443`, `${name}.test:8080`],
});

const redirectScenario = tableScenario('redirect', 'redirects', [
  {
    name: 'path',
    routes: [
      redirect({ path: '/plain' }, { path_redirect: '/new' }),
      redirect({ path: '/query' }, { path_redirect: '/new?a=b' }),
      redirect({ path: '/query-strip' }, { path_redirect: '/new?a=b', strip_query: true }),
      redirect({ path: '/strip' }, { path_redirect: '/new', strip_query: true }),
      redirect({ path: '/relative' }, { path_redirect: 'new' }),
      redirect({ path: '/only-strip' }, { strip_query: true }),
      redirect({ path: '/fragment' }, { path_redirect: '/new#f' }),
      redirect({ path: '/host' }, { host_redirect: 'h.test', path_redirect: '/p' }),
    ],
    requests: paths(
      '/plain',
      '/plain?q=1',
      '/query?q=1',
      '/query-strip?q=1',
      '/strip?q=1',
      '/relative?q',
      '/only-strip?q=1',
      '/only-strip',
      '/fragment?q',
      '/host?q',
    ),
  },
  {
    name: 'prefix',
    routes: [
      redirect({ prefix: '/p' }, { prefix_rewrite: '/new' }),
      redirect({ path_separated_prefix: '/s' }, { prefix_rewrite: '/new', strip_query: true }),
      redirect({ safe_regex: { regex: '/r.*' } }, { prefix_rewrite: '/new' }),
      redirect({ path: '/e' }, { prefix_rewrite: '/new/' }),
      redirect({ prefix: '/F', case_sensitive: false }, { prefix_rewrite: '/folded' }),
      redirect({ prefix: '/n' }, { prefix_rewrite: 'new' }),
    ],
    requests: paths('/p/x?q=1', '/px', '/s/x?q', '/regex?q', '/e?q', '/f/X', '/n/x'),
  },
  {
    name: 'regex',
    routes: [
      redirect({ prefix: '/g' }, { regex_rewrite: { pattern: { regex: '^/g/(\\w+)' }, substitution: '/\\1/g' } }),
      redirect({ prefix: '/q' }, { regex_rewrite: { pattern: { regex: '^/q' }, substitution: '/new?x=1' } }),
      redirect({ prefix: '/e' }, { regex_rewrite: { pattern: { regex: '.*' }, substitution: '' } }),
    ],
    requests: paths('/g/abc/d?q=1', '/g', '/q/a?b', '/e?q'),
  },
  {
    name: 'format',
    routes: [
      redirect({ prefix: '/f' }, { path_rewrite: '/%REQ(x-a)%/n' }),
      redirect({ prefix: '/s' }, { path_rewrite: '/n', strip_query: true }),
      redirect({ prefix: '/e' }, { path_rewrite: '%REQ(x-a)%' }),
      redirect({ prefix: '/q' }, { path_rewrite: '/new?a=b' }),
      redirect({ prefix: '/t' }, { path_rewrite: '/new?a=b', strip_query: true }),
    ],
    requests: [
      ['value', { path: '/f?q=1', headers: { 'X-A': 'v' } }],
      ['no value', { path: '/f?q=1' }],
      ['strip', { path: '/s?q' }],
      ['empty', { path: '/e?q' }],
      ['own query', { path: '/q?c' }],
      ['own query and strip', { path: '/t?c' }],
    ],
  },
  {
    name: 'https',
    host: everyHost('https'),
    routes: [redirect({ prefix: '/' }, { https_redirect: true })],
    requests: hosts('https.test', 'https.test:80', 'https.test:443', 'https.test:8080'),
  },
  {
    name: 'scheme',
    host: everyHost('scheme'),
    routes: [redirect({ prefix: '/' }, { scheme_redirect: 'ftp' })],
    requests: hosts('scheme.test', 'scheme.test:80', 'scheme.test:443', 'scheme.test:8080'),
  },
  {
    name: 'port',
    host: everyHost('port'),
    routes: [redirect({ prefix: '/' }, { port_redirect: 99 })],
    requests: hosts('port.test', 'port.test:80', 'port.test:8080'),
  },
  {
    name: 'secure-port',
    host: everyHost('secure-port'),
    routes: [redirect({ prefix: '/' }, { https_redirect: true, port_redirect: 443 })],
    requests: hosts('secure-port.test', 'secure-port.test:80'),
  },
  {
    name: 'host',
    host: everyHost('host'),
    routes: [redirect({ prefix: '/' }, { host_redirect: 'h.test' })],
    requests: hosts('host.test', 'host.test:80'),
  },
  {
    name: 'host-port',
    routes: [redirect({ prefix: '/' }, { host_redirect: 'h.test:7', port_redirect: 9 })],
    requests: [['plain', {}]],
  },
  { name: 'same', routes: [redirect({ prefix: '/' }, {})], requests: [['plain', { path: '/x?q' }]] },
  {
    name: 'codes',
    routes: ['MOVED_PERMANENTLY', 'FOUND', 'SEE_OTHER', 'TEMPORARY_REDIRECT', 'PERMANENT_REDIRECT'].map((code) =>
      redirect({ path: `/${code}` }, { response_code: code, path_redirect: '/n' }),
    ),
    requests: paths('/MOVED_PERMANENTLY', '/FOUND', '/SEE_OTHER', '/TEMPORARY_REDIRECT', '/PERMANENT_REDIRECT'),
  },
  {
    name: 'requests',
    routes: [
      redirect(
        { prefix: '/' },
        { path_redirect: '/n' },
        { name: 'r', response_headers_to_add: [headerOption('x-a', '%RESP(location)% %RESPONSE_CODE%')] },
      ),
    ],
    requests: [
      ['HEAD', { method: 'HEAD' }],
      ['POST', { method: 'POST', body: 'x' }],
      ['gRPC', { method: 'POST', body: 'x', headers: { 'Content-Type': 'application/grpc' } }],
      ['OPTIONS', { method: 'OPTIONS' }],
    ],
  },
]);

const directScenario = tableScenario('direct response', 'direct responses', [
  {
    name: 'status',
    routes: [200, 201, 300, 301, 304, 400, 404, 418, 500, 503, 599].map((status) => direct(`/${status}`, { status })),
    requests: paths('/200', '/201', '/300', '/301', '/304', '/400', '/404', '/418', '/500', '/503', '/599'),
  },
  {
    name: 'body',
    routes: [
      direct('/string', { status: 200, body: { inline_string: 'text' } }),
      direct('/bytes', { status: 200, body: { inline_bytes: 'AAH/gA==' } }),
      direct('/utf8', { status: 200, body: { inline_string: 'grüße €' } }),
      direct('/empty', { status: 200, body: { inline_string: '' } }),
      direct('/201', { status: 201, body: { inline_string: 'made' } }),
      direct('/301', { status: 301, body: { inline_string: 'moved' } }),
      direct('/most', { status: 200, body: { inline_string: 'x'.repeat(64) } }),
      direct('/path', { status: 200, body: { environment_variable: 'CONFORMANCE_NO_PATH' } }),
    ].slice(0, 7),
    requests: [
      ...paths('/string', '/bytes', '/utf8', '/empty', '/201', '/301', '/most', '/string?q'),
      ['HEAD', { method: 'HEAD', path: '/string' }],
      ['POST', { method: 'POST', path: '/string', body: 'hello' }],
      ['gRPC', { method: 'POST', path: '/string', headers: { 'Content-Type': 'application/grpc' } }],
      ['HTTP/1.0', { path: '/string', version: 'HTTP/1.0' }],
    ],
  },
  {
    name: 'format',
    routes: [
      direct('/text', {
        status: 200,
        body: { inline_string: 'B' },
        body_format: {
          text_format_source: { inline_string: '<%LOCAL_REPLY_BODY%> %RESPONSE_CODE% %REQ(:path)% %REQ(x)%' },
        },
      }),
      direct('/json', {
        status: 200,
        body: { inline_string: 'B' },
        body_format: { json_format: { body: '%LOCAL_REPLY_BODY%', code: '%RESPONSE_CODE%', path: '%REQ(:path)%' } },
      }),
      direct('/type', {
        status: 200,
        body: { inline_string: 'B' },
        body_format: { text_format_source: { inline_string: 'x' }, content_type: 'text/html; charset=UTF-8' },
      }),
      direct('/no-body', { status: 200, body_format: { text_format_source: { inline_string: 'only' } } }),
      direct('/empty', {
        status: 200,
        body: { inline_string: 'B' },
        body_format: { text_format_source: { inline_string: '%REQ(x)%' }, omit_empty_values: true },
      }),
    ],
    requests: paths('/text?q', '/json', '/type', '/no-body', '/empty'),
  },
  {
    name: 'headers',
    routes: [
      direct(
        '/add',
        { status: 200, body: { inline_string: 'B' } },
        {
          response_headers_to_add: [
            headerOption('x-a', 'v'),
            headerOption('date', 'mine'),
            headerOption('server', 'mine'),
          ],
        },
      ),
      direct(
        '/type',
        { status: 200, body: { inline_string: 'B' } },
        { response_headers_to_add: [headerOption('content-type', 'a/b')] },
      ),
      direct(
        '/overwrite',
        { status: 200, body: { inline_string: 'B' } },
        { response_headers_to_add: [headerOption('content-type', 'a/b', { append_action: 'OVERWRITE_IF_EXISTS' })] },
      ),
      direct(
        '/remove',
        { status: 200, body: { inline_string: 'B' } },
        { response_headers_to_remove: ['content-type', 'server'] },
      ),
      direct(
        '/length',
        { status: 200, body: { inline_string: 'B' } },
        { response_headers_to_add: [headerOption('content-length', '5')] },
      ),
      direct('/empty-type', { status: 200 }, { response_headers_to_add: [headerOption('content-type', 'a/b')] }),
      direct('/location', { status: 201 }, { response_headers_to_add: [headerOption('location', '/mine')] }),
      direct(
        '/values',
        { status: 202, body: { inline_string: 'B' } },
        {
          name: 'rn',
          response_headers_to_add: [
            headerOption(
              'x-v',
              '%RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %RESPONSE_FLAGS% %ROUTE_NAME% %UPSTREAM_CLUSTER% %RESP(content-type)% %REQ(:path)%',
            ),
          ],
        },
      ),
    ],
    requests: paths('/add', '/type', '/overwrite', '/remove', '/length', '/empty-type', '/location', '/values?q'),
  },
  {
    name: 'request-headers',
    routes: [
      direct(
        '/',
        { status: 200 },
        {
          request_headers_to_add: [headerOption('x-a', 'v')],
          response_headers_to_add: [headerOption('x-r', '%REQ(x-a)%', { keep_empty_value: true })],
        },
      ),
    ],
    requests: [
      ['are not changed', {}],
      ['gRPC', { method: 'POST', headers: { 'Content-Type': 'application/grpc' } }],
    ],
  },
  {
    name: 'grpc',
    routes: [direct('/', { status: 404, body: { inline_string: 'some text' } })],
    requests: ['GET', 'HEAD'].map((method) => [method, { method, headers: { 'Content-Type': 'application/grpc' } }]),
  },
  {
    name: 'nowhere',
    routes: [
      {
        name: 'non',
        match: { path: '/non' },
        non_forwarding_action: {},
        response_headers_to_add: [headerOption('x-a', 'v')],
      },
      named('rest', { prefix: '/' }),
    ],
    requests: paths('/non', '/other'),
  },
]);

export const scenarios: readonly Scenario[] = [redirectScenario, directScenario];
