import { cluster, toCluster, typed } from '../config.ts';
import type { Behaviour, Case, Json, Places, Scenario, Step } from '../types.ts';
import { type Variant, variants } from '../variants.ts';

const connect = (target = 'a:80', headers = '', version = 'HTTP/1.1'): string =>
  `CONNECT ${target} ${version}\r\nHost: ${target}\r\n${headers}\r\n`;
const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const answer = (status: string, headers = '', body = ''): string => `HTTP/1.1 ${status}\r\n${headers}\r\n${body}`;
const ok = answer('200 OK', 'content-length: 2\r\n', 'ok');
const established = answer('200 OK');
const answered = { awaitResponses: 1 } as const;
const sleep = (milliseconds: number): Step => ({ sleep: milliseconds });
const halfClose: Step = { do: 'halfClose' };

/** Steps over one connection whose first request is CONNECT, then whatever time the proxy needs to count its end. */
const steps = (name: string, list: readonly (string | Step)[], more: Partial<Case> = {}): Case => ({
  name,
  steps: list.map((one): Step => (typeof one === 'string' ? { send: one } : one)),
  methods: ['CONNECT'],
  settleMs: 80,
  ...more,
});
const backend = (index: number, ...list: readonly Behaviour[]): Partial<Case> => ({ backends: { [index]: list } });

const type = { upgrade_type: 'CONNECT' };
const anyConnect: Json = { connect_matcher: {} };
const on = (action: Json = {}, cluster = 'c0', config: Json = {}): Json =>
  toCluster(cluster, { upgrade_configs: [{ ...type, connect_config: {}, ...config }], ...action }, anyConnect);
/** The request goes on as it is. */
const forwarding = (action: Json = {}): Json => toCluster('c1', { upgrade_configs: [type], ...action }, anyConnect);
const others = toCluster('c1');

const terminated: readonly Case[] = [
  steps('both ways', [connect(), answered, 'hello', sleep(60)]),
  steps('payload at once', [`${connect()}early`, answered, sleep(60)]),
  steps('the client ends its side', [connect(), answered, 'x', sleep(60), halfClose, sleep(60)]),
  steps('the client resets', [connect(), answered, 'x', sleep(60), { do: 'reset' }, sleep(30)]),
  steps('HTTP/1.0', [connect('a:80', '', 'HTTP/1.0')]),
  steps('without a port', [connect('a')]),
  steps('a port that is none', [connect('a:99999')]),
  steps('an address', [connect('[::1]:80'), answered, 'hello', sleep(60)]),
  steps('an absolute target', [connect('http://a:80/')]),
  steps('a path', [connect('/')]),
  steps('a query', [connect('a:80?q')]),
  steps('another host', ['CONNECT a:80 HTTP/1.1\r\nHost: b:80\r\n\r\n', answered, 'hello', sleep(60)]),
  steps('no host', ['CONNECT a:80 HTTP/1.1\r\n\r\n', answered, 'hello', sleep(60)]),
  steps('content-length: 0', [connect('a:80', 'Content-Length: 0\r\n'), answered, 'hello', sleep(60)]),
  steps('content-length', [connect('a:80', 'Content-Length: 2\r\n')]),
  steps('chunked', [connect('a:80', 'Transfer-Encoding: chunked\r\n')]),
  steps('connection: close', [connect('a:80', 'Connection: close\r\n'), answered, 'hello', sleep(60)]),
  steps('an upgrade', [connect('a:80', 'Connection: Upgrade\r\nUpgrade: websocket\r\n')]),
  steps('behind another request', [get, answered, connect(), { awaitResponses: 2 }, 'hello', sleep(60)], {
    methods: ['GET', 'CONNECT'],
    responses: 2,
  }),
  steps('pipelined', [`${get}${connect()}early`, { awaitResponses: 2 }, sleep(60)], {
    methods: ['GET', 'CONNECT'],
    responses: 2,
  }),
  steps('GET', [get], { methods: ['GET'] }),
];

