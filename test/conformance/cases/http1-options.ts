import { cluster, typed } from '../config.ts';
import { answered, get, line, post, quickClose, raw } from '../http1.ts';
import type { Case, Json, Places, Scenario } from '../types.ts';
import { type Variant, variants } from '../variants.ts';

const OK = 'HTTP/1.1 200 OK\r\n';
const TWO = 'content-length: 2\r\n\r\nok';
const CHUNKS = '3\r\nabc\r\n0\r\n\r\n';
const chunked = (body: string, fields = ''): string => `${OK}transfer-encoding: chunked\r\n${fields}\r\n${body}`;

const http1 = (options: Json): Json => ({ ...quickClose, http_protocol_options: options });
const common = (options: Json): Json => ({ ...quickClose, common_http_protocol_options: options });

const old = (method: string, fields = ''): string => `${method} / HTTP/1.0\r\n${fields}\r\n`;
const HOST = 'Host: a\r\n';
const KEEP = `${HOST}Connection: keep-alive\r\n`;
const reply = (text: string): Pick<Case, 'backends'> => ({ backends: { 0: [{ raw: text }] } });

const http10: readonly Case[] = [
  raw('a request', old('GET', HOST)),
  raw('keep-alive', old('GET', KEEP)),
  raw('keep-alive and close', old('GET', `${HOST}Connection: keep-alive, close\r\n`)),
  raw('close', old('GET', `${HOST}Connection: close\r\n`)),
  raw('proxy-connection: keep-alive', old('GET', `${HOST}Proxy-Connection: keep-alive\r\n`)),
  raw('keep-alive, a chunked response', old('GET', KEEP), reply(chunked('2\r\nok\r\n0\r\n\r\n'))),
  raw('keep-alive, 204', old('GET', KEEP), reply('HTTP/1.1 204 N\r\n\r\n')),
  raw('keep-alive, 304', old('GET', KEEP), reply('HTTP/1.1 304 N\r\n\r\n')),
  raw('keep-alive, HEAD', old('HEAD', KEEP), { methods: ['HEAD'], ...reply(`${OK}content-length: 2\r\n\r\n`) }),
  raw('keep-alive, HEAD without a length', old('HEAD', KEEP), { methods: ['HEAD'], ...reply(`${OK}\r\n`) }),
  raw('keep-alive twice', `${old('GET', KEEP)}${old('GET', KEEP)}`, { responses: 2, methods: ['GET', 'GET'] }),
  raw('HTTP/1.0, then HTTP/1.1', `${old('GET', KEEP)}GET / HTTP/1.1\r\nHost: a\r\n\r\n`, {
    responses: 2,
    methods: ['GET', 'GET'],
  }),
  raw('a body', `${old('POST', `${HOST}Content-Length: 3\r\n`)}abc`),
  raw('chunks', `${old('POST', `${HOST}Transfer-Encoding: chunked\r\n`)}${CHUNKS}`),
  raw('expect', `${old('POST', `${HOST}Expect: 100-continue\r\nContent-Length: 3\r\n`)}abc`),
  raw('no host', old('GET')),
  raw('a bad host', old('GET', 'Host: a b\r\n')),
  raw('HTTP/0.9', 'GET /\r\n'),
  raw('HTTP/1.3', 'GET / HTTP/1.3\r\nHost: a\r\n\r\n'),
  raw('HTTP/2.0', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n'),
];

const proper: Json = { header_key_format: { proper_case_words: {} } };
const preserve = (more: Json = {}): Json => ({
  header_key_format: {
    stateful_formatter: {
      name: 'preserve_case',
      typed_config: typed('envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig', more),
    },
  },
});
const odd: readonly Case[] = [
  raw('odd names', 'GET / HTTP/1.1\r\nHOst: a\r\nX-aB: c\r\nx-Ab: d\r\nx-foo-bar_baz: e\r\n9a-bc: f\r\n\r\n', {
    ...reply(`HTTP/1.1 200 Fine\r\nConTent-Length: 2\r\nFoO: 1\r\nfOO: 2\r\nsErver: x\r\nx-a_b.c: 3\r\n\r\nok`),
  }),
  raw('odd names and chunks', `POST / HTTP/1.1\r\nhost: a\r\nTransfer-ENCODING: chunked\r\n\r\n${CHUNKS}`, {
    ...reply(chunked('2\r\nok\r\n0\r\n\r\n')),
  }),
  raw('a refusal', 'GET / HTTP/1.1\r\nHOst: a b\r\n\r\n'),
  raw(
    'no body',
    'POST / HTTP/1.1\r\nHOst: a\r\n\r\n',
    reply('HTTP/1.1 200 Fine\r\nconnection: close\r\nContent-length: 0\r\n\r\n'),
  ),
];

const list: readonly Variant[] = [
  { name: 'accept_http_10', manager: http1({ accept_http_10: true }), cases: http10 },
  {
    name: 'default_host_for_http_10',
    manager: http1({ accept_http_10: true, default_host_for_http_10: 'def' }),
    cases: [
      raw('no host', old('GET')),
      raw('an empty host', old('GET', 'Host:\r\n')),
      raw('a host', old('GET', HOST)),
      raw('HTTP/0.9', 'GET /\r\n'),
      raw('HTTP/0.9 and another', 'GET /\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n'),
      raw('HTTP/1.1 without a host', 'GET / HTTP/1.1\r\n\r\n'),
    ],
  },
  {
    name: 'allow_chunked_length',
    manager: http1({ allow_chunked_length: true }),
    cases: [
      post('length and chunked', ['Content-Length: 9', 'Transfer-Encoding: chunked'], CHUNKS),
      post('length and gzip', ['Content-Length: 3', 'Transfer-Encoding: gzip'], 'abc'),
      post('a bad length and chunked', ['Content-Length: x', 'Transfer-Encoding: chunked'], CHUNKS),
      post('two lengths and chunked', ['Content-Length: 3', 'Content-Length: 3', 'Transfer-Encoding: chunked'], CHUNKS),
    ],
  },
  {
    name: 'allow_custom_methods',
    manager: http1({ allow_custom_methods: true }),
    cases: ['FOO', 'get', 'M-SEARCH', "A!#$%&'*+-.^_`|~9", 'G(T', '\xe9', 'GET'].map((method) =>
      line(`method ${method}`, `${method} / HTTP/1.1`),
    ),
  },
  {
    name: 'allow_absolute_url off',
    manager: http1({ allow_absolute_url: false }),
    cases: [
      line('absolute', 'GET http://b/p HTTP/1.1'),
      line('asterisk', 'GET * HTTP/1.1'),
      line('CONNECT', 'CONNECT a HTTP/1.1'),
      line('origin form', 'GET /p HTTP/1.1'),
    ],
  },
  {
    name: 'ignore_http_11_upgrade',
    manager: http1({ ignore_http_11_upgrade: [{ prefix: 'TLS/' }, { exact: 'foo' }] }),
    cases: [
      get('TLS/1.0 with a nominated field', ['Connection: upgrade, x-a', 'Upgrade: TLS/1.0', 'X-A: 1']),
      get('foo', ['Connection: upgrade', 'Upgrade: foo']),
      get('both', ['Connection: upgrade', 'Upgrade: foo, bar'], { without: ['stats'] }),
    ],
  },
  {
    name: 'headers_with_underscores_action ALLOW',
    manager: common({ headers_with_underscores_action: 'ALLOW' }),
    cases: [get('an underscore', ['a_b: 1', 'c: 2'])],
  },
  {
    name: 'DROP_HEADER',
    manager: common({ headers_with_underscores_action: 'DROP_HEADER' }),
    cases: [
      get('an underscore', ['a_b: 1', 'c: 2', '_: 3']),
      get('in the value', ['a: b_c']),
      get('an underscore and a bad name', ['a_b: 1', 'c d: 2']),
    ],
  },
  {
    name: 'REJECT_REQUEST',
    manager: common({ headers_with_underscores_action: 'REJECT_REQUEST' }),
    cases: [
      get('an underscore', ['a_b: 1']),
      get('in the value', ['a: b_c']),
      get('an underscore and a bad name', ['a_b: 1', 'c d: 2']),
      post('an underscore and two lengths', ['a_b: 1', 'Content-Length: 1', 'Content-Length: 1'], 'a'),
    ],
  },
  {
    name: 'max_headers_count 5',
    manager: common({ max_headers_count: 5 }),
    cases: [
      get('5', ['a: b', 'a: b', 'a: b', 'a: b']),
      get('6', ['a: b', 'a: b', 'a: b', 'a: b', 'a: b']),
      get('6, two of which become one', ['a: b', 'a: b', 'a: b', 'accept: b', 'accept: c']),
      get('the connection counts', ['a: b', 'a: b', 'a: b', 'a: b', 'connection: keep-alive']),
      post('the coding counts', ['a: b', 'a: b', 'a: b', 'a: b', 'transfer-encoding: chunked'], CHUNKS),
    ],
  },
  {
    name: 'max_request_headers_kb 1',
    manager: { ...quickClose, max_request_headers_kb: 1 },
    cases: [
      get('1000 bytes', [`a: ${'x'.repeat(960)}`]),
      get('1100 bytes', [`a: ${'x'.repeat(1060)}`]),
      raw('a long target', `GET /${'x'.repeat(1024)} HTTP/1.1\r\nHost: a\r\n\r\n`),
    ],
  },
  {
    name: 'max_requests_per_connection 2',
    manager: common({ max_requests_per_connection: 2 }),
    cases: [{ name: 'three requests', requests: [{}, {}, {}] }],
  },
  {
    name: 'stream_error_on_invalid_http_message',
    manager: { ...quickClose, stream_error_on_invalid_http_message: true },
    cases: [
      raw('no host', 'GET / HTTP/1.1\r\n\r\n'),
      raw('no host, with a body', 'POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc'),
      line('a fragment', 'GET /#x HTTP/1.1'),
      get('a bad name', ['x y: z']),
    ],
  },
  {
    name: 'override_stream_error_on_invalid_http_message',
    manager: { ...http1({ override_stream_error_on_invalid_http_message: true }) },
    cases: [raw('no host', 'GET / HTTP/1.1\r\n\r\n'), get('a bad name', ['x y: z'])],
  },
  {
    name: 'overridden with false',
    manager: {
      ...http1({ override_stream_error_on_invalid_http_message: false }),
      stream_error_on_invalid_http_message: true,
    },
    cases: [raw('no host', 'GET / HTTP/1.1\r\n\r\n')],
  },
  {
    name: 'proxy_100_continue',
    manager: { ...quickClose, proxy_100_continue: true, via: 'me' },
    cases: [
      answered('100', `HTTP/1.1 100 Continue\r\nx: y\r\n\r\n${OK}${TWO}`),
      answered('102', `HTTP/1.1 102 P\r\nx: y\r\nconnection: close\r\nkeep-alive: z\r\nvia: q\r\n\r\n${OK}${TWO}`),
      answered('103', `HTTP/1.1 103 Early\r\nlink: x\r\n\r\n${OK}${TWO}`),
      answered('103 twice', `HTTP/1.1 103 Early\r\nlink: x\r\n\r\nHTTP/1.1 103 Early\r\nlink: y\r\n\r\n${OK}${TWO}`),
      answered('104', `HTTP/1.1 104 X\r\n\r\n${OK}${TWO}`),
      answered('105', `HTTP/1.1 105 X\r\n\r\n${OK}${TWO}`),
      answered('100 and nothing more', 'HTTP/1.1 100 Continue\r\n\r\n', { afterwards: 'close' }),
      post('expect is passed on', ['Expect: 100-continue', 'Content-Length: 3'], 'abc'),
    ],
  },
  { name: 'proper_case_words', manager: http1(proper), cases: odd },
  { name: 'preserve_case', manager: http1(preserve()), cases: odd },
  {
    name: 'preserve_case, proper for others, reason',
    manager: http1(preserve({ forward_reason_phrase: true, formatter_type_on_envoy_headers: 'PROPER_CASE' })),
    cases: odd,
  },
];

const trailerCases: readonly Case[] = [
  answered('of a response', chunked('2\r\nok\r\n0\r\nT: v\r\nx: 1\r\nx: 2\r\n\r\n', 'trailer: t\r\n')),
  answered('odd ones of a response', chunked('2\r\nok\r\n0\r\ncontent-length: 5\r\nhost: x\r\nconnection: y\r\n\r\n')),
  answered('101 of a response', chunked(`2\r\nok\r\n0\r\n${'t: v\r\n'.repeat(101)}\r\n`)),
  answered('a bad one of a response', chunked('2\r\nok\r\n0\r\nt v\r\n\r\n')),
  answered('of a response without a body', chunked('0\r\nt: v\r\n\r\n')),
  post('of a request', ['Transfer-Encoding: chunked'], '3\r\nabc\r\n0\r\nT: v\r\nX: 1\r\nx: 2\r\n\r\n'),
  post('of a request without a body', ['Transfer-Encoding: chunked'], '0\r\nt: v\r\n\r\n'),
  // How far the body came before the fault is not the same each time.
  post('101 of a request', ['Transfer-Encoding: chunked'], `3\r\nabc\r\n0\r\n${'t: v\r\n'.repeat(101)}\r\n`, {
    without: ['backends', 'stats'],
  }),
  post('a bad one of a request', ['Transfer-Encoding: chunked'], '3\r\nabc\r\n0\r\nt v\r\n\r\n', {
    without: ['backends', 'stats'],
  }),
  post('a folded one of a request', ['Transfer-Encoding: chunked'], '3\r\nabc\r\n0\r\nt: v\r\n w\r\n\r\n', {
    without: ['backends', 'stats'],
    difference: 'http1-folded-field',
  }),
];

const upstream = (options: Json) => (places: Places) => [
  cluster(places, 0, [0], {
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': typed(
        'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        {
          explicit_http_config: { http_protocol_options: options },
        },
      ),
    },
  }),
];

const trailers: Json = http1({ enable_trailers: true });

export const scenarios: readonly Scenario[] = [
  variants('HTTP/1 options', 'of listeners', list),
  variants(
    'HTTP/1 options',
    'trailers',
    [
      { name: 'both sides', manager: trailers, cases: trailerCases },
      { name: 'the cluster alone', manager: quickClose, cases: trailerCases },
    ],
    { clusters: upstream({ enable_trailers: true }) },
  ),
  variants('HTTP/1 options', 'trailers of the listener alone', [
    { name: 'listener', manager: trailers, cases: trailerCases },
  ]),
  ...[
    ['proper_case_words', proper],
    ['preserve_case', preserve()],
    [
      'preserve_case with all',
      preserve({ forward_reason_phrase: true, formatter_type_on_envoy_headers: 'PROPER_CASE' }),
    ],
  ].map(([name, options]) =>
    variants(
      'HTTP/1 options',
      `${name} of clusters`,
      [
        { name: 'the cluster alone', manager: quickClose, cases: odd },
        { name: 'both, proper', manager: http1(proper), cases: odd },
        { name: 'both, preserved', manager: http1(preserve()), cases: odd },
      ],
      { clusters: upstream(options as Json) },
    ),
  ),
];
