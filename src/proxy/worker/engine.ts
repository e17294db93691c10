import type { Issue } from '../../base/index.ts';
import { type AccessLogReader, accessLogReader } from '../accesslog/access-log.ts';
import { createLogFiles, FILE_STATS, type LogFiles } from '../accesslog/file.ts';
import { createGrpcLogs, type GrpcLogSink } from '../accesslog/grpc.ts';
import type { BindConfig } from '../cluster/config/binding.ts';
import { ClusterManager } from '../cluster/manager.ts';
import type { NodeName } from '../config/bootstrap.ts';
import type { JsonObject } from '../config/fields.ts';
import { FilterStore } from '../discovery/filters.ts';
import { RouteStore } from '../discovery/routes.ts';
import { SecretStore } from '../discovery/secrets.ts';
import { createCalls } from '../filter/async/calls.ts';
import { proxyHealth } from '../filter/health-check/health.ts';
import { createModules, type FilterModules } from '../filter/module/modules.ts';
import { readFilterChain } from '../filter/table.ts';
import { type DrainSettings, ProcessDrain } from '../listener/drain.ts';
import { ListenerManager } from '../listener/manager.ts';
import type { Logs } from '../log/logs.ts';
import { type OverloadSetup, WorkerOverload } from '../overload/worker.ts';
import { SharedBuckets } from '../rate-limit/shared.ts';
import { type InheritedSocket, InheritedSockets } from '../restart/inherited.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { StatsStore } from '../stats/store.ts';
import { type Change, nameOf, type ResourceKind } from './change.ts';
import type { Command } from './command.ts';
import { countThreadClusters } from './stats.ts';

export interface EngineOptions {
  /** Ordinal of the worker, from 0. */
  readonly worker: number;
  /** How many workers there are. */
  readonly workers: number;
  readonly node: NodeName;
  /** `upstream_bind_config` of the cluster manager. */
  readonly bindConfig: BindConfig | undefined;
  readonly runtime: Runtime;
  readonly logs: Logs;
  readonly drain: DrainSettings;
  /** How long an access log line waits for others, in milliseconds. */
  readonly logFlushMs: number | undefined;
  readonly overload?: OverloadSetup | undefined;
  /** Sockets of the process before. */
  readonly inherited?: readonly InheritedSocket[];
  /** Folders that filter modules may be loaded from. */
  readonly moduleFolders: readonly string[];
  /** `static_resources.secrets`, checked. */
  readonly fixedSecrets: readonly JsonObject[];
  /** What keys of TLS session tickets are made from where none are configured; the same in all workers. */
  readonly ticketSeed: Buffer;
  /** Where entries of gRPC access logs go. */
  readonly logSink: GrpcLogSink;
}

/** The data path of one worker: what is configured, and the connections. */
export interface Engine {
  readonly stats: StatsStore;
  readonly overload: WorkerOverload | undefined;
  readonly inherited: InheritedSockets | undefined;
  readonly clusters: ClusterManager;
  readonly listeners: ListenerManager;
  readonly routes: RouteStore;
  readonly filters: FilterStore;
  readonly secrets: SecretStore;
  readonly files: LogFiles;
  readonly readAccessLogs: AccessLogReader;
  /** Puts a change into force; on issues nothing of it is. */
  apply(change: Change): Promise<readonly Issue[]> | readonly Issue[];
  /** The same without binding an address. */
  check(change: Change): Promise<readonly Issue[]>;
  /** Listeners that waited for nothing but what came now start to serve. */
  settle(): Promise<void>;
  command(command: Command): Promise<void>;
  /** Ends all connections, at the latest after so many milliseconds, and writes out the logs. */
  stop(drainMs: number): Promise<void>;
}

export function createEngine({
  worker,
  workers,
  node,
  bindConfig,
  runtime,
  logs,
  drain,
  logFlushMs,
  overload: setup,
  inherited: before = [],
  moduleFolders,
  fixedSecrets,
  ticketSeed,
  logSink,
}: EngineOptions): Engine {
  const stats = new StatsStore();
  const processDrain = new ProcessDrain(drain);
  const files = createLogFiles(logFlushMs, stats.scope().get(FILE_STATS, 'filesystem.'));
  const filters = new FilterStore();
  const secrets = secretsOf(fixedSecrets);
  const modules = createModules(moduleFolders, logs.get('filter'));
  const clusters = new ClusterManager(
    {
      bindConfig,
      secrets,
      readFilters: (fields, key, statPrefix, scope) => {
        const health = proxyHealth(processDrain, clusters);
        const discover = filters.discover;
        const own = { statPrefix, stats: scope, runtime, health, calls, clusters, discover, modules, secrets };
        return readFilterChain(fields, key, { place: 'upstream', ...own }).chain;
      },
    },
    stats,
    logs.get('upstream'),
    { ...node, worker, workers },
  );
  const calls = createCalls(clusters, node.cluster, runtime);
  const openTelemetry = { calls, node, stats: stats.scope() };
  const readAccessLogs = accessLogReader({ grpc: createGrpcLogs(logSink), files, openTelemetry, runtime });
  countThreadClusters(stats, worker, clusters);
  const inherited = before.length > 0 ? new InheritedSockets(before, worker, workers) : undefined;
  const overload = setup && new WorkerOverload(setup, stats, worker);
  const routes = new RouteStore(clusters, runtime, stats);
  const listeners = new ListenerManager({
    context: {
      clusters,
      calls,
      node,
      runtime,
      overload,
      sharedBuckets: new SharedBuckets(),
      discoverRoutes: (name) => () => routes.get(name),
      discoverFilter: filters.discover,
      modules,
      secrets,
      ticketSeed,
      readAccessLogs,
    },
    stats,
    worker,
    inherited,
    drain: processDrain,
    answered: ({ kind, name }) => ({ route: routes, filter: filters, secret: secrets })[kind].answered(name),
    log: logs.get('config'),
  });
  const engine: Engine = {
    stats,
    overload,
    inherited,
    clusters,
    listeners,
    routes,
    filters,
    secrets,
    files,
    readAccessLogs,
    apply: (change) => {
      const prepared = prepare(modules, change);
      return prepared ? prepared.then(() => apply(engine, change)) : apply(engine, change);
    },
    check: async (change) => {
      await prepare(modules, change);
      return change.kind === 'listener' ? listeners.check(change.json) : apply(engine, change);
    },
    command: (command) => obey(command, engine, { runtime, logs, processDrain }),
    settle: () => listeners.onDiscovered(),
    stop: async (drainMs) => {
      await listeners.stop(drainMs);
      await files.close();
      clusters.stop();
      modules.close();
      overload?.close();
    },
  };
  return engine;
}