/** The backend reads what comes through the tunnel as requests. */
const toHttp: readonly Case[] = [
  steps('the backend answers', [connect(), answered, get, { awaitResponses: 2 }, sleep(30)], {
    methods: ['CONNECT', 'GET'],
    responses: 2,
  }),
  steps(
    'the backend ends its side',
    [connect(), answered, get, sleep(100)],
    backend(1, { raw: ok, afterwards: 'close' }),
  ),
  steps('the backend closes', [connect(), answered, get, sleep(100)], backend(1, { end: 'close' })),
  steps('the backend resets', [connect(), answered, get, sleep(100)], backend(1, { end: 'reset' })),
];

const posts: readonly Case[] = [
  steps(
    'POST',
    ['POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n', answered, sleep(60)],
    {
      methods: ['POST'],
      responses: 0,
    },
  ),
  steps(
    'POST that ends',
    ['POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n', answered, sleep(60)],
    { methods: ['POST'] },
  ),
  steps('POST with a length', ['POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello', sleep(60)], {
    methods: ['POST'],
  }),
  steps('POST without a body', ['POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n', sleep(60)], {
    methods: ['POST'],
  }),
  steps('GET', [get], { methods: ['GET'] }),
];

const one = terminated.slice(0, 1);
const short = { delayed_close_timeout: '0.1s' };
const retries: Json = {
  retry_policy: { retry_on: 'connect-failure,reset,5xx', num_retries: 1, retry_back_off: { base_interval: '0.001s' } },
};
const mutation = (name: string): Json => ({
  name,
  typed_config: typed('envoy.extensions.filters.http.header_mutation.v3.HeaderMutation', {
    mutations: { response_mutations: [{ append: { header: { key: 'x-filter', value: name } } }] },
  }),
});
const router: Json = { name: 'router', typed_config: typed('envoy.extensions.filters.http.router.v3.Router') };

const ends: readonly Variant[] = [
  { name: 'terminated', routes: [on(), others], cases: terminated },
  { name: 'terminated at a server', routes: [on({}, 'c1'), others], cases: toHttp },
  { name: 'terminated at one that speaks first', routes: [on({}, 'c2'), others], cases: one },
  {
    name: 'nobody listens',
    routes: [on({}, 'c3'), others],
    cases: [steps('CONNECT', [connect()]), steps('with payload', [`${connect()}early`])],
  },
  { name: 'nobody listens, tried again', routes: [on(retries, 'c3'), others], cases: [steps('CONNECT', [connect()])] },
  { name: 'no host', routes: [on({}, 'c4'), others], cases: [steps('CONNECT', [connect()])] },
  {
    name: 'no cluster',
    routes: [on({}, 'none'), others],
    routeConfig: { validate_clusters: false },
    cases: [steps('CONNECT', [connect()])],
  },
  { name: 'never connected', routes: [on({}, 'c5'), others], cases: [steps('CONNECT', [connect()])] },
  { name: 'too many', routes: [on({}, 'c6'), others], cases: [steps('CONNECT', [connect()])] },
  {
    name: 'idle',
    manager: { ...short, stream_idle_timeout: '0.2s' },
    routes: [on(), others],
    cases: [steps('silence', [connect(), answered, sleep(500)])],
  },
  {
    name: 'route timeout',
    manager: short,
    routes: [on({ timeout: '0.2s' }), others],
    cases: [steps('after the answer', [connect(), answered, sleep(400), 'x', sleep(60)])],
  },
  {
    name: 'stream duration',
    manager: { ...short, common_http_protocol_options: { max_stream_duration: '0.2s' } },
    routes: [on(), others],
    cases: [steps('after the answer', [connect(), answered, sleep(400)])],
  },
  {
    name: 'request timeout',
    manager: { ...short, request_timeout: '0.2s' },
    routes: [on(), others],
    cases: [steps('after the answer', [connect(), answered, sleep(400), 'x', sleep(60)])],
  },
  {
    name: 'POST allowed',
    routes: [
      toCluster('c0', { upgrade_configs: [{ ...type, connect_config: { allow_post: true } }] }, { prefix: '/' }),
    ],
    cases: posts,
  },
  {
    name: 'POST not allowed',
    routes: [toCluster('c1', { upgrade_configs: [{ ...type, connect_config: {} }] }, { prefix: '/' })],
    cases: posts.slice(2),
  },
];

