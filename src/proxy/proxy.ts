import { setTimeout as sleep } from 'node:timers/promises';
import type { Issue } from '../base/index.ts';
import type { AccessLog } from './accesslog/access-log.ts';
import { adminAddressIssues, readAdminLogs } from './admin/access-log.ts';
import { type AdminServer, startAdmin } from './admin/admin.ts';
import type { AdminSubject } from './admin/page.ts';
import { type Bootstrap, readBootstrap, type ShownBootstrap } from './config/bootstrap.ts';
import type { Discovery } from './discovery/discovery.ts';
import { DEFAULT_DRAIN, type DrainSettings } from './listener/drain.ts';
import { createLogs, type Logs, singleLogger } from './log/logs.ts';
import { startOverloadManager } from './overload/manager.ts';
import type { OverloadSetup } from './overload/worker.ts';
import { exportStats } from './restart/imported.ts';
import { type HotRestart, type HotRestartOptions, openHotRestart } from './restart/restart.ts';
import type { Inheritance } from './restart/successor.ts';
import { createDrainControl } from './server/drain.ts';
import { countServer } from './server/gauges.ts';
import { initialize } from './server/initialize.ts';
import { BootstrapError, type ProxyOptions, type RunningProxy } from './server/options.ts';
import { ConfigRecords, recorded } from './server/records.ts';
import { ServerState } from './server/state.ts';
import { type Apply, adsIssues, applyClusters, applyListeners } from './server/static.ts';
import { openWorkers } from './server/workers.ts';
import { createEngine } from './worker/engine.ts';
import type { Workers } from './worker/group.ts';

export { BootstrapError, type ProxyOptions, type RunningProxy };

const DRAIN_MS = 5000;
const ADMIN_TRIES = 50;
const ADMIN_PAUSE_MS = 100;
/** In a process of somebody else's: what changes takes hold with the next response. */
const IMMEDIATE_DRAIN: DrainSettings = { ...DEFAULT_DRAIN, strategy: 'immediate' };

/** Starts a proxy. Rejects with `BootstrapError` when the bootstrap is faulty or an address of it cannot be bound. */
export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const { concurrency = 1, logFlushMs, drain = IMMEDIATE_DRAIN, filterModules = [] } = options;
  const config = bootstrapOf(options);
  const logs = logsOf(options);
  const state = new ServerState();
  const records = new ConfigRecords();
  const restart = options.hotRestart && (await openRestart(options.hotRestart));
  const opened = await openWorkers(config, {
    logs,
    logFlushMs,
    concurrency,
    drain,
    moduleFolders: filterModules,
    inherited: restart?.sockets ?? [],
  });
  const { logStreams, overload } = opened;
  const workers = restart ? restart.countingBefore(opened.workers) : opened.workers;
  countServer(workers, state, config, restart);
  const flush = setInterval(() => void workers.command({ kind: 'flushStats' }), config.stats.flushMs).unref();
  const stopOverload = overload && watchOverload(overload, workers, logs);
  let discovery: Discovery | undefined;
  let admin: AdminServer | undefined;
  const stop = async (drainMs: number): Promise<void> => {
    state.enter('DRAINING');
    clearInterval(flush);
    stopOverload?.();
    discovery?.close();
    await workers.stop(drainMs);
    logStreams.close();
    await restart?.close();
    await admin?.close();
  };
  try {
    const apply = recorded(workers, records);
    if (discovers(config)) await workers.command({ kind: 'holdListeners' });
    const issues = await applyClusters(config, apply);
    const all = [...issues, ...adsIssues(config, (name) => workers.first.clusters.grpcTarget(name))];
    all.push(...adminAddressIssues(config, options.adminAnyAddress ?? false));
    const adminLogs = readAdminLogs(config, workers.first, all);
    if (all.length > 0) throw new BootstrapError(all);
    const subject: AdminSubject = {
      workers,
      config,
      records,
      state,
      logs,
      drain: createDrainControl(workers, drain),
      commandLine: options.commandLine,
      restart,
      quit: () => void stop(0).then(() => process.exit(0)),
    };
    admin = await openAdmin(subject, adminLogs);
    all.push(...(await applyListeners(config, apply)));
    if (all.length > 0) throw new BootstrapError(all);
    discovery = await openDiscovery(config, workers, apply, logs);
    if (restart) {
      await handDown(restart, workers, {
        closeAdmin: async () => {
          await admin?.close();
          admin = undefined;
        },
        openAdmin: async () => {
          admin ??= await reopenAdmin(subject, adminLogs);
        },
        drain: async () => {
          state.enter('DRAINING');
          discovery?.close();
        },
        end: () => void stop(DRAIN_MS).then(() => process.exit(0)),
      });
      void state.live().then(() => {
        restart.live();
        workers.first.inherited?.closeRest();
      });
    }
    if (discovery) void initialize(workers, discovery, state);
    else state.enter('LIVE');
  } catch (error) {
    await stop(0);
    throw error;
  }
  return {
    adminAddress: admin?.address,
    discovers: discovery !== undefined,
    live: () => state.live(),
    listenerAddresses: (name) => workers.first.listeners.get(name)?.bound ?? [],
    stop: (drainMs = DRAIN_MS) => stop(drainMs),
  };
}

