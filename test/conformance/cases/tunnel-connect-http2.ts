import { cluster, toCluster } from '../config.ts';
import { head, http2, OK } from '../http2.ts';
import type { Behaviour, Case, Fields, Http2HostStep, Http2Step, Json, Places, Scenario, Step } from '../types.ts';
import { type Variant, variants } from '../variants.ts';

const connect = (authority = 'a:80', more: Fields = []): Fields => [
  [':method', 'CONNECT'],
  [':authority', authority],
  ...more,
];
const post: Fields = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':authority', 'a'],
  [':path', '/'],
];
const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const answer = (status: string, headers = '', body = ''): string => `HTTP/1.1 ${status}\r\n${headers}\r\n${body}`;
const ok = answer('200 OK', 'content-length: 2\r\n', 'ok');

const type = { upgrade_type: 'CONNECT' };
const anyConnect: Json = { connect_matcher: {} };
const on = (to = 'c0', action: Json = {}, config: Json = {}): Json =>
  toCluster(to, { upgrade_configs: [{ ...type, connect_config: {}, ...config }], ...action }, anyConnect);
/** The request goes on as it is. */
const forwarding = (to: string, action: Json = {}): Json =>
  toCluster(to, { upgrade_configs: [type], ...action }, anyConnect);

const sleep = (milliseconds: number): { readonly sleep: number } => ({ sleep: milliseconds });
const opens = (fields: Fields = connect()): Http2Step => ({ fields, open: true });
const says = (data: string): Http2Step => ({ data, end: false });
const ends = (data = ''): Http2Step => ({ data });
const heard = (bytes = 0): Http2Step => ({ heard: bytes });
/** Ends a stream that would stay open. */
const gone: Http2Step = { reset: 8 };
const trailers: Http2Step = { data: '', trailers: [['x-t', 'u']] };
const over2 = (name: string, list: readonly Http2Step[], more: Partial<Case> = {}): Case => ({
  name,
  http2: list,
  settleMs: 60,
  ...more,
});
const over1 = (name: string, list: readonly (string | Step)[], more: Partial<Case> = {}): Case => ({
  name,
  steps: list.map((one): Step => (typeof one === 'string' ? { send: one } : one)),
  methods: ['CONNECT'],
  settleMs: 80,
  ...more,
});
const backend = (index: number, ...list: readonly Behaviour[]): Partial<Case> => ({ backends: { [index]: list } });
const headers: Fields = [
  ['proxy-authorization', 'x'],
  ['x-a', 'b'],
];

const terminated: readonly Case[] = [
  over2('both ways', [opens(), heard(), says('hello'), heard(5), gone]),
  over2('payload at once', [opens(), says('early'), heard(5), gone]),
  over2('the client ends its side', [opens(), says('x'), heard(1), ends()]),
  over2('the client ends its side with bytes', [opens(), heard(), ends('last')]),
  over2('the client ends its side at once', [{ fields: connect() }]),
  over2('the client ends its side with trailers', [opens(), says('x'), heard(1), trailers]),
  over2('the client resets without an error', [opens(), says('x'), heard(1), { reset: 0 }]),
  over2('two tunnels', [opens(), says('one'), heard(3), gone, opens(connect('b:80')), says('two'), heard(3), ends()]),
  over2('much', [
    { grant: 1_000_000 },
    opens(),
    { grant: 1_000_000 },
    says('x'.repeat(16_000)),
    says('y'.repeat(16_000)),
    heard(32_000),
    ends(),
  ]),
  over2('a host beside', [opens(connect('a:80', [['host', 'b:80']])), says('x'), heard(1), ends()]),
  over2('a length', [opens(connect('a:80', [['content-length', '5']])), says('hello'), heard(5), gone]),
  over2('an authority without a port', [opens(connect('a')), says('hello'), heard(5), gone]),
  over2('headers', [opens(connect('a:80', headers)), says('hello'), heard(5), ends()]),
];

/** Heads that are no CONNECT. */
const malformed: readonly Case[] = (
  [
    ['a scheme and a path', [...connect(), [':scheme', 'http'], [':path', '/']]],
    ['a path', [...connect(), [':path', '/']]],
    ['a scheme', [...connect(), [':scheme', 'http']]],
    ['no authority', [[':method', 'CONNECT']]],
    [
      'a host alone',
      [
        [':method', 'CONNECT'],
        ['host', 'a:80'],
      ],
    ],
    ['an extended CONNECT', [...connect(), [':protocol', 'connect'], [':scheme', 'http'], [':path', '/']]],
  ] as readonly (readonly [string, Fields])[]
).map(([name, fields]) =>
  over2(name, [sleep(60), opens(fields)], { timeoutMs: 300, difference: 'http2-goaway', without: ['stats'] }),
);

