import { bootstrap, cluster, listener, manager, routeConfig, typed } from '../config.ts';
import { asked, does, get, head, http2, OK, OPTIONS, plays, post } from '../http2.ts';
import type { Case, Http2Host, Http2HostStep, Json, Places, Scenario } from '../types.ts';

const asClient = (options: Json = {}): Json => ({
  typed_extension_protocol_options: {
    [OPTIONS]: typed(OPTIONS, { use_downstream_protocol_config: { http2_protocol_options: options } }),
  },
});

const breakers = (limits: Json): Json => ({ circuit_breakers: { thresholds: [{ priority: 'DEFAULT', ...limits }] } });

const clusters: Readonly<Record<string, Json>> = {
  plain: http2(),
  client: asClient(),
  deprecated: { http2_protocol_options: {} },
  one_stream: http2({ max_concurrent_streams: 1 }),
  two_requests: http2({}, { common_http_protocol_options: { max_requests_per_connection: 2 } }),
  small_windows: http2({ initial_stream_window_size: 65_535, initial_connection_window_size: 65_535 }),
  few_headers: http2({}, { common_http_protocol_options: { max_headers_count: 5 } }),
  small_heads: http2({}, { common_http_protocol_options: { max_response_headers_kb: 1 } }),
  stream_errors: http2({ override_stream_error_on_invalid_http_message: true }),
  short: http2({}, { common_http_protocol_options: { max_connection_duration: '0.2s' } }),
  short_idle: http2({}, { common_http_protocol_options: { idle_timeout: '0.15s' } }),
  short_stream: http2({}, { common_http_protocol_options: { max_stream_duration: '0.2s' } }),
  pinged: http2({ connection_keepalive: { interval: '0.1s', timeout: '0.1s', interval_jitter: { value: 0 } } }),
  pinged_idle: http2({ connection_keepalive: { timeout: '0.1s', connection_idle_interval: '0.1s' } }),
  one_request: { ...http2(), ...breakers({ max_requests: 1 }) },
  one_pending: { ...http2(), ...breakers({ max_pending_requests: 1 }) },
  one_connection: { ...http2({ max_concurrent_streams: 1 }), ...breakers({ max_connections: 1 }) },
  no_table: http2({ hpack_table_size: 0 }),
  few_empty: http2({ max_consecutive_inbound_frames_with_empty_payload: 3 }),
};

const names = Object.keys(clusters);

const retries = (on: string, more: Json = {}): Json => ({ retry_policy: { retry_on: on, num_retries: 2, ...more } });

const routes: readonly Json[] = [
  ...[
    'refused-stream',
    'reset',
    'reset-before-request',
    'connect-failure',
    '5xx',
    'gateway-error',
    'http3-post-connect-failure',
  ].map((on): Json => ({ match: { path: `/on-${on}` }, route: { cluster: 'plain', ...retries(on) } })),
  { match: { path: '/slow' }, route: { cluster: 'plain', timeout: '0.2s' } },
  {
    match: { path: '/per-try' },
    route: { cluster: 'plain', ...retries('5xx', { per_try_timeout: '0.1s', num_retries: 1 }) },
  },
  { match: { path: '/idle' }, route: { cluster: 'plain', idle_timeout: '0.2s' } },
  {
    match: { path: '/told' },
    route: { cluster: 'plain' },
    response_headers_to_add: [{ header: { key: 'x-protocol', value: '%UPSTREAM_PROTOCOL%' } }],
  },
  ...names.slice(1).map((name): Json => ({ match: { path_separated_prefix: `/${name}` }, route: { cluster: name } })),
  { match: { prefix: '/' }, route: { cluster: 'plain' } },
];

const place = (places: Places): Json =>
  bootstrap(
    places,
    [
      listener(places, 0, [
        manager(places, {
          route_config: routeConfig(routes),
          proxy_100_continue: true,
          http_protocol_options: { enable_trailers: true },
        }),
      ]),
    ],
    names.map((name) => ({ ...cluster(places, 0), ...clusters[name], name })),
  );

