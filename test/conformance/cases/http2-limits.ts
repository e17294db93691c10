import { bootstrap, cluster, fileLog, listener, manager, routeConfig, simple, toCluster } from '../config.ts';
import { does, get, head, http2, OK, plays, post } from '../http2.ts';
import type { Behaviour, Case, Http2Step, Json, Scenario } from '../types.ts';
import { type Variant, type VariantOptions, variants } from '../variants.ts';

/** A whole frame, hexadecimal. */
const frame = (type: number, flags: number, id: number, payload = ''): string =>
  [
    (payload.length / 2).toString(16).padStart(6, '0'),
    ...[type, flags].map((byte) => byte.toString(16).padStart(2, '0')),
    id.toString(16).padStart(8, '0'),
    payload,
  ].join('');
const raw = (bytes: string, times = 1): Http2Step => ({ raw: bytes, times });
const sleep = (milliseconds: number): Http2Step => ({ sleep: milliseconds });
const begin = (path = '/'): Http2Step => ({ fields: post(path), open: true });
const beside = (path = '/'): Http2Step => ({ fields: get(path), beside: true });
const asks = (path = '/'): Http2Step => ({ fields: get(path) });

const PING = frame(6, 0, 0, '0102030405060708');
const EMPTY_DATA = frame(0, 0, 1);
const PRIORITY = frame(2, 0, 1, '0000000010');
const WINDOW = frame(8, 0, 0, '00000001');

/** So many requests of `/` of `a` without a body, on streams from `first` on, in one write. */
const gets = (count: number, first = 1): string =>
  Array.from({ length: count }, (_, at) => frame(1, 5, first + 2 * at, '828684410161')).join('');

/** A whole METADATA frame of a stream: `a: b`. */
const metadata = (id: number): string => frame(0x4d, 4, id, '0001610162');

/** More than a bound allows: the connection is cut off. */
const floods = (name: string, steps: readonly Http2Step[], script: readonly Behaviour[] = []): Case =>
  plays(name, [sleep(30), ...steps, sleep(50)], script, { difference: 'http2-flood', without: ['fate'] });

const late = (milliseconds: number): Behaviour => does({ sleep: milliseconds }, head(OK, true));
const http2Options = (options: Json): Json => ({ http2_protocol_options: options });
const common = (options: Json, more: Json = {}): Json => ({ common_http_protocol_options: options, ...more });

const drains: readonly Variant[] = [
  {
    name: 'max_connection_duration',
    manager: common({ max_connection_duration: '0.2s' }, { drain_timeout: '0.15s' }),
    cases: [
      plays('without a request', [sleep(500)]),
      plays('after a request', [asks(), sleep(500)]),
      plays('under a request', [beside(), sleep(500)], [late(700)]),
      plays('under a request that ends between', [beside(), sleep(600)], [late(280)]),
      plays('a request between', [asks(), sleep(280), asks(), sleep(200)]),
      plays('a request afterwards', [beside(), sleep(500), asks()], [late(800)]),
    ],
  },
  {
    name: 'max_requests_per_connection',
    manager: common({ max_requests_per_connection: 2 }, { drain_timeout: '0.15s' }),
    cases: [
      plays('one', [asks()]),
      plays('two', [asks(), asks(), sleep(250)]),
      plays('a third between', [asks(), asks(), asks(), sleep(250)]),
      plays('a third afterwards', [asks(), beside(), sleep(250), asks()], [late(0), late(500)]),
    ],
  },
  {
    name: 'one request a connection',
    manager: common({ max_requests_per_connection: 1 }, { drain_timeout: '0.15s' }),
    cases: [plays('one', [asks(), sleep(250)]), plays('two', [asks(), asks(), sleep(250)])],
  },
  {
    name: 'idle_timeout',
    manager: common({ idle_timeout: '0.4s' }, { drain_timeout: '0.4s' }),
    cases: [
      plays('without a request', [sleep(900)]),
      plays('after a request', [asks(), sleep(900)]),
      plays('under a request', [asks()], [late(600)]),
      plays('a request between', [asks(), sleep(600), asks(), sleep(400)]),
      plays('pings keep nothing', [asks(), sleep(250), raw(PING), sleep(250), raw(PING), sleep(400)]),
    ],
  },
  {
    name: 'without drain_timeout',
    manager: common({ idle_timeout: '0.15s' }, { drain_timeout: '0s' }),
    cases: [plays('after a request', [asks(), sleep(300)])],
  },
];

