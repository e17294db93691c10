import { bootstrap, cluster, fileLog, listener, logFormat, manager, routeConfig, router, typed } from '../config.ts';
import { asked, does, head, http2, OK, plays } from '../http2.ts';
import { steering } from '../steering.ts';
import type { Behaviour, Case, Fields, Http2HostStep, Json, Places, Scenario } from '../types.ts';

const METHOD = '/pkg.Greeter/SayHello';
const format = `${logFormat.trimEnd()} %GRPC_STATUS% %GRPC_STATUS_NUMBER%\n`;

const frame = (text: string): string => `\0\0\0\0${String.fromCharCode(text.length)}${text}`;
const call = (path = METHOD, more: Fields = [], type = 'application/grpc'): Fields => [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':authority', 'a.test'],
  [':path', path],
  ['content-type', type],
  ['te', 'trailers'],
  ...more,
];

const GRPC: Fields = [...OK, ['content-type', 'application/grpc']];
const only = (status: number | string, ...more: Fields): Http2HostStep =>
  head([...GRPC, ['grpc-status', String(status)], ...more], true);
const answer = (status: number, ...more: Fields): readonly Http2HostStep[] => [
  head(GRPC),
  { data: frame('hi'), end: false },
  head([['grpc-status', String(status)], ...more], true),
];
const fine = does(...answer(0));

/** A unary call over HTTP/2. */
const calls = (
  name: string,
  path: string,
  script: readonly Behaviour[] = [fine],
  more: Fields = [],
  rest: Partial<Case> = {},
): Case => plays(name, [{ fields: call(path, more), body: frame('hello') }], script, rest);

const fails = (on: string, more: Json = {}): Json => ({
  retry_policy: { retry_on: on, num_retries: 2, retry_back_off: { base_interval: '0.001s' }, ...more },
});

const STATUSES = [200, 204, 301, 400, 401, 403, 404, 405, 408, 409, 413, 429, 431, 499, 500, 501, 502, 503, 504];
const CODES: readonly (readonly [string, number])[] = [
  ['cancelled', 1],
  ['deadline-exceeded', 4],
  ['resource-exhausted', 8],
  ['internal', 13],
  ['unavailable', 14],
];

const to = (path: string, action: Json = {}, more: Json = {}): Json => ({
  match: { path },
  route: { cluster: 'c0', ...action },
  ...more,
});

const routes: readonly Json[] = [
  ...STATUSES.map(
    (status): Json => ({
      match: { path: `/direct/${status}` },
      direct_response: { status, body: { inline_string: status === 204 ? '' : `says ${status}` } },
    }),
  ),
  { match: { path: '/direct/words' }, direct_response: { status: 500, body: { inline_string: 'a b%c\n"d" \u00fc~' } } },
  { match: { path: '/direct/nothing' }, direct_response: { status: 503 } },
  { match: { path: '/redirect' }, redirect: { path_redirect: '/else' } },
  { match: { path: '/none' }, route: { cluster: 'none' } },
  { match: { path: '/none/404' }, route: { cluster: 'none', cluster_not_found_response_code: 'NOT_FOUND' } },
  to('/empty', { cluster: 'empty' }),
  to('/closed', { cluster: 'closed' }),
  to('/full', { cluster: 'full' }),
  to('/h1', { cluster: 'h1' }),
  to('/slow', { timeout: '0.2s' }),
  to('/max', { max_stream_duration: { max_stream_duration: '0.2s' } }),
  to('/grpc-max', { max_stream_duration: { grpc_timeout_header_max: '0.3s' } }),
  to('/grpc-max-none', { max_stream_duration: { grpc_timeout_header_max: '0s' } }),
  to('/grpc-max-offset', {
    max_stream_duration: { grpc_timeout_header_max: '1s', grpc_timeout_header_offset: '0.1s' },
  }),
  to('/max-grpc', { max_grpc_timeout: '0.3s' }),
  to('/max-grpc-none', { max_grpc_timeout: '0s' }),
  to('/max-grpc-offset', { max_grpc_timeout: '1s', grpc_timeout_offset: '0.1s' }),
  to('/max-grpc-slow', { max_grpc_timeout: '0.3s', timeout: '0.2s' }),
  ...CODES.map(([name]) => to(`/on/${name}`, fails(name))),
  to('/on/several', fails('cancelled,unavailable,5xx')),
  to('/on/codes', fails('retriable-status-codes', { retriable_status_codes: [503] })),
  to('/on/5xx', fails('5xx')),
  to('/on/per-try', fails('deadline-exceeded,unavailable,5xx', { per_try_timeout: '0.1s', num_retries: 1 })),
  to('/on/per-try-grpc', fails('deadline-exceeded,unavailable', { per_try_timeout: '0.1s', num_retries: 1 })),
  to('/on/per-try-idle', fails('5xx', { per_try_idle_timeout: '0.1s', num_retries: 1 })),
  { match: { prefix: '/grpc', grpc: {} }, route: { cluster: 'c0' }, name: 'grpc' },
  { match: { prefix: '/grpc' }, route: { cluster: 'c0' }, name: 'other' },
  { match: { prefix: '/not-found' }, route: { cluster: 'c0', idle_timeout: '0.15s' }, name: 'idle' },
  { match: { prefix: '/pkg' }, route: { cluster: 'c0' } },
];

