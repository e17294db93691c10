import { cluster, listener, manager, routeConfig, toCluster, typed } from '../config.ts';
import { ads, type Script, scripted } from '../discovery.ts';
import type { Json, Places, PlaneStep, Scenario } from '../types.ts';

const RBAC = 'envoy.extensions.filters.network.rbac.v3.RBAC';
const LIMIT = 'envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit';
const prefix = 'type.googleapis.com/';

const rbac = (action: string): Json =>
  typed(RBAC, {
    stat_prefix: 'in.',
    rules: { action, policies: { p: { permissions: [{ any: true }], principals: [{ any: true }] } } },
  });
const limit = typed(LIMIT, { stat_prefix: 'limit', max_connections: 100 });
const filter = (name: string, config: Json): Json => ({ name, typed_config: config });
const discovered = (name: string, more: Json = {}): Json => ({
  name,
  config_discovery: { config_source: ads(), type_urls: [`${prefix}${RBAC}`], ...more },
});

const start = (...filters: readonly Json[]): readonly PlaneStep[] => [
  { send: 'cluster', version: 'c0' },
  {
    send: 'listener',
    version: 'l1',
    resources: (places) => [
      listener(places, 0, [...filters, manager(places, { route_config: routeConfig([toCluster()]) })]),
    ],
  },
];
const live: PlaneStep = { becomes: 'LIVE', at: '/ready' };
const send = (version: string, ...filters: readonly Json[]): PlaneStep => ({
  send: 'filter',
  version,
  resources: () => filters,
});
const counts: PlaneStep = {
  stats:
    /^(extension_config_discovery\.network_filter\..*(config_(reload|fail)|update_(success|rejected)|init_fetch_timeout)|listener\..*network_extension_config_missing)$/,
};
const own = (places: Places): { readonly clusters: readonly Json[] } => ({ clusters: [cluster(places, 0)] });

const scripts: readonly Script[] = [
  {
    name: 'a network filter is waited for, and swapped',
    steps: [
      ...start(discovered('f')),
      { becomes: 'INITIALIZING', at: '/ready' },
      { get: '/' },
      { wanted: 'filter' },
      send('1', filter('f', rbac('ALLOW'))),
      live,
      { get: '/' },
      send('2', filter('f', rbac('DENY'))),
      { get: '/' },
      send('3', filter('f', rbac('ALLOW'))),
      { get: '/' },
      counts,
    ],
  },
  {
    name: 'a default serves once the wait is over',
    steps: [
      ...start(discovered('f', { config_source: ads('0.3s'), default_config: rbac('ALLOW') })),
      live,
      { get: '/' },
      send('1', filter('f', rbac('DENY'))),
      { get: '/' },
      counts,
    ],
  },
  {
    name: 'without a default a network filter that does not come serves nobody',
    steps: [
      ...start(discovered('f', { config_source: ads('0.3s') })),
      live,
      { get: '/' },
      counts,
      send('1', filter('f', rbac('ALLOW'))),
      { get: '/' },
    ],
  },
  {
    name: 'a type that is not expected',
    steps: [
      ...start(discovered('f')),
      { wanted: 'filter' },
      send('1', filter('f', rbac('ALLOW'))),
      live,
      send('2', filter('f', limit)),
      { get: '/' },
      counts,
    ],
  },
  {
    name: 'a network filter is taken away',
    forms: ['delta'],
    steps: [
      ...start(discovered('f')),
      { wanted: 'filter' },
      send('1', filter('f', rbac('ALLOW'))),
      live,
      { get: '/' },
      { send: 'filter', version: '2', removed: ['f'] },
      { get: '/' },
    ],
  },
  {
    name: 'a default without warming that is missing',
    steps: [
      ...start(discovered('f', { apply_default_config_without_warming: true })),
      { stats: /^listener_manager\.lds\.update_rejected$/ },
    ],
  },
];

export const scenarios: readonly Scenario[] = scripts.flatMap((script) =>
  scripted('filter discovery', { own, ...script }),
);