const slowRoutes: readonly Json[] = [
  toCluster('c0', { idle_timeout: '0.15s' }, { path: '/route' }),
  toCluster('c0', { idle_timeout: '0s' }, { path: '/never' }),
  toCluster('c0', { timeout: '0.15s' }, { path: '/timeout' }),
  toCluster('c0'),
];

const slow: readonly Variant[] = [
  {
    name: 'stream_idle_timeout',
    manager: { stream_idle_timeout: '0.2s' },
    routes: slowRoutes,
    cases: [
      plays('no answer', [asks()], ['hang']),
      plays('no answer, less on the route', [asks('/route')], ['hang']),
      plays('no end on the route', [asks('/never')], [late(400)]),
      plays('a body that stops', [begin(), sleep(400)]),
      plays('a body that goes on', [
        begin(),
        sleep(120),
        { data: 'a', end: false },
        sleep(120),
        { data: 'b', end: false },
        sleep(120),
        { data: 'c' },
      ]),
      plays('an answer that stops', [asks()], [does(head(), { data: 'a', end: false })]),
      plays(
        'an answer that goes on',
        [asks()],
        [
          does(
            head(),
            { data: 'a', end: false },
            { sleep: 120 },
            { data: 'b', end: false },
            { sleep: 120 },
            { data: 'c' },
          ),
        ],
      ),
      plays('a client that reads nothing', [asks(), sleep(300)], [does(head(), { data: 'x'.repeat(100_000) })], {
        without: ['bodies'],
      }),
      plays('two, of which one stops', [beside('/never'), asks()], [late(500), 'hang']),
    ],
  },
  {
    name: 'request_timeout',
    manager: { request_timeout: '0.15s' },
    cases: [
      plays('in time', [begin(), sleep(50), { data: 'x' }]),
      plays('a body that stops', [begin(), sleep(300)]),
      plays('a body that goes on', [
        begin(),
        sleep(80),
        { data: 'a', end: false },
        sleep(80),
        { data: 'b', end: false },
        sleep(80),
      ]),
      plays('an answer may take longer', [asks()], [late(300)]),
    ],
  },
  {
    name: 'request_headers_timeout',
    manager: { request_headers_timeout: '0.15s' },
    cases: [
      plays('in time', [asks()]),
      plays('a head that goes on', [sleep(30), raw(frame(1, 1, 1, '82')), sleep(300)], [], { without: ['fate'] }),
      plays(
        'a head that goes on, beside another',
        [beside(), sleep(30), raw(frame(1, 1, 3, '82')), sleep(400)],
        [late(300)],
        {
          without: ['fate'],
        },
      ),
      plays('nothing at all', [sleep(300)]),
    ],
  },
  {
    name: 'max_stream_duration',
    manager: common({ max_stream_duration: '0.15s' }),
    cases: [
      plays('in time', [asks()]),
      plays('no answer', [asks()], ['hang']),
      plays('an answer that goes on', [asks()], [does(head(), { data: 'a', end: false })]),
      plays('a body that stops', [begin(), sleep(300)]),
    ],
  },
  {
    name: 'the route',
    routes: slowRoutes,
    cases: [
      plays('timeout', [asks('/timeout')], ['hang']),
      plays('timeout behind the head', [asks('/timeout')], [does(head(), { data: 'a', end: false })]),
      plays('timeout of a body that stops', [begin('/timeout'), sleep(300), { data: 'x' }]),
    ],
  },
];

const KEEP_ALIVE: Json = { interval: '0.1s', timeout: '0.1s', interval_jitter: { value: 0 } };

const keeping: readonly Variant[] = [
  {
    name: 'connection_keepalive',
    manager: http2Options({ connection_keepalive: KEEP_ALIVE }),
    cases: [
      plays('answered', [sleep(190)]),
      plays('answered under a request', [asks()], [late(250)]),
      plays('not answered', [{ deaf: true }, sleep(400)]),
      plays('not answered under a request', [{ deaf: true }, beside(), sleep(400)], ['hang']),
      plays('not answered, but other frames', [{ deaf: true }, sleep(150), raw(PING), sleep(100)]),
    ],
  },
  {
    name: 'connection_idle_interval',
    manager: http2Options({ connection_keepalive: { timeout: '0.1s', connection_idle_interval: '0.1s' } }),
    cases: [
      plays('idle', [sleep(250), asks()]),
      plays('not answered', [{ deaf: true }, sleep(250), asks(), sleep(200)]),
    ],
  },
];

