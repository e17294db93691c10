import { formatIssue, type Issue, type Logger } from '../base/index.ts';
import { messageOf } from '../model/envoy/index.ts';
import { accessLogReader } from './accesslog/access-log.ts';
import { createLogFiles, type LogFiles } from './accesslog/file.ts';
import { createGrpcLogs, type GrpcLogs } from './accesslog/grpc.ts';
import { type AdminServer, startAdmin } from './admin/admin.ts';
import { ClusterManager } from './cluster/manager.ts';
import { type Bootstrap, readBootstrap } from './config/bootstrap.ts';
import { type Discovery, startDiscovery } from './discovery/discovery.ts';
import { FilterStore } from './discovery/filters.ts';
import { RouteStore } from './discovery/routes.ts';
import { readFilterChain } from './filter/table.ts';
import { ListenerManager } from './listener/manager.ts';
import { CLUSTER_MANAGER_STATS, LISTENER_MANAGER_STATS, SERVER_STATS } from './server/stats.ts';
import { StatsStore } from './stats/store.ts';
import { prepareRawHandles } from './transport/raw.ts';

export interface ProxyOptions {
  /** The parsed YAML or JSON of an Envoy bootstrap file. */
  readonly bootstrap: unknown;
  readonly log: Logger;
  /** How long an access log line waits for others before it is written; default 1 s. */
  readonly logFlushMs?: number;
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
export async function startProxy({ bootstrap, log, logFlushMs }: ProxyOptions): Promise<RunningProxy> {
  const read = readBootstrap(bootstrap);
  if (!read.ok) throw new BootstrapError(read.error);
  const config = read.value;
  if (!(await prepareRawHandles())) log.warn('this Node gives no access to socket handles: requests cost more');
  const parts = createParts(config, log, createLogFiles(logFlushMs));
  const startedAt = performance.now();
  countServer(parts, startedAt, () => draining);
  const flush = setInterval(() => parts.stats.flush(), STATS_FLUSH_MS).unref();
  let discovery: Discovery | undefined;
  let draining = false;
  let admin: AdminServer | undefined;
  try {
    await putStatic(config, parts);
    admin = await openAdmin(config, {
      ...parts,
      node: config.node,
      bootstrap,
      discovery: () => discovery,
      startedAt,
      state: () => (draining ? 'DRAINING' : 'LIVE'),
    });
    discovery = openDiscovery(config, parts, log);
  } catch (error) {
    clearInterval(flush);
    await admin?.close();
    await parts.listeners.stop(0);
    parts.clusters.stop();
    throw error;
  }
  return {
    adminAddress: admin?.address,
    listenerAddresses: (name) => parts.listeners.all().find(({ config: { name: own } }) => own === name)?.bound ?? [],
    stop: async (drainMs = DRAIN_MS) => {
      draining = true;
      clearInterval(flush);
      discovery?.close();
      await parts.listeners.stop(drainMs);
      parts.logs.close();
      await parts.files.close();
      parts.clusters.stop();
      await admin?.close();
    },
  };
}

interface Parts {
  readonly stats: StatsStore;
  readonly clusters: ClusterManager;
  readonly listeners: ListenerManager;
  readonly routes: RouteStore;
  readonly filters: FilterStore;
  readonly logs: GrpcLogs;
  readonly files: LogFiles;
}

function createParts(config: Bootstrap, log: Logger, files: LogFiles): Parts {
  const stats = new StatsStore();
  const { runtime } = config;
  const routes = new RouteStore();
  const filters = new FilterStore();
  const clusters = new ClusterManager(
    {
      readFilters: (fields, key, statPrefix, scope) => {
        return readFilterChain(fields, key, {
          place: 'upstream',
          statPrefix,
          stats: scope,
          runtime,
          discover: filters.discover,
        }).chain;
      },
    },
    stats,
    log,
  );
  const logs = createGrpcLogs(clusters, messageOf('envoy.config.core.v3.Node', config.node), log);
  const listeners = new ListenerManager({
    context: {
      clusters,
      runtime,
      discoverRoutes: (name) => () => routes.get(name),
      discoverFilter: filters.discover,
      readAccessLogs: accessLogReader(logs, files),
    },
    stats,
    hasRoutes: (name) => routes.get(name) !== undefined,
    hasFilter: (name) => filters.has(name),
  });
  return { stats, clusters, listeners, routes, filters, logs, files };
}

/** Keeps the gauges of the process up to date. */
function countServer({ stats, clusters, listeners }: Parts, startedAt: number, draining: () => boolean): void {
  const scope = stats.scope();
  const server = scope.get(SERVER_STATS, 'server.');
  const manager = scope.get(CLUSTER_MANAGER_STATS, 'cluster_manager.');
  const listening = scope.get(LISTENER_MANAGER_STATS, 'listener_manager.');
  stats.beforeRead(() => {
    server.live = draining() ? 0 : 1;
    server.state = draining() ? 1 : 0;
    server.uptime = Math.floor((performance.now() - startedAt) / 1000);
    const warm = clusters.all().filter((cluster) => cluster.warm).length;
    manager.active = warm;
    manager.warming = clusters.all().length - warm;
    listening.active = listeners.all().length;
  });
}

async function putStatic(config: Bootstrap, { clusters, listeners }: Parts): Promise<void> {
  const issues: Issue[] = [];
  for (const [index, json] of config.clusters.entries()) {
    const result = clusters.put(json, true);
    const at = `static_resources.clusters[${index}]`;
    if (!result.ok) issues.push(...result.error.map((issue) => ({ ...issue, path: `${at}.${issue.path}` })));
  }
  for (const [index, json] of config.listeners.entries()) {
    const result = await listeners.put(json, true);
    if (!result.ok) issues.push({ path: `static_resources.listeners[${index}]`, message: result.error });
  }
  if (config.ads && clusters.grpcTarget(config.ads.cluster) === undefined) {
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

function openDiscovery(config: Bootstrap, parts: Parts, log: Logger): Discovery | undefined {
  const { ads } = config;
  if (!ads) return undefined;
  return startDiscovery({
    ...parts,
    address: parts.clusters.grpcTarget(ads.cluster) ?? '',
    node: config.node,
    form: ads.form,
    discoverListeners: config.discoverListeners,
    discoverClusters: config.discoverClusters,
    log,
  });
}