/** The backend reads what comes through the tunnel as requests. */
const toHttp: readonly Case[] = [
  over2('the backend answers', [opens(), says(get), heard(1), gone]),
  over2('the backend ends its side', [opens(), says(get)], backend(1, { raw: ok, afterwards: 'close' })),
  over2('the backend closes', [opens(), says(get)], backend(1, { end: 'close' })),
  over2('the backend resets', [opens(), says(get)], backend(1, { end: 'reset' })),
  over2(
    'the backend answers late to who ended',
    [opens(), ends(get)],
    backend(1, { raw: [{ raw: ok, afterMs: 80 }], afterwards: 'close' }),
  ),
];

const one = [terminated[0] as Case, terminated[2] as Case];
const retries: Json = {
  retry_policy: { retry_on: 'connect-failure,reset,5xx', num_retries: 1, retry_back_off: { base_interval: '0.001s' } },
};
const allowed = { http2_protocol_options: { allow_connect: true } };
const upgrades = { upgrade_configs: [type] };
const asks = over2('CONNECT', [opens()]);

const terminations: readonly Variant[] = [
  { name: 'terminated', routes: [on()], cases: terminated },
  { name: 'terminated, allow_connect', manager: allowed, routes: [on()], cases: terminated.slice(0, 3) },
  { name: 'malformed', routes: [on()], cases: malformed },
  { name: 'terminated at a server', routes: [on('c1')], cases: toHttp },
  { name: 'terminated at one that speaks first', routes: [on('c2')], cases: one },
  {
    name: 'nobody listens',
    routes: [on('c3')],
    cases: [asks, over2('with payload', [opens(), says('early')])],
  },
  { name: 'nobody listens, tried again', routes: [on('c3', retries)], cases: [asks] },
  { name: 'terminated at HTTP/2', routes: [on('c5')], cases: one },
  { name: 'allowed by the manager', manager: upgrades, routes: [toCluster('c1')], cases: [asks] },
  {
    name: 'allowed by the manager, matched',
    manager: upgrades,
    routes: [toCluster('c1', {}, anyConnect)],
    cases: [over2('CONNECT', [opens(), says('x'), heard(1), gone], backend(1, { raw: answer('200 OK') }))],
  },
  { name: 'not allowed', routes: [toCluster('c1', {}, anyConnect)], cases: [asks] },
  { name: 'switched off', routes: [on('c0', {}, { enabled: false })], cases: [asks] },
  { name: 'no route', routes: [toCluster('c1', {}, { prefix: '/' })], cases: [asks] },
  {
    name: 'POST',
    routes: [toCluster('c0', { upgrade_configs: [{ ...type, connect_config: { allow_post: true } }] })],
    cases: [
      over2('both ways', [opens(post), says('hello'), heard(5), gone]),
      over2('that ends', [opens(post), says('hello'), heard(5), ends()]),
      over2('without a body', [{ fields: post }]),
      over2('with trailers', [opens(post), says('hello'), heard(5), trailers]),
    ],
  },
  {
    name: 'idle',
    manager: { stream_idle_timeout: '0.2s' },
    routes: [on()],
    cases: [over2('silence', [opens(), says('hello'), heard(5)])],
  },
  {
    name: 'idle on the route',
    routes: [on('c0', { idle_timeout: '0.2s' })],
    cases: [over2('silence', [opens()])],
  },
  {
    name: 'a lifetime',
    routes: [on('c0', { max_stream_duration: { max_stream_duration: '0.2s' } })],
    cases: [over2('speaking', [opens(), says('hello'), heard(5)])],
  },
  {
    name: 'small windows',
    manager: { http2_protocol_options: { initial_stream_window_size: 65_535, initial_connection_window_size: 65_535 } },
    routes: [on()],
    cases: [
      over2('both ways', [
        opens(),
        says('x'.repeat(16_000)),
        says('x'.repeat(16_000)),
        says('x'.repeat(16_000)),
        heard(48_000),
        ends(),
      ]),
    ],
  },
];

