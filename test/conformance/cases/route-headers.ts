import { cluster } from '../config.ts';
import { forward, headerOption, tableScenario } from '../route-tables.ts';
import type { Json, Request, Scenario } from '../types.ts';

const add = (key: string, value: string, action?: string, more: Json = {}): Json =>
  headerOption(key, value, { ...(action ? { append_action: action } : {}), ...more });
const two: Request = {
  headers: [
    ['X-A', '1'],
    ['X-A', '2'],
    ['X-B', 'z'],
  ],
};
const plain: readonly (readonly [string, Request])[] = [['request', {}]];
const both: readonly (readonly [string, Request])[] = [['request', two]];
const change = (name: string, request: Json, requests = both): Parameters<typeof tableScenario>[2][number] => ({
  name,
  routes: [forward({ prefix: '/' }, {}, request)],
  requests,
});

const OVERWRITE = 'OVERWRITE_IF_EXISTS_OR_ADD';

const requestScenario = tableScenario('header mutation', 'request headers', [
  change('append', { request_headers_to_add: [add('x-a', '3'), add('X-NEW', 'n')] }),
  change('append-explicitly', { request_headers_to_add: [add('x-a', '3', 'APPEND_IF_EXISTS_OR_ADD')] }),
  change('if-absent', {
    request_headers_to_add: [
      add('x-a', '3', 'ADD_IF_ABSENT'),
      add('x-c', '4', 'ADD_IF_ABSENT'),
      add('x-c', '5', 'ADD_IF_ABSENT'),
    ],
  }),
  change('overwrite', {
    request_headers_to_add: [add('x-a', '3', OVERWRITE), add('x-c', '4', OVERWRITE), add('x-c', '5', OVERWRITE)],
  }),
  change('overwrite-existing', {
    request_headers_to_add: [add('x-a', '3', 'OVERWRITE_IF_EXISTS'), add('x-c', '4', 'OVERWRITE_IF_EXISTS')],
  }),
  change('old-append', {
    request_headers_to_add: [
      add('x-a', '3', undefined, { append: false }),
      add('x-b', '4', undefined, { append: true }),
    ],
  }),
  change('order', {
    request_headers_to_add: [add('x-1', 'a'), add('x-b', 'o', OVERWRITE), add('x-2', 'b'), add('x-a', 'p', OVERWRITE)],
  }),
  change('empty', {
    request_headers_to_add: [
      add('x-e', ''),
      add('x-k', '', undefined, { keep_empty_value: true }),
      add('x-a', '', OVERWRITE),
      add('x-b', '', OVERWRITE, { keep_empty_value: true }),
    ],
  }),
  change('empty-format', {
    request_headers_to_add: [
      add('x-e', '%REQ(nope)%'),
      add('x-k', '%REQ(nope)%', undefined, { keep_empty_value: true }),
      add('x-m', '[%REQ(nope)%]'),
    ],
  }),
  change('remove', { request_headers_to_remove: ['X-A', 'x-none', 'user-agent'] }, [
    [
      'request',
      {
        headers: [
          ['X-A', '1'],
          ['User-Agent', 'me'],
          ['X-a', '2'],
        ],
      },
    ],
  ]),
  change('remove-and-add', {
    request_headers_to_remove: ['x-a'],
    request_headers_to_add: [add('x-a', 'new'), add('x-was', '%REQ(x-a)%')],
  }),
  change('values-before', {
    request_headers_to_add: [
      add('x-a', 'first', OVERWRITE),
      add('x-seen', '%REQ(x-a)%'),
      add('x-new', 'n'),
      add('x-new-seen', '%REQ(x-new)%', undefined, { keep_empty_value: true }),
    ],
  }),
  change(
    'joined',
    {
      request_headers_to_add: [
        'accept',
        'user-agent',
        'via',
        'cookie',
        'x-forwarded-for',
        'te',
        'cache-control',
        'referer',
        'origin',
        'if-none-match',
        'accept-language',
        'x-request-id',
        'content-type',
      ].map((name) => add(name, 'more')),
    },
    [
      ['absent', {}],
      [
        'present',
        {
          headers: {
            Accept: 'a',
            'User-Agent': 'u',
            Via: 'v',
            Cookie: 'c=d',
            'X-Forwarded-For': '9.9.9.9',
            'Cache-Control': 'x',
            Referer: 'http://r/',
            Origin: 'o',
            'If-None-Match': 'e',
            'Accept-Language': 'de',
            'Content-Type': 't',
          },
        },
      ],
    ],
  ),
  change('names', {
    request_headers_to_add: [add('X-Mixed-Case', 'Value Kept'), add('x_under', 'u'), add('x.dot', 'd')],
  }),
  change('white-space', { request_headers_to_add: [add('x-s', '  a \t b  '), add('x-u', 'grüße')] }),
  change('percent', { request_headers_to_add: [add('x-p', '100%%'), add('x-q', '%%PROTOCOL%%')] }),
  change('content-length', { request_headers_to_remove: ['content-length'] }, [
    ['POST', { method: 'POST', body: 'hello' }],
  ]),
  change('injection', { request_headers_to_add: [add('x-q', '%QUERY_PARAM(q)%')] }, [
    ['plain', { path: '/?q=1' }],
    ['tab', { path: '/?q=a%09b' }],
    ['high bytes', { path: '/?q=%80%ff' }],
  ]),
  change(
    'request-id',
    { request_headers_to_add: [add('x-id', '%REQ(x-request-id)%'), add('x-stream', '%STREAM_ID%')] },
    [['given', { headers: { 'X-Request-Id': 'mine' } }]],
  ),
]);