const allowance: readonly Variant[] = [
  {
    name: 'on for the manager alone',
    manager: { upgrade_configs: [type] },
    routes: [toCluster('c1', {}, anyConnect)],
    cases: [steps('CONNECT', [connect(), answered, 'x', sleep(60)], backend(1, { raw: established }))],
  },
  {
    name: 'on for the manager, off for the route',
    manager: { upgrade_configs: [type] },
    routes: [on({}, 'c0', { enabled: false })],
    cases: [steps('CONNECT', [connect()])],
  },
  {
    name: 'off for the manager, on for the route',
    manager: { upgrade_configs: [{ ...type, enabled: false }] },
    routes: [on()],
    cases: one,
  },
  { name: 'off for the route', routes: [on({}, 'c0', { enabled: false })], cases: [steps('CONNECT', [connect()])] },
  { name: 'a lower-case type', routes: [on({}, 'c0', { upgrade_type: 'connect' })], cases: one },
  {
    name: 'a route that says nothing',
    routes: [toCluster('c1', {}, anyConnect)],
    cases: [steps('CONNECT', [`${connect()}early`])],
  },
  { name: 'no route', manager: { upgrade_configs: [type] }, routes: [others], cases: [steps('CONNECT', [connect()])] },
  { name: 'no route, off', routes: [others], cases: [steps('CONNECT', [`${connect()}early`])] },
  {
    name: 'a direct response',
    manager: { upgrade_configs: [type] },
    routes: [{ match: anyConnect, direct_response: { status: 201, body: { inline_string: 'no' } } }],
    cases: [steps('CONNECT', [`${connect()}early`])],
  },
  {
    name: 'a direct response, off',
    routes: [{ match: anyConnect, direct_response: { status: 201 } }],
    cases: [steps('CONNECT', [connect()])],
  },
  {
    name: 'by header',
    routes: [
      {
        ...on({}, 'c2'),
        match: { connect_matcher: {}, headers: [{ name: ':authority', string_match: { exact: 'b:80' } }] },
      },
      on(),
    ],
    cases: [
      steps('first', [connect('b:80'), answered, 'x', sleep(60)]),
      steps('second', [connect(), answered, 'x', sleep(60)]),
    ],
  },
  {
    name: 'by path',
    routes: [toCluster('c1', {}, { path: 'a:80' }), toCluster('c1', {}, { safe_regex: { regex: '.*' } }), on()],
    cases: one,
  },
  {
    name: 'own filters',
    manager: {
      http_filters: [mutation('plain'), router],
      upgrade_configs: [
        { ...type, filters: [mutation('own'), router] },
        { upgrade_type: 'websocket', filters: [router] },
      ],
    },
    routes: [on(), others],
    cases: [
      ...one,
      steps('GET', [get], { methods: ['GET'] }),
      steps(
        'websocket',
        ['GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n', answered, sleep(30)],
        {
          methods: ['GET'],
          ...backend(1, {
            raw: 'HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n',
          }),
        },
      ),
    ],
  },
  {
    name: 'own filters, off but for the route',
    manager: {
      http_filters: [mutation('plain'), router],
      upgrade_configs: [{ ...type, enabled: false, filters: [mutation('own'), router] }],
    },
    routes: [on(), others],
    cases: one,
  },
  {
    name: 'the filters of all',
    manager: { http_filters: [mutation('plain'), router], upgrade_configs: [type] },
    routes: [on(), others],
    cases: one,
  },
  {
    name: 'response headers',
    routes: [{ ...on(), response_headers_to_add: [{ header: { key: 'x-r', value: 'v' } }] }],
    cases: one,
  },
];

