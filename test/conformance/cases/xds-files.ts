import { bootstrap, cluster, endpoint, listener, manager, routeConfig, router, toCluster } from '../config.ts';
import { assignment, plainListener, routes } from '../discovery.ts';
import type { Json, Places, PlaneStep, PlaneType, Scenario } from '../types.ts';

const source = ({ folder }: Places, name: string): Json => ({
  path_config_source: { path: `${folder}/${name}` },
  resource_api_version: 'V3',
});

const fileCluster = (places: Places, name: string): Json => ({
  name,
  type: 'EDS',
  connect_timeout: '1s',
  eds_cluster_config: { eds_config: source(places, 'eds.json'), service_name: `service-${name}` },
});

const fileListener = (places: Places, index: number): Json =>
  listener(places, index, [
    manager(places, { rds: { route_config_name: 'r', config_source: source(places, 'rds.json') } }),
  ]);

const move = (file: PlaneType, version: string, resources: (places: Places) => readonly Json[]): PlaneStep => ({
  move: `${FILES[file]}.json`,
  of: file,
  version,
  resources,
});
const FILES: Readonly<Record<PlaneType, string>> = {
  cluster: 'cds',
  endpoint: 'eds',
  listener: 'lds',
  route: 'rds',
  filter: 'ecds',
  secret: 'sds',
};

const live: PlaneStep = { becomes: 'LIVE', at: '/ready' };
const counts: PlaneStep = {
  stats:
    /^(cluster_manager\.cds|listener_manager\.lds|http\.in\.rds\.r|cluster\.a)\.(update_(success|rejected|failure)|config_reload|membership_total)$/,
};

const backend = (places: Places, index: number): Json => ({
  cluster_name: 'service-a',
  endpoints: [{ lb_endpoints: [endpoint(places, index)] }],
});

/** Clusters, endpoints, listeners and routes, each in a file. */
const everything = (name: string, steps: readonly PlaneStep[], more: Partial<Scenario> = {}): Scenario => ({
  feature: 'files',
  name,
  plane: 'sotw',
  early: true,
  stats: false,
  backends: ['http', 'http'],
  files: {
    'cds.json': { of: 'cluster', resources: (places) => [fileCluster(places, 'a')] },
    'eds.json': { of: 'endpoint', resources: (places) => [assignment(places, 'a')] },
    'lds.json': { of: 'listener', resources: (places) => [fileListener(places, 0)] },
    'rds.json': { of: 'route', resources: () => [routes('r', 'a')] },
  },
  bootstrap: (places) =>
    bootstrap(places, [], [], {
      dynamic_resources: { cds_config: source(places, 'cds.json'), lds_config: source(places, 'lds.json') },
    }),
  cases: [{ name: 'script', requests: [], plane: steps, without: ['log', 'backends'] }],
  ...more,
});

export const scenarios: readonly Scenario[] = [
  everything('all from files, and each moved', [
    live,
    { get: '/' },
    counts,
    move('endpoint', '1', (places) => [backend(places, 1)]),
    { get: '/' },
    move('route', '1', () => [routeConfig([toCluster('a', {}, { path: '/x' })], { name: 'r' })]),
    { get: '/' },
    { get: '/x' },
    move('listener', '1', (places) => [fileListener(places, 1)]),
    { get: '/x' },
    { get: '/x', listener: 1 },
    move('cluster', '1', () => []),
    { get: '/x', listener: 1 },
    counts,
  ]),
  everything('what is refused leaves the last good ones in force', [
    live,
    move('route', '1', () => [routeConfig([toCluster('')], { name: 'r' })]),
    move('endpoint', '1', () => [{ cluster_name: '' }]),
    move('listener', '1', (places) => [plainListener(places, 0, 'a', { http_filters: [router(), router()] })]),
    move('cluster', '1', () => [{ name: 'a', connect_timeout: '0s' }]),
    { get: '/' },
    counts,
  ]),
  everything(
    'static clusters and listeners with files of their own',
    [live, { get: '/' }, move('endpoint', '1', (places) => [backend(places, 1)]), { get: '/' }, counts],
    { bootstrap: (places) => bootstrap(places, [fileListener(places, 0)], [fileCluster(places, 'a')]) },
  ),
  {
    feature: 'files',
    name: 'a file that is not there',
    validateOnly: true,
    bootstrap: (places) =>
      bootstrap(places, [], [cluster(places, 0)], {
        dynamic_resources: { cds_config: source(places, 'nope.json') },
      }),
    cases: [],
  },
];