const marks = (key: string): Json => ({
  request_headers_to_add: [
    headerOption('x-l', key),
    headerOption('x-o', key, { append_action: OVERWRITE }),
    headerOption('x-i', key, { append_action: 'ADD_IF_ABSENT' }),
  ],
  response_headers_to_add: [
    headerOption('x-l', key),
    headerOption('x-o', key, { append_action: OVERWRITE }),
    headerOption('x-i', key, { append_action: 'ADD_IF_ABSENT' }),
  ],
  request_headers_to_remove: [`x-rm-${key}`],
  response_headers_to_remove: [`x-rm-${key}`],
});

const levelScenarios = [false, true].map((specific) =>
  tableScenario(
    'header mutation',
    specific ? 'levels, the most specific wins' : 'levels',
    [
      {
        name: 'levels',
        host: marks('host'),
        routes: [
          forward({ path: '/route' }, {}, marks('route')),
          {
            match: { path: '/weighted' },
            route: { weighted_clusters: { clusters: [{ name: 'c0', weight: 1, ...marks('cluster') }] } },
            ...marks('route'),
          },
          forward({ path: '/host' }),
          {
            match: { path: '/direct' },
            direct_response: { status: 200, body: { inline_string: 'd' } },
            ...marks('route'),
          },
          { match: { path: '/refused' }, route: { cluster: 'c1' }, ...marks('route') },
          { match: { path: '/redirect' }, redirect: { path_redirect: '/x' }, ...marks('route') },
        ],
        requests: ['/route', '/weighted', '/host', '/direct', '/refused', '/redirect', '/none'].map(
          (path) => [path, { path, headers: { 'X-Rm-Route': '1', 'X-Rm-Host': '2', 'X-Rm-Table': '3' } }] as const,
        ),
      },
    ],
    {
      config: { ...marks('table'), most_specific_header_mutations_wins: specific },
      clusters: (places) => [cluster(places, 0), cluster(places, 1, [])],
    },
  ),
);