const clusters = (places: Places): readonly Json[] => [
  { ...cluster(places, 0), ...http2() },
  { ...cluster(places, 0), name: 'empty', load_assignment: { cluster_name: 'empty', endpoints: [] }, ...http2() },
  { ...cluster(places, 0, [2]), name: 'closed', ...http2() },
  { ...cluster(places, 0), name: 'full', circuit_breakers: { thresholds: [{ max_requests: 0 }] }, ...http2() },
  {
    ...cluster(places, 0, [1]),
    name: 'h1',
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': typed(
        'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        {
          explicit_http_config: { http_protocol_options: { enable_trailers: true } },
        },
      ),
    },
  },
];

const under = (name: string, cases: readonly Case[], config: Json = {}, filters: readonly Json[] = []): Scenario => ({
  feature: 'gRPC',
  name,
  backends: ['http2', 'http', 'closed'],
  stats: [/^cluster\.(c0|h1|full|closed|empty)\.(grpc|upstream_rq_(?!.*active))/],
  bootstrap: (places) =>
    bootstrap(
      places,
      [
        listener(places, 0, [
          manager(places, {
            route_config: routeConfig(routes, { validate_clusters: false }),
            access_log: [fileLog(places, format)],
            http_protocol_options: { enable_trailers: true },
            http_filters: [...filters, router()],
            ...config,
          }),
        ]),
      ],
      clusters(places),
    ),
  cases,
});

const local: readonly Case[] = [
  ...STATUSES.map((status) => calls(`direct ${status}`, `/direct/${status}`)),
  calls('a direct response in words', '/direct/words'),
  calls('a direct response without words', '/direct/nothing'),
  calls('a redirect', '/redirect'),
  calls('no route', '/nowhere'),
  calls('no cluster', '/none'),
  calls('no cluster, 404', '/none/404'),
  calls('no host', '/empty'),
  calls('nobody listens', '/closed'),
  calls('no room', '/full'),
  calls('a time-out', '/slow', ['hang']),
  calls('max_stream_duration', '/max', ['hang']),
  calls('an idle stream', '/not-found', ['hang']),
  plays('a head alone', [{ fields: call('/direct/404') }]),
  plays('HTTP/2 without gRPC', [{ fields: call('/direct/404', [], 'text/plain') }]),
  plays('another kind of gRPC', [{ fields: call('/direct/404', [], 'application/grpc+json') }]),
  plays('gRPC-Web', [{ fields: call('/direct/404', [], 'application/grpc-web') }]),
  plays('no path', [{ fields: call('/nowhere', [], 'application/grpc;x=y') }]),
];

const resets: readonly Case[] = [
  ...Array.from({ length: 14 }, (_, code) => calls(`RST_STREAM ${code}`, METHOD, [does({ reset: code })])),
  calls('the host closes', METHOD, [{ end: 'close' }]),
  calls('the host resets the connection', METHOD, [{ end: 'reset' }]),
  calls('GOAWAY that did not take it', METHOD, [does({ goaway: 0, last: 0 })]),
  { ...calls('a malformed answer', METHOD, [does(head([['x', 'y']], true))]), difference: 'http2-goaway' },
  calls('RST_STREAM behind the head', METHOD, [does(head(GRPC), { sleep: 20 }, { reset: 8 })]),
  calls('RST_STREAM behind a message', METHOD, [
    does(head(GRPC), { data: frame('hi'), end: false }, { sleep: 20 }, { reset: 8 }),
  ]),
  calls('the host closes behind a message', METHOD, [
    does(head(GRPC), { data: frame('hi'), end: false }, { sleep: 20 }, { close: 'close' }),
  ]),
  plays(
    'a client that cancels',
    [{ fields: call(), body: frame('hello'), open: true }, { sleep: 30 }, { reset: 8 }, { sleep: 30 }],
    ['hang'],
  ),
  plays(
    'a client that cancels behind a message',
    [{ fields: call(), body: frame('hello'), open: true }, { sleep: 50 }, { reset: 8 }, { sleep: 30 }],
    [{ http2: [head(GRPC), { data: frame('hi'), end: false }], atHead: true }],
  ),
];

