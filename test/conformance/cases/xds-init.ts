import { cluster, listener, manager, routeConfig, toCluster } from '../config.ts';
import {
  ads,
  assignment,
  edsCluster,
  plainListener,
  rdsListener,
  routes,
  type Script,
  scripted,
} from '../discovery.ts';
import type { PlaneStep, Scenario } from '../types.ts';

const becomes = (state: string): PlaneStep => ({ becomes: state, at: '/ready' });
const gauges: PlaneStep = {
  stats:
    /^listener_manager\.(workers_started|total_listeners_(warming|active|draining)|total_filter_chains_draining|listener_(added|modified|removed|in_place_updated|create_success))$/,
};
const warming: PlaneStep = { stats: /^cluster_manager\.(active|warming)_clusters$|^server\.live$/ };
const timeouts: PlaneStep = { stats: /\.init_fetch_timeout$/ };
const empty = (type: 'cluster' | 'listener'): PlaneStep => ({ send: type, version: `${type}s` });

const scripts: readonly Script[] = [
  {
    name: 'clusters come before listeners, and both before life',
    own: (places) => ({ clusters: [cluster(places, 0)], listeners: [plainListener(places, 0, 'c0')] }),
    steps: [
      becomes('PRE_INITIALIZING'),
      { wanted: 'cluster' },
      { wanted: 'listener' },
      { get: '/' },
      warming,
      gauges,
      empty('cluster'),
      becomes('INITIALIZING'),
      { wanted: 'listener' },
      { get: '/' },
      warming,
      gauges,
      empty('listener'),
      becomes('LIVE'),
      { get: '/' },
      warming,
      gauges,
    ],
  },
  {
    name: 'endpoints are waited for',
    steps: [
      { send: 'cluster', version: '1', resources: () => [edsCluster('a'), edsCluster('b')] },
      becomes('PRE_INITIALIZING'),
      { wanted: 'endpoint' },
      { wanted: 'listener' },
      { send: 'endpoint', version: '1', resources: (places) => [assignment(places, 'a'), assignment(places, 'b')] },
      becomes('INITIALIZING'),
      empty('listener'),
      becomes('LIVE'),
      warming,
    ],
  },
  {
    name: 'routes of the first listeners are waited for',
    own: (places) => ({ clusters: [cluster(places, 0)], listeners: [rdsListener(places, 0, 'r0')] }),
    steps: [
      empty('cluster'),
      becomes('INITIALIZING'),
      { send: 'listener', version: '1', resources: (places) => [rdsListener(places, 1, 'r1')] },
      gauges,
      { get: '/' },
      { wanted: 'route' },
      { send: 'route', version: '1', resources: () => [routes('r0', 'c0'), routes('r1', 'c0')] },
      becomes('LIVE'),
      { get: '/' },
      { get: '/', listener: 1 },
      gauges,
    ],
  },
  {
    name: 'the first answers are not waited for without end',
    own: (places) => ({
      cds: ads('0.3s'),
      lds: ads('0.3s'),
      clusters: [cluster(places, 0)],
      listeners: [plainListener(places, 0, 'c0'), rdsListener(places, 1, 'r', ads('0.3s'))],
    }),
    steps: [becomes('LIVE'), { get: '/' }, { get: '/', listener: 1 }, timeouts, gauges],
  },
  {
    name: 'endpoints are not waited for without end',
    steps: [
      {
        send: 'cluster',
        version: '1',
        resources: () => [
          edsCluster('a', { eds_cluster_config: { eds_config: ads('0.3s'), service_name: 'service-a' } }),
        ],
      },
      becomes('INITIALIZING'),
      empty('listener'),
      becomes('LIVE'),
      timeouts,
    ],
  },
  {
    name: 'a refused answer is one, too',
    steps: [
      { send: 'cluster', version: '1', resources: () => [{ name: 'a', connect_timeout: '0s' }] },
      becomes('INITIALIZING'),
      { send: 'listener', version: '1', resources: () => [{ name: 'a' }] },
      becomes('LIVE'),
    ],
  },
  {
    name: 'a refused route table ends the wait for it',
    own: (places) => ({ listeners: [rdsListener(places, 0, 'r')] }),
    steps: [
      empty('cluster'),
      empty('listener'),
      becomes('INITIALIZING'),
      { wanted: 'route' },
      {
        send: 'route',
        version: '1',
        resources: () => [routeConfig([toCluster('')], { name: 'r' })],
      },
      becomes('LIVE'),
      { get: '/' },
    ],
  },
  {
    name: 'a listener that comes later warms',
    own: (places) => ({ clusters: [cluster(places, 0)] }),
    steps: [
      empty('cluster'),
      empty('listener'),
      becomes('LIVE'),
      { send: 'listener', version: '1', resources: (places) => [rdsListener(places, 0, 'r')] },
      gauges,
      { get: '/' },
      { wanted: 'route' },
      { send: 'route', version: '1', resources: () => [routes('r', 'c0')] },
      { sleep: 100 },
      { get: '/' },
      gauges,
    ],
  },
  {
    name: 'a newer listener warms while the one before serves',
    own: (places) => ({ clusters: [cluster(places, 0)] }),
    steps: [
      empty('cluster'),
      { send: 'listener', version: '1', resources: (places) => [plainListener(places, 0, 'c0')] },
      becomes('LIVE'),
      { get: '/' },
      { send: 'listener', version: '2', resources: (places) => [rdsListener(places, 0, 'r')] },
      gauges,
      { get: '/' },
      { wanted: 'route' },
      {
        send: 'route',
        version: '1',
        resources: () => [routeConfig([toCluster('c0', {}, { path: '/x' })], { name: 'r' })],
      },
      { sleep: 100 },
      { get: '/' },
      gauges,
    ],
  },
  {
    name: 'updates in place and as a whole',
    own: (places) => ({ clusters: [cluster(places, 0)] }),
    steps: [
      empty('cluster'),
      { send: 'listener', version: '1', resources: (places) => [plainListener(places, 0, 'c0')] },
      becomes('LIVE'),
      {
        send: 'listener',
        version: '2',
        resources: (places) => [
          listener(places, 0, [manager(places, { route_config: routeConfig([toCluster('c0', {}, { path: '/x' })]) })]),
        ],
      },
      { sleep: 100 },
      { get: '/' },
      gauges,
      {
        send: 'listener',
        version: '3',
        resources: (places) => [{ ...plainListener(places, 0, 'c0'), tcp_backlog_size: 77 }],
      },
      { sleep: 100 },
      { get: '/' },
      gauges,
      { send: 'listener', version: '4', removed: ['l0'] },
      { sleep: 100 },
      { get: '/' },
      gauges,
    ],
  },
  {
    name: 'a listener that is removed while it warms',
    own: (places) => ({ clusters: [cluster(places, 0)] }),
    steps: [
      empty('cluster'),
      empty('listener'),
      becomes('LIVE'),
      { send: 'listener', version: '1', resources: (places) => [rdsListener(places, 0, 'r')] },
      { send: 'listener', version: '2', removed: ['l0'] },
      gauges,
    ],
  },
];

export const scenarios: readonly Scenario[] = scripts.flatMap((script) => scripted('initialization', script));