const responseScenario: Scenario = {
  ...tableScenario('header mutation', 'response headers', [
    {
      name: 'response',
      routes: [
        forward(
          { path: '/all' },
          {},
          {
            name: 'rn',
            response_headers_to_add: [
              add('x-back', 'again'),
              add('x-over', 'o', OVERWRITE),
              add('x-absent', 'a', 'ADD_IF_ABSENT'),
              add('server', 'mine'),
              add('date', 'mine'),
              add('cache-control', 'no-store'),
              add('set-cookie', 'a=b'),
              add('vary', 'x'),
              add('content-type', 't'),
            ],
            response_headers_to_remove: ['x-gone', 'x-envoy-upstream-service-time'],
          },
        ),
        forward(
          { path: '/values' },
          {},
          {
            name: 'rn',
            response_headers_to_add: [
              add('x-status', '%RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %RESPONSE_FLAGS%'),
              add('x-resp', '%RESP(x-back)% %RESP(:status)% %RESP(nope?x-gone)%'),
              add('x-req', '%REQ(:path)% %REQ(:method)% %REQ(x-q)%'),
              add('x-up', '%UPSTREAM_CLUSTER% %UPSTREAM_REQUEST_ATTEMPT_COUNT% %UPSTREAM_PROTOCOL%'),
              add('x-route', '%ROUTE_NAME% %PROTOCOL% %BYTES_SENT% %BYTES_RECEIVED%'),
              add('x-trailer', '[%TRAILER(x)%]'),
            ],
          },
        ),
        forward({ path: '/server' }, {}, { response_headers_to_remove: ['server', 'date', 'content-type'] }),
      ],
      requests: [],
    },
  ]),
  cases: ['/all', '/values', '/server'].map((path) => ({
    name: path,
    requests: [{ host: 'response.test', path, headers: { 'X-Q': 'q' } }],
    backends: {
      0: [
        {
          raw: 'HTTP/1.1 201 Made\r\nx-back: one\r\nX-Over: old\r\nx-gone: g\r\nx-back: two\r\ncache-control: max-age=1\r\nset-cookie: c=d\r\nvary: y\r\ncontent-length: 0\r\n\r\n',
        },
      ],
    },
  })),
};

const values = (list: readonly string[]): Json => ({
  name: 'route-name',
  metadata: {
    filter_metadata: {
      ns: { text: 'str', number: 1.5, whole: 3, flag: true, none: null, list: [1, 'a'], deep: { z: 1, a: { b: 'c' } } },
    },
  },
  request_headers_to_add: list.map((value, index) => headerOption(`x-${index}`, `[%${value}%]`)),
});