const bounds: readonly Variant[] = [
  {
    name: 'empty frames',
    manager: http2Options({ max_consecutive_inbound_frames_with_empty_payload: 3 }),
    cases: [
      plays('within', [begin(), raw(EMPTY_DATA, 3), { data: 'x' }]),
      floods('past', [begin(), raw(EMPTY_DATA, 4)]),
      plays('with something between', [
        begin(),
        raw(EMPTY_DATA, 3),
        { data: 'x', end: false },
        raw(EMPTY_DATA, 3),
        { data: 'x' },
      ]),
      plays('an empty end counts for none', [begin(), raw(EMPTY_DATA, 3), { data: '' }]),
      plays('empty CONTINUATION frames', [
        sleep(30),
        raw(frame(1, 1, 1) + frame(9, 0, 1).repeat(2) + frame(9, 4, 1, '828684410161')),
        sleep(50),
      ]),
      floods('too many empty CONTINUATION frames', [raw(frame(1, 1, 1) + frame(9, 0, 1).repeat(5))]),
      floods('under another request', [beside(), begin(), raw(frame(0, 0, 3), 4)], ['hang']),
    ],
  },
  {
    name: 'empty frames, none',
    manager: http2Options({ max_consecutive_inbound_frames_with_empty_payload: 0 }),
    cases: [floods('one', [begin(), raw(EMPTY_DATA)]), plays('none', [asks()])],
  },
  {
    name: 'empty frames, the default',
    cases: [plays('one', [begin(), raw(EMPTY_DATA), { data: 'x' }]), floods('two', [begin(), raw(EMPTY_DATA, 2)])],
  },
  {
    name: 'PRIORITY frames',
    manager: http2Options({ max_inbound_priority_frames_per_stream: 2 }),
    cases: [
      plays('within, before a stream', [raw(PRIORITY, 2), asks()]),
      floods('past, before a stream', [raw(PRIORITY, 3)]),
      plays('within, with a stream', [begin(), raw(PRIORITY, 4), { data: 'x' }]),
      floods('past, with a stream', [begin(), raw(PRIORITY, 5)]),
      plays('within, behind two answers', [asks(), asks(), raw(PRIORITY, 2), sleep(30), asks()]),
      floods('past, behind two answers', [asks(), asks(), raw(PRIORITY, 3)]),
    ],
  },
  {
    name: 'WINDOW_UPDATE frames',
    manager: http2Options({ max_inbound_window_update_frames_per_data_frame_sent: 1 }),
    cases: [
      plays('within, before a stream', [raw(WINDOW, 5), asks()]),
      floods('past, before a stream', [raw(WINDOW, 6)]),
      plays('within, with a stream', [begin(), raw(WINDOW, 7), { data: 'x' }]),
      floods('past, with a stream', [begin(), raw(WINDOW, 8)]),
      plays('within, behind an answer', [asks(), raw(WINDOW, 7), sleep(30), asks()]),
      floods('past, behind an answer', [asks(), raw(WINDOW, 8)]),
      plays('within, behind an answer without a body', [asks(), raw(WINDOW, 5), sleep(30), asks()], [late(0)]),
      floods('past, behind an answer without a body', [asks(), raw(WINDOW, 6)], [late(0)]),
      floods('of the stream', [begin(), raw(frame(8, 0, 1, '00000001'), 8)]),
    ],
  },
  {
    name: 'METADATA frames, not allowed',
    cases: [
      plays('of a stream', [begin(), raw(metadata(1)), { data: 'x' }]),
      plays('in two frames', [begin(), raw(frame(0x4d, 0, 1, '0001') + frame(0x4d, 4, 1, '610162')), { data: 'x' }]),
      plays('that are none', [begin(), raw(frame(0x4d, 4, 1, 'ffffffffffff')), { data: 'x' }]),
      plays('empty', [begin(), raw(frame(0x4d, 4, 1)), { data: 'x' }]),
      plays('of the connection', [sleep(30), raw(metadata(0)), asks()]),
      plays('of no stream', [sleep(30), raw(metadata(5)), asks()]),
      plays('many', [begin(), raw(metadata(1), 2000), { data: 'x' }]),
      plays(
        'of a host',
        [asks()],
        [does(head(), { raw: metadata(1) }, { data: 'a', end: false }, { raw: metadata(1) }, { data: 'b' })],
      ),
      plays('of a host before its head', [asks()], [does({ raw: metadata(1) }, head(OK, true))]),
    ],
  },
  {
    name: 'streams',
    manager: http2Options({ max_concurrent_streams: 2 }),
    cases: [
      plays('two', [beside(), asks()], [late(100)]),
      plays('three', [beside(), beside(), asks()], [late(150), late(150)]),
      plays('three, one after the other', [asks(), asks(), asks()]),
      plays('one more once one is over', [beside(), asks(), asks()], [late(200)]),
    ],
  },
  {
    name: 'control frames',
    manager: http2Options({ max_outbound_control_frames: 3 }),
    cases: [
      plays('one', [sleep(30), raw(PING), sleep(30), asks()]),
      plays('as many at once', [sleep(30), raw(PING, 3), sleep(30), asks()]),
      plays('as many again', [sleep(30), raw(PING, 3), sleep(30), raw(PING, 3), sleep(30), asks()]),
      floods('one more at once', [raw(PING, 4)]),
      floods('past', [raw(PING, 50)]),
      plays('answers count for none', [sleep(30), raw(gets(6)), sleep(50)]),
    ],
  },
  {
    name: 'outbound frames',
    manager: http2Options({ max_outbound_frames: 5 }),
    routes: [{ match: { path: '/' }, direct_response: { status: 200 } }, toCluster()],
    cases: [
      plays('as many at once', [sleep(30), raw(gets(5)), sleep(50)]),
      plays('as many again', [sleep(30), raw(gets(5)), sleep(30), raw(gets(5, 11)), sleep(50)]),
      floods('one more at once', [raw(gets(6))]),
      plays(
        'bodies',
        [asks('/body'), asks('/body')],
        [does(head(), { data: 'x'.repeat(30_000) }), does(head(), { data: 'x'.repeat(30_000) })],
      ),
      floods('control frames count too', [raw(PING, 6)]),
      plays('as many control frames', [sleep(30), raw(PING, 5), sleep(30), asks()]),
    ],
  },
  {
    name: 'windows',
    manager: http2Options({ initial_stream_window_size: 65_535, initial_connection_window_size: 65_535 }),
    cases: [
      plays('within', [begin(), raw(frame(0, 0, 1, '78'.repeat(16_384)), 3), { data: 'x' }], [], {
        without: ['backends'],
      }),
      plays(
        'past the stream',
        [begin(), raw(frame(0, 0, 1, '78'.repeat(16_384)), 5), sleep(50)],
        [{ http2: [], atHead: true }],
        { hosts: { 0: { holds: true, settings: [[4, 0]] } }, without: ['backends'] },
      ),
    ],
  },
  {
    name: 'heads',
    manager: common({ max_headers_count: 8 }, { max_request_headers_kb: 1 }),
    cases: [
      plays('eight', [
        {
          fields: get('/', [
            ['a', '1'],
            ['b', '1'],
            ['c', '1'],
            ['d', '1'],
          ]),
        },
      ]),
      plays('nine', [
        {
          fields: get('/', [
            ['a', '1'],
            ['b', '1'],
            ['c', '1'],
            ['d', '1'],
            ['e', '1'],
          ]),
        },
      ]),
      plays('900 bytes', [{ fields: get('/', [['a', 'x'.repeat(700)]]) }]),
      plays('1100 bytes', [{ fields: get('/', [['a', 'x'.repeat(1100)]]) }]),
      plays('and go on', [{ fields: get('/', [['a', 'x'.repeat(1100)]]) }, asks()]),
      plays('large trailers', [begin(), { data: 'x', trailers: [['a', 'x'.repeat(1100)]] }]),
    ],
  },
  {
    name: 'no table',
    manager: http2Options({ hpack_table_size: 0 }),
    cases: [plays('two requests', [asks(), asks()])],
  },
];

