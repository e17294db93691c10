import { bootstrap, cluster, fileLog, listener, logFormat, manager, routeConfig, router, typed } from '../config.ts';
import { asked, does, head, http2, OK, OPTIONS, plays } from '../http2.ts';
import type { Behaviour, Case, Fields, Http2HostStep, Json, Places, Request, Scenario } from '../types.ts';

const METHOD = '/pkg.Greeter/SayHello';
const format = `${logFormat.trimEnd()} %GRPC_STATUS% %GRPC_STATUS_NUMBER%\n`;

const frame = (text: string, flags = 0): string =>
  `${String.fromCharCode(flags)}\0\0\0${String.fromCharCode(text.length)}${text}`;
const base64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64');

const WEB = 'application/grpc-web';
const TEXT = 'application/grpc-web-text';
const TYPES = [WEB, `${WEB}+proto`, TEXT, `${TEXT}+proto`];

const GRPC: Fields = [...OK, ['content-type', 'application/grpc']];
const answer = (
  messages: readonly string[],
  trailers: Fields = [['grpc-status', '0']],
  fields: Fields = GRPC,
): readonly Http2HostStep[] => [
  head(fields),
  ...messages.map((data): Http2HostStep => ({ data, end: false })),
  head(trailers, true),
];
const fine = does(...answer([frame('hi')]));

const call = (type: string, more: Partial<Request> = {}, headers: Readonly<Record<string, string>> = {}): Request => ({
  method: 'POST',
  path: METHOD,
  headers: { 'content-type': type, ...headers },
  body: type.includes('text') ? base64(frame('hello')) : frame('hello'),
  ...more,
});
const call2 = (type: string, more: Fields = []): Fields => [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':authority', 'a.test'],
  [':path', METHOD],
  ['content-type', type],
  ...more,
];
const binary = (name: string, ...script: readonly Behaviour[]): Case => asked(name, call(WEB), script);
const textual = (name: string, ...script: readonly Behaviour[]): Case =>
  asked(name, call(TEXT, {}, { accept: TEXT }), script);
/** A call of that text, over HTTP/2: there Envoy sees the end of a body with its last bytes. */
const sends = (name: string, body: string): Case => plays(name, [{ fields: call2(TEXT), body }], [fine]);
const both = (name: string, ...script: readonly Behaviour[]): readonly Case[] => [
  binary(name, ...script),
  textual(`${name}, as text`, ...script),
];
const chunked = (name: string, ...pieces: readonly string[]): Case => ({
  name,
  steps: [
    { send: `POST ${METHOD} HTTP/1.1\r\nhost: a\r\ncontent-type: ${TEXT}\r\ntransfer-encoding: chunked\r\n\r\n` },
    ...pieces.flatMap((piece) => [{ send: `${piece.length.toString(16)}\r\n${piece}\r\n` }, { sleep: 20 }]),
    { send: '0\r\n\r\n' },
  ],
  backends: { 0: [fine] },
});

const requests: readonly Case[] = [
  ...TYPES.map((type) => asked(`type ${type}`, call(type), [fine])),
  ...['application/grpc', `${WEB}+json`, `${WEB};x`, 'Application/Grpc-Web', 'text/plain'].map((type) =>
    asked(`type ${type}`, call(type), [fine]),
  ),
  ...[...TYPES, '*/*', `${TEXT}, */*`].map((accept) => asked(`accept ${accept}`, call(WEB, {}, { accept }), [fine])),
  asked('grpc-accept-encoding', call(WEB, {}, { 'grpc-accept-encoding': 'gzip' }), [fine]),
  asked('te', call(WEB, {}, { te: 'gzip' }), [fine]),
  asked(
    'x-grpc-web and x-user-agent',
    call(WEB, {}, { 'x-grpc-web': '1', 'x-user-agent': 'grpc-web-javascript/0.1' }),
    [fine],
  ),
  asked('GET', { path: METHOD, headers: { 'content-type': WEB } }, [fine]),
  asked('chunked', call(WEB, { chunked: true }), [fine]),
  asked('no body', call(WEB, { body: '' }), [fine]),
  sends('text of several messages', base64(frame('a')) + base64(frame('bc'))),
  sends('text of several messages in one', base64(frame('a') + frame('bc'))),
  sends('text without a body', ''),
  sends('text without padding', base64(frame('hello')).replaceAll('=', '')),
  sends('text that is none', '!!!!'),
  sends('text that becomes none', `${base64(frame('abcd'))}****`),
  sends('text of three letters', 'AAA'),
  sends('text with padding alone', '===='),
  sends('text of the URL alphabet', 'AAAA__--'),
  sends('text with bits left', 'AAAAAB=='),
  sends('text with a line feed', 'AAAA\nAAA'),
  chunked('text in pieces', base64(frame('hello')).slice(0, 5), base64(frame('hello')).slice(5)),
  chunked('text in small pieces', ...base64(frame('hello'))),
  chunked('text in pieces that break off', base64(frame('hello')).slice(0, 5)),
  plays(
    'HTTP/2',
    [
      {
        fields: call2(WEB),
        body: frame('hello'),
      },
    ],
    [fine],
  ),
  plays(
    'HTTP/2, as text',
    [
      {
        fields: call2(TEXT, [
          ['accept', TEXT],
          ['content-length', '16'],
        ]),
        body: base64(frame('hello')),
      },
    ],
    [fine],
  ),
];