/** A GET over HTTP/1.1, and the steps of the answer. */
const answered = (name: string, ...steps: readonly Http2HostStep[]): Case => asked(name, {}, [does(...steps)]);
const greeted = (name: string, host: Http2Host, more: Partial<Case> = {}): Case => ({
  name,
  requests: [{}],
  hosts: { 0: host },
  ...more,
});

/** Cases that differ on purpose, by entry of `differences.ts`. */
const differing: Readonly<Record<string, readonly string[]>> = {
  'http2-goaway': [
    'no status',
    'a status that is none',
    'a status of two digits',
    'a status of four digits',
    'two statuses',
    'a status behind others',
    'a pseudo header of requests',
    'upper case',
    'connection',
    'transfer-encoding',
    'keep-alive',
    'a line break',
    'a length that is none',
    'two lengths',
    'a length without a body',
    'a second head that does not end',
    'trailers with a status',
    'trailers with connection',
    'PUSH_PROMISE',
    'a HEADERS frame of a stream that is not there',
    'RST_STREAM of a stream that is not there',
    'a window that grows by nothing',
    'a window that grows too large',
    'a window too large',
    'a frame size too small',
    'a frame size too large',
    'ENABLE_PUSH 1',
    'ENABLE_PUSH 2',
    'ENABLE_CONNECT_PROTOCOL 2',
    '101',
    '103 that ends',
    'two GOAWAY, the second larger',
  ],
  'http2-drained-connection': [
    'GOAWAY before the answer',
    'GOAWAY with an error',
    'two GOAWAY',
    'a request after a GOAWAY',
    'a request beside a GOAWAY',
    'GOAWAY between two',
    'GOAWAY of the host with a small last stream, refused, and a retry',
    'two requests of a connection that serves two',
    'three beside each other of a connection that serves two',
    'a connection that grows old under a request',
  ],
  'http2-errors': ['a stream window that grows by nothing'],
  'http1-status-below-100': ['a status below 100'],
};

const differenceOf = (name: string): Partial<Case> => {
  const difference = Object.keys(differing).find((one) => differing[one]?.includes(name));
  return difference === undefined ? {} : { difference };
};

const under = (name: string, cases: readonly Case[]): Scenario => ({
  feature: 'HTTP/2 to hosts',
  name,
  backends: ['http2'],
  stats: [
    /^cluster\.[a-z_]+\.upstream_(cx_(http2_total|total|close_notify|destroy(_.*)?|protocol_error|max_requests|max_duration_reached|idle_timeout|overflow|connect_fail)|rq_.*(?<!active))$/,
    /^cluster\.[a-z_]+\.http2\.(?!nghttp2_|.*(pending|active))/,
  ],
  bootstrap: place,
  cases: cases.map((one) => ({ ...one, ...differenceOf(one.name) })),
});

