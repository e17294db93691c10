import { formatIssue, type Logger } from '../../base/index.ts';
import { type JsonObject, typeUrl } from '../../model/envoy/index.ts';
import { createXdsClient, type ProtocolForm, type ResourceUpdate, type XdsClient } from '../../xds/index.ts';
import type { Apply } from '../server/static.ts';
import type { Change, ResourceKind } from '../worker/change.ts';
import type { Workers } from '../worker/group.ts';
import { countDiscovery } from './counting.ts';
import { FirstAnswers } from './first-answers.ts';

export interface DiscoveryOptions {
  readonly workers: Workers;
  readonly apply: Apply;
  readonly address: string;
  readonly node: JsonObject;
  readonly form: ProtocolForm;
  /** How long the first listeners or clusters are waited for, in milliseconds, 0 for ever; undefined: none are discovered. */
  readonly discoverListeners: number | undefined;
  readonly discoverClusters: number | undefined;
  readonly log: Logger;
}

export interface Discovery {
  /** Asks for clusters; ends with the first answer, whatever it is, or when it is not waited for any longer. */
  clusters(): Promise<void>;
  /** Asks for listeners and what they need; ends like `clusters`. */
  listeners(): Promise<void>;
  close(): void;
}

/** Keeps the proxy at what its control plane says. Resources that cannot be put into force are refused one by one; the last good stays. */
export function startDiscovery(options: DiscoveryOptions): Discovery {
  const { workers, apply, log } = options;
  const { clusters, listeners, filters, stats } = workers.first;
  const scope = stats.scope();
  const counts = countDiscovery(workers.first, scope, {
    clusters: options.discoverClusters !== undefined,
    listeners: options.discoverListeners !== undefined,
  });
  clusters.onTimeout = counts.onEndpointsTimeout;
  listeners.onTimeout = counts.onTimeout;
  const first = new FirstAnswers((url) => counts.onFirstTimeout(url));
  /** Listeners are asked about. */
  let begun = false;
  const client: XdsClient = createXdsClient({
    address: options.address,
    node: options.node,
    form: options.form,
    log,
    onConnection: counts.onConnection,
    onRefusal: (url, reason) => {
      counts.onRefusal(url);
      first.came(url);
      void workers.command({ kind: 'refuse', of: KINDS[url] ?? 'cluster', names: waitingFor(url, workers) });
      log.warn({ type: url, reason }, 'response rejected');
    },
    onUpdate: async (url, update) => {
      const began = performance.now();
      const errors = await applyUpdate(url, update, apply);
      counts.onUpdate(url, update, errors, performance.now() - began);
      for (const [name, reason] of errors) log.warn({ type: url, name, reason }, 'resource rejected');
      // Endpoints name nothing else.
      if (url !== typeUrl.endpoint) await subscribeNeeded();
      first.came(url);
      return errors;
    },
  });
  async function subscribeNeeded(): Promise<void> {
    want(typeUrl.endpoint, clusters.serviceNames());
    const chains = begun ? listeners.filterNames() : [];
    want(typeUrl.extensionConfig, [...new Set([...chains, ...filters.upstreamNames()])]);
    if (!begun) return;
    want(typeUrl.route, listeners.routeNames());
    const needed = new Set(listeners.routeNames());
    const gone = workers.first.routes.names().filter((name) => !needed.has(name));
    if (gone.length > 0) await apply(gone.map((name) => ({ kind: 'remove', of: 'route', name })));
  }
  const asked = new Set<string>();
  /** A type of which nothing is needed is not mentioned before something is. */
  function want(url: string, names: readonly string[]): void {
    if (names.length === 0 && !asked.has(url)) return;
    asked.add(url);
    client.subscribe(url, names);
  }
  return {
    clusters: async () => {
      const { discoverClusters: timeout } = options;
      await subscribeNeeded();
      if (timeout === undefined) return;
      client.subscribe(typeUrl.cluster);
      await first.wait(typeUrl.cluster, timeout);
    },
    listeners: async () => {
      const { discoverListeners: timeout } = options;
      begun = true;
      await subscribeNeeded();
      if (timeout === undefined) return;
      client.subscribe(typeUrl.listener);
      await first.wait(typeUrl.listener, timeout);
    },
    close: () => {
      first.stop();
      client.close();
      scope.close();
    },
  };
}

/** Names of a type that somebody waits for. */
function waitingFor(url: string, { first: { clusters, listeners } }: Workers): readonly string[] {
  if (url === typeUrl.endpoint) return clusters.serviceNames();
  const kind = KINDS[url];
  const wants = listeners.waiting().flatMap((one) => one.wants);
  return wants.flatMap((want) => (want.kind === kind ? [want.name] : []));
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
  const whole = kind === 'listener' || kind === 'cluster' ? kind : undefined;
  const all = await apply(removesFirst ? [...removals, ...changes] : [...changes, ...removals], whole);
  const results = removesFirst ? all.slice(removals.length) : all;
  for (const name of update.repeated) errors.set(name, `duplicate resource ${name} found`);
  for (const [index, issues] of results.entries()) {
    const name = names[index];
    if (issues.length > 0 && name !== undefined) errors.set(name, issues.map(formatIssue).join('; '));
  }
  return errors;
}