const answers: readonly Case[] = [
  ...both('a message', fine),
  ...both('several messages', does(...answer([frame('a'), frame('bcd'), frame('')]))),
  ...both('messages together', does(...answer([frame('a') + frame('bcd')]))),
  ...both(
    'a message in two pieces',
    does(
      head(GRPC),
      { data: frame('hello').slice(0, 7), end: false },
      { sleep: 30 },
      { data: frame('hello').slice(7), end: false },
      head([['grpc-status', '0']], true),
    ),
  ),
  ...both('a compressed message', does(...answer([frame('x', 1)]))),
  ...both('no messages', does(...answer([]))),
  ...both(
    'more trailers',
    does(
      ...answer(
        [frame('a')],
        [
          ['grpc-status', '3'],
          ['grpc-message', 'a b'],
          ['X-Y'.toLowerCase(), 'z'],
          ['x-bin', 'AAE='],
        ],
      ),
    ),
  ),
  ...both('trailers alone', does(head([...GRPC, ['grpc-status', '5'], ['grpc-message', 'no']], true))),
  ...both('a status in the head', does(head([...GRPC, ['grpc-status', '5']]), { data: frame('a') })),
  ...both('no trailers', does(head(GRPC), { data: frame('a') })),
  ...both(
    'half a message',
    does(head(GRPC), { data: frame('hello').slice(0, 8), end: false }, head([['grpc-status', '0']], true)),
  ),
  ...both(
    'another status',
    does(
      ...answer(
        [frame('a')],
        [['grpc-status', '0']],
        [
          [':status', '500'],
          ['content-type', 'application/grpc'],
        ],
      ),
    ),
  ),
  ...both(
    'gRPC with a suffix',
    does(...answer([frame('a')], [['grpc-status', '0']], [...OK, ['content-type', 'application/grpc+proto']])),
  ),
  ...both('gRPC-Web of the host', does(head([...OK, ['content-type', WEB]]), { data: frame('a') })),
  ...both(
    'gRPC-Web of the host, with a parameter',
    does(head([...OK, ['content-type', 'Application/grpc-web+proto ; x']]), { data: frame('a') }),
  ),
  ...both('no gRPC', does(head([...OK, ['content-type', 'text/plain']]), { data: 'hello %\n~' })),
  ...both('no gRPC and no body', does(head([...OK, ['content-type', 'text/plain']], true))),
  ...both('no gRPC and an empty body', does(head([...OK, ['content-type', 'text/plain']]), { data: '' })),
  ...both(
    'no gRPC in pieces',
    does(head([[':status', '503']]), { data: 'one ', end: false }, { sleep: 20 }, { data: 'two' }),
  ),
  ...both(
    'no gRPC with trailers',
    does(head([[':status', '404']]), { data: 'one', end: false }, head([['x', 'y']], true)),
  ),
  ...both(
    'a failure',
    does(
      head([
        [':status', '503'],
        ['content-type', 'text/html'],
      ]),
      { data: '<p>no</p>' },
    ),
  ),
  binary('no gRPC, much of it', does(head(), { data: 'x'.repeat(20_000) })),
  binary(
    'no gRPC, much of it in pieces',
    does(
      head(),
      { data: 'x'.repeat(10_000), end: false },
      { sleep: 20 },
      { data: 'y'.repeat(10_000), end: false },
      { sleep: 20 },
      { data: 'z'.repeat(100) },
    ),
  ),
  ...both('a reset', does({ reset: 2 })),
  ...both('a reset behind a message', does(head(GRPC), { data: frame('a'), end: false }, { sleep: 20 }, { reset: 2 })),
  ...both('the host closes', { end: 'close' }),
  ...['/nowhere', '/direct', '/none', '/empty', '/slow', '/redirect'].map((path) =>
    asked(`path ${path}`, call(WEB, { path }), ['hang']),
  ),
  ...['/pkg.Greeter', '/pkg.Greeter/SayBye?a=b', '/a/b/c', '/'].map((path) =>
    asked(`statistics of ${path}`, call(WEB, { path }), [fine]),
  ),
  asked('to HTTP/1.1', call(WEB, { path: '/h1/x' }), [], {
    backends: {
      1: [
        {
          raw: [
            {
              raw: `HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ntransfer-encoding: chunked\r\n\r\n7\r\n${frame('hi')}\r\n`,
            },
            { raw: '0\r\ngrpc-status: 0\r\n\r\n', afterMs: 30 },
          ],
        },
      ],
    },
  }),
  asked('to HTTP/1.1 with a length', call(WEB, { path: '/h1/x' }), [], {
    backends: {
      1: [
        {
          raw: `HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ngrpc-status: 0\r\ncontent-length: 7\r\n\r\n${frame('hi')}`,
        },
      ],
    },
  }),
  plays(
    'to HTTP/2',
    [
      {
        fields: call2(WEB),
        body: frame('hello'),
      },
    ],
    [
      does(
        ...answer(
          [frame('a')],
          [
            ['grpc-status', '3'],
            ['x', 'y'],
          ],
        ),
      ),
    ],
  ),
];