const requests: readonly Case[] = [
  asked('GET', {}),
  asked('a query', { path: '/a?b=c' }),
  asked('headers of the connection', {
    headers: { connection: 'x-a', 'x-a': '1', 'keep-alive': '5', te: 'trailers', 'x-b': '2' },
  }),
  asked('POST with a length', { method: 'POST', body: 'hello' }),
  asked('POST with chunks', { method: 'POST', body: 'hello', chunked: true }),
  asked('POST without a body', { method: 'POST' }),
  asked('POST with an empty body', { method: 'POST', body: '' }),
  asked('POST with trailers', {
    method: 'POST',
    headers: { 'transfer-encoding': 'chunked' },
    body: '3\r\nabc\r\n0\r\nx-t: 1\r\n\r\n',
  }),
  asked('HEAD', { method: 'HEAD' }, [], { methods: ['HEAD'] }),
  asked('OPTIONS *', { method: 'OPTIONS', path: '*' }),
  asked('cookies', {
    headers: [
      ['cookie', 'a=1; b=2'],
      ['cookie', 'c=3'],
    ],
  }),
  asked('a large header', { headers: { 'x-large': 'l'.repeat(20_000) } }),
  asked('expect', { method: 'POST', headers: { expect: '100-continue' }, body: 'x' }),
  asked('deprecated options', { path: '/deprecated' }),
  asked('as the client: HTTP/1.1', { path: '/client' }),
  asked('told', { path: '/told' }),
  plays('as the client: HTTP/2', [{ fields: get('/client') }]),
  plays('HTTP/2', [{ fields: get() }]),
  plays('HTTP/2 with a body', [{ fields: post(), body: 'hello' }]),
  plays('HTTP/2 with a length', [{ fields: post('/', [['content-length', '5']]), body: 'hello' }]),
  plays('HTTP/2 with trailers', [
    { fields: post(), open: true },
    { data: 'a', trailers: [['x-t', '1']] },
  ]),
  plays('HTTP/2 with trailers alone', [
    { fields: post(), open: true },
    { data: '', trailers: [['x-t', '1']] },
  ]),
  plays('HTTP/2 cookies', [
    {
      fields: get('/', [
        ['cookie', 'a=1'],
        ['cookie', 'b=2'],
      ]),
    },
  ]),
  plays('HTTP/2 te', [{ fields: get('/', [['te', 'trailers']]) }]),
  plays('two requests share a connection', [{ fields: get('/1') }, { fields: get('/2') }]),
  plays(
    'a client that gives up',
    [{ fields: get(), open: true }, { sleep: 30 }, { reset: 8 }, { sleep: 30 }],
    ['hang'],
  ),
];

const answers: readonly Case[] = [
  answered('a body', head(), { data: 'abc' }),
  answered(
    'a body of known length',
    head([
      [':status', '200'],
      ['content-length', '3'],
    ]),
    { data: 'abc' },
  ),
  answered('no body', head(OK, true)),
  answered('an empty body', head(), { data: '' }),
  answered('pieces', head(), { data: 'a', end: false }, { sleep: 20 }, { data: 'b' }),
  answered('trailers', head(), { data: 'a', end: false }, head([['x-t', '1']], true)),
  answered('trailers alone', head(), head([['x-t', '1']], true)),
  answered('204', head([[':status', '204']], true)),
  answered('204 with an empty frame', head([[':status', '204']]), { data: '' }),
  answered('204 with a body', head([[':status', '204']]), { data: 'abc' }),
  answered(
    '304',
    head(
      [
        [':status', '304'],
        ['content-length', '5'],
        ['etag', '"a"'],
      ],
      true,
    ),
  ),
  answered('304 with a body', head([[':status', '304']]), { data: 'abc' }),
  asked(
    'HEAD with a length',
    { method: 'HEAD' },
    [
      does(
        head(
          [
            [':status', '200'],
            ['content-length', '3'],
          ],
          true,
        ),
      ),
    ],
    { methods: ['HEAD'] },
  ),
  asked('HEAD with a body', { method: 'HEAD' }, [does(head(), { data: 'abc' })], { methods: ['HEAD'] }),
  asked(
    'HEAD with a length and a body',
    { method: 'HEAD' },
    [
      does(
        head([
          [':status', '200'],
          ['content-length', '3'],
        ]),
        { data: 'abc' },
      ),
    ],
    { methods: ['HEAD'] },
  ),
  answered(
    '103',
    head([
      [':status', '103'],
      ['link', 'a'],
    ]),
    head(OK, true),
  ),
  answered(
    '103 twice',
    head([
      [':status', '103'],
      ['link', 'a'],
    ]),
    head([
      [':status', '103'],
      ['link', 'b'],
    ]),
    head(OK, true),
  ),
  answered('100', head([[':status', '100']]), head(OK, true)),
  answered('102', head([[':status', '102']]), head(OK, true)),
  answered('104', head([[':status', '104']]), head(OK, true)),
  answered('199', head([[':status', '199']]), head(OK, true)),
  answered('101', head([[':status', '101']]), head(OK, true)),
  answered('103 that ends', head([[':status', '103']], true)),
  answered('503', head([[':status', '503']]), { data: 'x' }),
  answered('599', head([[':status', '599']], true)),
  answered(
    'repeated headers',
    head([...OK, ['set-cookie', 'a=1'], ['set-cookie', 'b=2'], ['vary', 'a'], ['vary', 'b']], true),
  ),
  asked('an answer before the body', { method: 'POST', body: 'hello' }, [
    { http2: [head([[':status', '413']], true)], atHead: true },
  ]),
  plays(
    'an answer before the body, and a reset without an error',
    [{ fields: post(), open: true }, { sleep: 60 }, { data: 'x' }],
    [{ http2: [head([[':status', '413']], true), { sleep: 20 }, { reset: 0 }], atHead: true }],
  ),
  plays(
    'trailers to HTTP/2',
    [{ fields: get() }],
    [
      does(
        head(),
        { data: 'a', end: false },
        head(
          [
            ['x-t', '1'],
            ['x-u', '2'],
          ],
          true,
        ),
      ),
    ],
  ),
  plays(
    '103 to HTTP/2',
    [{ fields: get() }],
    [
      does(
        head([
          [':status', '103'],
          ['link', 'a'],
        ]),
        head(OK, true),
      ),
    ],
  ),
  plays(
    'HEAD to HTTP/2',
    [{ fields: [[':method', 'HEAD'], ...get().slice(1)] }],
    [
      does(
        head(
          [
            [':status', '200'],
            ['content-length', '3'],
          ],
          true,
        ),
      ),
    ],
  ),
  plays(
    'two answers in the other order',
    [{ fields: get('/1'), beside: true }, { fields: get('/2') }],
    [does({ sleep: 100 }, head(OK, true)), does(head(OK, true))],
  ),
];

