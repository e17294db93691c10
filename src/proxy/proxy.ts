import { flushCompileCache, getCompileCacheDir } from 'node:module';
import { formatIssue, type Issue, type Logger } from '../base/index.ts';
import { messageOf } from '../model/envoy/index.ts';
import { createGrpcLogStreams, type GrpcLogStreams } from './accesslog/grpc.ts';
import { type AdminServer, startAdmin } from './admin/admin.ts';
import { type Bootstrap, readBootstrap } from './config/bootstrap.ts';
import { type Discovery, startDiscovery } from './discovery/discovery.ts';
import { CLUSTER_MANAGER_STATS, LISTENER_MANAGER_STATS, SERVER_STATS } from './server/stats.ts';
import { prepareRawHandles } from './transport/raw.ts';
import { createEngine } from './worker/engine.ts';
import { createWorkers, type Workers } from './worker/group.ts';
import { startRemote } from './worker/remote.ts';

export interface ProxyOptions {
  /** The parsed YAML or JSON of an Envoy bootstrap file. */
  readonly bootstrap: unknown;
  readonly log: Logger;
  /** How long an access log line waits for others before it is written; default 1 s. */
  readonly logFlushMs?: number;
  /** Number of workers, each on a core of its own; default 1, which runs in this thread. */
  readonly concurrency?: number;
}

export interface RunningProxy {
  /** `host:port` or Unix socket path of the admin interface; undefined when the bootstrap has none. */
  readonly adminAddress: string | undefined;
  /** Addresses of a listener as bound (`127.0.0.1:15001`); empty when there is no such listener. */
  listenerAddresses(name: string): readonly string[];
  /** Stops accepting, lets requests end for up to `drainMs` (5 s), writes out the access logs. */
  stop(drainMs?: number): Promise<void>;
}

/** The bootstrap cannot be put into force; `issues` says where and why. */
export class BootstrapError extends Error {
  override readonly name = 'BootstrapError';
  readonly issues: readonly Issue[];

  constructor(issues: readonly Issue[]) {
    super(issues.map(formatIssue).join('\n'));
    this.issues = issues;
  }
}

const DRAIN_MS = 5000;
const STATS_FLUSH_MS = 5000;

/** Starts a proxy. Rejects with `BootstrapError` when the bootstrap is faulty or an address of it cannot be bound. */
export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const { bootstrap, log } = options;
  const read = readBootstrap(bootstrap);
  if (!read.ok) throw new BootstrapError(read.error);
  const config = read.value;
  const rawHandles = await prepareRawHandles();
  if (!rawHandles) log.warn('this Node gives no access to socket handles: requests cost more');
  const startedAt = performance.now();
  const { workers, logs } = await openWorkers(config, options, rawHandles);
  countServer(workers, startedAt, () => draining);
  const flush = setInterval(() => workers.flushStats(), STATS_FLUSH_MS).unref();
  let discovery: Discovery | undefined;
  let draining = false;
  let admin: AdminServer | undefined;
  const stop = async (drainMs: number): Promise<void> => {
    draining = true;
    clearInterval(flush);
    discovery?.close();
    await workers.stop(drainMs);
    logs.close();
    await admin?.close();
  };
  try {
    await putStatic(config, workers);
    admin = await openAdmin(config, {
      workers,
      node: config.node,
      bootstrap,
      startedAt,
      state: () => (draining ? 'DRAINING' : 'LIVE'),
    });
    discovery = openDiscovery(config, workers, log);
  } catch (error) {
    await stop(0);
    throw error;
  }
  return {
    adminAddress: admin?.address,
    listenerAddresses: (name) => workers.first.listeners.get(name)?.bound ?? [],
    stop: (drainMs = DRAIN_MS) => stop(drainMs),
  };
}

async function openWorkers(
  config: Bootstrap,
  { log, logFlushMs, concurrency = 1 }: ProxyOptions,
  rawHandles: boolean,
): Promise<{ readonly workers: Workers; readonly logs: GrpcLogStreams }> {
  const logs = createGrpcLogStreams(
    (cluster) => first.clusters.grpcTarget(cluster),
    messageOf('envoy.config.core.v3.Node', config.node),
    log,
  );
  const first = createEngine({ worker: 0, runtime: config.runtime, log, logFlushMs, logSink: logs });
  const onDeath = (reason: string): never => {
    log.fatal({ reason }, 'a worker died');
    process.exit(1);
  };
  const compileCache = getCompileCacheDir();
  if (concurrency > 1) flushCompileCache();
  const remotes = await Promise.all(
    Array.from({ length: concurrency - 1 }, (_, index) =>
      startRemote({
        data: {
          worker: index + 1,
          logFlushMs,
          logLevel: log.level,
          runtime: config.runtimeJson,
          rawHandles,
          compileCache,
        },
        logSink: logs,
        onDeath,
      }),
    ),
  );
  return { workers: createWorkers(first, remotes, log), logs };
}

/** Keeps the gauges of the process up to date. */
function countServer(
  { first: { stats, clusters, listeners }, count }: Workers,
  startedAt: number,
  draining: () => boolean,
): void {
  const scope = stats.scope();
  const server = scope.get(SERVER_STATS, 'server.');
  const manager = scope.get(CLUSTER_MANAGER_STATS, 'cluster_manager.');
  const listening = scope.get(LISTENER_MANAGER_STATS, 'listener_manager.');
  stats.beforeRead(() => {
    server.live = draining() ? 0 : 1;
    server.concurrency = count;
    listening.workersStarted = 1;
    server.state = draining() ? 1 : 0;
    server.uptime = Math.floor((performance.now() - startedAt) / 1000);
    const warm = clusters.all().filter((cluster) => cluster.warm).length;
    manager.active = warm;
    manager.warming = clusters.all().length - warm;
    listening.active = listeners.all().length;
  });
}

async function putStatic(config: Bootstrap, workers: Workers): Promise<void> {
  const lists = { clusters: config.clusters, listeners: config.listeners };
  const issues: Issue[] = [];
  for (const [key, kind] of [
    ['clusters', 'cluster'],
    ['listeners', 'listener'],
  ] as const) {
    const results = await workers.apply(lists[key].map((json) => ({ kind, json, fixed: true })));
    for (const [index, found] of results.entries()) {
      const at = `static_resources.${key}[${index}]`;
      issues.push(...found.map((issue) => ({ ...issue, path: issue.path === '' ? at : `${at}.${issue.path}` })));
    }
  }
  if (config.ads && workers.first.clusters.grpcTarget(config.ads.cluster) === undefined) {
    issues.push({
      path: 'dynamic_resources.ads_config.grpc_services[0].envoy_grpc.cluster_name',
      message: `no static cluster ${JSON.stringify(config.ads.cluster)} with an endpoint`,
    });
  }
  if (issues.length > 0) throw new BootstrapError(issues);
}

async function openAdmin(
  config: Bootstrap,
  subject: Parameters<typeof startAdmin>[1],
): Promise<AdminServer | undefined> {
  if (!config.admin) return undefined;
  const server = await startAdmin(config.admin, subject);
  if (!server.ok) throw new BootstrapError([{ path: 'admin.address', message: server.error }]);
  return server.value;
}

function openDiscovery(config: Bootstrap, workers: Workers, log: Logger): Discovery | undefined {
  const { ads } = config;
  if (!ads) return undefined;
  return startDiscovery({
    workers,
    address: workers.first.clusters.grpcTarget(ads.cluster) ?? '',
    node: config.node,
    form: ads.form,
    discoverListeners: config.discoverListeners,
    discoverClusters: config.discoverClusters,
    log,
  });
}