const premature = (count: number): Json => ({
  layered_runtime: {
    layers: [{ name: 'static', static_layer: { overload: { premature_reset_total_stream_count: count } } }],
  },
});
const resets = (count: number, code = 8): readonly Http2Step[] =>
  Array.from({ length: count }, (): readonly Http2Step[] => [beside(), sleep(20), { reset: code }]).flat();

const prematureCases: readonly Case[] = [
  plays('none', [asks(), asks(), asks(), asks(), asks()]),
  plays('within', [sleep(30), ...resets(1), asks()], ['hang'], { without: ['fate'] }),
  plays('past at once', [...resets(2), sleep(50)], ['hang', 'hang', 'hang'], { without: ['fate'] }),
  plays(
    'past later',
    [asks(), asks(), asks(), ...resets(3), sleep(50)],
    [does(head(OK, true)), does(head(OK, true)), does(head(OK, true)), 'hang', 'hang', 'hang'],
  ),
  plays(
    'half',
    [asks(), asks(), ...resets(1), asks()],
    [does(head(OK, true)), does(head(OK, true)), 'hang', does(head(OK, true))],
  ),
  plays(
    'after a head they are none',
    Array.from({ length: 5 }, (): readonly Http2Step[] => [beside(), { awaitBody: 1 }, { reset: 8 }]).flat(),
    Array.from({ length: 5 }, () => does(head(), { data: 'a', end: false })),
  ),
  plays('direct responses are none', [asks('/direct'), asks('/direct'), asks('/direct'), asks('/direct')]),
];

