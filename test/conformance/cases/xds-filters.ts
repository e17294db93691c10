import { cluster, listener, manager, routeConfig, router, toCluster, typed } from '../config.ts';
import { ads, type Script, scripted } from '../discovery.ts';
import type { Json, Places, PlaneStep, Scenario } from '../types.ts';

const FAULT = 'envoy.extensions.filters.http.fault.v3.HTTPFault';
const MUTATION = 'envoy.extensions.filters.http.header_mutation.v3.HeaderMutation';
const prefix = 'type.googleapis.com/';

/** Ends every request with a status. */
const fault = (status: number): Json =>
  typed(FAULT, { abort: { http_status: status, percentage: { numerator: 100, denominator: 'HUNDRED' } } });
const filter = (name: string, config: Json): Json => ({ name, typed_config: config });

const discovered = (name: string, more: Json = {}): Json => ({
  name,
  config_discovery: { config_source: ads(), type_urls: [`${prefix}${FAULT}`], ...more },
});

const withFilters = (places: Places, ...filters: readonly Json[]): Json =>
  listener(places, 0, [
    manager(places, { route_config: routeConfig([toCluster()]), http_filters: [...filters, router()] }),
  ]);

const start = (...filters: readonly Json[]): readonly PlaneStep[] => [
  { send: 'cluster', version: 'c0' },
  { send: 'listener', version: 'l1', resources: (places) => [withFilters(places, ...filters)] },
];
const live: PlaneStep = { becomes: 'LIVE', at: '/ready' };
const send = (version: string, ...filters: readonly Json[]): PlaneStep => ({
  send: 'filter',
  version,
  resources: () => filters,
});
const counts: PlaneStep = {
  stats:
    /^extension_config_discovery\.http_filter\..*(config_(reload|fail)|update_(success|rejected)|init_fetch_timeout)$/,
};
const own = (places: Places): { readonly clusters: readonly Json[] } => ({ clusters: [cluster(places, 0)] });

const scripts: readonly Script[] = [
  {
    name: 'a filter is waited for, and swapped',
    steps: [
      ...start(discovered('f')),
      { becomes: 'INITIALIZING', at: '/ready' },
      { get: '/' },
      { wanted: 'filter' },
      send('1', filter('f', fault(418))),
      live,
      { get: '/' },
      send('2', filter('f', fault(429))),
      { get: '/' },
      counts,
    ],
  },
  {
    name: 'a default serves once the wait is over',
    steps: [
      ...start(discovered('f', { config_source: ads('0.3s'), default_config: fault(418) })),
      live,
      { get: '/' },
      send('1', filter('f', fault(429))),
      { get: '/' },
      counts,
    ],
  },
  {
    name: 'a default serves at once when it is not to wait',
    steps: [
      ...start(discovered('f', { apply_default_config_without_warming: true, default_config: fault(418) })),
      live,
      { get: '/' },
      { wanted: 'filter' },
      send('1', filter('f', fault(429))),
      { get: '/' },
    ],
  },
  {
    name: 'without a default a filter that does not come refuses requests',
    steps: [
      ...start(discovered('f', { config_source: ads('0.3s') })),
      live,
      { get: '/' },
      counts,
      send('1', filter('f', fault(429))),
      { get: '/' },
    ],
  },
  {
    name: 'a type that is not expected',
    steps: [
      ...start(discovered('f')),
      { wanted: 'filter' },
      send('1', filter('f', typed(MUTATION, { mutations: {} }))),
      live,
      { get: '/' },
      send('2', filter('f', fault(429))),
      { get: '/' },
      send('3', filter('f', typed(MUTATION, { mutations: {} }))),
      { get: '/' },
      counts,
    ],
  },
  {
    name: 'a filter that breaks a rule',
    steps: [
      ...start(discovered('f')),
      { wanted: 'filter' },
      send('1', filter('f', fault(418))),
      live,
      send('2', filter('f', typed(FAULT, { abort: { percentage: { numerator: 100 } } }))),
      { get: '/' },
      counts,
    ],
  },
  {
    name: 'several types are expected',
    steps: [
      ...start(discovered('f', { type_urls: [`${prefix}${FAULT}`, `${prefix}${MUTATION}`] })),
      { wanted: 'filter' },
      send('1', filter('f', fault(418))),
      live,
      { get: '/' },
      send('2', filter('f', typed(MUTATION, { mutations: {} }))),
      { get: '/' },
    ],
  },
  {
    name: 'a filter is taken away',
    forms: ['delta'],
    steps: [
      ...start(discovered('f')),
      { wanted: 'filter' },
      send('1', filter('f', fault(418))),
      live,
      { get: '/' },
      { send: 'filter', version: '2', removed: ['f'] },
      { get: '/' },
    ],
  },
  {
    name: 'a filter is taken away and has a default',
    forms: ['delta'],
    steps: [
      ...start(discovered('f', { default_config: fault(429) })),
      { wanted: 'filter' },
      send('1', filter('f', fault(418))),
      live,
      { get: '/' },
      { send: 'filter', version: '2', removed: ['f'] },
      { get: '/' },
    ],
  },
  {
    name: 'two chains have one filter',
    steps: [
      { send: 'cluster', version: 'c0' },
      {
        send: 'listener',
        version: 'l1',
        resources: (places) => [
          withFilters(places, discovered('f')),
          listener(places, 1, [
            manager(places, { route_config: routeConfig([toCluster()]), http_filters: [discovered('f'), router()] }),
          ]),
        ],
      },
      { wanted: 'filter' },
      send('1', filter('f', fault(418))),
      live,
      { get: '/' },
      { get: '/', listener: 1 },
      send('2', filter('f', fault(429))),
      { get: '/' },
      { get: '/', listener: 1 },
      counts,
    ],
  },
  {
    name: 'a default without warming that is missing',
    steps: [
      ...start(discovered('f', { apply_default_config_without_warming: true })),
      { stats: /^listener_manager\.lds\.update_rejected$/ },
    ],
  },
  {
    name: 'a default of a type that is not expected',
    steps: [
      ...start(discovered('f', { default_config: typed(MUTATION, { mutations: {} }) })),
      { stats: /^listener_manager\.lds\.update_rejected$/ },
    ],
  },
  {
    name: 'a type that is no filter is expected',
    steps: [
      ...start(discovered('f', { type_urls: [`${prefix}envoy.config.cluster.v3.Cluster`] })),
      { stats: /^listener_manager\.lds\.update_rejected$/ },
    ],
  },
];

export const scenarios: readonly Scenario[] = scripts.flatMap((script) =>
  scripted('filter discovery', { own, ...script }),
);
