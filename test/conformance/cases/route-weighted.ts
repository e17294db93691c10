import { bootstrap, cluster, endpoint, listener, manager, routeConfig } from '../config.ts';
import type { Case, Json, Places, Scenario } from '../types.ts';

/** 0 to 24 go to c0, which has a host, then 25 each to a cluster without hosts, one with a bad host and one that is not there. */
const weights: readonly Json[] = ['c0', 'empty', 'unhealthy', 'missing'].map((name) => ({ name, weight: 25 }));

const route = (prefix: string, more: Json = {}, action: Json = {}): Json => ({
  match: { prefix },
  route: { weighted_clusters: { clusters: weights, header_name: 'X-Number', ...more }, ...action },
});

const retry: Json = { retry_policy: { retry_on: '5xx', num_retries: 2, retry_back_off: { base_interval: '0.001s' } } };

function clusters(places: Places): readonly Json[] {
  const unhealthy = endpoint(places, 1, { health_status: 'UNHEALTHY' });
  const group = (...hosts: readonly Json[]): Json => ({ endpoints: [{ lb_endpoints: hosts }] });
  return [
    cluster(places, 0),
    { name: 'empty', connect_timeout: '1s', load_assignment: { cluster_name: 'empty' } },
    {
      name: 'unhealthy',
      connect_timeout: '1s',
      load_assignment: { cluster_name: 'unhealthy', ...group(unhealthy) },
      common_lb_config: { healthy_panic_threshold: { value: 0 } },
    },
    {
      name: 'panic',
      connect_timeout: '1s',
      load_assignment: { cluster_name: 'panic', ...group(unhealthy) },
    },
  ];
}

const to = (path: string, ...numbers: readonly number[]): readonly Case[] =>
  numbers.map((number) => ({
    name: `${path} with ${number}`,
    requests: [{ path, headers: { 'X-Number': String(number) } }],
  }));

export const scenarios: readonly Scenario[] = [
  {
    feature: 'weighted clusters',
    name: 'members without a host to take a request',
    backends: ['http', 'http'],
    stats: [
      /^cluster\.(empty|unhealthy|panic)\.(upstream_cx_none_healthy|lb_healthy_panic|upstream_rq_(total|503|retry.*))$/,
    ],
    bootstrap: (places) =>
      bootstrap(
        places,
        [
          listener(places, 0, [
            manager(places, {
              route_config: routeConfig(
                [
                  route('/retry', {}, retry),
                  route('/total', { total_weight: 100 }),
                  route('/other-code', {}, { cluster_not_found_response_code: 'NOT_FOUND' }),
                  {
                    match: { prefix: '/panic' },
                    route: {
                      weighted_clusters: {
                        clusters: [
                          { name: 'panic', weight: 1 },
                          { name: 'c0', weight: 0 },
                        ],
                      },
                    },
                  },
                  {
                    match: { prefix: '/nothing' },
                    route: {
                      weighted_clusters: {
                        clusters: [
                          { name: 'empty', weight: 1 },
                          { name: 'c0', weight: 0 },
                        ],
                      },
                    },
                  },
                  route('/'),
                ],
                { validate_clusters: false },
              ),
            }),
          ]),
        ],
        clusters(places),
      ),
    cases: [
      ...to('/', 0, 24, 25, 49, 50, 74, 75, 99, 100, 125),
      ...to('/retry', 0, 25, 50, 75),
      ...to('/total', 0, 25, 50, 75),
      ...to('/other-code', 25, 75),
      ...['/panic', '/nothing'].map((path): Case => ({ name: path, requests: [{ path }, { path }] })),
      {
        name: 'one connection to all of them',
        requests: [0, 25, 50, 75, 0].map((number) => ({ headers: { 'X-Number': String(number) } })),
      },
      {
        name: 'a quarter of the requests finds a host',
        requests: [{ path: '/' }],
        repeat: 400,
      },
    ],
  },
];
