import { bootstrap, cluster, listener, manager, routeConfig, toCluster } from '../config.ts';
import type { Case, Scenario } from '../types.ts';

const asked = (name: string, path = '/'): Case => ({
  name: `${JSON.stringify(name)} at ${path}`,
  requests: [{ path, headers: { 'x-envoy-upstream-alt-stat-name': name, 'x-forwarded-for': '10.0.0.1' } }],
});

export const scenarios: readonly Scenario[] = [
  {
    feature: 'alternative names of statistics',
    name: 'x-envoy-upstream-alt-stat-name',
    backends: ['http', 'closed'],
    stats: [/^cluster\.c\d\..*upstream_rq_(\d|completed|time)/, /^vhost\./],
    bootstrap: (places) =>
      bootstrap(
        places,
        [
          listener(places, 0, [
            manager(places, {
              internal_address_config: { cidr_ranges: [{ address_prefix: '10.0.0.0', prefix_len: 8 }] },
              route_config: routeConfig(
                [
                  { ...toCluster('c0', {}, { prefix: '/route' }), stat_prefix: 'r' },
                  toCluster('c1', {}, { prefix: '/refused' }),
                  toCluster(
                    'c0',
                    { retry_policy: { retry_on: '5xx', num_retries: 1, retry_back_off: { base_interval: '0.001s' } } },
                    { prefix: '/retried' },
                  ),
                  { match: { prefix: '/direct' }, direct_response: { status: 200 } },
                  toCluster(),
                ],
                {},
                { virtual_clusters: [{ name: 'v', headers: [{ name: ':path', string_match: { prefix: '/route' } }] }] },
              ),
            }),
          ]),
        ],
        [cluster(places, 0), cluster(places, 1)],
      ),
    cases: [
      asked('alt'),
      asked('alt', '/route'),
      asked('alt', '/refused'),
      asked('alt', '/direct'),
      {
        ...asked('alt', '/retried'),
        backends: { 0: [{ raw: 'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n' }] },
      },
      { ...asked('of a 404'), backends: { 0: [{ raw: 'HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n' }] } },
      asked('with.dots'),
      asked('.with.dots.'),
      asked('with spaces: and more'),
      {
        name: 'from outside',
        requests: [{ headers: { 'x-envoy-upstream-alt-stat-name': 'outside', 'x-forwarded-for': '8.8.8.8' } }],
      },
      { name: 'without an address', requests: [{ headers: { 'x-envoy-upstream-alt-stat-name': 'nowhere' } }] },
      {
        name: 'canary',
        requests: asked('c').requests ?? [],
        backends: { 0: [{ raw: 'HTTP/1.1 200 OK\r\nx-envoy-upstream-canary: true\r\ncontent-length: 0\r\n\r\n' }] },
      },
      {
        name: 'empty',
        requests: [{ headers: { 'x-envoy-upstream-alt-stat-name': '', 'x-forwarded-for': '10.0.0.1' } }],
      },
      {
        name: 'twice',
        requests: [
          {
            headers: [
              ['x-envoy-upstream-alt-stat-name', 'one'],
              ['x-envoy-upstream-alt-stat-name', 'two'],
              ['x-forwarded-for', '10.0.0.1'],
            ],
          },
        ],
      },
    ],
  },
];