const answers: readonly Case[] = [
  calls('a call', METHOD),
  ...Array.from({ length: 17 }, (_, code) =>
    calls(`trailers alone: ${code}`, METHOD, [does(only(code, ['grpc-message', 'no']))]),
  ),
  ...[0, 1, 5, 13, 14].map((code) =>
    calls(`trailers: ${code}`, METHOD, [does(...answer(code, ['grpc-message', 'no']))]),
  ),
  calls('a status that is none', METHOD, [does(only('abc'))]),
  calls('a negative status', METHOD, [does(only('-1'))]),
  calls('a large status', METHOD, [does(only('99'))]),
  calls('no status', METHOD, [does(head(GRPC), { data: frame('hi') })]),
  calls('a status in the head of an answer with a body', METHOD, [
    does(head([...GRPC, ['grpc-status', '5']]), { data: frame('hi') }),
  ]),
  calls('no gRPC', METHOD, [
    does(
      head([
        [':status', '503'],
        ['content-type', 'text/plain'],
      ]),
      { data: 'no' },
    ),
  ]),
  calls('a head, then trailers', METHOD, [does(head(GRPC), head([['grpc-status', '0']], true))]),
  calls('grpc-status-details-bin', METHOD, [does(only(3, ['grpc-status-details-bin', 'CAMSAW4']))]),
  calls('several messages', METHOD, [
    does(
      head(GRPC),
      { data: frame('a') + frame('b'), end: false },
      { data: frame('c'), end: false },
      head([['grpc-status', '0']], true),
    ),
  ]),
  plays(
    'a stream of the client',
    [
      { fields: call(), open: true },
      { data: frame('a'), end: false },
      { data: frame('b'), end: false },
      { sleep: 20 },
      { data: frame('c') },
    ],
    [fine],
  ),
  plays(
    'a stream of both',
    [{ fields: call(), open: true }, { data: frame('a'), end: false }, { sleep: 30 }, { data: frame('b') }],
    [
      {
        http2: [
          head(GRPC),
          { data: frame('x'), end: false },
          { sleep: 60 },
          { data: frame('y'), end: false },
          head([['grpc-status', '0']], true),
        ],
        atHead: true,
      },
    ],
  ),
  plays(
    'an answer before the end of the call',
    [{ fields: call(), open: true }, { data: frame('a'), end: false }, { sleep: 50 }],
    [{ http2: [only(8)], atHead: true }],
  ),
  plays(
    'trailers of the client',
    [
      { fields: call(), open: true },
      { data: frame('a'), trailers: [['x-t', '1']] },
    ],
    [fine],
  ),
  calls(
    'metadata',
    METHOD,
    [
      does(
        head([...GRPC, ['x-bin', 'AAE=']]),
        { data: frame('hi'), end: false },
        head(
          [
            ['grpc-status', '0'],
            ['x-y', 'z'],
            ['x-z-bin', 'AAE='],
          ],
          true,
        ),
      ),
    ],
    [
      ['x-a-bin', 'AAE='],
      ['x-b', 'c'],
    ],
  ),
  calls('to HTTP/1.1', '/h1', [], [], {
    backends: {
      1: [
        {
          raw: `HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ntransfer-encoding: chunked\r\n\r\n7\r\n${frame('hi')}\r\n0\r\ngrpc-status: 0\r\ngrpc-message: x\r\n\r\n`,
        },
      ],
    },
  }),
  calls('to HTTP/1.1, trailers alone', '/h1', [], [], {
    backends: {
      1: [{ raw: 'HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ngrpc-status: 7\r\ncontent-length: 0\r\n\r\n' }],
    },
  }),
  calls('to HTTP/1.1 that closes', '/h1', [], [], { backends: { 1: [{ end: 'close' }] } }),
  calls('to HTTP/1.1 that breaks off', '/h1', [], [], {
    backends: {
      1: [
        {
          raw: 'HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ntransfer-encoding: chunked\r\n\r\n7\r\n',
          afterwards: 'close',
        },
      ],
    },
  }),
  asked(
    'from HTTP/1.1',
    { method: 'POST', path: METHOD, headers: { 'content-type': 'application/grpc', te: 'trailers' }, body: frame('a') },
    [fine],
  ),
  asked(
    'from HTTP/1.1, trailers alone',
    { method: 'POST', path: METHOD, headers: { 'content-type': 'application/grpc' }, body: frame('a') },
    [does(only(5, ['grpc-message', 'no']))],
  ),
  asked(
    'from HTTP/1.1, reset',
    { method: 'POST', path: METHOD, headers: { 'content-type': 'application/grpc' }, body: frame('a') },
    [does({ reset: 2 })],
  ),
  ...[
    'application/grpc',
    'application/grpc+proto',
    'application/grpc;x',
    'application/grpc-web',
    'application/grpcx',
    'text/plain',
  ].map((type) => plays(`matching routes: ${type}`, [{ fields: call('/grpc', [], type), body: 'x' }], [fine])),
];