/** What routes may say besides. */
const routed: readonly Variant[] = [
  {
    name: 'a redirect',
    routes: [{ match: anyConnect, redirect: { host_redirect: 'b' } }],
    manager: { upgrade_configs: [type] },
    cases: [steps('CONNECT', [connect()])],
  },
  {
    name: 'a redirect with a path',
    routes: [{ match: anyConnect, redirect: { path_redirect: '/b' } }],
    manager: { upgrade_configs: [type] },
    cases: [steps('CONNECT', [connect()])],
  },
  {
    name: 'TLS required',
    manager: { upgrade_configs: [type] },
    virtualHost: { require_tls: 'ALL' },
    routes: [on()],
    cases: [steps('CONNECT', [connect()])],
  },
  {
    name: 'a rewritten prefix',
    routes: [forwarding({ prefix_rewrite: '/new' })],
    cases: [steps('CONNECT', [connect()], { without: ['stats'] })],
  },
  {
    name: 'a rewritten path',
    routes: [forwarding({ regex_rewrite: { pattern: { regex: '^.*$' }, substitution: '/new' } })],
    cases: [steps('CONNECT', [connect()], { without: ['stats'] })],
  },
  {
    name: 'any port stripped',
    manager: { strip_any_host_port: true },
    routes: [forwarding()],
    cases: [steps('CONNECT', [connect(), answered, 'x', sleep(60)], backend(1, { raw: established }))],
  },
  {
    name: 'a trailing dot stripped',
    manager: { strip_trailing_host_dot: true },
    routes: [forwarding()],
    cases: [steps('CONNECT', [connect('a.:80'), answered, 'x', sleep(60)], backend(1, { raw: established }))],
  },
  {
    name: 'a domain without its port',
    routes: [on()],
    virtualHost: { domains: ['a'] },
    cases: [steps('CONNECT', [connect()])],
  },
  {
    name: 'a domain without its port, ignored',
    routes: [on()],
    routeConfig: { ignore_port_in_host_matching: true },
    virtualHost: { domains: ['a'] },
    cases: one,
  },
  {
    name: 'slashes merged',
    manager: { merge_slashes: true, normalize_path: true },
    routes: [on()],
    cases: one,
  },
  {
    name: 'proxied 100',
    manager: { proxy_100_continue: true },
    routes: [forwarding()],
    cases: [
      steps(
        'expected',
        [connect('a:80', 'Expect: 100-continue\r\n'), answered, 'x', sleep(60)],
        backend(1, { raw: `${answer('100 Continue')}${established}` }),
      ),
    ],
  },
  {
    name: 'HTTP/1.0',
    manager: { http_protocol_options: { accept_http_10: true } },
    routes: [on()],
    cases: [steps('CONNECT', [connect('a:80', '', 'HTTP/1.0'), answered, 'hello', sleep(60)])],
  },
  {
    name: 'requests of a connection limited',
    manager: { common_http_protocol_options: { max_requests_per_connection: 1 } },
    routes: [on()],
    cases: one,
  },
  {
    name: 'a connection limited',
    manager: { ...short, common_http_protocol_options: { max_connection_duration: '0.2s' }, drain_timeout: '0.1s' },
    routes: [on()],
    cases: [steps('after the answer', [connect(), answered, 'x', sleep(500), 'y', sleep(60)])],
  },
  {
    name: 'Proxy-Status',
    manager: { proxy_status_config: {} },
    routes: [on({}, 'c3')],
    cases: [steps('CONNECT', [connect()])],
  },
  {
    name: 'a mirror',
    routes: [on({ request_mirror_policies: [{ cluster: 'c1' }] })],
    cases: one,
  },
  {
    name: 'an internal redirect',
    routes: [forwarding({ internal_redirect_policy: {} }), others],
    cases: [
      steps(
        'CONNECT',
        [connect(), answered, sleep(60)],
        backend(1, { raw: answer('302 Found', 'location: http://a/b\r\ncontent-length: 0\r\n') }),
      ),
    ],
  },
  {
    name: 'idle',
    manager: { ...short, stream_idle_timeout: '0.25s' },
    routes: [on({}, 'c1')],
    cases: [
      steps('the client alone speaks', [
        connect(),
        answered,
        'GE',
        sleep(150),
        'T',
        sleep(150),
        ' ',
        sleep(150),
        '/',
        sleep(20),
      ]),
    ],
  },
  {
    name: 'idle on the route',
    manager: short,
    routes: [on({ idle_timeout: '0.2s' })],
    cases: [steps('silence', [connect(), answered, sleep(400)])],
  },
  {
    name: 'a host header in the request',
    routes: [
      {
        ...forwarding(),
        request_headers_to_add: [{ header: { key: 'x-to', value: '%REQ(:AUTHORITY)% %REQ(:PATH)% %REQ(:METHOD)%' } }],
      },
    ],
    cases: [steps('CONNECT', [connect(), answered, 'x', sleep(60)], backend(1, { raw: established }))],
  },
  {
    name: 'the cluster in a header',
    routes: [
      { match: anyConnect, route: { cluster_header: 'x-cluster', upgrade_configs: [{ ...type, connect_config: {} }] } },
    ],
    cases: [steps('CONNECT', [connect('a:80', 'x-cluster: c0\r\n'), answered, 'hello', sleep(60)])],
  },
  {
    name: 'POST allowed, switched off',
    routes: [
      toCluster(
        'c0',
        { upgrade_configs: [{ ...type, enabled: false, connect_config: { allow_post: true } }] },
        { prefix: '/' },
      ),
    ],
    cases: posts.slice(2, 3),
  },
  {
    name: 'POST allowed where nobody listens',
    routes: [
      toCluster(
        'c3',
        { upgrade_configs: [{ ...type, connect_config: { allow_post: true } }], ...retries },
        { prefix: '/' },
      ),
    ],
    cases: posts.slice(1, 3),
  },
  {
    name: 'POST allowed at a server',
    routes: [
      toCluster(
        'c1',
        { upgrade_configs: [{ ...type, connect_config: { allow_post: true } }], timeout: '0.3s' },
        { prefix: '/' },
      ),
    ],
    cases: [
      steps(
        'the backend ends its side first',
        [`POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1b\r\n${get}\r\n`, sleep(100)],
        {
          methods: ['POST'],
          ...backend(1, { raw: ok, afterwards: 'close' }),
        },
      ),
      steps('the backend resets', [`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 27\r\n\r\n${get}`, sleep(100)], {
        methods: ['POST'],
        responses: 0,
        ...backend(1, { end: 'reset' }),
      }),
      steps('no answer', [`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 27\r\n\r\n${get}`, sleep(100)], {
        methods: ['POST'],
        ...backend(1, 'hang'),
      }),
      steps('HEAD', ['HEAD / HTTP/1.1\r\nHost: a\r\n\r\n'], { methods: ['HEAD'] }),
    ],
  },
];