const host = (...steps: readonly Http2HostStep[]): Behaviour => ({ http2: steps, atHead: true });
const data = (text: string, end = false): Http2HostStep => ({ data: text, end });
const status = (code: string, more: Fields = [], end = false): Http2HostStep => head([[':status', code], ...more], end);
const pause = (milliseconds: number): Http2HostStep => ({ sleep: milliseconds });
const established = answer('200 OK');

/** From HTTP/2 to a proxy of HTTP/1.1, which sends back what comes through the tunnel. */
const to1: readonly Case[] = [
  over2('both ways', [opens(), heard(), says('hello'), heard(5), gone], backend(1, { raw: established })),
  over2(
    'headers',
    [opens(connect('a:80', headers)), heard(), gone],
    backend(1, { raw: answer('200 Connected', 'x-b: c\r\nvia: d\r\n') }),
  ),
  over2(
    'payload at once',
    [opens(), says('early'), heard(5), gone],
    backend(1, { raw: [{ raw: established, afterMs: 30 }] }),
  ),
  over2('payload in the answer', [opens(), says('x'), heard(4), gone], backend(1, { raw: `${established}hi ` })),
  over2('the client ends its side', [opens(), says('x'), heard(1), ends()], backend(1, { raw: established })),
  over2(
    'the client ends its side before the answer',
    [opens(), sleep(30), ends(), sleep(30), gone],
    backend(1, 'hang'),
  ),
  over2(
    'the client ends its side before the answer, which comes',
    [opens(), says('x'), sleep(30), ends()],
    backend(1, { raw: [{ raw: established, afterMs: 150 }] }),
  ),
  over2('the client ends its side at once', [{ fields: connect() }], backend(1, { raw: established })),
  over2('the host closes the tunnel', [opens()], backend(1, { raw: `${established}bye`, afterwards: 'close' })),
  over2(
    'the host resets the tunnel',
    [opens(), says('x'), heard(1)],
    backend(1, { raw: [{ raw: established }, { raw: '', afterMs: 60 }], afterwards: 'reset' }),
  ),
  over2('the host closes', [opens()], backend(1, { end: 'close' })),
  over2(
    'a length in the answer',
    [opens(), says('hello'), heard(5), gone],
    backend(1, { raw: answer('200 OK', 'content-length: 5\r\n') }),
  ),
  over2('201', [opens(), says('hello'), heard(5), gone], backend(1, { raw: answer('201 Created') })),
  over2('204', [opens(), says('hello'), heard(5), gone], backend(1, { raw: answer('204 No Content') })),
  over2('403', [opens()], backend(1, { raw: answer('403 No', 'content-length: 2\r\n', 'no') })),
  over2(
    '403 to one with payload',
    [opens(), says('x')],
    backend(1, { raw: [{ raw: answer('403 No', 'content-length: 2\r\n', 'no'), afterMs: 30 }] }),
  ),
  over2('304', [opens()], backend(1, { raw: answer('304 Not Modified') })),
  over2(
    '503, then 200',
    [opens(connect('b:80')), says('x'), heard(1), gone],
    backend(1, { raw: answer('503 No', 'content-length: 0\r\n') }, { raw: established }),
  ),
];

