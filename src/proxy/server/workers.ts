import { randomBytes } from 'node:crypto';
import { flushCompileCache } from 'node:module';
import { encodeResource } from '../../model/envoy/index.ts';
import { createGrpcLogStreams, type GrpcLogStreams } from '../accesslog/grpc.ts';
import type { Bootstrap } from '../config/bootstrap.ts';
import type { DrainSettings } from '../listener/drain.ts';
import type { Logs } from '../log/logs.ts';
import { overloadMemory } from '../overload/shared.ts';
import type { OverloadSetup } from '../overload/worker.ts';
import type { InheritedSocket } from '../restart/inherited.ts';
import { prepareTransport } from '../transport/prepare.ts';
import { createEngine } from '../worker/engine.ts';
import { createWorkers, type Workers } from '../worker/group.ts';
import { startRemote } from '../worker/remote.ts';

export interface WorkerOptions {
  readonly logs: Logs;
  readonly logFlushMs: number | undefined;
  readonly concurrency: number;
  readonly drain: DrainSettings;
  readonly moduleFolders: readonly string[];
  /** Sockets of the process before. */
  readonly inherited: readonly InheritedSocket[];
}

/** Starts the workers, empty, and the streams that their gRPC access logs go to. */
export async function openWorkers(
  config: Bootstrap,
  { logs, logFlushMs, concurrency, drain, moduleFolders, inherited }: WorkerOptions,
): Promise<{
  readonly workers: Workers;
  readonly logStreams: GrpcLogStreams;
  readonly overload: OverloadSetup | undefined;
}> {
  const log = logs.get('main');
  const transport = await prepareTransport();
  if (transport !== 'ring') log.warn({ transport }, 'io_uring is not to be had here: requests cost more');
  const node = (): Uint8Array => encodeResource('envoy.config.core.v3.Node', config.node);
  const logStreams = createGrpcLogStreams((name) => first.clusters.grpcTarget(name), node, logs.get('grpc'));
  const ticketSeed = randomBytes(48);
  const overload = config.overload && { config: config.overload, memory: overloadMemory(concurrency) };
  const first = createEngine({
    worker: 0,
    workers: concurrency,
    node: config.nodeName,
    bindConfig: config.bindConfig,
    runtime: config.runtime,
    logs,
    drain,
    overload,
    inherited,
    logFlushMs,
    moduleFolders,
    fixedSecrets: config.secrets,
    ticketSeed,
    logSink: logStreams,
  });
  const onDeath = (reason: string): never => {
    log.fatal({ reason }, 'a worker died');
    process.exit(1);
  };
  if (concurrency > 1) flushCompileCache();
  const shared = {
    logFlushMs,
    moduleFolders,
    fixedSecrets: config.secrets,
    ticketSeed,
    drain,
    overload,
    inherited,
    logLevels: [...logs.levels()],
    runtime: config.runtimeJson,
    node: config.nodeName,
    bindConfig: config.bindConfig,
    transport,
  };
  const remotes = await Promise.all(
    Array.from({ length: concurrency - 1 }, (_, index) =>
      startRemote({ data: { worker: index + 1, workers: concurrency, ...shared }, logSink: logStreams, onDeath }),
    ),
  );
  return { workers: createWorkers(first, remotes, log), logStreams, overload };
}