const clusters = (places: Places): readonly Json[] => [
  { ...cluster(places, 0), ...http2() },
  { ...cluster(places, 0), name: 'empty', load_assignment: { cluster_name: 'empty', endpoints: [] }, ...http2() },
  {
    ...cluster(places, 1),
    typed_extension_protocol_options: {
      [OPTIONS]: typed(OPTIONS, { explicit_http_config: { http_protocol_options: { enable_trailers: true } } }),
    },
  },
];

const routes: readonly Json[] = [
  { match: { path: '/direct' }, direct_response: { status: 403, body: { inline_string: 'go away' } } },
  { match: { path: '/redirect' }, redirect: { path_redirect: '/else' } },
  { match: { path: '/none' }, route: { cluster: 'none' } },
  { match: { path: '/empty' }, route: { cluster: 'empty' } },
  { match: { path: '/slow' }, route: { cluster: 'c0', timeout: '0.2s' } },
  { match: { prefix: '/h1' }, route: { cluster: 'c1' } },
  { match: { prefix: '/pkg' }, route: { cluster: 'c0' } },
  { match: { prefix: '/a' }, route: { cluster: 'c0' } },
  { match: { path: '/' }, route: { cluster: 'c0' } },
];

const filter = (config: Json = {}): Json => ({
  name: 'web',
  typed_config: typed('envoy.extensions.filters.http.grpc_web.v3.GrpcWeb', config),
});
const mutation = (trailers: string): Json => ({
  name: `mutation-${trailers}`,
  typed_config: typed('envoy.extensions.filters.http.header_mutation.v3.HeaderMutation', {
    mutations: { response_trailers_mutations: [{ append: { header: { key: trailers, value: 'added' } } }] },
  }),
});

const under = (name: string, cases: readonly Case[], filters: readonly Json[] = [filter()]): Scenario => ({
  feature: 'gRPC-Web filter',
  name,
  backends: ['http2', 'http'],
  stats: [/^cluster\.(c0|c1|empty)\.grpc/],
  bootstrap: (places) =>
    bootstrap(
      places,
      [
        listener(places, 0, [
          manager(places, {
            route_config: routeConfig(routes, { validate_clusters: false }),
            access_log: [fileLog(places, format)],
            http_filters: [...filters, router()],
          }),
        ]),
      ],
      clusters(places),
    ),
  cases,
});

/** Text of messages that do not come whole. */
const inPieces: ReadonlySet<string> = new Set(['a message in two pieces, as text', 'half a message, as text']);

export const scenarios: readonly Scenario[] = [
  under('requests', requests),
  under(
    'answers',
    answers.map((one) => (inPieces.has(one.name) ? { ...one, difference: 'grpc-web-text' } : one)),
  ),
  under(
    'among others',
    [...both('a call', fine), ...both('a failure', does(head([[':status', '503']]), { data: 'no' }))],
    [
      {
        name: 'stats',
        typed_config: typed('envoy.extensions.filters.http.grpc_stats.v3.FilterConfig', {
          stats_for_all_methods: true,
        }),
      },
      filter(),
      mutation('x-inner'),
    ],
  ),
];
