import { cluster, router, toCluster, typed } from '../config.ts';
import { action, overloaded, threshold } from '../overloads.ts';
import type { Case, Json, Request, Scenario } from '../types.ts';
import { type Variant, variants } from '../variants.ts';

const feature = 'local replies';

/** Shows that a response passed it, with the status that it saw. */
const marks = (name: string, more: Json = {}): Json => ({
  name,
  typed_config: typed('envoy.extensions.filters.http.header_mutation.v3.HeaderMutation', {
    mutations: {
      request_mutations: [{ append: { header: { key: 'x-asked', value: name } } }],
      response_mutations: [
        { append: { header: { key: 'x-filter', value: `${name} %RESPONSE_CODE% %REQ(x-asked)%` } } },
      ],
    },
  }),
  ...more,
});
const compressor: Json = {
  name: 'compressor',
  typed_config: typed('envoy.extensions.filters.http.compressor.v3.Compressor', {
    response_direction_config: { common_config: { min_content_length: 1, content_type: ['text/plain'] } },
    compressor_library: {
      name: 'gzip',
      typed_config: typed('envoy.extensions.compression.gzip.compressor.v3.Gzip'),
    },
  }),
};
const cors: Json = { name: 'cors', typed_config: typed('envoy.extensions.filters.http.cors.v3.Cors') };
const basic: Json = {
  name: 'buffer',
  typed_config: typed('envoy.extensions.filters.http.buffer.v3.Buffer', { max_request_bytes: 5 }),
};
const filters = { http_filters: [marks('a'), marks('b'), router()] };

const at = (name: string, request: Request | string, more: Partial<Case> = {}): Case => ({
  name,
  requests: [request],
  ...more,
});
const fields = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':authority', 'a'],
] as const;

const routes: readonly Json[] = [
  { match: { path: '/direct' }, direct_response: { status: 200, body: { inline_string: 'fine' } } },
  { match: { path: '/gone' }, direct_response: { status: 410 } },
  { match: { path: '/redirect' }, redirect: { path_redirect: '/there' } },
  { match: { path: '/not-found' }, route: { cluster_header: 'x-cluster' } },
  toCluster('c1', {}, { path: '/refused' }),
  toCluster('c0', { timeout: '0.1s' }, { path: '/slow' }),
  toCluster('c0', {}, { path: '/' }),
];