const forwarded: readonly Variant[] = [
  {
    name: 'forwarded',
    routes: [forwarding(), others],
    cases: [
      steps('both ways', [connect(), answered, 'hello', sleep(60)], backend(1, { raw: established })),
      steps(
        'headers',
        [connect('a:80', 'Proxy-Authorization: x\r\nX-A: b\r\n'), answered, sleep(60)],
        backend(1, { raw: answer('200 Connected', 'x-b: c\r\nvia: d\r\n') }),
      ),
      steps(
        'payload at once',
        [`${connect()}early`, answered, sleep(60)],
        backend(1, { raw: [{ raw: established, afterMs: 60 }] }),
      ),
      steps(
        'payload at once, refused',
        [`${connect()}early`, sleep(60)],
        backend(1, { raw: answer('403 No', 'content-length: 2\r\n', 'no') }),
      ),
      steps(
        'a length in the answer',
        [connect(), answered, 'hello', sleep(60)],
        backend(1, { raw: answer('200 OK', 'content-length: 5\r\n') }),
      ),
      steps(
        'chunks in the answer',
        [connect(), answered, 'hello', sleep(60)],
        backend(1, { raw: answer('200 OK', 'transfer-encoding: chunked\r\n') }),
      ),
      steps('201', [connect(), answered, 'hello', sleep(60)], backend(1, { raw: answer('201 Created') })),
      steps('204', [connect(), answered, 'hello', sleep(60)], backend(1, { raw: answer('204 No Content') })),
      steps('299', [connect(), answered, 'hello', sleep(60)], backend(1, { raw: answer('299 Hm') })),
      steps('304', [connect(), answered, 'hello', sleep(60)], backend(1, { raw: answer('304 Not Modified') })),
      steps(
        '101',
        [connect(), answered, 'hello', sleep(60)],
        backend(1, { raw: answer('101 Switching', 'connection: upgrade\r\nupgrade: CONNECT\r\n') }),
      ),
      steps('403', [connect(), sleep(60)], backend(1, { raw: answer('403 No', 'content-length: 2\r\n', 'no') })),
      steps(
        '403, then a request',
        [connect(), answered, get, sleep(60)],
        backend(1, { raw: answer('403 No', 'content-length: 2\r\n', 'no') }),
      ),
      steps(
        '100 first',
        [connect(), answered, 'hello', sleep(60)],
        backend(1, { raw: `${answer('100 Continue')}${established}` }),
      ),
      steps(
        'payload in the answer',
        [connect(), answered, 'hello', sleep(60)],
        backend(1, { raw: `${established}hi ` }),
      ),
      steps('the backend closes', [connect()], backend(1, { end: 'close' })),
      steps('the backend resets', [connect()], backend(1, { end: 'reset' })),
      steps(
        'the backend closes the tunnel',
        [connect(), answered, sleep(60)],
        backend(1, { raw: `${established}bye`, afterwards: 'close' }),
      ),
      steps(
        'the backend resets the tunnel',
        [connect(), answered, sleep(60)],
        backend(1, { raw: established, afterwards: 'reset' }),
      ),
      steps(
        'the client ends its side',
        [connect(), answered, 'x', sleep(60), halfClose, sleep(60)],
        backend(1, { raw: established }),
      ),
      steps('the client ends its side before the answer', [connect(), sleep(60), halfClose, sleep(60)], {
        ...backend(1, 'hang'),
        responses: 0,
      }),
      steps(
        'another host',
        ['CONNECT a:80 HTTP/1.1\r\nHost: b:80\r\n\r\n', answered, 'hello', sleep(60)],
        backend(1, { raw: established }),
      ),
      steps(
        'connection: close',
        [connect('a:80', 'Connection: close\r\n'), answered, 'hello', sleep(60)],
        backend(1, { raw: established }),
      ),
      steps(
        'connection: close in the answer',
        [connect(), answered, 'hello', sleep(60)],
        backend(1, { raw: answer('200 OK', 'connection: close\r\n') }),
      ),
    ],
  },
  {
    name: 'another host',
    routes: [forwarding({ host_rewrite_literal: 'b:81' })],
    cases: [steps('CONNECT', [connect(), answered, 'x', sleep(60)], backend(1, { raw: established }))],
  },
  {
    name: 'timeout',
    manager: short,
    routes: [forwarding({ timeout: '0.2s' })],
    cases: [
      steps('no answer', [connect()], backend(1, 'hang')),
      steps('after the answer', [connect(), answered, sleep(400), 'x', sleep(60)], backend(1, { raw: established })),
    ],
  },
  {
    name: 'timeout of a try',
    manager: short,
    routes: [forwarding({ timeout: '1s', retry_policy: { retry_on: '5xx', num_retries: 1, per_try_timeout: '0.2s' } })],
    cases: [
      steps('no answer', [connect(), sleep(600)], { ...backend(1, 'hang', 'hang'), responses: 0 }),
      steps('after the answer', [connect(), answered, sleep(400), 'x', sleep(60)], backend(1, { raw: established })),
    ],
  },
  {
    name: 'idle',
    manager: { ...short, stream_idle_timeout: '0.2s' },
    routes: [forwarding()],
    cases: [
      steps('no answer', [connect()], backend(1, 'hang')),
      steps('silence', [connect(), answered, sleep(400)], backend(1, { raw: established })),
    ],
  },
  {
    name: 'tried again',
    manager: short,
    routes: [forwarding(retries)],
    cases: [
      steps(
        '503, then 200',
        [connect(), answered, 'hello', sleep(60)],
        backend(1, { raw: answer('503 No', 'content-length: 0\r\n') }, { raw: established }),
      ),
      steps(
        'closed, then 200',
        [connect(), answered, 'hello', sleep(60)],
        backend(1, { end: 'close' }, { raw: established }),
      ),
      steps(
        'payload at once',
        [`${connect()}early`, answered, sleep(60)],
        backend(1, { end: 'close' }, { raw: established }),
      ),
    ],
  },
];

