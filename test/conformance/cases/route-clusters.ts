import { bootstrap, cluster, listener, manager, routeConfig } from '../config.ts';
import { forward, headerOption, tableScenario } from '../route-tables.ts';
import type { Case, Json, Request, Scenario } from '../types.ts';

const weighted = (clusters: readonly Json[], more: Json = {}, route: Json = {}): Json => ({
  match: { prefix: '/' },
  route: { weighted_clusters: { clusters, ...more } },
  ...route,
});
const number = (...list: readonly string[]): readonly (readonly [string, Request])[] =>
  list.map((value) => [value, { headers: { 'X-Number': value } }]);

const fixedScenario = tableScenario(
  'weighted clusters',
  'a choice that is given',
  [
    {
      name: 'header',
      routes: [
        weighted(
          [
            { name: 'c0', weight: 30, response_headers_to_add: [headerOption('x-chosen', 'c0')] },
            { name: 'c1', weight: 0 },
            { name: 'c2', weight: 70, request_headers_to_add: [headerOption('x-chosen', 'c2')] },
          ],
          { header_name: 'X-Number' },
        ),
      ],
      requests: [
        ...number('0', '29', '30', '99', '100', '129', '130', '18446744073709551615', '4294967296', '+31', '031'),
      ],
    },
    {
      name: 'one',
      routes: [weighted([{ name: 'c1', weight: 5 }])],
      requests: [['request', {}]],
    },
    {
      name: 'from-header',
      routes: [weighted([{ cluster_header: 'X-Cluster', weight: 1 }])],
      requests: [
        ['given', { headers: { 'X-Cluster': 'c2' } }],
        ['unknown', { headers: { 'X-Cluster': 'nope' } }],
        ['absent', {}],
        [
          'twice',
          {
            headers: [
              ['X-Cluster', 'c1'],
              ['X-Cluster', 'c2'],
            ],
          },
        ],
      ],
    },
    {
      name: 'runtime',
      routes: [
        weighted(
          [
            { name: 'c0', weight: 100 },
            { name: 'c1', weight: 0 },
          ],
          { runtime_key_prefix: 'weights' },
        ),
      ],
      requests: [['overridden', {}]],
    },
    {
      name: 'hash',
      routes: [
        {
          match: { prefix: '/' },
          route: {
            weighted_clusters: {
              clusters: [
                { name: 'c0', weight: 33 },
                { name: 'c1', weight: 33 },
                { name: 'c2', weight: 34 },
              ],
              use_hash_policy: true,
            },
            hash_policy: [{ header: { header_name: 'x-key' } }, { query_parameter: { name: 'q' } }],
          },
        },
      ],
      requests: [
        ...['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((key): readonly [string, Request] => [
          key,
          { headers: { 'X-Key': key } },
        ]),
        ['query', { path: '/?q=1' }],
        ['both', { path: '/?q=1', headers: { 'X-Key': 'a' } }],
      ],
    },
    {
      name: 'mirror-runtime',
      routes: [
        forward(
          { path: '/off' },
          {
            request_mirror_policies: [
              { cluster: 'c2', runtime_fraction: { runtime_key: 'mirror.off', default_value: { numerator: 100 } } },
            ],
          },
        ),
        forward(
          { path: '/on' },
          {
            request_mirror_policies: [
              { cluster: 'c2', runtime_fraction: { runtime_key: 'mirror.on', default_value: { numerator: 0 } } },
            ],
          },
        ),
      ],
      requests: ['/off', '/on'].map((path) => [path, { path }] as const),
    },
    {
      name: 'cluster-header',
      routes: [
        { match: { path: '/503' }, route: { cluster_header: 'X-Cluster' } },
        {
          match: { path: '/404' },
          route: { cluster_header: 'X-Cluster', cluster_not_found_response_code: 'NOT_FOUND' },
        },
        {
          match: { path: '/500' },
          route: { cluster_header: 'X-Cluster', cluster_not_found_response_code: 'INTERNAL_SERVER_ERROR' },
        },
        { match: { path: '/host' }, route: { cluster_header: ':authority' } },
      ],
      requests: [
        ['given', { path: '/503', headers: { 'X-Cluster': 'c1' } }],
        ['unknown', { path: '/503', headers: { 'X-Cluster': 'x' } }],
        ['absent', { path: '/503' }],
        ['empty', { path: '/503', headers: { 'X-Cluster': '' } }],
        [
          'twice',
          {
            path: '/503',
            headers: [
              ['X-Cluster', 'c1'],
              ['X-Cluster', 'c2'],
            ],
          },
        ],
        ['404', { path: '/404' }],
        ['500', { path: '/500' }],
        ['pseudo', { path: '/host' }],
      ],
    },
    {
      name: 'unknown',
      routes: [
        forward(
          { path: '/a' },
          { cluster: 'nope' },
          { name: 'rn', response_headers_to_add: [headerOption('x-c', '[%UPSTREAM_CLUSTER%]')] },
        ),
        forward({ path: '/b' }, { cluster: 'nope', cluster_not_found_response_code: 'NOT_FOUND' }),
      ],
      requests: [
        ['503', { path: '/a' }],
        ['404', { path: '/b' }],
        ['POST', { method: 'POST', path: '/a', body: 'x' }],
      ],
    },
  ],
  {
    config: { validate_clusters: false },
    backends: ['http', 'http', 'http'],
    clusters: (places) => [0, 1, 2].map((index) => cluster(places, index)),
    bootstrap: {
      layered_runtime: {
        layers: [{ name: 's', static_layer: { 'weights.c0': 0, 'weights.c1': 7, 'mirror.off': 0, 'mirror.on': 100 } }],
      },
    },
  },
);

const shares = (name: string, weights: readonly number[]): Scenario => ({
  feature: 'weighted clusters',
  name,
  backends: weights.map(() => 'http' as const),
  bootstrap: (places) =>
    bootstrap(
      places,
      [
        listener(places, 0, [
          manager(places, {
            route_config: routeConfig([weighted(weights.map((weight, index) => ({ name: `c${index}`, weight })))]),
          }),
        ]),
      ],
      weights.map((_, index) => cluster(places, index)),
    ),
  cases: [{ name: 'shares', requests: new Array<Request>(40).fill({}), repeat: 20, tolerance: 0.1 } satisfies Case],
});

export const scenarios: readonly Scenario[] = [
  fixedScenario,
  shares('halves', [1, 1]),
  shares('nine to one', [9, 1]),
  shares('three', [20, 30, 50]),
];
