import { bootstrap, cluster, fileLog, listener, manager, routeConfig, router, simple, typed } from '../config.ts';
import type { Behaviour, Case, Json, Places, Scenario } from '../types.ts';

const TYPE = 'envoy.extensions.filters.http.header_mutation.v3.HeaderMutation';
const PER_ROUTE = 'envoy.extensions.filters.http.header_mutation.v3.HeaderMutationPerRoute';
const GRPC_STATS = 'envoy.extensions.filters.http.grpc_stats.v3.FilterConfig';
const format =
  '%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %GRPC_STATUS_NUMBER% [%TRAILER(t)%] %BYTES_SENT%\n';

const append = (key: string, value: string, action?: string, more: Json = {}): Json => ({
  append: { header: { key, value }, ...(action ? { append_action: action } : {}), ...more },
});
const both = (...list: Json[]): Json => ({ request_trailers_mutations: list, response_trailers_mutations: list });

const post = (path: string, trailers: string, body = '3\r\nabc\r\n'): string =>
  `POST ${path} HTTP/1.1\r\nhost: a.test\r\nx-h: head\r\ntransfer-encoding: chunked\r\n\r\n${body}0\r\n${trailers}\r\n`;
const answer = (trailers: string, body = '2\r\nok\r\n', headers = ''): Behaviour => ({
  raw: `HTTP/1.1 200 OK\r\n${headers}transfer-encoding: chunked\r\n\r\n${body}0\r\n${trailers}\r\n`,
});
const FIELDS = 't: 1\r\nX-T: a\r\nx-t: b\r\n';

const rows: readonly (readonly [string, Json])[] = [
  ['nothing', {}],
  ['append', both(append('t', '2'), append('new', '3'))],
  ['add if absent', both(append('t', '2', 'ADD_IF_ABSENT'), append('new', '3', 'ADD_IF_ABSENT'))],
  ['overwrite', both(append('x-t', '2', 'OVERWRITE_IF_EXISTS'), append('new', '3', 'OVERWRITE_IF_EXISTS'))],
  ['overwrite or add', both(append('x-t', '2', 'OVERWRITE_IF_EXISTS_OR_ADD'), append('new', '3'))],
  ['remove', both({ remove: 'x-t' }, { remove: 'T' })],
  ['remove on match', both({ remove_on_match: { key_matcher: { prefix: 'x-' } } })],
  ['values of the message', both(append('n', '%REQ(x-h)% %RESP(x-r)% [%TRAILER(t)%] %PROTOCOL%'))],
  ['an empty value', both(append('n', ''), append('m', '', undefined))],
  [
    'heads too',
    { ...both(append('t', '2')), request_mutations: [append('h', '1')], response_mutations: [append('h', '1')] },
  ],
  ['names kept once elsewhere', both(append('grpc-status', '5'), append('via', 'x'), append('via', 'y'))],
];

const perRoute = rows.map(([name, mutations]) => ({
  match: { path: `/${name.replaceAll(' ', '-')}` },
  route: { cluster: 'c0' },
  typed_per_filter_config: { m: typed(PER_ROUTE, { mutations }) },
}));

const cases: readonly Case[] = [
  ...rows.map(([name]): Case => {
    const path = `/${name.replaceAll(' ', '-')}`;
    return {
      name,
      requests: [post(path, FIELDS)],
      backends: { 0: [answer(`${FIELDS}grpc-status: 0\r\n`, undefined, 'x-r: response\r\n')] },
    };
  }),
  { name: 'no trailers', requests: [post('/append', '')], backends: { 0: [answer('')] } },
  {
    name: 'no body before them',
    requests: [post('/append', FIELDS, '')],
    backends: { 0: [answer(FIELDS, '')] },
  },
  { name: 'a request without a body', requests: [{ path: '/append' }], backends: { 0: [answer(FIELDS)] } },
  { name: 'a response of known length', requests: [post('/append', FIELDS)] },
  {
    name: 'in small pieces',
    steps: [{ sendSplit: post('/append', FIELDS) }],
    backends: { 0: [answer(FIELDS)] },
    without: ['bodies'],
  },
  { name: 'a reply of the proxy', requests: [post('/direct', FIELDS)] },
  {
    name: 'HTTP/1.0',
    requests: ['GET /append HTTP/1.0\r\nhost: a.test\r\n\r\n'],
    backends: { 0: [answer(FIELDS)] },
  },
  {
    name: 'a retry',
    requests: [post('/retried', FIELDS)],
    backends: { 0: [{ raw: 'HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n' }, answer(FIELDS)] },
  },
  {
    name: 'an internal redirect',
    requests: [post('/redirected', FIELDS)],
    backends: {
      0: [{ raw: 'HTTP/1.1 302 Found\r\nlocation: http://a.test/append\r\ncontent-length: 0\r\n\r\n' }, answer(FIELDS)],
    },
  },
  {
    name: 'a mirror',
    requests: [post('/mirrored', FIELDS)],
    backends: { 0: [answer(FIELDS)], 1: [answer(FIELDS)] },
    sideBySide: true,
    settleMs: 200,
  },
];

const trailing = { http_protocol_options: { enable_trailers: true, accept_http_10: true } };
const clusterOptions = (more: Json = {}): Json => ({
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': typed(
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      {
        explicit_http_config: { http_protocol_options: { enable_trailers: true } },
        ...more,
      },
    ),
  },
});