const stats = [
  /^http\.in\.downstream_cx_(upgrades_(total|active)|destroy\w*)$/,
  /^cluster\.c\d+\.upstream_(cx_(total|active|destroy\w*|http1_total)|rq_active)$/,
];
const clusters = (places: Places): readonly Json[] => [
  cluster(places, 0),
  cluster(places, 1),
  cluster(places, 2),
  cluster(places, 3),
  cluster(places, 4, []),
  {
    ...cluster(places, 5),
    connect_timeout: '0.1s',
    load_assignment: {
      cluster_name: 'c5',
      endpoints: [
        { lb_endpoints: [{ endpoint: { address: { socket_address: { address: '192.0.2.1', port_value: 9 } } } }] },
      ],
    },
  },
  cluster(places, 6, [0], { circuit_breakers: { thresholds: [{ max_connections: 0, max_pending_requests: 0 }] } }),
];
const options = { backends: ['echo', 'http', 'banner', 'closed'] as const, stats, clusters };

const failing = answer('500 Bad', 'content-length: 0\r\n');
const health = (name: string, config: Json): Scenario =>
  variants(
    'CONNECT',
    name,
    [
      {
        name: 'terminated',
        routes: [on()],
        cases: [
          steps('silence', [connect(), answered, sleep(500)], {
            ...backend(0, ...new Array<Behaviour>(9).fill({ raw: failing })),
            without: ['backends'],
          }),
        ],
      },
    ],
    {
      clusters: (places) => [
        cluster(places, 0, [0], {
          ...config,
          health_checks: [
            {
              timeout: '1s',
              interval: '0.2s',
              no_traffic_interval: '0.2s',
              unhealthy_threshold: 1,
              healthy_threshold: 1,
              http_health_check: { path: '/health' },
            },
          ],
        }),
      ],
      stats,
      warmUpMs: 100,
    },
  );