async function openRestart(options: HotRestartOptions): Promise<HotRestart> {
  const opened = await openHotRestart(options);
  if (!opened.ok) throw new BootstrapError([{ path: '--restart-epoch', message: opened.error }]);
  return opened.value;
}

/** What a successor needs is handed to it, once it asks. */
async function handDown(
  restart: HotRestart,
  workers: Workers,
  own: Pick<Inheritance, 'closeAdmin' | 'openAdmin' | 'drain' | 'end'>,
): Promise<void> {
  const served = await restart.serve({
    ...own,
    sockets: () => workers.descriptors(),
    stats: async () => exportStats(await workers.stats()),
    drain: async () => {
      await own.drain();
      await workers.command({ kind: 'drain', inboundOnly: false });
      await workers.command({ kind: 'stopListeners', inboundOnly: false });
    },
  });
  if (!served.ok) throw new BootstrapError([{ path: '--base-id', message: served.error }]);
}

function watchOverload(setup: OverloadSetup, workers: Workers, logs: Logs): () => void {
  return startOverloadManager(setup, {
    stats: workers.first.stats,
    log: logs.get('main'),
    tell: (states) => workers.command({ kind: 'overload', states }),
  });
}

/** All faults of a bootstrap that show without binding an address or asking anyone. */
export async function checkBootstrap(options: ProxyOptions): Promise<readonly Issue[]> {
  const read = readBootstrap(options.bootstrap, options.identity);
  if (!read.ok) return read.error;
  const config = read.value;
  const logSink = { refuses: () => true, push: () => undefined };
  const engine = createEngine({
    worker: 0,
    workers: 1,
    node: config.nodeName,
    bindConfig: config.bindConfig,
    runtime: config.runtime,
    logs: logsOf(options),
    drain: DEFAULT_DRAIN,
    logFlushMs: undefined,
    moduleFolders: options.filterModules ?? [],
    fixedSecrets: config.secrets,
    ticketSeed: Buffer.alloc(48),
    logSink,
  });
  try {
    const apply: Apply = (changes) => Promise.all(changes.map(engine.check));
    const issues = [...(await applyClusters(config, apply)), ...(await applyListeners(config, apply))];
    issues.push(...adsIssues(config, (name) => engine.clusters.grpcTarget(name)));
    issues.push(...adminAddressIssues(config, options.adminAnyAddress ?? false));
    readAdminLogs(config, engine, issues);
    return issues;
  } finally {
    await engine.stop(0);
  }
}

function bootstrapOf({ bootstrap, identity }: ProxyOptions): ShownBootstrap {
  const read = readBootstrap(bootstrap, identity);
  if (!read.ok) throw new BootstrapError(read.error);
  return read.value;
}

function logsOf({ logs, log }: ProxyOptions): Logs {
  return logs ?? (log ? singleLogger(log) : createLogs('info'));
}

async function openAdmin(subject: AdminSubject, logs: readonly AccessLog[]): Promise<AdminServer | undefined> {
  const { admin } = subject.config;
  if (!admin) return undefined;
  const server = await startAdmin(admin, subject, logs);
  if (!server.ok) throw new BootstrapError([{ path: 'admin.address', message: server.error }]);
  return server.value;
}

/** The successor that did not come to life may hold the address a moment longer than its connection. */
async function reopenAdmin(subject: AdminSubject, logs: readonly AccessLog[]): Promise<AdminServer | undefined> {
  const { admin } = subject.config;
  if (!admin) return undefined;
  for (let tries = 1; ; tries++) {
    const server = await startAdmin(admin, subject, logs);
    if (server.ok) return server.value;
    if (tries === ADMIN_TRIES) {
      subject.logs.get('admin').error(`admin.address: ${server.error}; there is no admin interface any more`);
      return undefined;
    }
    await sleep(ADMIN_PAUSE_MS);
  }
}

/** Whether clusters or listeners may come from elsewhere than the bootstrap. */
function discovers({ ads, discoverClusters, discoverListeners }: Bootstrap): boolean {
  return (ads ?? discoverClusters ?? discoverListeners) !== undefined;
}

/** The gRPC library is loaded only where there is a control plane. */
async function openDiscovery(
  config: Bootstrap,
  workers: Workers,
  apply: Apply,
  logs: Logs,
): Promise<Discovery | undefined> {
  const { ads, discoverClusters, discoverListeners } = config;
  const { clusters, listeners } = workers.first;
  // What is static may have files of its own.
  const files = clusters.serviceFiles().size + listeners.routeFiles().size;
  const secrets = clusters.secrets().size + listeners.secrets().size;
  if (!discovers(config) && files + secrets === 0) return undefined;
  const { startDiscovery } = await import('./discovery/discovery.ts');
  return startDiscovery({
    workers,
    apply,
    plane: ads && { address: workers.first.clusters.grpcTarget(ads.cluster) ?? '', form: ads.form },
    node: config.node,
    discoverListeners,
    discoverClusters,
    log: logs.get('config'),
  });
}