const malformed: readonly Case[] = [
  answered('no status', head([['x-a', 'b']], true)),
  answered('a status that is none', head([[':status', 'abc']], true)),
  answered('a status of two digits', head([[':status', '20']], true)),
  answered('a status of four digits', head([[':status', '2000']], true)),
  answered('a status below 100', head([[':status', '099']], true)),
  answered('two statuses', head([...OK, [':status', '200']], true)),
  answered('a status behind others', head([['x-a', 'b'], ...OK], true)),
  answered('a pseudo header of requests', head([...OK, [':path', '/']], true)),
  answered('upper case', head([...OK, ['X-A', 'b']], true)),
  answered('connection', head([...OK, ['connection', 'close']], true)),
  answered('transfer-encoding', head([...OK, ['transfer-encoding', 'chunked']], true)),
  answered('keep-alive', head([...OK, ['keep-alive', '5']], true)),
  answered('a line break', head([...OK, ['x-a', 'a\r\nb']], true)),
  answered('an underscore', head([...OK, ['x_a', 'b']], true)),
  answered('a length that is none', head([...OK, ['content-length', 'x']], true)),
  answered('two lengths', head([...OK, ['content-length', '1'], ['content-length', '1']]), { data: 'x' }),
  answered('a length too large', head([...OK, ['content-length', '5']]), { data: 'abc' }),
  answered('a length too small', head([...OK, ['content-length', '1']]), { data: 'abc' }),
  answered('a length without a body', head([...OK, ['content-length', '1']], true)),
  answered('data before the head', { data: 'abc' }),
  answered('a second head that does not end', head(), head([['x-t', '1']]), { data: 'a' }),
  answered('trailers with a status', head(), { data: 'a', end: false }, head([[':status', '200']], true)),
  answered('trailers with connection', head(), { data: 'a', end: false }, head([['connection', 'close']], true)),
  answered(
    'too many headers',
    head([...OK, ...Array.from({ length: 120 }, (_, at) => [`x-${at}`, 'v'] as const)], true),
  ),
  answered('100 headers', head([...OK, ...Array.from({ length: 99 }, (_, at) => [`x-${at}`, 'v'] as const)], true)),
  answered('a large header', head([...OK, ['x-large', 'l'.repeat(20_000)]], true)),
  answered(
    'too large headers',
    head([...OK, ...Array.from({ length: 5 }, (_, at) => [`x-${at}`, 'l'.repeat(20_000)] as const)], true),
  ),
  asked('five headers', { path: '/few_headers' }, [
    does(head([...OK, ['a', '1'], ['b', '1'], ['c', '1'], ['d', '1']], true)),
  ]),
  asked('six headers', { path: '/few_headers' }, [
    does(head([...OK, ['a', '1'], ['b', '1'], ['c', '1'], ['d', '1'], ['e', '1']], true)),
  ]),
  asked('a head of 900 bytes', { path: '/small_heads' }, [does(head([...OK, ['a', 'a'.repeat(850)]], true))]),
  asked('a head of 1100 bytes', { path: '/small_heads' }, [does(head([...OK, ['a', 'a'.repeat(1100)]], true))]),
  asked('stream errors: no status', { path: '/stream_errors' }, [does(head([['x-a', 'b']], true))]),
  asked('stream errors: connection', { path: '/stream_errors' }, [does(head([...OK, ['connection', 'close']], true))]),
  asked('stream errors: data before the head', { path: '/stream_errors' }, [does({ data: 'abc' })]),
  answered('PUSH_PROMISE', { raw: '00000505040000000100000002' + '88' }, head(OK, true)),
  answered('a frame that is too large', { raw: `004001000000000001${'00'.repeat(16_385)}` }),
  answered('a broken header block', { raw: '000001010400000001ff' }),
  answered('a HEADERS frame of a stream that is not there', { raw: '00000101040000000588' }, head(OK, true)),
  answered('DATA of a stream that is not there', { raw: '00000100000000000578' }, head(OK, true)),
  answered('RST_STREAM of a stream that is not there', { raw: '00000403000000000500000000' }, head(OK, true)),
  answered('a window that grows by nothing', { raw: '00000408000000000000000000' }, head(OK, true)),
  answered('a stream window that grows by nothing', { raw: '00000408000000000100000000' }, head(OK, true)),
  answered('a window that grows too large', { raw: '0000040800000000007fffffff' }, head(OK, true)),
  answered('an unknown frame', { raw: '000001fa000000000178' }, head(OK, true)),
];

