import { cluster, simple, toCluster } from '../config.ts';
import type { Case, Http2Step, Json, Scenario } from '../types.ts';

type Fields = readonly (readonly [string, string])[];

const get = (path = '/', more: Fields = []): Fields => [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':authority', 'a.test'],
  [':path', path],
  ...more,
];
const post = (more: Fields = [], path = '/'): Fields => [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':authority', 'a.test'],
  [':path', path],
  ...more,
];
const asks = (name: string, fields: Fields, body?: string): Case => ({
  name,
  http2: [{ fields, ...(body === undefined ? {} : { body }) }],
});
const plays = (name: string, ...http2: readonly Http2Step[]): Case => ({ name, http2 });
const without = (name: string): Fields => get().filter(([one]) => one !== name);

const routes: readonly Json[] = [
  { match: { path: '/direct' }, direct_response: { status: 200, body: { inline_string: 'direct' } } },
  { match: { path: '/empty' }, direct_response: { status: 204 } },
  { match: { path: '/moved' }, redirect: { path_redirect: '/else' } },
  { match: { path: '/slow' }, route: { cluster: 'c0', timeout: '0.2s' } },
  {
    match: { path: '/added' },
    route: { cluster: 'c0' },
    request_headers_to_add: [{ header: { key: 'x-up', value: '%PROTOCOL%' } }],
    response_headers_to_add: [{ header: { key: 'x-down', value: '%PROTOCOL% %UPSTREAM_PROTOCOL%' } }],
  },
  toCluster('c0', {}, { prefix: '/' }),
];

const answered = (name: string, response: string, fields: Fields = get()): Case => ({
  ...asks(name, fields),
  backends: { 0: [{ raw: response }] },
});

const wellFormed: readonly Case[] = [
  asks('GET', get()),
  asks('with a query', get('/a?b=c')),
  asks('HEAD', [[':method', 'HEAD'], ...get().slice(1)]),
  asks('POST with a body', post(), 'hello'),
  asks('POST with a length', post([['content-length', '5']]), 'hello'),
  asks('POST with an empty body', post([['content-length', '0']]), ''),
  asks('POST that ends with its head', post()),
  asks('PUT', [[':method', 'PUT'], ...get().slice(1)], 'x'),
  asks('OPTIONS *', [[':method', 'OPTIONS'], ...get('*').slice(1)]),
  asks('a method of its own', [[':method', 'BREW'], ...get().slice(1)]),
  asks(
    'cookies in pieces',
    get('/', [
      ['cookie', 'a=1'],
      ['cookie', 'b=2'],
      ['x-a', 'b'],
      ['cookie', 'c=3'],
    ]),
  ),
  asks(
    'a repeated header',
    get('/', [
      ['x-a', '1'],
      ['x-a', '2'],
    ]),
  ),
  asks(
    'a repeated accept',
    get('/', [
      ['accept', '1'],
      ['accept', '2'],
    ]),
  ),
  asks('host and authority', get('/', [['host', 'b.test']])),
  asks('host instead of authority', [...without(':authority'), ['host', 'b.test']]),
  asks('te: trailers', get('/', [['te', 'trailers']])),
  asks('an empty value', get('/', [['x-a', '']])),
  asks('an underscore', get('/', [['x_a', '1']])),
  asks('scheme https', [[':method', 'GET'], [':scheme', 'https'], ...get().slice(2)]),
  asks(
    'user-agent and referer',
    get('/', [
      ['user-agent', 'u'],
      ['referer', 'http://x/'],
    ]),
  ),
  asks('a request id', get('/', [['x-request-id', 'mine']])),
  asks('expect', post([['expect', '100-continue']]), 'x'),
  asks('a large header', get('/', [['x-large', 'l'.repeat(20_000)]])),
  asks('a direct response', get('/direct')),
  asks('a direct response to HEAD', [[':method', 'HEAD'], ...get('/direct').slice(1)]),
  asks('a direct response without a body', get('/empty')),
  asks('a redirect', get('/moved')),
  asks('formats', get('/added')),
  asks(
    'gRPC without a backend that speaks it',
    post([
      ['content-type', 'application/grpc'],
      ['te', 'trailers'],
    ]),
    'x',
  ),
  plays('two requests', { fields: get('/1') }, { fields: get('/2') }),
  plays('two requests beside each other', { fields: get('/1'), open: true }, { data: '' }, { fields: get('/direct') }),
  plays('a body in pieces', { fields: post(), open: true }, { data: 'one', end: false }, { data: 'two' }),
  plays('a body with trailers', { fields: post(), open: true }, { data: 'one', trailers: [['x-t', '1']] }),
  plays('trailers alone', { fields: post(), open: true }, { data: '', trailers: [['x-t', '1']] }),
];