export const scenarios: readonly Scenario[] = [
  variants('CONNECT', 'terminated', ends, options),
  variants('CONNECT', 'allowed or not', allowance, options),
  variants('CONNECT', 'forwarded', forwarded, options),
  variants('CONNECT', 'routed', routed, options),
  variants(
    'CONNECT',
    'logged',
    [
      {
        name: 'terminated',
        routes: [on(), others],
        cases: [...one, steps('refused', [connect('a:80', 'Connection: Upgrade\r\nUpgrade: x\r\n')])],
      },
      { name: 'nobody listens', routes: [on({}, 'c3')], cases: [steps('CONNECT', [connect()])] },
      {
        name: 'forwarded',
        routes: [forwarding()],
        cases: [steps('both ways', [connect(), answered, 'hello', sleep(60)], backend(1, { raw: established }))],
      },
      {
        name: 'websocket',
        manager: { upgrade_configs: [{ upgrade_type: 'websocket' }] },
        routes: [others],
        cases: [
          steps(
            'both ways',
            [
              'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
              answered,
              'hello',
              sleep(60),
            ],
            {
              methods: ['GET'],
              ...backend(1, {
                raw: 'HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n',
              }),
            },
          ),
        ],
      },
    ],
    {
      ...options,
      log: '%REQ(:SCHEME)% %REQ(:METHOD)% %REQ(:PATH)% %REQ(:AUTHORITY)% %PATH(NQ)% %PROTOCOL% %UPSTREAM_PROTOCOL% %UPSTREAM_HOST% %UPSTREAM_REMOTE_ADDRESS% %BYTES_RECEIVED% %BYTES_SENT% %REQUESTED_SERVER_NAME% %ACCESS_LOG_TYPE% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS%\n',
    },
  ),
  health('tunnels outlive a health failure', {}),
  health('tunnels end with a health failure', { close_connections_on_host_health_failure: true }),
];