const resets: readonly Case[] = [
  ...Array.from({ length: 15 }, (_, code) => answered(`RST_STREAM ${code}`, { reset: code })),
  answered('RST_STREAM behind the head', head(), { sleep: 20 }, { reset: 2 }),
  answered('RST_STREAM behind a piece', head(), { data: 'a', end: false }, { sleep: 20 }, { reset: 2 }),
  answered('RST_STREAM NO_ERROR behind a piece', head(), { data: 'a', end: false }, { sleep: 20 }, { reset: 0 }),
  answered('RST_STREAM behind the answer', head(), { data: 'a' }, { reset: 2 }),
  plays('RST_STREAM to HTTP/2', [{ fields: get() }], [does({ reset: 2 })]),
  plays('RST_STREAM behind the head to HTTP/2', [{ fields: get() }], [does(head(), { sleep: 20 }, { reset: 2 })]),
  plays('RST_STREAM of a refused stream to HTTP/2', [{ fields: get() }], [does({ reset: 7 })]),
  plays(
    'RST_STREAM before the request has ended',
    [{ fields: post(), open: true }, { sleep: 200 }, { data: 'x' }],
    [{ http2: [{ reset: 2 }], atHead: true }],
  ),
  ...[
    'refused-stream',
    'reset',
    'reset-before-request',
    'connect-failure',
    '5xx',
    'gateway-error',
    'http3-post-connect-failure',
  ].flatMap((on) => [
    asked(`retry on ${on}: refused`, { path: `/on-${on}` }, [does({ reset: 7 })]),
    asked(`retry on ${on}: reset`, { path: `/on-${on}` }, [does({ reset: 2 })]),
    asked(`retry on ${on}: closed`, { path: `/on-${on}` }, [{ end: 'close' }]),
  ]),
  asked('retries that run out', { path: '/on-refused-stream' }, [
    does({ reset: 7 }),
    does({ reset: 7 }),
    does({ reset: 7 }),
  ]),
  asked('retry after a GOAWAY that did not take it', { path: '/on-refused-stream' }, [does({ goaway: 0, last: 0 })]),
  asked('retry on 5xx with an answer of 503', { path: '/on-5xx' }, [does(head([[':status', '503']], true))]),
  asked('a time-out', { path: '/slow' }, ['hang']),
  asked('a time-out of each try', { path: '/per-try' }, ['hang', 'hang']),
  asked('an idle stream', { path: '/idle' }, [does(head(), { data: 'a', end: false })]),
  asked('max_stream_duration', { path: '/short_stream' }, ['hang']),
];