/** From HTTP/2 to a proxy of HTTP/2. */
const to2: readonly Case[] = [
  over2(
    'both ways',
    [opens(), heard(), says('hello'), heard(2), gone],
    backend(4, host(head(), pause(80), data('hi'))),
  ),
  over2('headers', [opens(connect('a:80', headers)), heard(), gone], backend(4, host(head([...OK, ['x-b', 'c']])))),
  over2('payload at once', [opens(), says('early'), heard(), sleep(30), gone], backend(4, host(pause(50), head()))),
  over2(
    'the client ends its side',
    [opens(), says('x'), heard(), ends(), heard(4), gone],
    backend(4, host(head(), pause(120), data('late'))),
  ),
  over2('both end', [opens(), says('x'), heard(), ends()], backend(4, host(head(), pause(150), data('late', true)))),
  over2(
    'the client ends its side before the answer',
    [opens(), sleep(30), ends(), sleep(30), gone],
    backend(4, 'hang'),
  ),
  over2(
    'the client ends its side before the answer, which comes',
    [opens(), says('x'), sleep(30), ends()],
    backend(4, host(pause(150), head(), data('hi', true))),
  ),
  over2('the client ends its side at once', [{ fields: connect() }], backend(4, host(head(), data('x', true)))),
  over2(
    'the client sends trailers',
    [opens(), says('x'), heard(), trailers, sleep(40), gone],
    backend(4, host(head())),
  ),
  over2('the client resets', [opens(), says('x'), heard(), sleep(30), gone], backend(4, host(head()))),
  over2('the host ends its side', [opens(), says('x')], backend(4, host(head(), pause(60), data('bye', true)))),
  over2(
    'the host sends trailers',
    [opens(), says('x')],
    backend(4, host(head(), pause(60), data('bye'), head([['x-t', 'u']], true))),
  ),
  ...[8, 0, 10].map((code) =>
    over2(
      `the host resets the tunnel with ${code}`,
      [opens(), says('x')],
      backend(4, host(head(), data('x'), pause(60), { reset: code })),
    ),
  ),
  over2('the host has no connection', [opens()], backend(4, host({ reset: 10 }))),
  over2('the connection ends', [opens(), says('x')], backend(4, host(head(), pause(60), { close: 'close' }))),
  over2('200 that ends', [opens()], backend(4, host(status('200', [], true)))),
  over2('201', [opens(), says('x'), heard(1), sleep(30), gone], backend(4, host(status('201'), data('y')))),
  over2('403', [opens()], backend(4, host(status('403'), data('no', true)))),
  over2(
    'a length in the answer',
    [opens(), says('x'), heard(3), sleep(30), gone],
    backend(4, host(status('200', [['content-length', '2']]), data('hi!'))),
  ),
  over2(
    'much from the host',
    [{ grant: 1_000_000 }, opens(), { grant: 1_000_000 }],
    backend(4, host(head(), pause(30), data('x'.repeat(200_000), true))),
  ),
];

const ask = (target = 'a:80', headers = ''): string =>
  `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${headers}\r\n`;
const answered = { awaitResponses: 1 } as const;
const halfClose: Step = { do: 'halfClose' };

/** From HTTP/1.1 to a proxy of HTTP/2. */
const from1: readonly Case[] = [
  over1('both ways', [ask(), answered, 'hello', sleep(100)], backend(4, host(head(), pause(60), data('hi')))),
  over1(
    'headers',
    [ask('a:80', 'Proxy-Authorization: x\r\nX-A: b\r\n'), answered, sleep(60)],
    backend(4, host(head([...OK, ['x-b', 'c']]))),
  ),
  over1('payload at once', [`${ask()}early`, answered, sleep(60)], backend(4, host(pause(30), head()))),
  over1('the client ends its side', [ask(), answered, 'x', sleep(60), halfClose, sleep(60)], backend(4, host(head()))),
  over1('the client ends its side before the answer', [ask(), sleep(60), halfClose, sleep(60)], {
    ...backend(4, 'hang'),
    responses: 0,
  }),
  over1('the client resets', [ask(), answered, 'x', sleep(60), { do: 'reset' }, sleep(30)], backend(4, host(head()))),
  over1('the host ends its side', [ask(), answered, sleep(60)], backend(4, host(head(), pause(30), data('bye', true)))),
  over1(
    'the host resets the tunnel',
    [ask(), answered, sleep(60)],
    backend(4, host(head(), data('x'), pause(20), { reset: 8 })),
  ),
  over1('the connection ends', [ask(), answered, sleep(60)], backend(4, host(head(), pause(20), { close: 'close' }))),
  over1('the host resets', [ask()], backend(4, host({ reset: 2 }))),
  over1('201', [ask(), answered, 'x', sleep(60)], backend(4, host(status('201'), data('y')))),
  over1('403', [ask(), sleep(60)], backend(4, host(status('403'), data('no', true)))),
  over1('200 that ends', [ask(), answered, 'x', sleep(60)], backend(4, host(status('200', [], true)))),
  over1(
    'a length in the answer',
    [ask(), answered, 'x', sleep(60)],
    backend(4, host(status('200', [['content-length', '2']]), data('hi'))),
  ),
];