/** Answers before there is a route, and those of routes. */
const replies: readonly Case[] = [
  at('an answer of a host', { path: '/' }),
  at('no route', { path: '/none' }),
  at('no cluster', { path: '/not-found', headers: { 'x-cluster': 'none' } }),
  at('a direct response', { path: '/direct' }),
  at('a direct response without a body', { path: '/gone' }),
  at('a redirect', { path: '/redirect' }),
  at('a host that is not there', { path: '/refused' }),
  at('a host that is slow', { path: '/slow' }, { backends: { 0: ['hang'] } }),
  at('HEAD', { method: 'HEAD', path: '/none' }),
  at('no host', { host: null }),
  at('a fragment', { path: '/#a' }),
  at('a relative path', { path: '*', method: 'OPTIONS' }),
  at('an upgrade that is not allowed', { headers: { connection: 'upgrade', upgrade: 'websocket' } }),
  at('an upgrade without a route', { path: '/none', headers: { connection: 'upgrade', upgrade: 'websocket' } }),
  at('CONNECT', 'CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n', { methods: ['CONNECT'] }),
  at('HTTP/1.0', 'GET / HTTP/1.0\r\nHost: a\r\n\r\n'),
  at('a line that is none', 'GET\r\n\r\n'),
  at('a header that is none', 'GET / HTTP/1.1\r\nHost: a\r\nx y\r\n\r\n'),
  at('length and chunks', 'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n'),
  at('chunks that are none', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n'),
  at('chunks that are none, answered', 'POST /none HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n'),
  at('too large', { headers: { 'x-large': 'x'.repeat(70_000) } }),
  at('gRPC without a host', {
    method: 'POST',
    host: null,
    headers: { 'content-type': 'application/grpc', 'content-length': '0' },
  }),
  { name: 'no host, then another request', requests: [{ host: null }, { path: '/' }] },
  { name: 'no route over HTTP/2', http2: [{ fields: [...fields, [':path', '/none']] }] },
  { name: 'a fragment over HTTP/2', http2: [{ fields: [...fields, [':path', '/#a']] }] },
  {
    name: 'a relative path over HTTP/2',
    http2: [{ fields: [[':method', 'OPTIONS'], ...fields.slice(1), [':path', '*']] }],
  },
];

/** A request that does not come to its end. Whether its host was reached before the time-out, and when its connection ends, is a matter of the moment. */
const slow = (name: string, text: string): Case => ({
  name,
  steps: [{ send: text }],
  without: ['fate', 'stats', 'backends'],
});
const inBody = slow('in its body', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nh');
const inHead = slow('in its head', 'POST / HTTP/1.1\r\nHo');

const early = [
  ...replies.filter(({ name }) => /host$|fragment$|no route$|allowed$|line|slow/.test(name)),
  at('QUERY without a type', { method: 'QUERY' }),
];
const short = { delayed_close_timeout: '0.1s' };

const managers: readonly Variant[] = [
  { name: 'two filters', manager: { ...short, ...filters }, routes, cases: replies },
  {
    name: 'a compressor',
    manager: { ...short, http_filters: [compressor, router()] },
    routes,
    cases: early.map(
      (one): Case => ({
        ...one,
        requests: (one.requests ?? []).map((request) =>
          typeof request === 'string'
            ? request
            : { ...request, headers: { ...(request.headers as Record<string, string>), 'accept-encoding': 'gzip' } },
        ),
        decoded: true,
      }),
    ),
  },
  {
    name: 'a filter that is off on its route',
    manager: { ...short, http_filters: [marks('a'), marks('b', { disabled: true }), router()] },
    routes: routes.map((route) => ({
      ...route,
      typed_per_filter_config: {
        a: typed('envoy.config.route.v3.FilterConfig', { disabled: true }),
        b: typed('envoy.config.route.v3.FilterConfig', {
          config: typed('envoy.extensions.filters.http.header_mutation.v3.HeaderMutationPerRoute', { mutations: {} }),
        }),
      },
    })),
    cases: early,
  },
  {
    name: 'mapped',
    manager: {
      ...short,
      ...filters,
      local_reply_config: {
        mappers: [
          {
            filter: {
              status_code_filter: { comparison: { op: 'GE', value: { default_value: 400, runtime_key: 'none' } } },
            },
            status_code: 450,
            body: { inline_string: 'mapped' },
            headers_to_add: [{ header: { key: 'x-mapped', value: '%RESPONSE_CODE%' } }],
          },
        ],
      },
    },
    routes,
    cases: early,
  },
  {
    name: 'CORS',
    manager: { ...short, http_filters: [cors, marks('b'), router()] },
    routes,
    cases: early,
  },
  { name: 'a buffer', manager: { ...short, http_filters: [basic, marks('b'), router()] }, routes, cases: early },
  {
    name: 'TLS is required',
    manager: { ...short, ...filters },
    routes,
    virtualHost: { require_tls: 'ALL' },
    cases: [at('a request', {}), at('POST', { method: 'POST', body: 'hello' })],
  },
  {
    name: 'a path brought into shape',
    manager: { ...short, ...filters, normalize_path: true, path_with_escaped_slashes_action: 'REJECT_REQUEST' },
    routes,
    cases: [at('refused', { path: '/a%2fb' }), at('above the root', { path: '/../..' })],
  },
  {
    name: 'a path that is redirected',
    manager: {
      ...short,
      ...filters,
      normalize_path: true,
      path_with_escaped_slashes_action: 'UNESCAPE_AND_REDIRECT',
    },
    routes,
    cases: [at('to its shape', { path: '/a%2fb' })],
  },
  {
    name: 'a request that is slow',
    manager: { ...short, ...filters, request_timeout: '0.15s' },
    routes,
    cases: [inBody, inHead],
  },
  {
    name: 'a head that is slow',
    manager: { ...short, ...filters, request_headers_timeout: '0.15s' },
    routes,
    cases: [inHead],
  },
  {
    name: 'an idle stream',
    manager: { ...short, ...filters, stream_idle_timeout: '0.15s' },
    routes,
    cases: [inBody, inHead, { name: 'at a host', requests: [{ path: '/' }], backends: { 0: ['hang'] } }],
  },
  {
    name: 'a limited stream',
    manager: { ...short, ...filters, common_http_protocol_options: { max_stream_duration: '0.15s' } },
    routes,
    cases: [inBody, inHead],
  },
  {
    name: 'filters of an upgrade',
    manager: {
      ...short,
      ...filters,
      upgrade_configs: [{ upgrade_type: 'websocket', filters: [marks('u'), router()] }],
    },
    routes,
    cases: [
      at('without a route', { path: '/none', headers: { connection: 'upgrade', upgrade: 'websocket' } }),
      at('without a host', { host: null, headers: { connection: 'upgrade', upgrade: 'websocket' } }),
      at('of another type', { headers: { connection: 'upgrade', upgrade: 'other' } }),
      at('of none', { path: '/none' }),
    ],
  },
  {
    name: 'errors of streams',
    manager: { ...short, ...filters, stream_error_on_invalid_http_message: true },
    routes,
    cases: [{ name: 'no host, then another request', requests: [{ host: null }, { path: '/' }] }],
  },
];

const overload: Scenario = {
  feature,
  name: 'through filters, overloaded',
  bootstrap: (places) =>
    overloaded(
      places,
      { actions: [action('stop_accepting_requests', [threshold(0.9)])] },
      { routes, manager: { ...short, ...filters }, clusters: [cluster(places, 0), cluster(places, 1)] },
    ),
  backends: ['http', 'closed'],
  cases: [
    { name: 'a request', pressure: '0.95', requests: [{}] },
    { name: 'no host', pressure: '0.95', requests: [{ host: null }] },
    { name: 'gRPC', pressure: '0.95', requests: [{ method: 'POST', headers: { 'content-type': 'application/grpc' } }] },
  ],
};

export const scenarios: readonly Scenario[] = [
  variants(feature, 'through filters', managers, {
    backends: ['http', 'closed'],
    clusters: (places) => [cluster(places, 0), cluster(places, 1)],
    log: '%REQ(:METHOD)% %REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %RESP(x-filter)% %REQ(x-asked)%\n',
  }),
  overload,
];