const connections: readonly Case[] = [
  asked('the host closes', {}, [{ end: 'close' }]),
  asked('the host resets', {}, [{ end: 'reset' }]),
  answered('the host closes behind the head', head(), { data: 'a', end: false }, { sleep: 20 }, { close: 'close' }),
  answered('the host resets behind the head', head(), { data: 'a', end: false }, { sleep: 20 }, { close: 'reset' }),
  answered('the host closes behind the answer', head(OK, true), { close: 'close' }),
  plays(
    'the host closes with two under way',
    [{ fields: get('/1'), beside: true }, { fields: get('/2') }],
    ['hang', { end: 'close' }],
  ),
  answered('GOAWAY before the answer', { goaway: 0 }, { sleep: 20 }, head(OK, true)),
  answered('GOAWAY that did not take it', { goaway: 0, last: 0 }),
  answered('GOAWAY with an error', { goaway: 2 }, { sleep: 20 }, head(OK, true)),
  answered('GOAWAY with an error that did not take it', { goaway: 11, last: 0 }),
  answered('GOAWAY and the end', { goaway: 0 }, { close: 'close' }),
  answered('GOAWAY with an error and the end', { goaway: 11 }, { close: 'close' }),
  answered('GOAWAY that did not take it, and the end', { goaway: 0, last: 0 }, { close: 'close' }),
  answered('GOAWAY behind the answer', head(OK, true), { goaway: 0 }),
  answered('two GOAWAY', { goaway: 0, last: 0x7fff_ffff }, { sleep: 20 }, { goaway: 0 }, head(OK, true)),
  answered('two GOAWAY, the second larger', { goaway: 0 }, { sleep: 20 }, { goaway: 0, last: 5 }, head(OK, true)),
  plays(
    'a request after a GOAWAY',
    [{ fields: get('/1') }, { fields: get('/2') }],
    [does({ goaway: 0 }, head(OK, true))],
  ),
  plays(
    'a request beside a GOAWAY',
    [{ fields: get('/1'), beside: true }, { sleep: 40 }, { fields: get('/2') }],
    [does({ goaway: 0 }, { sleep: 120 }, head(OK, true))],
  ),
  plays(
    'GOAWAY between two',
    [{ fields: get('/1'), beside: true }, { sleep: 20 }, { fields: get('/2') }],
    [does({ sleep: 100 }, head(OK, true)), does({ goaway: 0, last: 1 })],
  ),
  plays(
    'GOAWAY of the host with a small last stream, refused, and a retry',
    [{ fields: get('/1'), beside: true }, { sleep: 20 }, { fields: get('/on-refused-stream') }],
    [does({ sleep: 100 }, head(OK, true)), does({ goaway: 0, last: 1 })],
  ),
  plays('two requests of a connection that serves two', [
    { fields: get('/two_requests') },
    { fields: get('/two_requests') },
    { fields: get('/two_requests') },
  ]),
  plays(
    'three beside each other of a connection that serves two',
    [
      { fields: get('/two_requests'), beside: true },
      { fields: get('/two_requests'), beside: true },
      // What the first connection carries arrives before the second opens.
      { sleep: 100 },
      { fields: get('/two_requests') },
    ],
    [does({ sleep: 200 }, head(OK, true)), does({ sleep: 200 }, head(OK, true))],
  ),
  plays('a connection that grows old', [{ fields: get('/short') }, { sleep: 300 }, { fields: get('/short') }]),
  plays(
    'a connection that grows old under a request',
    [{ fields: get('/short') }, { fields: get('/short') }],
    [does({ sleep: 300 }, head(OK, true))],
  ),
  plays('an idle connection', [{ fields: get('/short_idle') }, { sleep: 300 }, { fields: get('/short_idle') }]),
  plays(
    'a connection that is not idle',
    [{ fields: get('/short_idle') }, { fields: get('/short_idle') }],
    [does({ sleep: 300 }, head(OK, true))],
  ),
  asked('pings that are answered', { path: '/pinged' }, [does({ sleep: 350 }, head(OK, true))]),
  greeted(
    'pings that are not answered',
    { deaf: true },
    { requests: [{ path: '/pinged' }], backends: { 0: ['hang'] } },
  ),
  plays('pings of an idle connection', [
    { fields: get('/pinged_idle') },
    { sleep: 250 },
    { fields: get('/pinged_idle') },
  ]),
  plays(
    'pings of an idle connection that are not answered',
    [{ fields: get('/pinged_idle') }, { sleep: 250 }, { fields: get('/pinged_idle') }, { sleep: 250 }],
    [does({ sleep: 50 }, head(OK, true))],
    { hosts: { 0: { deaf: true } } },
  ),
  answered('a ping of the host', { raw: '0000080600000000000102030405060708' }, { sleep: 20 }, head(OK, true)),
  asked('one stream at a time', { path: '/one_stream' }),
  plays(
    'two beside each other, one stream at a time',
    [{ fields: get('/one_stream'), beside: true }, { sleep: 20 }, { fields: get('/one_stream') }],
    [does({ sleep: 60 }, head(OK, true))],
  ),
  plays(
    'one request at a time',
    [{ fields: get('/one_request'), beside: true }, { sleep: 20 }, { fields: get('/one_request') }],
    [does({ sleep: 60 }, head(OK, true))],
  ),
  plays(
    'one connection of one stream',
    [{ fields: get('/one_connection'), beside: true }, { sleep: 20 }, { fields: get('/one_connection') }],
    [does({ sleep: 60 }, head(OK, true))],
  ),
  plays('one request that waits', [{ fields: get('/one_pending'), beside: true }, { fields: get('/one_pending') }]),
  asked('no HPACK table', { path: '/no_table' }),
  asked('empty frames within the bound', { path: '/few_empty' }, [
    does(head(), { raw: '000000000000000001'.repeat(3) }, { data: 'a' }),
  ]),
  asked('empty frames past the bound', { path: '/few_empty' }, [
    does(head(), { raw: '000000000000000001'.repeat(4) }, { data: 'a' }),
  ]),
];