const timed = (path: string, values: readonly string[]): readonly Case[] =>
  values.map((value) => calls(`${path}: ${value}`, path, [fine], [['grpc-timeout', value]]));
/** The time is up at once, sometimes before the connection to the host is there. */
const overAtOnce = (path: string): Case =>
  calls(`${path}: 0S`, path, ['hang'], [['grpc-timeout', '0S']], { without: ['stats', 'backends'] });

const VALUES = ['100m', '1S', '5S', '100000u', '2M', '0S', '123456789m', '99999999H', 'x', '1', '1s', '-1S'];

const timeouts: readonly Case[] = [
  ...timed('/max-grpc', VALUES),
  ...timed('/max-grpc-none', ['100m', '5S', '0S', 'x']),
  ...timed('/max-grpc-offset', ['500m', '50m', '5S', '0S']),
  ...timed('/grpc-max', ['100m', '5S', 'x']),
  overAtOnce('/grpc-max'),
  ...timed('/grpc-max-none', ['100m']),
  overAtOnce('/grpc-max-none'),
  ...timed('/grpc-max-offset', ['500m', '5S']),
  calls('none: max_grpc_timeout', '/max-grpc', [fine]),
  calls('none: grpc_timeout_header_max', '/grpc-max', [fine]),
  calls('without a limit: the host sees it', METHOD, [fine], [['grpc-timeout', '100m']]),
  calls('runs out: max_grpc_timeout', '/max-grpc', ['hang'], [['grpc-timeout', '100m']]),
  calls('runs out: the most of max_grpc_timeout', '/max-grpc', ['hang'], [['grpc-timeout', '5S']]),
  calls('runs out: max_grpc_timeout with a route time-out', '/max-grpc-slow', ['hang'], [['grpc-timeout', '100m']]),
  calls('runs out: grpc_timeout_header_max', '/grpc-max', ['hang'], [['grpc-timeout', '100m']]),
  calls('runs out: the most of grpc_timeout_header_max', '/grpc-max', ['hang'], [['grpc-timeout', '5S']]),
  calls('runs out: with an offset', '/grpc-max-offset', ['hang'], [['grpc-timeout', '250m']]),
  calls(
    'runs out behind a message',
    '/grpc-max',
    [does(head(GRPC), { data: frame('hi'), end: false })],
    [['grpc-timeout', '100m']],
  ),
  calls(
    'runs out behind a message: max_grpc_timeout',
    '/max-grpc',
    [does(head(GRPC), { data: frame('hi'), end: false })],
    [['grpc-timeout', '100m']],
  ),
  calls('runs out: the route behind a message', '/slow', [does(head(GRPC), { data: frame('hi'), end: false })]),
  ...['/max', '/grpc-max', '/grpc-max-none', '/slow'].map((path) =>
    plays(`not gRPC: ${path}`, [{ fields: call(path, [['grpc-timeout', '100m']], 'text/plain'), body: 'x' }], [fine]),
  ),
  plays('not for others', [{ fields: call('/max-grpc', [['grpc-timeout', '100m']], 'text/plain'), body: 'x' }], [fine]),
];