const formatScenario = tableScenario('format commands', 'in request headers', [
  {
    name: 'headers',
    routes: [
      forward(
        { prefix: '/' },
        {},
        values([
          'REQ(X-A)',
          'REQ(x-a):1',
          'REQ(x-a):0',
          'REQ(x-a):99',
          'REQ(nope?x-b)',
          'REQ(x-e?x-b)',
          'REQ(nope?nope2)',
          'REQ(nope?)',
          'REQ(?x-b)',
          'REQ(:path)',
          'REQ(:method)',
          'REQ(:authority)',
          'REQ(host)',
          'REQ(:scheme)',
          'REQ(:status)',
          'REQ(:nope)',
          'STREAM_INFO_REQ(x-b)',
          'REQUEST_HEADER(x-b)',
          'RESP(x)',
          'TRAILER(x)',
          'REQ(x-long):5',
        ]),
      ),
    ],
    requests: [
      [
        'some',
        {
          path: '/p?q',
          headers: [
            ['X-A', '12'],
            ['X-A', '3'],
            ['X-B', 'b'],
            ['X-E', ''],
            ['X-Long', 'abcdefgh'],
          ],
        },
      ],
      ['none', {}],
    ],
  },
  {
    name: 'stream',
    routes: [
      forward(
        { prefix: '/' },
        {},
        values([
          'PROTOCOL',
          'ROUTE_NAME',
          'VIRTUAL_CLUSTER_NAME',
          'UPSTREAM_CLUSTER',
          'UPSTREAM_CLUSTER_RAW',
          'UPSTREAM_HOST',
          'UPSTREAM_HOST_NAME',
          'UPSTREAM_LOCAL_ADDRESS',
          'UPSTREAM_REMOTE_PORT',
          'UPSTREAM_PROTOCOL',
          'UPSTREAM_REQUEST_ATTEMPT_COUNT',
          'UPSTREAM_TRANSPORT_FAILURE_REASON',
          'RESPONSE_CODE',
          'RESPONSE_CODE_DETAILS',
          'RESPONSE_CODE_DETAILS(ALLOW_WHITESPACES)',
          'RESPONSE_FLAGS',
          'RESPONSE_FLAGS_LONG',
          'BYTES_RECEIVED',
          'BYTES_SENT',
          'LOCAL_REPLY_BODY',
          'GRPC_STATUS',
          'GRPC_STATUS(NUMBER)',
          'GRPC_STATUS_NUMBER',
          'DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT',
          'DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(8)',
          'DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(0)',
          'DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(99)',
          'DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(x)',
          'DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT',
          'DOWNSTREAM_LOCAL_PORT',
          'DOWNSTREAM_TLS_VERSION',
          'DOWNSTREAM_PEER_URI_SAN',
          'REQUESTED_SERVER_NAME',
          'REQUESTED_SERVER_NAME(HOST_FIRST)',
          'ENVIRONMENT(CONFORMANCE_NOPE)',
          'FILTER_STATE(a:PLAIN)',
          'DYNAMIC_METADATA(a:b)',
          'UPSTREAM_METADATA(a:b)',
          'TRACE_ID',
          'PROTOCOL()',
        ]),
      ),
    ],
    requests: [
      ['request', {}],
      ['POST', { method: 'POST', body: 'hello' }],
    ],
  },
  {
    name: 'query',
    routes: [
      forward(
        { prefix: '/' },
        {},
        values([
          'QUERY_PARAM(q)',
          'QUERY_PARAM(q):2',
          'QUERY_PARAM(a b)',
          'QUERY_PARAMS',
          'QUERY_PARAMS(ORIG)',
          'QUERY_PARAMS(DECODED)',
          'QUERY_PARAMS(ORIG):3',
          'PATH',
          'PATH(WQ)',
          'PATH(NQ)',
          'PATH(NQ:PATH)',
          'PATH(WQ:ORIG)',
          'PATH(NQ:ORIG_OR_PATH)',
          'PATH(WQ:PATH):3',
        ]),
      ),
    ],
    requests: [
      '/p?q=abc',
      '/p?q=a%20b&q=2',
      '/p?a%20b=x',
      '/p',
      '/p?',
      '/p?q',
      '/p?q=',
      '/p?q=%zz%41%',
      '/p?q=%2541',
      '/p?q=a+b',
      '/p?%71=enc',
      '/p?q=%7e%7E%21',
      '/?q=a;b=c&&',
    ].map((path) => [path, { path }] as const),
  },
  {
    name: 'metadata',
    routes: [
      forward(
        { prefix: '/' },
        {},
        values([
          'METADATA(ROUTE:ns:text)',
          'METADATA(ROUTE:ns:text):2',
          'METADATA(ROUTE:ns:number)',
          'METADATA(ROUTE:ns:whole)',
          'METADATA(ROUTE:ns:flag)',
          'METADATA(ROUTE:ns:none)',
          'METADATA(ROUTE:ns:list)',
          'METADATA(ROUTE:ns:deep)',
          'METADATA(ROUTE:ns:deep:a:b)',
          'METADATA(ROUTE:ns:nope)',
          'METADATA(ROUTE:ns:text:x)',
          'METADATA(ROUTE:nope:x)',
          'METADATA(ROUTE:ns)',
          'METADATA(DYNAMIC:ns:x)',
          'METADATA(UPSTREAM_HOST:ns:x)',
        ]),
      ),
    ],
    requests: plain,
  },
  {
    name: 'time',
    routes: [
      forward(
        { prefix: '/' },
        {},
        values([
          'START_TIME(%Y)',
          'START_TIME(%q%%)',
          'START_TIME(abc)',
          'EMIT_TIME(%Y%Z)',
          'COMMON_DURATION(foo:bar)',
          'COMMON_DURATION(DS_RX_BEG:US_RX_END)',
          'START_TIME(%z)',
        ]),
      ),
    ],
    requests: plain,
  },
  {
    name: 'virtual-cluster',
    host: {
      virtual_clusters: [
        { name: 'posts', headers: [{ name: ':method', exact_match: 'POST' }] },
        {
          name: 'items',
          headers: [
            { name: ':path', safe_regex_match: { regex: '/items/\\d+' } },
            { name: ':method', exact_match: 'GET' },
          ],
        },
      ],
    },
    routes: [forward({ prefix: '/' }, {}, values(['VIRTUAL_CLUSTER_NAME']))],
    requests: [
      ['other', {}],
      ['first', { method: 'POST', path: '/items/1' }],
      ['second', { path: '/items/12' }],
      ['with query', { path: '/items/12?q' }],
    ],
  },
]);

export const scenarios: readonly Scenario[] = [requestScenario, ...levelScenarios, responseScenario, formatScenario];
