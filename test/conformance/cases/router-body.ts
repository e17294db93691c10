import { cluster, routeConfig, router, simple, toCluster, typed } from '../config.ts';
import type { Behaviour, Case, Json, Scenario } from '../types.ts';

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const big = 'b'.repeat(300_000);
const chunkedBig = `${(100_000).toString(16)}\r\n${'c'.repeat(100_000)}\r\n`.repeat(3);

const exchanges: readonly Case[] = [
  { name: 'a large body up', requests: [{ method: 'POST', body: big }] },
  {
    name: 'a large body up in chunks',
    requests: [{ method: 'POST', body: big, chunked: true }],
    // How a long body is cut into chunks is each proxy's own.
    without: ['bodies'],
  },
  {
    name: 'a large body down',
    requests: [{}],
    backends: { 0: [{ raw: `HTTP/1.1 200 OK\r\ncontent-length: ${big.length}\r\n\r\n${big}` }] },
  },
  {
    name: 'a large body down in chunks',
    requests: [{}],
    backends: { 0: [{ raw: `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunkedBig}0\r\n\r\n` }] },
    // How a long body is cut into chunks is each proxy's own.
    without: ['bodies'],
  },
  { name: 'an empty chunked body', requests: [{ method: 'POST', body: '', chunked: true }] },
  { name: 'a GET with a body', requests: [{ body: 'get' }] },
  { name: 'a DELETE with a body', requests: [{ method: 'DELETE', body: 'del' }] },
  {
    name: 'a response in pieces',
    requests: [{}],
    backends: {
      0: [
        {
          raw: [
            { raw: 'HTTP/1.1 200 OK\r\ncont' },
            { raw: 'ent-length: 4\r\n\r\n', afterMs: 20 },
            { raw: 'ab', afterMs: 20 },
            { raw: 'cd', afterMs: 20 },
          ],
        },
      ],
    },
  },
  {
    name: 'a response that ends with the connection',
    requests: [{}],
    backends: { 0: [{ raw: 'HTTP/1.1 200 OK\r\n\r\nabc', afterwards: 'close' }] },
  },
  {
    name: 'an empty response that ends with the connection',
    requests: [{}],
    backends: { 0: [{ raw: 'HTTP/1.1 200 OK\r\n\r\n', afterwards: 'close' }] },
  },
  {
    name: 'a reset ends a response that ends with the connection',
    requests: [{}],
    backends: { 0: [{ raw: [{ raw: 'HTTP/1.1 200 OK\r\n\r\nabc' }, { raw: '', afterMs: 40 }], afterwards: 'reset' }] },
  },
  {
    name: 'an answer before the whole body',
    steps: [{ send: 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc' }],
    backends: { 0: [{ early: OK }] },
  },
  {
    name: 'an answer and a close before the whole body',
    steps: [{ send: 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc' }],
    backends: { 0: [{ early: OK, afterwards: 'close' }] },
  },
  {
    name: 'the start of an answer before the whole body',
    steps: [
      { send: 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\nabc' },
      { sleep: 50 },
      { send: 'def' },
      { sleep: 50 },
    ],
    backends: { 0: [{ early: 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nok', afterwards: 'close' }] },
    // Whether the upstream sees the rest before it closes is a matter of time, and so is how the connection ends.
    without: ['backends', 'fate'],
  },
  {
    name: 'the client goes while it waits',
    steps: [{ send: 'GET / HTTP/1.1\r\nhost: a\r\n\r\n' }, { sleep: 60 }, { do: 'close' }],
    responses: 0,
    backends: { 0: ['hang'] },
    settleMs: 80,
    without: ['fate'],
  },
  {
    name: 'the client goes in its body',
    steps: [{ send: 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc' }, { sleep: 60 }, { do: 'close' }],
    responses: 0,
    settleMs: 80,
    without: ['fate'],
  },
  {
    name: 'pipelined requests are answered in order',
    steps: [
      {
        send: 'GET /1 HTTP/1.1\r\nhost: a\r\n\r\nPOST /2 HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabcGET /3 HTTP/1.1\r\nhost: a\r\n\r\n',
      },
    ],
    responses: 3,
    backends: {
      0: [
        { raw: [{ raw: OK.replace('ok', 'r1'), afterMs: 60 }] },
        { raw: OK.replace('ok', 'r2') },
        { raw: OK.replace('ok', 'r3') },
      ],
    },
  },
  {
    name: 'a late answer to a timed-out request meets no other',
    steps: [
      {
        send: 'GET /slow HTTP/1.1\r\nhost: a\r\n\r\nGET /2 HTTP/1.1\r\nhost: a\r\n\r\nGET /3 HTTP/1.1\r\nhost: a\r\n\r\n',
      },
    ],
    responses: 3,
    backends: {
      0: [
        { raw: [{ raw: OK.replace('ok', 'r1'), afterMs: 200 }] },
        { raw: [{ raw: OK.replace('ok', 'r2'), afterMs: 120 }] },
        { raw: OK.replace('ok', 'r3') },
      ],
    },
  },
  {
    name: 'what an upstream sends without being asked ends its connection',
    requests: [{}, { path: '/2' }],
    backends: { 0: [{ raw: [{ raw: OK }, { raw: 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil', afterMs: 5 }] }] },
    settleMs: 20,
    // Whether it comes before the next request is a matter of time.
    without: ['connections', 'stats', 'log'],
  },
];

const rbac = (action: string, permission: Json, more: Json = {}): Json => ({
  name: 'rbac',
  typed_config: typed('envoy.extensions.filters.http.rbac.v3.RBAC', {
    rules: { action, policies: { one: { permissions: [permission], principals: [{ any: true }] } } },
    ...more,
  }),
});
const codec: Json = {
  name: 'codec',
  typed_config: typed('envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec'),
};
const path = (text: string): Json => ({ url_path: { path: { prefix: text } } });
const bad: Behaviour = { raw: 'HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n' };

export const scenarios: readonly Scenario[] = [
  {
    feature: 'router bodies',
    name: 'both ways',
    bootstrap: (places) =>
      simple(places, {
        routes: [toCluster('c0', { timeout: '0.1s' }, { prefix: '/slow' }), toCluster('c0', { timeout: '0s' })],
      }),
    cases: exchanges,
  },
  {
    feature: 'upstream filters',
    name: 'of the router and of clusters',
    backends: ['http', 'http', 'http'],
    bootstrap: (places) => {
      const options = (filters: readonly Json[]): Json => ({
        typed_extension_protocol_options: {
          'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': typed(
            'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
            { explicit_http_config: { http_protocol_options: {} }, http_filters: [...filters, codec] },
          ),
        },
      });
      const retry = { timeout: '0s', retry_policy: { retry_on: '5xx', retry_back_off: { base_interval: '0.001s' } } };
      return simple(places, {
        manager: {
          http_filters: [router({ upstream_http_filters: [rbac('DENY', path('/denied')), codec] })],
          route_config: routeConfig(
            [
              toCluster('c0', { prefix_rewrite: '/denied' }, { prefix: '/becomes-denied' }),
              toCluster('c0', { prefix_rewrite: '/fine' }, { prefix: '/denied/no-more' }),
              toCluster('c1', { prefix_rewrite: '/' }, { prefix: '/cluster/' }),
              toCluster('c2', {}, { prefix: '/port' }),
              toCluster('c0', retry, { prefix: '/retry' }),
              {
                ...toCluster('c1', {}, { prefix: '/added' }),
                request_headers_to_add: [{ header: { key: 'x-secret', value: 'yes' } }],
              },
              toCluster('c0'),
            ],
            { response_headers_to_add: [{ header: { key: 'x-added', value: 'by-table' } }] },
            { include_request_attempt_count: true, include_attempt_count_in_response: true },
          ),
        },
        clusters: [
          cluster(places, 0),
          cluster(
            places,
            1,
            [1],
            options([
              rbac('DENY', {
                or_rules: { rules: [path('/forbidden'), { header: { name: 'x-secret', present_match: true } }] },
              }),
            ]),
          ),
          cluster(places, 2, [2], options([rbac('ALLOW', { destination_port: places.backend(2) })])),
        ],
      });
    },
    cases: [
      { name: 'the router’s, allowed', requests: [{ path: '/fine' }] },
      { name: 'the router’s, denied', requests: [{ path: '/denied' }] },
      { name: 'the rewritten path is judged', requests: [{ path: '/becomes-denied' }] },
      { name: 'the path before is not', requests: [{ path: '/denied/no-more' }] },
      { name: 'the cluster’s, allowed', requests: [{ path: '/cluster/fine' }] },
      { name: 'the cluster’s, denied', requests: [{ path: '/cluster/forbidden' }] },
      { name: 'the cluster’s take the place of the router’s', requests: [{ path: '/cluster/denied' }] },
      { name: 'added headers are judged', requests: [{ path: '/added' }] },
      { name: 'the chosen host is judged', requests: [{ path: '/port' }] },
      { name: 'a retry passes them again', requests: [{ path: '/retry' }], backends: { 0: [bad] } },
      { name: 'a body that is denied', requests: [{ method: 'POST', path: '/denied', body: 'hello' }] },
      { name: 'a body that is allowed', requests: [{ method: 'POST', path: '/cluster/fine', body: 'hello' }] },
    ],
  },
];