const routes: readonly Json[] = [
  { match: { prefix: '/direct' }, direct_response: { status: 200, body: { inline_string: 'here' } } },
  {
    match: { path: '/retried' },
    route: { cluster: 'c0', retry_policy: { retry_on: '5xx', num_retries: 2 } },
    typed_per_filter_config: { m: typed(PER_ROUTE, { mutations: both(append('t', '2')) }) },
  },
  { match: { path: '/redirected' }, route: { cluster: 'c0', internal_redirect_policy: {} } },
  {
    match: { path: '/mirrored' },
    route: { cluster: 'c0', request_mirror_policies: [{ cluster: 'c1' }] },
    typed_per_filter_config: { m: typed(PER_ROUTE, { mutations: both(append('t', '2')) }) },
  },
  ...perRoute,
  { match: { prefix: '/' }, route: { cluster: 'c0' } },
];

const clusters = (places: Places, options: Json): readonly Json[] => [
  cluster(places, 0, [0], clusterOptions(options)),
  cluster(places, 1, [1], clusterOptions()),
];

const withFilters = (
  places: Places,
  filters: readonly Json[],
  options: Json,
  more: Json = {},
  upstream: Json = {},
): Json =>
  bootstrap(
    places,
    [
      listener(places, 0, [
        manager(places, {
          ...options,
          access_log: [fileLog(places, format)],
          route_config: routeConfig(routes),
          http_filters: [...filters, router()],
          ...more,
        }),
      ]),
    ],
    clusters(places, upstream),
  );

const mutation = (name: string, mutations: Json): Json => ({ name, typed_config: typed(TYPE, { mutations }) });

const grpc = (path: string, trailers: string, body = '5\r\n\0\0\0\0\0\r\n'): Case => ({
  name: `${path.slice(1)} ${JSON.stringify(trailers)}`,
  requests: [
    {
      method: 'POST',
      path: `/pkg.Service${path}`,
      headers: { 'content-type': 'application/grpc' },
      body: '\0\0\0\0\0',
    },
  ],
  backends: { 0: [answer(trailers, body, 'content-type: application/grpc\r\n')] },
});

const grpcCases: readonly Case[] = [
  grpc('/Fine', 'grpc-status: 0\r\n'),
  grpc('/Failed', 'grpc-status: 14\r\ngrpc-message: no\r\n'),
  grpc('/Denied', 'grpc-status: 7\r\n'),
  grpc('/Strange', 'grpc-status: 77\r\n'),
  grpc('/NoNumber', 'grpc-status: x\r\n'),
  grpc('/Twice', 'grpc-status: 3\r\ngrpc-status: 0\r\n'),
  grpc('/None', 'other: 1\r\n'),
  grpc('/NoTrailers', ''),
  grpc('/NoBody', 'grpc-status: 0\r\n', ''),
];

const grpcStats: Json = { name: 'grpc', typed_config: typed(GRPC_STATS, { stats_for_all_methods: true }) };

/** What the host is charged with shows on the admin interface. */
const grpcScenario = (name: string, filters: readonly Json[], different: readonly string[] = []): Scenario => ({
  feature: 'trailers in filters',
  name,
  stats: [/^cluster\.c0\.grpc\./],
  bootstrap: (places) =>
    simple(places, {
      manager: { ...trailing, access_log: [fileLog(places, format)], http_filters: [...filters, router()] },
      clusters: [cluster(places, 0, [0], clusterOptions())],
    }),
  cases: grpcCases.map(
    (one): Case => ({
      ...one,
      admin: ['/clusters'],
      ...(different.some((path) => one.name.startsWith(path.slice(1))) ? { difference: 'grpc-status-text' } : {}),
    }),
  ),
});

export const scenarios: readonly Scenario[] = [
  {
    feature: 'trailers in filters',
    name: 'of routes',
    backends: ['http', 'http'],
    bootstrap: (places) => withFilters(places, [mutation('m', both(append('own', '%REQ(:PATH)%')))], trailing),
    cases,
  },
  {
    feature: 'trailers in filters',
    name: 'where the client gets none',
    backends: ['http', 'http'],
    bootstrap: (places) => withFilters(places, [mutation('m', {})], {}),
    cases: cases.slice(0, 3),
  },
  {
    feature: 'trailers in filters',
    name: 'in the order of the chain',
    backends: ['http', 'http'],
    bootstrap: (places) =>
      withFilters(
        places,
        [mutation('first', both(append('t', 'first'))), mutation('second', both(append('t', 'second')))],
        trailing,
      ),
    cases: cases.slice(0, 1),
  },
  {
    feature: 'trailers in filters',
    name: 'of a cluster',
    backends: ['http', 'http'],
    bootstrap: (places) =>
      withFilters(
        places,
        [mutation('m', {})],
        trailing,
        {},
        {
          http_filters: [
            mutation('up', { request_trailers_mutations: [append('up', 'u'), append('t', 'up')] }),
            {
              name: 'codec',
              typed_config: typed('envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec'),
            },
          ],
        },
      ),
    cases: cases.filter(({ name }) =>
      ['nothing', 'append', 'no trailers', 'no body before them', 'a retry', 'a mirror'].includes(name),
    ),
  },
  grpcScenario('gRPC', [grpcStats], ['/NoNumber', '/Twice']),
  grpcScenario('gRPC changed by filters', [
    mutation('m', { response_trailers_mutations: [append('grpc-message', 'more')] }),
    grpcStats,
    mutation('n', { response_trailers_mutations: [append('grpc-status', '9', 'OVERWRITE_IF_EXISTS')] }),
  ]),
];