const responses: readonly Case[] = [
  answered('a body of known length', 'HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc'),
  answered('chunks', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'),
  answered('no content', 'HTTP/1.1 204 No Content\r\n\r\n'),
  answered('not modified', 'HTTP/1.1 304 Not Modified\r\ncontent-length: 3\r\netag: "a"\r\n\r\n'),
  answered('an empty body', 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'),
  answered(
    'connection headers',
    'HTTP/1.1 200 OK\r\nconnection: close, x-a\r\nkeep-alive: timeout=5\r\nx-a: b\r\ncontent-length: 0\r\n\r\n',
  ),
  answered(
    'a repeated header',
    'HTTP/1.1 200 OK\r\nset-cookie: a=1\r\nset-cookie: b=2\r\nvary: a\r\nvary: b\r\ncontent-length: 0\r\n\r\n',
  ),
  answered('103 before', 'HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'),
  answered('a failure', 'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 1\r\n\r\nx'),
  answered('no HTTP', 'nonsense\r\n\r\n'),
  answered('HEAD with a length', 'HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n', [
    [':method', 'HEAD'],
    ...get().slice(1),
  ]),
];

const malformed: readonly Case[] = [
  asks('no method', without(':method')),
  asks('no scheme', without(':scheme')),
  asks('no path', without(':path')),
  asks('no authority and no host', without(':authority')),
  asks('an empty path', get('')),
  asks('a path without a slash', get('a')),
  asks('a path with a fragment', get('/a#b')),
  asks('a path with a blank', get('/a b')),
  asks('a method twice', [[':method', 'GET'], ...get()]),
  asks('an unknown pseudo header', [[':other', 'x'], ...get()]),
  asks(':status in a request', [[':status', '200'], ...get()]),
  asks('a pseudo header behind others', [...get().slice(0, 3), ['x-a', 'b'], [':path', '/']]),
  asks('upper case', get('/', [['X-A', 'b']])),
  asks('connection', get('/', [['connection', 'keep-alive']])),
  asks('transfer-encoding', get('/', [['transfer-encoding', 'chunked']])),
  asks('upgrade', get('/', [['upgrade', 'x']])),
  asks('keep-alive', get('/', [['keep-alive', '1']])),
  asks('proxy-connection', get('/', [['proxy-connection', 'x']])),
  asks('te of another kind', get('/', [['te', 'gzip']])),
  asks('a line break', get('/', [['x-a', 'a\r\nb']])),
  asks('a null byte', get('/', [['x-a', 'a\0b']])),
  asks('a name with a blank', get('/', [['x a', 'b']])),
  asks('a length that is none', post([['content-length', 'x']]), 'x'),
  asks(
    'two lengths',
    post([
      ['content-length', '1'],
      ['content-length', '1'],
    ]),
    'x',
  ),
  asks('a length too large', post([['content-length', '5']]), 'x'),
  asks('a length too small', post([['content-length', '1']]), 'xyz'),
  asks('a length without a body', post([['content-length', '1']])),
  asks('CONNECT', [
    [':method', 'CONNECT'],
    [':authority', 'a.test:80'],
  ]),
  asks('extended CONNECT that is not allowed', [[':method', 'CONNECT'], [':protocol', 'websocket'], ...get().slice(1)]),
  asks(
    'too many headers',
    get(
      '/',
      Array.from({ length: 120 }, (_, at) => [`x-${at}`, 'v'] as const),
    ),
  ),
  asks('too large headers', get('/', [['x-large', 'l'.repeat(70_000)]])),
  asks('an authority that is none', [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':authority', 'a b'],
    [':path', '/'],
  ]),
];

/** What ends a stream alone in any case. */
const oneStream: ReadonlySet<string> = new Set([
  'a path with a fragment',
  'a length too large',
  'a length too small',
  'CONNECT',
  'too many headers',
  'too large headers',
]);

const under = (name: string, manager: Json, cases: readonly Case[]): Scenario => ({
  feature: 'HTTP/2',
  name,
  backends: ['http'],
  // What HPACK makes of fields is each side's own affair, and when a connection has ended is a matter of the moment.
  stats: [/^http2\.(?!nghttp2_|.*(?:pending|active))/, /^http\.in\.downstream_rq_(?!active)/],
  bootstrap: (places) =>
    simple(places, { routes, manager: { delayed_close_timeout: '0.05s', ...manager }, clusters: [cluster(places, 0)] }),
  cases,
});

export const scenarios: readonly Scenario[] = [
  under('well formed', {}, wellFormed),
  under('answers', { proxy_100_continue: true }, responses),
  under(
    'malformed',
    {},
    malformed.map((one) => (oneStream.has(one.name) ? one : { ...one, difference: 'http2-goaway' })),
  ),
  under('malformed, stream by stream', { stream_error_on_invalid_http_message: true }, malformed),
];