const retries: readonly Case[] = [
  ...CODES.flatMap(([name, code]) => [
    calls(`${name}: that code`, `/on/${name}`, [does(only(code)), fine]),
    calls(`${name}: another code`, `/on/${name}`, [does(only(5)), fine]),
    calls(`${name}: in trailers`, `/on/${name}`, [does(...answer(code)), fine]),
  ]),
  calls('it runs out', '/on/unavailable', [does(only(14)), does(only(14)), does(only(14))]),
  calls('several codes', '/on/several', [does(only(1)), does(only(14)), fine]),
  calls('a reset and a code', '/on/several', [does({ reset: 2 }), does(only(14)), fine]),
  calls('retriable status codes', '/on/codes', [does(head([[':status', '503']], true)), fine]),
  calls('5xx is no gRPC code', '/on/5xx', [does(only(14))]),
  calls('a code is no 5xx', '/on/unavailable', [does(head([[':status', '503']], true))]),
  calls('a reset is no code', '/on/unavailable', [does({ reset: 2 })]),
  calls('each try has its time', '/on/per-try', ['hang', fine]),
  calls('each try has its time, and it runs out', '/on/per-try', ['hang', 'hang']),
  calls('each try has its time, codes alone', '/on/per-try-grpc', ['hang', fine]),
  calls('each try is idle', '/on/per-try-idle', ['hang', fine]),
  calls('each try has its time, behind a message', '/on/per-try', [
    does(head(GRPC), { data: frame('hi'), end: false }, { sleep: 200 }, head([['grpc-status', '0']], true)),
  ]),
  ...['unavailable', 'cancelled,internal', 'deadline-exceeded', 'resource-exhausted', 'internal', 'nothing'].map((on) =>
    calls(`retry-grpc-on: ${on}`, METHOD, [does(only(14)), fine], [['t-retry-grpc-on', on]]),
  ),
  calls(
    'retry-grpc-on with max-retries',
    METHOD,
    [does(only(14)), does(only(14)), does(only(14)), fine],
    [
      ['t-retry-grpc-on', 'unavailable'],
      ['t-max-retries', '3'],
    ],
  ),
];

const STATS = 'envoy.extensions.filters.http.grpc_stats.v3.FilterConfig';
const counted = (config: Json): Json => ({ name: 'grpc', typed_config: typed(STATS, config) });

const statistics: readonly Case[] = [
  calls('a call', METHOD),
  calls('another method', '/pkg.Greeter/SayBye'),
  calls('a failure', METHOD, [does(only(5))]),
  calls('a failure in trailers', METHOD, [does(...answer(13))]),
  calls('a reset', METHOD, [does({ reset: 2 })]),
  calls('no status', METHOD, [does(head(GRPC), { data: frame('hi') })]),
  plays(
    'streams',
    [{ fields: call(), body: frame('a') + frame('b'), open: true }, { data: frame('c') }],
    [does(head(GRPC), { data: frame('x') + frame('y'), end: false }, head([['grpc-status', '0']], true))],
  ),
  plays(
    'a frame in pieces',
    [
      { fields: call(), body: frame('hello').slice(0, 3), open: true },
      { sleep: 10 },
      { data: frame('hello').slice(3) },
    ],
    [fine],
  ),
  plays(
    'a client that cancels',
    [{ fields: call(), body: frame('a'), open: true }, { sleep: 30 }, { reset: 8 }, { sleep: 30 }],
    ['hang'],
  ),
  plays('no gRPC', [{ fields: call(METHOD, [], 'text/plain'), body: 'x' }], [fine]),
];

export const scenarios: readonly Scenario[] = [
  under('local replies', local),
  under('resets', resets),
  under('answers', answers),
  under('time-outs', timeouts),
  under('retries', retries, {}, [steering('retry-grpc-on', 'max-retries')]),
  under('statistics', statistics, {}, [counted({ stats_for_all_methods: true })]),
  under('statistics of times', statistics.slice(0, 3), {}, [
    counted({ stats_for_all_methods: true, enable_upstream_stats: true }),
  ]),
  under('statistics of some', statistics.slice(0, 3), {}, [
    counted({ individual_method_stats_allowlist: { services: [{ name: 'pkg.Greeter', method_names: ['SayHello'] }] } }),
  ]),
];
