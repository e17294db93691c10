import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '../../base/index.ts';
import type { JsonObject } from '../config/fields.ts';
import { SecretStore } from '../discovery/secrets.ts';
import { StatsStore } from '../stats/store.ts';
import { plainContext } from './balance/testing.ts';
import type { RetrySelection } from './context.ts';
import type { Host } from './host.ts';
import { ClusterManager } from './manager.ts';

const endpoint = (address: string, health: string): JsonObject => ({
  endpoint: { address: { socket_address: { address, port_value: 80 } } },
  health_status: health,
});

/** A cluster with one host in each priority. */
const member = (name: string, healths: readonly string[], more: JsonObject = {}): JsonObject => ({
  name,
  common_lb_config: { healthy_panic_threshold: { value: 0 } },
  load_assignment: {
    cluster_name: name,
    endpoints: healths.map((health, priority) => ({
      priority,
      lb_endpoints: [endpoint(`10.0.${name.charCodeAt(0)}.${priority}`, health)],
    })),
  },
  ...more,
});

const aggregate = (...clusters: readonly string[]): JsonObject => ({
  name: 'top',
  lb_policy: 'CLUSTER_PROVIDED',
  cluster_type: {
    name: 'envoy.clusters.aggregate',
    typed_config: { '@type': 'type.googleapis.com/envoy.extensions.clusters.aggregate.v3.ClusterConfig', clusters },
  },
});

function subject(...clusters: readonly JsonObject[]): ClusterManager {
  const manager = new ClusterManager(
    { readFilters: () => undefined, secrets: new SecretStore() },
    new StatsStore(),
    createLogger('aggregate-test'),
  );
  for (const cluster of clusters) assert.deepEqual(manager.put(cluster), { ok: true, value: undefined });
  return manager;
}

function chosen(manager: ClusterManager, retry?: RetrySelection): string {
  const cluster = manager.get('top');
  const host = cluster?.choose({ info: plainContext.info, hash: () => undefined, metadataMatch: undefined, retry });
  return host && cluster ? `${cluster.memberOf(host).config.name} ${host.priority}` : 'none';
}

test('an aggregate chooses in its members, one after the other, as they come, go and fail', () => {
  const manager = subject(aggregate('a', 'b'));
  assert.equal(chosen(manager), 'none');
  manager.put(member('b', ['HEALTHY']));
  assert.equal(chosen(manager), 'b 0');
  manager.put(member('a', ['UNHEALTHY', 'HEALTHY']));
  assert.equal(chosen(manager), 'a 1');
  manager.put(member('a', ['UNHEALTHY']));
  assert.equal(chosen(manager), 'b 0');
  manager.put(member('a', ['HEALTHY']));
  assert.equal(chosen(manager), 'a 0');
  manager.remove('a');
  manager.remove('b');
  assert.equal(chosen(manager), 'none');
  manager.stop();
});

test('a retry that leaves priorities out is told the places of hosts in the line of all members', () => {
  const manager = subject(aggregate('a', 'b'), member('a', ['HEALTHY', 'HEALTHY']), member('b', ['HEALTHY']));
  const tried: Host[] = [];
  const retry: RetrySelection = {
    maxAttempts: 0,
    rejects: () => false,
    priorityLoad: (state, placeOf) => {
      const places = tried.map((host) => placeOf?.(host));
      const first = state.load.healthy.findIndex((_, place) => !places.includes(place));
      return { healthy: state.load.healthy.map((_, place) => (place === first ? 100 : 0)), degraded: [0, 0, 0] };
    },
  };
  const names: string[] = [];
  for (let attempt = 0; attempt < 3; attempt++) {
    names.push(chosen(manager, retry));
    const host = manager
      .get('top')
      ?.choose({ info: plainContext.info, hash: () => undefined, metadataMatch: undefined, retry });
    if (host) tried.push(host);
  }
  assert.deepEqual(names, ['a 0', 'a 1', 'b 0']);
  manager.stop();
});
