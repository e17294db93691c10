import { cluster, routeConfig, router, simple, toCluster } from '../config.ts';
import { steering } from '../steering.ts';
import type { Behaviour, Scenario } from '../types.ts';

const post = { method: 'POST', body: 'hello' } as const;

/** What an upstream may do wrong, and the script that does it. */
const wrongs: readonly (readonly [string, Behaviour])[] = [
  ['closes without an answer', { end: 'close' }],
  ['resets without an answer', { end: 'reset' }],
  ['closes in the status line', { raw: 'HTTP/1.1 200', afterwards: 'close' }],
  ['closes in the head', { raw: 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n', afterwards: 'close' }],
  ['speaks no HTTP', { raw: 'hello\r\n\r\n' }],
  ['sends a head with a bad name', { raw: 'HTTP/1.1 200 OK\r\nbad name: x\r\n\r\n' }],
  ['sends two lengths', { raw: 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\na' }],
  ['sends a length that is no number', { raw: 'HTTP/1.1 200 OK\r\ncontent-length: a\r\n\r\na' }],
  [
    'sends length and chunks',
    { raw: 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n' },
  ],
  [
    'sends an encoding other than chunked',
    { raw: 'HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\na', afterwards: 'close' },
  ],
  ['sends a body with 204', { raw: 'HTTP/1.1 204 No\r\ncontent-length: 1\r\n\r\na' }],
  ['sends chunks with 204', { raw: 'HTTP/1.1 204 No\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n' }],
  ['sends an upgrade nobody asked for', { raw: 'HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n' }],
  ['closes in a body with a length', { raw: 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc', afterwards: 'close' }],
  [
    'resets in a body with a length',
    {
      raw: [{ raw: 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc' }, { raw: '', afterMs: 40 }],
      afterwards: 'reset',
    },
  ],
  [
    'closes in a chunked body',
    { raw: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n', afterwards: 'close' },
  ],
  ['closes between head and body', { raw: 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n', afterwards: 'close' }],
  ['sends a broken chunk', { raw: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n' }],
  ['sends more than its length', { raw: 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokmore' }],
  ['answers HTTP/1.0 without a length', { raw: 'HTTP/1.0 200 OK\r\n\r\nabc', afterwards: 'close' }],
  ['sends 304 with a length', { raw: 'HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n' }],
  ['sends a status without a reason', { raw: 'HTTP/1.1 200\r\ncontent-length: 2\r\n\r\nok' }],
  ['sends status 999', { raw: 'HTTP/1.1 999 Odd\r\ncontent-length: 2\r\n\r\nok' }],
  ['sends status 600', { raw: 'HTTP/1.1 600 Odd\r\ncontent-length: 2\r\n\r\nok' }],
];

export const scenarios: readonly Scenario[] = [
  {
    feature: 'router replies',
    name: 'an upstream that misbehaves',
    bootstrap: (places) => simple(places, {}),
    cases: wrongs.flatMap(([name, script]) => [{ name: `GET: ${name}`, requests: [{}], backends: { 0: [script] } }]),
  },
  {
    feature: 'router replies',
    name: 'an upstream that misbehaves towards a body',
    bootstrap: (places) => simple(places, {}),
    cases: wrongs
      .slice(0, 6)
      .map(([name, script]) => ({ name: `POST: ${name}`, requests: [post], backends: { 0: [script] } })),
  },
  {
    feature: 'router replies',
    name: 'the same with attempts counted and headers added',
    bootstrap: (places) =>
      simple(places, {
        manager: {
          route_config: routeConfig(
            [toCluster('c0', {}), toCluster('c0')],
            { response_headers_to_add: [{ header: { key: 'x-added', value: 'by-table' } }] },
            { include_request_attempt_count: true, include_attempt_count_in_response: true },
          ),
        },
      }),
    cases: [
      { name: 'good', requests: [{}] },
      {
        name: 'good, the upstream has a count of its own',
        requests: [{}],
        backends: { 0: [{ raw: 'HTTP/1.1 200 OK\r\nx-envoy-attempt-count: 9\r\ncontent-length: 0\r\n\r\n' }] },
      },
      { name: 'the client has a count of its own', requests: [{ headers: { 'x-envoy-attempt-count': '7' } }] },
      { name: 'closes', requests: [{}], backends: { 0: [{ end: 'close' }] } },
      { name: 'protocol error', requests: [{}], backends: { 0: [{ raw: 'no\r\n\r\n' }] } },
      { name: 'HEAD that closes', requests: [{ method: 'HEAD' }], backends: { 0: [{ end: 'close' }] } },
      {
        name: 'gRPC that closes',
        requests: [{ method: 'POST', headers: { 'content-type': 'application/grpc' }, body: 'x' }],
        backends: { 0: [{ end: 'close' }] },
      },
    ],
  },
  {
    feature: 'router replies',
    name: 'no cluster, no host',
    backends: ['http', 'closed'],
    bootstrap: (places) =>
      simple(places, {
        manager: {
          route_config: routeConfig(
            [
              toCluster('unknown', {}, { prefix: '/unknown' }),
              toCluster('unknown', { cluster_not_found_response_code: 'NOT_FOUND' }, { prefix: '/404' }),
              toCluster('unknown', { cluster_not_found_response_code: 'INTERNAL_SERVER_ERROR' }, { prefix: '/500' }),
              { match: { prefix: '/header' }, route: { cluster_header: 'x-cluster', prefix_rewrite: '/rewritten' } },
              toCluster('c2', { prefix_rewrite: '/rewritten' }, { prefix: '/empty' }),
              toCluster('c1', { prefix_rewrite: '/rewritten' }, { prefix: '/refused' }),
            ],
            { validate_clusters: false },
            { include_request_attempt_count: true, include_attempt_count_in_response: true },
          ),
        },
        clusters: [cluster(places, 0), cluster(places, 1), cluster(places, 2, [])],
      }),
    cases: [
      { name: 'unknown cluster', requests: [{ path: '/unknown' }] },
      { name: 'unknown cluster with 404', requests: [{ path: '/404' }] },
      { name: 'unknown cluster with 500', requests: [{ path: '/500' }] },
      { name: 'cluster by header', requests: [{ path: '/header', headers: { 'x-cluster': 'c0' } }] },
      { name: 'cluster by header, none', requests: [{ path: '/header' }] },
      { name: 'cluster by header, empty', requests: [{ path: '/header', headers: { 'x-cluster': '' } }] },
      { name: 'cluster by header, unknown', requests: [{ path: '/header', headers: { 'x-cluster': 'nope' } }] },
      { name: 'no host', requests: [{ path: '/empty/a' }] },
      { name: 'no host for a body', requests: [{ ...post, path: '/empty/a' }] },
      { name: 'refused', requests: [{ path: '/refused/a' }] },
      { name: 'refused for a body', requests: [{ ...post, path: '/refused/a' }] },
      { name: 'refused for HEAD', requests: [{ method: 'HEAD', path: '/refused/a' }] },
      {
        name: 'refused, then good on the same connection',
        requests: [{ path: '/refused/a' }, { path: '/header', headers: { 'x-cluster': 'c0' } }],
      },
    ],
  },
  {
    feature: 'router replies',
    name: 'without Envoy headers',
    bootstrap: (places) =>
      simple(places, {
        manager: { http_filters: [router({ suppress_envoy_headers: true })] },
        routes: [
          toCluster('c0', { prefix_rewrite: '/new' }, { prefix: '/rewrite' }),
          toCluster('c1', {}, { prefix: '/overflow' }),
          toCluster('c0', { timeout: '0.1s' }),
        ],
        clusters: [
          cluster(places, 0),
          cluster(places, 1, [0], { circuit_breakers: { thresholds: [{ max_requests: 0 }] } }),
        ],
      }),
    cases: [
      { name: 'good', requests: [{}] },
      { name: 'rewritten path', requests: [{ path: '/rewrite/a' }] },
      { name: 'overflow', requests: [{ path: '/overflow' }] },
      { name: 'timeout', requests: [{}], backends: { 0: ['hang'] } },
    ],
  },
  {
    feature: 'router replies',
    name: 'circuit breakers',
    bootstrap: (places) =>
      simple(places, {
        routes: [
          toCluster('c0', {}, { prefix: '/requests' }),
          toCluster('c1', {}, { prefix: '/pending' }),
          toCluster('c2', { priority: 'HIGH' }, { prefix: '/high' }),
          toCluster('c2', {}, { prefix: '/default' }),
        ],
        clusters: [
          cluster(places, 0, [0], { circuit_breakers: { thresholds: [{ max_requests: 0 }] } }),
          cluster(places, 1, [0], { circuit_breakers: { thresholds: [{ max_pending_requests: 0 }] } }),
          cluster(places, 2, [0], { circuit_breakers: { thresholds: [{ priority: 'HIGH', max_requests: 0 }] } }),
        ],
      }),
    cases: [
      { name: 'no requests allowed', requests: [{ path: '/requests' }] },
      { name: 'no requests allowed, with a body', requests: [{ ...post, path: '/requests' }] },
      { name: 'no pending requests allowed', requests: [{ path: '/pending' }] },
      { name: 'the high priority is full', requests: [{ path: '/high' }] },
      { name: 'the default priority is not', requests: [{ path: '/default' }] },
    ],
  },
  {
    feature: 'router replies',
    name: 'strict header checks',
    bootstrap: (places) =>
      simple(places, {
        manager: {
          http_filters: [
            steering(
              'upstream-rq-timeout-ms',
              'upstream-rq-per-try-timeout-ms',
              'max-retries',
              'retry-on',
              'retry-grpc-on',
            ),
            router({
              strict_check_headers: [
                'x-envoy-upstream-rq-timeout-ms',
                'x-envoy-upstream-rq-per-try-timeout-ms',
                'x-envoy-max-retries',
                'x-envoy-retry-on',
                'x-envoy-retry-grpc-on',
              ],
            }),
          ],
        },
      }),
    cases: [
      { name: 'none of them', requests: [{}] },
      ...(
        [
          ['upstream-rq-timeout-ms', '100'],
          ['upstream-rq-timeout-ms', 'a'],
          ['upstream-rq-timeout-ms', '1.5'],
          ['upstream-rq-timeout-ms', '-1'],
          ['upstream-rq-timeout-ms', '5000 '],
          ['upstream-rq-per-try-timeout-ms', '50'],
          ['upstream-rq-per-try-timeout-ms', 'b'],
          ['max-retries', '2'],
          ['max-retries', 'many'],
          ['max-retries', '99999999999999999999999'],
          ['retry-on', '5xx,reset'],
          ['retry-on', '5xx, bogus'],
          ['retry-on', 'cancelled'],
          ['retry-on', '5xx , connect-failure,,'],
          ['retry-grpc-on', 'cancelled,internal'],
          ['retry-grpc-on', '5xx'],
        ] as const
      ).map(([name, value]) => ({ name: `${name}: ${value}`, requests: [{ headers: { [`t-${name}`]: value } }] })),
    ],
  },
];
