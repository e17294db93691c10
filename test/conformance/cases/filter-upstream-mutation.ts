import { cluster, fileLog, router, simple, typed } from '../config.ts';
import type { Behaviour, Case, Json, Scenario } from '../types.ts';

const MUTATION = 'envoy.extensions.filters.http.header_mutation.v3.HeaderMutation';
const PER_ROUTE = 'envoy.extensions.filters.http.header_mutation.v3.HeaderMutationPerRoute';
const format = '%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% [%RESP(X-UP)%] [%TRAILER(t)%]\n';

const append = (key: string, value: string, append_action?: string): Json => ({
  append: { header: { key, value }, ...(append_action ? { append_action } : {}) },
});
const mutation = (name: string, mutations: Json): Json => ({ name, typed_config: typed(MUTATION, { mutations }) });
const codec: Json = {
  name: 'codec',
  typed_config: typed('envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec'),
};

const reply = (status: number, headers = ''): Behaviour => ({
  raw: `HTTP/1.1 ${status} X\r\nx-b: backend\r\n${headers}content-length: 2\r\n\r\nok`,
});
const trailing: Behaviour = {
  raw: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nt: 1\r\n\r\n',
};

const cases: readonly Case[] = [
  { name: 'a response', requests: [{}], backends: { 0: [reply(200)] } },
  { name: 'HEAD', requests: [{ method: 'HEAD' }], backends: { 0: [{ raw: 'HTTP/1.1 200 OK\r\n\r\n' }] } },
  { name: 'no content', requests: [{}], backends: { 0: [{ raw: 'HTTP/1.1 204 No\r\n\r\n' }] } },
  { name: 'trailers', requests: [{}], backends: { 0: [trailing] } },
  {
    name: 'an interim response',
    requests: [{}],
    backends: { 0: [{ raw: 'HTTP/1.1 103 E\r\nl: 1\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n' }] },
  },
  {
    name: 'a retry by what the filter removed',
    requests: [{ path: '/retried' }],
    backends: { 0: [reply(503), reply(200)] },
  },
  { name: 'a retry by a header', requests: [{ path: '/header' }], backends: { 0: [reply(200), reply(200)] } },
  { name: 'no answer', requests: [{}], backends: { 0: [{ end: 'close' }] } },
  { name: 'a route of its own', requests: [{ path: '/own' }], backends: { 0: [reply(200)] } },
  { name: 'a route that turns it off', requests: [{ path: '/off' }], backends: { 0: [reply(200)] } },
  { name: 'a direct response', requests: [{ path: '/direct' }] },
];

const routes: readonly Json[] = [
  { match: { path: '/direct' }, direct_response: { status: 200 } },
  { match: { path: '/retried' }, route: { cluster: 'c0', retry_policy: { retry_on: '5xx' } } },
  {
    match: { path: '/header' },
    route: {
      cluster: 'c0',
      retry_policy: { retry_on: 'retriable-headers', retriable_headers: [{ name: 'x-up', present_match: true }] },
    },
  },
  {
    match: { path: '/own' },
    route: { cluster: 'c0' },
    typed_per_filter_config: {
      up: typed(PER_ROUTE, { mutations: { response_mutations: [append('x-own', '%RESP(x-up)% %RESPONSE_CODE%')] } }),
    },
  },
  {
    match: { path: '/off' },
    route: { cluster: 'c0' },
    typed_per_filter_config: { up: typed('envoy.config.route.v3.FilterConfig', { disabled: true }) },
  },
  { match: { prefix: '/' }, route: { cluster: 'c0' } },
];

const filters: readonly Json[] = [
  mutation('up', {
    response_mutations: [
      append('x-up', 'up'),
      { remove: 'x-b' },
      append('x-path', '%REQ(:PATH)% %RESP(x-b)%'),
      append('server', 'mine', 'OVERWRITE_IF_EXISTS_OR_ADD'),
    ],
    response_trailers_mutations: [append('t', 'up')],
  }),
  mutation('last', {
    response_mutations: [append('x-up', 'last')],
    response_trailers_mutations: [append('t', 'last')],
  }),
];

const options = { explicit_http_config: { http_protocol_options: { enable_trailers: true } } };

export const scenarios: readonly Scenario[] = [
  {
    feature: 'header mutation filter',
    name: 'responses in filters of a cluster',
    bootstrap: (places) =>
      simple(places, {
        routes,
        manager: {
          access_log: [fileLog(places, format)],
          http_protocol_options: { enable_trailers: true },
          server_header_transformation: 'PASS_THROUGH',
          proxy_100_continue: true,
        },
        clusters: [
          cluster(places, 0, [0], {
            typed_extension_protocol_options: {
              'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': typed(
                'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
                { ...options, http_filters: [...filters, codec] },
              ),
            },
          }),
        ],
      }),
    cases,
  },
  {
    feature: 'header mutation filter',
    name: 'responses in filters of the router',
    bootstrap: (places) =>
      simple(places, {
        routes,
        manager: {
          access_log: [fileLog(places, format)],
          http_filters: [router({ upstream_http_filters: [...filters, codec] })],
        },
      }),
    cases: cases.slice(0, 2),
  },
];
