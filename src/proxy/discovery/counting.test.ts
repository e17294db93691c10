import assert from 'node:assert/strict';
import { test } from 'node:test';
import { typeUrl } from '../../model/envoy/index.ts';
import type { ResourceUpdate } from '../../xds/index.ts';
import { ClusterStats } from '../cluster/stats.ts';
import { StatsStore } from '../stats/store.ts';
import { countDiscovery } from './counting.ts';
import { EDS_STATS } from './stats.ts';

const update = (...names: readonly string[]): ResourceUpdate => ({
  version: 'v1',
  names,
  changed: new Map(),
  removed: [],
  missing: () => [],
  broken: new Map(),
  repeated: [],
});

test('what is discovered counts where Envoy counts it', () => {
  const store = new StatsStore();
  const endpointStats = store.scope().get(EDS_STATS, 'cluster.c.');
  const eds = { stats: new ClusterStats(), endpointStats };
  const engine = {
    clusters: { serviceNames: () => ['s'], followers: (name: string) => (name === 's' ? [eds] : []) },
    listeners: {
      filters: () => new Map([['f', 'http_filter']]),
      routeNames: () => ['r'],
      routePrefixes: (name: string) => new Set(name === 'r' ? ['http.a.', 'http.b.'] : []),
    },
  } as unknown as Parameters<typeof countDiscovery>[0];
  const counts = countDiscovery(engine, store.scope(), { clusters: true, listeners: true });
  const values = (): Record<string, unknown> =>
    Object.fromEntries(store.read().flatMap((one) => (one.type === 'histogram' ? [] : [[one.name, one.value]])));
  const cds = (): readonly unknown[] =>
    ['attempt', 'success', 'rejected', 'failure'].map((name) => values()[`cluster_manager.cds.update_${name}`]);
  assert.deepEqual(cds(), [1, 0, 0, 0]);
  counts.onConnection(true);
  counts.onUpdate(typeUrl.cluster, update('c'), new Map(), 3);
  assert.deepEqual(cds(), [2, 1, 0, 0]);
  assert.equal(values()['cluster_manager.cds.version_text'], 'v1');
  assert.ok(Number(values()['cluster_manager.cds.update_time']) > 1e12);
  counts.onUpdate(typeUrl.cluster, update('c'), new Map([['c', 'no']]), 1);
  assert.deepEqual(cds(), [3, 1, 1, 0]);
  assert.equal(values()['listener_manager.lds.update_attempt'], 1);
  counts.onUpdate(typeUrl.endpoint, update('s', 'other'), new Map(), 1);
  assert.deepEqual(
    [eds.stats.updateAttempt, eds.stats.updateSuccess, values()['cluster.c.update_rejected']],
    [2, 1, 0],
  );
  counts.onUpdate(typeUrl.endpoint, update('s'), new Map([['s', 'no']]), 1);
  assert.deepEqual(
    [eds.stats.updateAttempt, eds.stats.updateSuccess, values()['cluster.c.update_rejected']],
    [3, 1, 1],
  );
  counts.onUpdate(typeUrl.route, update('r'), new Map(), 1);
  assert.deepEqual([values()['http.a.rds.r.update_success'], values()['http.b.rds.r.update_success']], [1, 1]);
  counts.onUpdate(typeUrl.extensionConfig, update('f'), new Map([['', 'no']]), 1);
  assert.equal(values()['extension_config_discovery.http_filter.f.update_rejected'], 1);
  assert.equal(values()['control_plane.connected_state'], 1);
  counts.onConnection(false);
  assert.deepEqual(cds(), [4, 1, 1, 1]);
  assert.equal(values()['control_plane.connected_state'], 0);
});
