import { cluster, routeConfig, simple, toCluster } from '../config.ts';
import type { Behaviour, Json, Scenario } from '../types.ts';

const weighted = (clusters: readonly Json[], more: Json = {}, action: Json = {}): Json => ({
  route: { weighted_clusters: { clusters, ...more }, ...action },
});
const bad: Behaviour = { raw: 'HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n' };
const at = (name: string, route: Json): Json => ({ match: { prefix: `/${name}` }, ...route });
const lb = (metadata: Json): Json => ({ filter_metadata: { 'envoy.lb': metadata } });

export const scenarios: readonly Scenario[] = [
  {
    feature: 'choice of cluster and host',
    name: 'weighted clusters',
    backends: ['http', 'http', 'closed'],
    bootstrap: (places) => {
      const retry = {
        timeout: '0s',
        retry_policy: { retry_on: '5xx', num_retries: 2, retry_back_off: { base_interval: '0.001s' } },
      };
      return simple(places, {
        manager: {
          route_config: routeConfig([
            at(
              'empty',
              weighted([
                { name: 'c0', weight: 1 },
                { name: 'c3', weight: 1 },
              ]),
            ),
            at(
              'refused',
              weighted([
                { name: 'c0', weight: 1 },
                { name: 'c2', weight: 1 },
              ]),
            ),
            at(
              'unhealthy',
              weighted([
                { name: 'c0', weight: 1 },
                { name: 'c4', weight: 1 },
              ]),
            ),
            at(
              'retry',
              weighted(
                [
                  { name: 'c1', weight: 1 },
                  { name: 'c0', weight: 1 },
                ],
                {},
                retry,
              ),
            ),
            at(
              'zero',
              weighted([
                { name: 'c0', weight: 0 },
                { name: 'c1', weight: 5 },
              ]),
            ),
            at(
              'uneven',
              weighted([
                { name: 'c0', weight: 80 },
                { name: 'c1', weight: 20 },
              ]),
            ),
            at(
              'header',
              weighted(
                [
                  { name: 'c0', weight: 50 },
                  { name: 'c1', weight: 50 },
                ],
                { header_name: 'x-random' },
              ),
            ),
            at(
              'byheader',
              weighted([
                { cluster_header: 'x-a', weight: 1 },
                { cluster_header: 'x-a', weight: 1 },
              ]),
            ),
            at(
              'own',
              weighted([
                {
                  name: 'c0',
                  weight: 1,
                  host_rewrite_literal: 'weighted.example',
                  request_headers_to_add: [{ header: { key: 'x-weighted', value: '%UPSTREAM_CLUSTER%' } }],
                  request_headers_to_remove: ['x-gone'],
                  response_headers_to_add: [{ header: { key: 'x-answered', value: 'by-c0' } }],
                  response_headers_to_remove: ['x-backend'],
                },
              ]),
            ),
          ]),
        },
        clusters: [
          cluster(places, 0),
          cluster(places, 1),
          cluster(places, 2),
          cluster(places, 3, []),
          {
            ...cluster(places, 4),
            common_lb_config: { healthy_panic_threshold: { value: 0 } },
            load_assignment: {
              cluster_name: 'c4',
              endpoints: [
                {
                  lb_endpoints: [
                    {
                      health_status: 'UNHEALTHY',
                      endpoint: {
                        address: { socket_address: { address: places.host, port_value: places.backend(1) } },
                      },
                    },
                  ],
                },
              ],
            },
          },
        ],
      });
    },
    cases: [
      { name: 'one is empty', requests: [{ path: '/empty' }], repeat: 120, tolerance: 0.2 },
      { name: 'one refuses', requests: [{ path: '/refused' }], repeat: 120, tolerance: 0.2 },
      { name: 'one has no healthy host', requests: [{ path: '/unhealthy' }], repeat: 120, tolerance: 0.2 },
      {
        name: 'a retry stays with its cluster',
        requests: [{ path: '/retry' }],
        repeat: 40,
        tolerance: 0.6,
        backends: { 1: new Array<Behaviour>(400).fill(bad) },
      },
      { name: 'a weight of 0', requests: [{ path: '/zero' }], repeat: 20 },
      { name: 'four to one', requests: [{ path: '/uneven' }], repeat: 150, tolerance: 0.15 },
      ...['0', '49', '50', '99', '100', '149', '150', '18446744073709551615', 'x', '-1', '5 '].map((value) => ({
        name: `the header says ${value}`,
        requests: [{ path: '/header', headers: { 'x-random': value } }],
        // Where the header says nothing, chance decides.
        ...(['x', '-1'].includes(value) ? { repeat: 100, tolerance: 0.2 } : {}),
      })),
      { name: 'clusters by header', requests: [{ path: '/byheader', headers: { 'x-a': 'c1' } }] },
      { name: 'clusters by header, none', requests: [{ path: '/byheader' }] },
      { name: 'headers and host of its own', requests: [{ path: '/own', headers: { 'x-gone': '1' } }] },
    ],
  },
  {
    feature: 'choice of cluster and host',
    name: 'names of hosts',
    backends: ['http', 'http'],
    bootstrap: (places) => {
      const named = (index: number, hostname: string | undefined): Json => ({
        ...cluster(places, index),
        load_assignment: {
          cluster_name: `c${index}`,
          endpoints: [
            {
              lb_endpoints: [
                {
                  endpoint: {
                    address: { socket_address: { address: places.host, port_value: places.backend(0) } },
                    ...(hostname === undefined ? {} : { hostname }),
                  },
                },
              ],
            },
          ],
        },
      });
      const auto = { auto_host_rewrite: true };
      return simple(places, {
        routes: [
          toCluster('c0', auto, { prefix: '/named' }),
          toCluster('c1', auto, { prefix: '/nameless' }),
          toCluster('c0', { ...auto, append_x_forwarded_host: true }, { prefix: '/append' }),
          toCluster(
            'c0',
            {
              ...auto,
              append_x_forwarded_host: true,
              timeout: '0s',
              retry_policy: { retry_on: '5xx', retry_back_off: { base_interval: '0.001s' } },
            },
            { prefix: '/retry' },
          ),
        ],
        clusters: [named(0, 'endpoint.example'), named(1, undefined)],
      });
    },
    cases: [
      { name: 'the endpoint has a name', requests: [{ path: '/named' }] },
      { name: 'the endpoint has none', requests: [{ path: '/nameless' }] },
      { name: 'the old host is kept', requests: [{ path: '/append' }] },
      {
        name: 'the old host is appended',
        requests: [{ path: '/append', headers: { 'x-forwarded-host': 'first.example' } }],
      },
      { name: 'with a retry', requests: [{ path: '/retry' }], backends: { 0: [bad] } },
    ],
  },
  {
    feature: 'choice of cluster and host',
    name: 'subsets',
    backends: ['http', 'http', 'http'],
    bootstrap: (places) => {
      const marked = (backend: number, metadata: Json): Json => ({
        endpoint: { address: { socket_address: { address: places.host, port_value: places.backend(backend) } } },
        metadata: lb(metadata),
      });
      const match = (metadata: Json): Json => ({ metadata_match: lb(metadata) });
      return simple(places, {
        routes: [
          at('a', { route: { cluster: 'c0', ...match({ version: 'a' }) } }),
          at('b', { route: { cluster: 'c0', ...match({ version: 'b' }) } }),
          at('both', { route: { cluster: 'c0', ...match({ version: 'a', stage: 'new' }) } }),
          at('none', { route: { cluster: 'c0', ...match({ version: 'z' }) } }),
          at('other', {
            route: { cluster: 'c0', metadata_match: { filter_metadata: { 'some.filter': { version: 'a' } } } },
          }),
          at('weighted', {
            route: {
              ...match({ version: 'a' }),
              weighted_clusters: { clusters: [{ name: 'c0', weight: 1, ...match({ stage: 'new' }) }] },
            },
          }),
          at('over', {
            route: {
              ...match({ version: 'a' }),
              weighted_clusters: { clusters: [{ name: 'c0', weight: 1, ...match({ version: 'b' }) }] },
            },
          }),
          at('plain', { route: { cluster: 'c0' } }),
        ],
        clusters: [
          {
            ...cluster(places, 0),
            lb_subset_config: {
              fallback_policy: 'NO_FALLBACK',
              subset_selectors: [{ keys: ['version'] }, { keys: ['stage', 'version'] }],
            },
            load_assignment: {
              cluster_name: 'c0',
              endpoints: [
                {
                  lb_endpoints: [
                    marked(0, { version: 'a', stage: 'old' }),
                    marked(1, { version: 'a', stage: 'new' }),
                    marked(2, { version: 'b', stage: 'old' }),
                  ],
                },
              ],
            },
          },
        ],
      });
    },
    cases: [
      { name: 'two hosts', requests: [{ path: '/a' }], repeat: 20 },
      { name: 'one host', requests: [{ path: '/b' }] },
      { name: 'two keys', requests: [{ path: '/both' }] },
      { name: 'no host', requests: [{ path: '/none' }] },
      { name: 'metadata of another filter', requests: [{ path: '/other' }] },
      { name: 'route and weighted cluster together', requests: [{ path: '/weighted' }] },
      { name: 'weighted cluster over route', requests: [{ path: '/over' }] },
      { name: 'no criteria', requests: [{ path: '/plain' }] },
    ],
  },
  {
    feature: 'choice of cluster and host',
    name: 'retries to other priorities',
    backends: ['http', 'http', 'http'],
    bootstrap: (places) => {
      const retry = (frequency: number): Json => ({
        timeout: '0s',
        retry_policy: {
          retry_on: '5xx',
          num_retries: 3,
          retry_back_off: { base_interval: '0.001s' },
          retry_priority: {
            name: 'priorities',
            typed_config: {
              '@type':
                'type.googleapis.com/envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig',
              update_frequency: frequency,
            },
          },
        },
      });
      return simple(places, {
        routes: [toCluster('c0', retry(1), { prefix: '/each' }), toCluster('c0', retry(2), { prefix: '/second' })],
        clusters: [
          {
            ...cluster(places, 0),
            load_assignment: {
              cluster_name: 'c0',
              endpoints: [0, 1, 2].map((priority) => ({
                priority,
                lb_endpoints: [
                  {
                    endpoint: {
                      address: { socket_address: { address: places.host, port_value: places.backend(priority) } },
                    },
                  },
                ],
              })),
            },
          },
        ],
      });
    },
    cases: [
      {
        name: 'after each attempt',
        requests: [{ path: '/each' }],
        backends: { 0: [bad, bad], 1: [bad, bad], 2: [bad, bad] },
      },
      {
        name: 'after every second',
        requests: [{ path: '/second' }],
        backends: { 0: [bad, bad, bad], 1: [bad, bad], 2: [bad, bad] },
      },
      { name: 'the next is good', requests: [{ path: '/each' }], backends: { 0: [bad] } },
    ],
  },
];
