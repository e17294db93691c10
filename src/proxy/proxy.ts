import type { Issue } from '../base/index.ts';
import { type AdminServer, startAdmin } from './admin/admin.ts';
import { type Bootstrap, readBootstrap } from './config/bootstrap.ts';
import type { Discovery } from './discovery/discovery.ts';
import { createLogs, type Logs, singleLogger } from './log/logs.ts';
import { countServer } from './server/gauges.ts';
import { BootstrapError, type ProxyOptions, type RunningProxy } from './server/options.ts';
import { ServerState } from './server/state.ts';
import { adsIssues, applyStatic } from './server/static.ts';
import { openWorkers } from './server/workers.ts';
import type { Change } from './worker/change.ts';
import { createEngine } from './worker/engine.ts';
import type { Workers } from './worker/group.ts';

export { BootstrapError, type ProxyOptions, type RunningProxy };

const DRAIN_MS = 5000;
const STATS_FLUSH_MS = 5000;

/** Starts a proxy. Rejects with `BootstrapError` when the bootstrap is faulty or an address of it cannot be bound. */
export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const { concurrency = 1, logFlushMs } = options;
  const config = bootstrapOf(options);
  const logs = logsOf(options);
  const state = new ServerState();
  const { workers, logStreams } = await openWorkers(config, { logs, logFlushMs, concurrency });
  countServer(workers, state);
  const flush = setInterval(() => workers.flushStats(), STATS_FLUSH_MS).unref();
  let discovery: Discovery | undefined;
  let admin: AdminServer | undefined;
  const stop = async (drainMs: number): Promise<void> => {
    state.enter('DRAINING');
    clearInterval(flush);
    discovery?.close();
    await workers.stop(drainMs);
    logStreams.close();
    await admin?.close();
  };
  try {
    const issues = await applyStatic(config, workers.apply);
    const all = [...issues, ...adsIssues(config, (name) => workers.first.clusters.grpcTarget(name))];
    if (all.length > 0) throw new BootstrapError(all);
    admin = await openAdmin(config, { workers, node: config.node, bootstrap: options.bootstrap, state });
    discovery = await openDiscovery(config, workers, logs);
    state.enter('LIVE');
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

/** All faults of a bootstrap that show without binding an address or asking anyone. */
export async function checkBootstrap(options: ProxyOptions): Promise<readonly Issue[]> {
  const read = readBootstrap(options.bootstrap, options.identity);
  if (!read.ok) return read.error;
  const config = read.value;
  const logSink = { push: () => undefined };
  const engine = createEngine({
    worker: 0,
    node: config.nodeName,
    runtime: config.runtime,
    logs: logsOf(options),
    logFlushMs: undefined,
    logSink,
  });
  try {
    const check = async (change: Change): Promise<readonly Issue[]> =>
      change.kind === 'listener' ? engine.listeners.check(change.json) : engine.apply(change);
    const issues = await applyStatic(config, (changes) => Promise.all(changes.map(check)));
    return [...issues, ...adsIssues(config, (name) => engine.clusters.grpcTarget(name))];
  } finally {
    await engine.stop(0);
  }
}

function bootstrapOf({ bootstrap, identity }: ProxyOptions): Bootstrap {
  const read = readBootstrap(bootstrap, identity);
  if (!read.ok) throw new BootstrapError(read.error);
  return read.value;
}

function logsOf({ logs, log }: ProxyOptions): Logs {
  return logs ?? (log ? singleLogger(log) : createLogs('info'));
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

/** The gRPC library is loaded only where there is a control plane. */
async function openDiscovery(config: Bootstrap, workers: Workers, logs: Logs): Promise<Discovery | undefined> {
  const { ads } = config;
  if (!ads) return undefined;
  const { startDiscovery } = await import('./discovery/discovery.ts');
  return startDiscovery({
    workers,
    address: workers.first.clusters.grpcTarget(ads.cluster) ?? '',
    node: config.node,
    form: ads.form,
    discoverListeners: config.discoverListeners,
    discoverClusters: config.discoverClusters,
    log: logs.get('config'),
  });
}
