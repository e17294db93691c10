import { cluster, listener, manager, routeConfig, router, toCluster, typed } from '../config.ts';
import {
  assignment,
  counted,
  edsCluster,
  plainListener,
  rdsListener,
  routes,
  type Script,
  scripted,
} from '../discovery.ts';
import type { Json, PlaneStep, Scenario } from '../types.ts';

const noListeners: PlaneStep = { send: 'listener', version: 'l0' };
const clusters = (version: string, ...made: readonly Json[]): PlaneStep => ({
  send: 'cluster',
  version,
  resources: () => made,
});
const plain = (name: string, more: Json = {}): Json => ({
  name,
  connect_timeout: '1s',
  load_assignment: { cluster_name: name },
  ...more,
});
const known: PlaneStep = { stats: /^cluster\.(a|b|c)\.membership_total$/ };
const options = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

const scripts: readonly Script[] = [
  {
    name: 'what the dumps say of refusals',
    more: { difference: 'error-states' },
    own: (places) => ({ clusters: [cluster(places, 0)] }),
    steps: [
      clusters('1', plain('a')),
      clusters('2', plain('a'), { name: 'b', type: 'EDS', connect_timeout: '1s' }),
      { dump: 'dynamic_active_clusters' },
      { send: 'listener', version: '1', resources: (places) => [rdsListener(places, 0, 'r')] },
      { wanted: 'route' },
      { send: 'route', version: '1', resources: () => [routes('r', 'c0')] },
      { becomes: 'LIVE', at: '/ready' },
      { dump: 'dynamic_listeners' },
      { dump: 'dynamic_route_configs' },
      {
        send: 'listener',
        version: '2',
        resources: (places) => [
          plainListener(places, 0, 'c0', { http_filters: [router(), router()] }),
          plainListener(places, 1, 'c0', { http_filters: [router(), router()] }),
        ],
      },
      { dump: 'dynamic_listeners' },
      {
        send: 'route',
        version: '2',
        resources: () => [
          routeConfig([toCluster()], { name: 'r', virtual_hosts: [{ name: 'v', domains: ['*', '*'] }] }),
        ],
      },
      { dump: 'dynamic_route_configs' },
    ],
  },
  {
    name: 'what the dumps say of listeners that warm',
    own: (places) => ({ clusters: [cluster(places, 0)] }),
    steps: [
      { send: 'cluster', version: 'c0' },
      { send: 'listener', version: '1', resources: (places) => [plainListener(places, 0, 'c0')] },
      { becomes: 'LIVE', at: '/ready' },
      { dump: 'dynamic_listeners' },
      {
        send: 'listener',
        version: '2',
        resources: (places) => [plainListener(places, 0, 'c0', { http_filters: [router(), router()] })],
      },
      {
        send: 'listener',
        version: '3',
        resources: (places) => [
          // Of one that differs in its filter chains alone Envoy goes on to show the first version.
          { ...rdsListener(places, 0, 'r'), tcp_backlog_size: 77 },
          rdsListener(places, 1, 'r'),
        ],
      },
      { dump: 'dynamic_listeners' },
      { wanted: 'route' },
      { send: 'route', version: '1', resources: () => [routes('r', 'c0')] },
      { sleep: 100 },
      { dump: 'dynamic_listeners' },
      { dump: 'dynamic_route_configs' },
    ],
  },
  {
    name: 'a cluster that breaks a rule refuses the whole response',
    steps: [
      clusters('1', plain('a')),
      noListeners,
      clusters('2', plain('b'), plain('c', { connect_timeout: '0s' })),
      known,
      counted,
    ],
  },
  {
    name: 'a cluster that cannot be is refused alone',
    steps: [
      clusters('1', plain('a')),
      noListeners,
      clusters('2', plain('b'), { name: 'c', type: 'EDS', connect_timeout: '1s' }),
      known,
      counted,
    ],
  },
  {
    name: 'a cluster with a broken extension is refused alone',
    steps: [
      clusters('1', plain('a')),
      noListeners,
      clusters('2', plain('b'), plain('c', { typed_extension_protocol_options: { [options]: typed(options) } })),
      known,
      counted,
    ],
  },
  {
    name: 'bytes that are no cluster',
    steps: [clusters('1', plain('a')), noListeners, { send: 'cluster', version: '2', bytes: 'Cn8=' }, known, counted],
  },
  {
    name: 'a refused cluster comes again and is good',
    steps: [
      clusters('1', plain('a')),
      noListeners,
      clusters('2', plain('a'), plain('b', { connect_timeout: '0s' })),
      clusters('3', plain('a'), plain('b')),
      known,
      counted,
    ],
  },
  {
    name: 'two clusters of one name',
    forms: ['sotw'],
    steps: [clusters('1', plain('a'), plain('b'), plain('b', { connect_timeout: '2s' })), noListeners, known, counted],
  },
  {
    name: 'a listener that breaks a rule refuses the whole response',
    own: (places) => ({ clusters: [cluster(places, 0)] }),
    steps: [
      { send: 'cluster', version: 'c0' },
      { send: 'listener', version: '1', resources: (places) => [plainListener(places, 0, 'c0')] },
      {
        send: 'listener',
        version: '2',
        resources: (places) => [
          plainListener(places, 1, 'c0'),
          { name: 'l2', address: { socket_address: { address: '', port_value: 1 } } },
        ],
      },
      { get: '/' },
      { get: '/', listener: 1 },
      counted,
    ],
  },
  {
    name: 'a listener that cannot be is refused alone',
    own: (places) => ({ clusters: [cluster(places, 0)] }),
    steps: [
      { send: 'cluster', version: 'c0' },
      { send: 'listener', version: '1', resources: (places) => [plainListener(places, 0, 'c0')] },
      {
        send: 'listener',
        version: '2',
        resources: (places) => [
          plainListener(places, 0, 'c0', { http_filters: [router(), router()] }),
          plainListener(places, 1, 'c0'),
        ],
      },
      { get: '/' },
      { get: '/', listener: 1 },
      counted,
      {
        send: 'listener',
        version: '3',
        resources: (places) => [plainListener(places, 0, 'c0'), plainListener(places, 1, 'c0')],
      },
      counted,
    ],
  },
  {
    name: 'a listener whose manager breaks a rule is refused alone',
    own: (places) => ({ clusters: [cluster(places, 0)] }),
    steps: [
      { send: 'cluster', version: 'c0' },
      {
        send: 'listener',
        version: '1',
        resources: (places) => [plainListener(places, 0, 'c0', { stat_prefix: '' }), plainListener(places, 1, 'c0')],
      },
      { get: '/' },
      { get: '/', listener: 1 },
      counted,
    ],
  },
  {
    name: 'a listener at an address that is taken',
    own: (places) => ({ listeners: [plainListener(places, 1, 'c0')], clusters: [cluster(places, 0)] }),
    steps: [
      { send: 'cluster', version: 'c0' },
      {
        send: 'listener',
        version: '1',
        resources: (places) => [
          { ...plainListener(places, 0, 'c0'), name: 'first' },
          { ...plainListener(places, 0, 'c0'), name: 'second' },
        ],
      },
      { get: '/' },
      counted,
    ],
  },
  {
    name: 'a listener takes over the address of one that goes',
    own: (places) => ({ clusters: [cluster(places, 0)] }),
    steps: [
      { send: 'cluster', version: 'c0' },
      { send: 'listener', version: '1', resources: (places) => [{ ...plainListener(places, 0, 'c0'), name: 'first' }] },
      { get: '/' },
      {
        send: 'listener',
        version: '2',
        resources: (places) => [{ ...plainListener(places, 0, 'c0'), name: 'second' }],
        removed: ['first'],
      },
      { get: '/' },
      counted,
    ],
  },
  {
    name: 'routes that are refused leave the last good ones in force',
    own: (places) => ({ clusters: [cluster(places, 0)] }),
    steps: [
      { send: 'cluster', version: 'c0' },
      { send: 'listener', version: '1', resources: (places) => [rdsListener(places, 0, 'r')] },
      { wanted: 'route' },
      { send: 'route', version: '1', resources: () => [routes('r', 'c0')] },
      { get: '/' },
      {
        send: 'route',
        version: '2',
        resources: () => [
          {
            ...routes('r', 'c0'),
            virtual_hosts: [
              { name: 'v', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: '' } }] },
            ],
          },
        ],
      },
      {
        send: 'route',
        version: '3',
        resources: () => [
          {
            ...routes('r', 'c0'),
            virtual_hosts: [
              { name: 'v', domains: ['*'], routes: [toCluster()] },
              { name: 'w', domains: ['*'], routes: [toCluster()] },
            ],
          },
        ],
      },
      { get: '/' },
      { stats: /^http\.in\.rds\.r\.(update_(success|rejected)|config_reload)$/ },
      {
        send: 'route',
        version: '4',
        resources: () => [routeConfig([toCluster('c0', {}, { path: '/x' })], { name: 'r' })],
      },
      { get: '/' },
      { stats: /^http\.in\.rds\.r\.(update_(success|rejected)|config_reload)$/ },
    ],
  },
  {
    name: 'endpoints that are refused leave the last good ones in force',
    steps: [
      { send: 'cluster', version: '1', resources: () => [edsCluster('a'), edsCluster('b')] },
      { wanted: 'endpoint' },
      { send: 'endpoint', version: '1', resources: (places) => [assignment(places, 'a'), assignment(places, 'b')] },
      { send: 'listener', version: '1', resources: (places) => [plainListener(places, 0, 'a')] },
      { get: '/' },
      {
        send: 'endpoint',
        version: '2',
        resources: (places) => [assignment(places, 'a', { priority: 500 }), assignment(places, 'b')],
      },
      { get: '/' },
      { stats: /^cluster\.(a|b)\.(update_(success|rejected)|membership_total)$/ },
      {
        send: 'endpoint',
        version: '3',
        resources: (places) => [
          { ...assignment(places, 'a'), endpoints: [{ lb_endpoints: [{ endpoint_name: 'x' }] }] },
        ],
      },
      { get: '/' },
      { stats: /^cluster\.(a|b)\.(update_(success|rejected)|membership_total)$/ },
    ],
  },
  {
    name: 'a listener with filters that are unknown to both',
    own: (places) => ({ clusters: [cluster(places, 0)] }),
    steps: [
      { send: 'cluster', version: 'c0' },
      {
        send: 'listener',
        version: '1',
        resources: (places) => [listener(places, 0, [{ name: 'nothing' }]), listener(places, 1, [manager(places, {})])],
      },
      counted,
    ],
  },
];

export const scenarios: readonly Scenario[] = scripts.flatMap((script) => scripted('refusals over ADS', script));