/** An upgrade over HTTP/2 (RFC 8441). */
const websocket: Fields = [
  [':method', 'CONNECT'],
  [':protocol', 'websocket'],
  [':scheme', 'http'],
  [':authority', 'a'],
  [':path', '/'],
];
const switching = 'HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n';
const webTo1: readonly Case[] = [
  over2('both ways', [opens(websocket), heard(), says('hello'), heard(5), gone], backend(1, { raw: switching })),
  over2(
    'the client ends its side',
    [opens(websocket), says('x'), heard(1), ends(), sleep(60), gone],
    backend(1, { raw: switching }),
  ),
  over2(
    'the client ends its side before the answer, which comes',
    [opens(websocket), says('x'), sleep(30), ends(), heard(1), sleep(30), gone],
    backend(1, { raw: [{ raw: switching, afterMs: 120 }] }),
  ),
  over2('the host closes', [opens(websocket)], backend(1, { raw: `${switching}bye`, afterwards: 'close' })),
  over2('nobody', [opens(websocket)], backend(1, { end: 'close' })),
];
const webTo2: readonly Case[] = [
  over2(
    'both ways',
    [opens(websocket), heard(), says('hello'), heard(2), gone],
    backend(4, host(head(), pause(80), data('hi'))),
  ),
  over2(
    'both end',
    [opens(websocket), says('x'), heard(), ends()],
    backend(4, host(head(), pause(150), data('late', true))),
  ),
  over2(
    'the host ends its side',
    [opens(websocket), says('x')],
    backend(4, host(head(), pause(60), data('bye', true))),
  ),
  over2('the host resets', [opens(websocket), says('x')], backend(4, host(head(), pause(60), { reset: 8 }))),
  over2(
    'a length in the answer',
    [opens(websocket), heard(2), sleep(30), gone],
    backend(4, host(status('200', [['content-length', '2']]), data('hi'))),
  ),
];

const forwarded: readonly Variant[] = [
  {
    name: 'HTTP/2 to HTTP/1.1',
    manager: allowed,
    routes: [
      {
        ...forwarding('c1', retries),
        match: { connect_matcher: {}, headers: [{ name: ':authority', string_match: { prefix: 'b' } }] },
      },
      forwarding('c1'),
    ],
    cases: to1,
  },
  { name: 'HTTP/2 to HTTP/2', manager: allowed, routes: [forwarding('c4')], cases: to2 },
  {
    name: 'websocket to HTTP/1.1',
    manager: { ...allowed, upgrade_configs: [{ upgrade_type: 'websocket' }] },
    routes: [toCluster('c1')],
    cases: webTo1,
  },
  {
    name: 'websocket to HTTP/2',
    manager: { ...allowed, upgrade_configs: [{ upgrade_type: 'websocket' }] },
    routes: [toCluster('c6')],
    cases: webTo2,
  },
  { name: 'HTTP/1.1 to HTTP/2', routes: [forwarding('c4')], cases: from1 },
  {
    name: 'idle',
    manager: { stream_idle_timeout: '0.2s' },
    routes: [forwarding('c4')],
    cases: [
      over2('no answer', [opens()], backend(4, 'hang')),
      over2('silence', [opens(), says('x')], backend(4, host(head()))),
    ],
  },
  {
    name: 'timeout',
    routes: [forwarding('c4', { timeout: '0.2s' })],
    cases: [
      over2('no answer', [opens(), sleep(300), gone], backend(4, 'hang')),
      over2('after the answer', [opens(), heard(), sleep(300), says('x'), sleep(30), gone], backend(4, host(head()))),
    ],
  },
];

const stats = [
  /^http\.in\.downstream_cx_upgrades_(total|active)$/,
  /^http\.in\.downstream_rq_(tx_reset|rx_reset|active)$/,
  /^cluster\.c\d+\.upstream_(cx_(total|active|http1_total|http2_total)|rq_(active|tx_reset|rx_reset))$/,
];
const clusters = (places: Places): readonly Json[] => [
  cluster(places, 0),
  cluster(places, 1),
  cluster(places, 2),
  cluster(places, 3),
  cluster(places, 4, [4], http2({ initial_stream_window_size: 65_535, initial_connection_window_size: 65_535 })),
  cluster(places, 5, [0], http2()),
  cluster(places, 6, [4], http2({ allow_connect: true })),
];
const options = { backends: ['echo', 'http', 'banner', 'closed', 'http2'] as const, stats, clusters };

export const scenarios: readonly Scenario[] = [
  variants('CONNECT', 'over HTTP/2', terminations, options),
  variants('CONNECT', 'forwarded over HTTP/2', forwarded, options),
];