const settings: readonly Case[] = [
  greeted('a small limit of streams', { settings: [[3, 1]] }),
  greeted('no streams', { settings: [[3, 0]] }, { timeoutMs: 300 }),
  plays(
    'two beside each other, of which the host takes one',
    [{ fields: get('/1') }, { fields: get('/2'), beside: true }, { sleep: 20 }, { fields: get('/3') }],
    [does(head(OK, true)), does({ sleep: 60 }, head(OK, true))],
    { hosts: { 0: { settings: [[3, 1]] } } },
  ),
  plays(
    'a limit that grows',
    [{ fields: get('/1') }, { fields: get('/2'), beside: true }, { sleep: 20 }, { fields: get('/3') }],
    [does({ settings: [[3, 10]] }, { sleep: 10 }, head(OK, true)), does({ sleep: 60 }, head(OK, true))],
    { hosts: { 0: { settings: [[3, 1]] } } },
  ),
  greeted('a small window', { settings: [[4, 3]] }, { requests: [{ method: 'POST', body: 'hello world' }] }),
  greeted(
    'a window of nothing',
    { settings: [[4, 0]] },
    { requests: [{ method: 'POST', body: 'hello world', path: '/slow' }], backends: { 0: ['hang'] } },
  ),
  greeted(
    'a window of nothing that opens',
    { settings: [[4, 0]] },
    {
      requests: [{ method: 'POST', body: 'hello world' }],
      backends: { 0: [{ http2: [{ sleep: 50 }, { grant: 100 }, head(OK, true)], atHead: true }] },
    },
  ),
  greeted(
    'settings that open the window',
    { settings: [[4, 0]] },
    {
      requests: [{ method: 'POST', body: 'hello world' }],
      backends: {
        0: [{ http2: [{ sleep: 50 }, { settings: [[4, 100]] }, { sleep: 50 }, head(OK, true)], atHead: true }],
      },
    },
  ),
  greeted('a window too large', { settings: [[4, 0x8000_0000]] }),
  greeted('a frame size too small', { settings: [[5, 100]] }),
  greeted('a frame size too large', { settings: [[5, 0x100_0000]] }),
  greeted('large frames', { settings: [[5, 100_000]] }, { requests: [{ method: 'POST', body: 'x'.repeat(40_000) }] }),
  greeted('no HPACK table of the host', { settings: [[1, 0]] }, { requests: [{}, {}] }),
  greeted('a small limit of heads', { settings: [[6, 10]] }),
  greeted('ENABLE_PUSH 1', { settings: [[2, 1]] }),
  greeted('ENABLE_PUSH 2', { settings: [[2, 2]] }),
  greeted('an unknown setting', { settings: [[99, 1]] }),
  greeted('ENABLE_CONNECT_PROTOCOL', { settings: [[8, 1]] }),
  greeted('ENABLE_CONNECT_PROTOCOL 2', { settings: [[8, 2]] }),
  // Whether a GOAWAY reaches a host that has sent more meanwhile is a matter of the moment.
  greeted('something else first', { greeting: '0000080600000000000102030405060708' }, { without: ['backends'] }),
  greeted(
    'HTTP/1.1',
    { greeting: Buffer.from('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n').toString('hex') },
    { without: ['backends'] },
  ),
  greeted('settings that are never acknowledged', { deaf: true }),
  asked('a body larger than the windows', { method: 'POST', body: 'x'.repeat(200_000) }, []),
  greeted(
    'a body larger than windows that stay',
    { holds: true },
    {
      requests: [{ method: 'POST', path: '/slow', body: 'x'.repeat(100_000) }],
      backends: { 0: ['hang'] },
      without: ['log'],
    },
  ),
  asked('an answer larger than the windows', { path: '/small_windows' }, [does(head(), { data: 'x'.repeat(200_000) })]),
  plays(
    'a slow client',
    [{ fields: get(), beside: true }, { sleep: 100 }, { grant: 200_000 }],
    [does(head(), { data: 'x'.repeat(150_000) })],
  ),
  plays(
    'a client that never reads on',
    [{ fields: get(), beside: true }],
    [does(head(), { data: 'x'.repeat(150_000) })],
    { timeoutMs: 300, without: ['log', 'stats'] },
  ),
];

export const scenarios: readonly Scenario[] = [
  under('requests', requests),
  under('answers', answers),
  under('malformed', malformed),
  under('resets', resets),
  under('connections', connections),
  under('settings and windows', settings),
];
