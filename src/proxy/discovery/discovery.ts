import { formatIssue, type Logger } from '../../base/index.ts';
import { type JsonObject, typeUrl } from '../../model/envoy/index.ts';
import { createXdsClient, type ProtocolForm, type ResourceUpdate, type XdsClient } from '../../xds/index.ts';
import type { Apply } from '../server/static.ts';
import type { Change, ResourceKind } from '../worker/change.ts';
import type { Workers } from '../worker/group.ts';
import { countDiscovery } from './counting.ts';

export interface DiscoveryOptions {
  readonly workers: Workers;
  readonly apply: Apply;
  readonly address: string;
  readonly node: JsonObject;
  readonly form: ProtocolForm;
  readonly discoverListeners: boolean;
  readonly discoverClusters: boolean;
  readonly log: Logger;
}

export interface Discovery {
  close(): void;
}

/** Keeps the proxy at what its control plane says. Resources that cannot be put into force are refused one by one; the last good stays. */
export function startDiscovery(options: DiscoveryOptions): Discovery {
  const { workers, apply, log } = options;
  const { clusters, listeners, filters, stats } = workers.first;
  const scope = stats.scope();
  const counts = countDiscovery(workers.first, scope, {
    clusters: options.discoverClusters,
    listeners: options.discoverListeners,
  });
  const client: XdsClient = createXdsClient({
    address: options.address,
    node: options.node,
    form: options.form,
    log,
    onConnection: counts.onConnection,
    onRefusal: (url, reason) => {
      counts.onRefusal(url);
      log.warn({ type: url, reason }, 'response rejected');
    },
    onUpdate: async (url, update) => {
      const began = performance.now();
      const errors = await applyUpdate(url, update, apply);
      counts.onUpdate(url, update, errors, performance.now() - began);
      for (const [name, reason] of errors) log.warn({ type: url, name, reason }, 'resource rejected');
      // Endpoints name nothing else.
      if (url !== typeUrl.endpoint) await subscribeNeeded();
      return errors;
    },
  });
  async function subscribeNeeded(): Promise<void> {
    client.subscribe(typeUrl.endpoint, clusters.serviceNames());
    client.subscribe(typeUrl.route, listeners.routeNames());
    client.subscribe(typeUrl.extensionConfig, [...new Set([...listeners.filterNames(), ...filters.upstreamNames()])]);
    const needed = new Set(listeners.routeNames());
    const gone = workers.first.routes.names().filter((name) => !needed.has(name));
    if (gone.length > 0) await apply(gone.map((name) => ({ kind: 'remove', of: 'route', name })));
  }
  if (options.discoverClusters) client.subscribe(typeUrl.cluster);
  if (options.discoverListeners) client.subscribe(typeUrl.listener);
  if (clusters.serviceNames().length > 0) client.subscribe(typeUrl.endpoint, clusters.serviceNames());
  if (listeners.routeNames().length > 0) client.subscribe(typeUrl.route, listeners.routeNames());
  const filterNames = [...listeners.filterNames(), ...filters.upstreamNames()];
  if (filterNames.length > 0) client.subscribe(typeUrl.extensionConfig, filterNames);
  return {
    close: () => {
      client.close();
      scope.close();
    },
  };
}

/** The kind of change that a type of resource means. */
const KINDS: Readonly<Record<string, ResourceKind>> = {
  [typeUrl.cluster]: 'cluster',
  [typeUrl.endpoint]: 'endpoints',
  [typeUrl.listener]: 'listener',
  [typeUrl.route]: 'route',
  [typeUrl.extensionConfig]: 'filter',
};

async function applyUpdate(url: string, update: ResourceUpdate, apply: Apply): Promise<ReadonlyMap<string, string>> {
  const errors = new Map<string, string>();
  const kind = KINDS[url];
  if (!kind) {
    for (const name of update.names) {
      errors.set(name, `resources of type ${url} are not supported by ciliate-proxy`);
    }
    return errors;
  }
  const { version, broken } = update;
  const names = [...update.changed.keys(), ...broken.keys()];
  const changes = [
    ...[...update.changed.values()].map((json): Change => ({ kind, json, version })),
    ...[...broken.values()].map(({ json, reason }): Change => ({ kind, json, version, fault: reason })),
  ];
  const removals = update.removed.map((name): Change => ({ kind: 'remove', of: kind, name }));
  // A new listener may have the address of one that goes; a cluster goes when nothing leads to it any more.
  const removesFirst = kind === 'listener';
  const all = await apply(removesFirst ? [...removals, ...changes] : [...changes, ...removals]);
  const results = removesFirst ? all.slice(removals.length) : all;
  for (const name of update.repeated) errors.set(name, `duplicate resource ${name} found`);
  for (const [index, issues] of results.entries()) {
    const name = names[index];
    if (issues.length > 0 && name !== undefined) errors.set(name, issues.map(formatIssue).join('; '));
  }
  return errors;
}
