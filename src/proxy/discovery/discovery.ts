import { formatIssue, type Logger } from '../../base/index.ts';
import { type JsonObject, typeUrl } from '../../model/envoy/index.ts';
import { createXdsClient, type ProtocolForm, type ResourceUpdate } from '../../xds/index.ts';
import type { ResourceSource } from '../config/config-source.ts';
import type { Apply } from '../server/static.ts';
import type { Change, ResourceKind } from '../worker/change.ts';
import type { Workers } from '../worker/group.ts';
import { countDiscovery } from './counting.ts';
import { FileSubscriptions } from './file-subscriptions.ts';
import { FirstAnswers } from './first-answers.ts';
import { type ReadSecret, SecretFiles } from './secret-files.ts';

export interface DiscoveryOptions {
  readonly workers: Workers;
  readonly apply: Apply;
  /** The control plane; undefined: everything comes from files. */
  readonly plane: { readonly address: string; readonly form: ProtocolForm } | undefined;
  readonly node: JsonObject;
  /** Undefined: none are discovered. */
  readonly discoverListeners: ResourceSource | undefined;
  readonly discoverClusters: ResourceSource | undefined;
  readonly log: Logger;
}

export interface Discovery {
  /** Asks for clusters; ends with the first answer, whatever it is, or when it is not waited for any longer. */
  clusters(): Promise<void>;
  /** Asks for listeners and what they need; ends like `clusters`. */
  listeners(): Promise<void>;
  close(): void;
}

/** Keeps the proxy at what its control plane and its files say. Resources that cannot be put into force are refused one by one; the last good stays. */
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
  const onRefusal = (url: string, reason: string, asked?: readonly string[]): void => {
    counts.onRefusal(url, asked);
    first.came(url);
    void workers.command({ kind: 'refuse', of: KINDS[url] ?? 'cluster', names: asked ?? waitingFor(url, workers) });
    log.warn({ type: url, reason }, 'response rejected');
  };
  const onUpdate = async (
    url: string,
    update: ResourceUpdate,
    asked?: readonly string[],
  ): Promise<ReadonlyMap<string, string>> => {
    const began = performance.now();
    const errors = url === typeUrl.secret ? await applySecrets(update) : await applyUpdate(url, update, apply);
    counts.onUpdate(url, update, errors, performance.now() - began, asked);
    for (const [name, reason] of errors) log.warn({ type: url, name, reason }, 'resource rejected');
    // Endpoints name nothing else.
    if (url !== typeUrl.endpoint) await subscribeNeeded();
    first.came(url);
    return errors;
  };
  const secretFiles = new SecretFiles({
    apply: async (json, version) => (await apply([{ kind: 'secret', json, version }]))[0] ?? [],
    onFailure: (name, reason) => {
      counts.onRotationFailure(name);
      log.warn({ secret: name, reason }, 'files of a secret are of no use');
    },
  });
  async function applySecrets(update: ResourceUpdate): Promise<ReadonlyMap<string, string>> {
    const read = new Map<string, ReadSecret>();
    for (const [name, json] of update.changed) read.set(name, await secretFiles.read(name, json));
    const changed = new Map([...read].map(([name, { resolved }]) => [name, resolved]));
    const errors = await applyUpdate(typeUrl.secret, { ...update, changed }, apply);
    for (const [name, secret] of read)
      if (errors.has(name)) secretFiles.release(name);
      else secretFiles.follow(name, secret, update.version);
    return errors;
  }
  const { plane, node } = options;
  const client =
    plane && createXdsClient({ ...plane, node, log, onConnection: counts.onConnection, onRefusal, onUpdate });
  const files = new FileSubscriptions({ onUpdate, onRefusal });
  async function subscribeNeeded(): Promise<void> {
    want(typeUrl.endpoint, clusters.serviceNames());
    files.want(typeUrl.endpoint, clusters.serviceFiles());
    const chains = begun ? [...listeners.filters().keys()] : [];
    want(typeUrl.extensionConfig, [...new Set([...chains, ...filters.upstreamNames()])]);
    wantSecrets();
    if (!begun) return;
    const names = listeners.routeNames();
    const ofFiles = listeners.routeFiles();
    want(
      typeUrl.route,
      names.filter((name) => !ofFiles.has(name)),
    );
    files.want(typeUrl.route, ofFiles);
    const needed = new Set(names);
    const gone = workers.first.routes.names().filter((name) => !needed.has(name));
    if (gone.length > 0) await apply(gone.map((name) => ({ kind: 'remove', of: 'route', name })));
  }
  function wantSecrets(): void {
    const all = new Map([...clusters.secrets(), ...(begun ? listeners.secrets() : [])]);
    const ofFiles = [...all].flatMap(([name, file]) => (file ? [[name, file] as const] : []));
    want(
      typeUrl.secret,
      [...all].flatMap(([name, file]) => (file ? [] : [name])),
    );
    files.want(typeUrl.secret, new Map(ofFiles));
    secretFiles.keep(new Set(all.keys()));
  }
  const asked = new Set<string>();
  /** A type of which nothing is needed is not mentioned before something is. */
  function want(url: string, names: readonly string[]): void {
    if (names.length === 0 && !asked.has(url)) return;
    asked.add(url);
    client?.subscribe(url, names);
  }
  async function wantAll(url: string, source: ResourceSource | undefined): Promise<void> {
    await subscribeNeeded();
    if (!source) return;
    if (source.file) files.wantAll(url, source.file);
    else client?.subscribe(url);
    await first.wait(url, source.fetchTimeout);
  }
  return {
    clusters: () => wantAll(typeUrl.cluster, options.discoverClusters),
    listeners: () => {
      begun = true;
      return wantAll(typeUrl.listener, options.discoverListeners);
    },
    close: () => {
      first.stop();
      files.close();
      secretFiles.close();
      client?.close();
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
  [typeUrl.secret]: 'secret',
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