const options: VariantOptions = {
  backends: ['http2'],
  clusters: (places) => [{ ...cluster(places, 0), ...http2() }],
  stats: [
    /^http2\.(?!nghttp2_|.*(?:pending|active))/,
    /^http\.in\.downstream_(cx|rq)_(?!destroy(_remote)?$|.*(active|bytes|_ms|time))/,
  ],
};

/** Connections that the client leaves open must not reach into the next case. */
const scenario = (name: string, list: readonly Variant[]): Scenario =>
  variants(
    'HTTP/2 limits',
    name,
    list.map((one) => ({ ...one, manager: { delayed_close_timeout: '0.05s', ...one.manager } })),
    options,
  );

/** What an operator's word does to connections that are open. */
const operated = (name: string, steps: readonly Http2Step[], admin: string): Case => ({
  ...plays(name, steps),
  admin: [admin],
});
const operatorCases: readonly Case[] = [
  operated('before', [asks(), asks()], 'POST /healthcheck/fail'),
  operated('after its health check was failed', [asks(), sleep(300)], '/ready'),
  operated('a request between', [asks(), asks(), sleep(300)], '/ready'),
  operated('without a request', [sleep(300)], 'POST /healthcheck/ok'),
  operated('healthy again', [asks(), sleep(100), asks()], '/ready'),
];

const prematureScenario = (count: number): Scenario => ({
  feature: 'HTTP/2 limits',
  name: `premature resets, ${count}`,
  ...options,
  bootstrap: (places) =>
    bootstrap(
      places,
      [
        listener(places, 0, [
          manager(places, {
            access_log: [fileLog(places)],
            delayed_close_timeout: '0.05s',
            route_config: routeConfig([{ match: { path: '/direct' }, direct_response: { status: 200 } }, toCluster()]),
          }),
        ]),
      ],
      [{ ...cluster(places, 0), ...http2() }],
      premature(count),
    ),
  cases: prematureCases,
});

const refused: Readonly<Record<string, Json>> = {
  'no streams': { max_concurrent_streams: 0 },
  'one stream': { max_concurrent_streams: 1 },
  'too many streams': { max_concurrent_streams: 2 ** 31 },
  'a small stream window': { initial_stream_window_size: 65_534 },
  'a large stream window': { initial_stream_window_size: 2 ** 31 },
  'a small connection window': { initial_connection_window_size: 65_534 },
  'the smallest windows': { initial_stream_window_size: 65_535, initial_connection_window_size: 65_535 },
  'no outbound frames': { max_outbound_frames: 0 },
  'no control frames': { max_outbound_control_frames: 0 },
  'no window updates': { max_inbound_window_update_frames_per_data_frame_sent: 0 },
  'no PRIORITY frames': { max_inbound_priority_frames_per_stream: 0 },
  'no empty frames': { max_consecutive_inbound_frames_with_empty_payload: 0 },
  'keep-alive without a time-out': { connection_keepalive: { interval: '1s' } },
  'keep-alive without an interval': { connection_keepalive: { timeout: '1s' } },
  'keep-alive at once': { connection_keepalive: { interval: '0s', timeout: '1s' } },
  'keep-alive that ends at once': { connection_keepalive: { interval: '1s', timeout: '0s' } },
  'keep-alive that ends soon': { connection_keepalive: { interval: '0.001s', timeout: '0.001s' } },
  'an idle interval of nothing': { connection_keepalive: { timeout: '1s', connection_idle_interval: '0s' } },
  'a jitter over 100': { connection_keepalive: { interval: '1s', timeout: '1s', interval_jitter: { value: 101 } } },
};

export const scenarios: readonly Scenario[] = [
  scenario('drain', drains),
  scenario('slow', slow),
  scenario('keep-alive', keeping),
  scenario('bounds', bounds),
  variants(
    'HTTP/2 limits',
    'operator',
    [{ name: 'drain', manager: { delayed_close_timeout: '0.05s', drain_timeout: '0.15s' }, cases: operatorCases }],
    options,
  ),
  prematureScenario(4),
  prematureScenario(2),
  ...Object.entries(refused).map(
    ([name, config]): Scenario => ({
      feature: 'HTTP/2 limits',
      name: `refused: ${name}`,
      validateOnly: true,
      bootstrap: (places) => simple(places, { manager: http2Options(config) }),
      cases: [],
    }),
  ),
];