function secretsOf(fixed: EngineOptions['fixedSecrets']): SecretStore {
  const secrets = new SecretStore();
  for (const secret of fixed) secrets.putFixed(secret);
  return secrets;
}

/** Loads the modules that a change names; undefined where there can be none. */
function prepare(modules: FilterModules, change: Change): Promise<void> | undefined {
  return change.kind === 'listener' || change.kind === 'filter' ? modules.prepare(change.json) : undefined;
}

function apply(engine: Engine, change: Change): Promise<readonly Issue[]> | readonly Issue[] {
  if (change.kind !== 'remove' && change.fault !== undefined) {
    if (change.kind === 'cluster') engine.clusters.countPut(nameOf(change));
    refuse(engine, change.kind, nameOf(change));
    return [{ path: '', message: change.fault }];
  }
  switch (change.kind) {
    case 'cluster': {
      const result = engine.clusters.put(change.json, change.fixed, change.memory);
      return result.ok ? [] : result.error;
    }
    case 'endpoints': {
      const result = engine.clusters.putAssignment(change.json);
      return result.ok ? [] : result.error;
    }
    case 'listener': {
      const put = (): Promise<readonly Issue[]> =>
        engine.listeners.put(change.json, { fixed: change.fixed, sockets: change.sockets });
      // What is static listens when the clusters know where they lead, as in Envoy.
      const before = change.fixed ? engine.clusters.initialized() : undefined;
      return before ? before.then(put) : put();
    }
    case 'route':
      return engine.routes.put(change.json);
    case 'filter':
      return engine.filters.put(change.json);
    case 'secret': {
      const issues = engine.secrets.put(change.json);
      engine.clusters.checkSecrets();
      return issues;
    }
    case 'remove':
      remove(engine, change);
      return [];
  }
}

function remove(engine: Engine, { of, name }: Extract<Change, { readonly kind: 'remove' }>): void {
  if (of === 'cluster') engine.clusters.remove(name);
  else if (of === 'listener') engine.listeners.remove(name);
  else if (of === 'route') engine.routes.remove(name);
  else if (of === 'filter') engine.filters.remove(name);
  else if (of === 'secret') engine.secrets.remove(name);
}

/** What came under a name was of no use: nobody waits for it any longer. */
function refuse({ clusters, routes, filters, secrets }: Engine, of: ResourceKind, name: string): void {
  if (of === 'endpoints') clusters.giveUp(name);
  else if (of === 'route') routes.refuse(name);
  else if (of === 'filter') filters.refuse(name);
  else if (of === 'secret') {
    secrets.refuse(name);
    clusters.checkSecrets();
  }
}

interface Surroundings {
  readonly runtime: Runtime;
  readonly logs: Logs;
  readonly processDrain: ProcessDrain;
}

async function obey(command: Command, engine: Engine, { runtime, logs, processDrain }: Surroundings): Promise<void> {
  switch (command.kind) {
    case 'holdListeners':
      engine.listeners.hold();
      return;
    case 'beginListeners':
      engine.listeners.begin();
      return;
    case 'startListeners':
      await engine.listeners.start();
      return;
    case 'refuse':
      for (const name of command.names) refuse(engine, command.of, name);
      await engine.settle();
      return;
    case 'resetCounters':
      engine.stats.resetCounters();
      return;
    case 'flushStats':
      engine.stats.flush();
      return;
    case 'reopenLogs':
      engine.files.reopen();
      return;
    case 'drain':
      processDrain.start(command.inboundOnly);
      return;
    case 'stopListeners':
      engine.listeners.stopAccepting(command.inboundOnly);
      return;
    case 'failHealth':
      processDrain.healthFailed = command.failed;
      return;
    case 'setLevels':
      for (const [component, level] of command.levels) logs.set(component, level);
      return;
    case 'overload':
      engine.overload?.take(command.states);
      await engine.listeners.pause(engine.overload?.stopped ?? false);
      return;
    case 'modifyRuntime':
      runtime.modify(new Map(command.changes));
  }
}
