import { type ConnectionPeers, FLAG, StreamInfo } from '../http/stream-info.ts';
import type { ListenerConfig } from './config.ts';
import type { ListenerStats, WorkerListenerStats } from './stats.ts';

interface CarriedBytes {
  readonly received: number;
  readonly sent: number;
}

export const NO_BYTES: CarriedBytes = { received: 0, sent: 0 };

/** A connection in its listener's books. */
export interface ConnectionEntry {
  /** What its access log will say; undefined: the listener has none. */
  readonly info: StreamInfo | undefined;
  /** Monotonic milliseconds. */
  readonly openedAt: number;
  /** It has ended, and so much went over it. */
  leave(carried: CarriedBytes): void;
}

/** Counts a connection until it is left; `release` is called then. */
export function enterConnection(
  config: ListenerConfig,
  stats: ListenerStats,
  workerStats: WorkerListenerStats,
  peers: ConnectionPeers,
  release: (() => void) | undefined,
): ConnectionEntry {
  stats.cxTotal++;
  workerStats.cxTotal++;
  stats.cxActive++;
  workerStats.cxActive++;
  const openedAt = performance.now();
  const info = config.accessLogs.length > 0 ? connectionInfo(peers) : undefined;
  const leave = (carried: CarriedBytes): void => {
    release?.();
    stats.cxActive--;
    workerStats.cxActive--;
    stats.cxDestroy++;
    stats.lengthMs.record(performance.now() - openedAt);
    if (info) logConnection(config, info, carried);
  };
  return { info, openedAt, leave };
}

/** An entry of the listener's own access log: what went over the connection. */
function logConnection({ accessLogs }: ListenerConfig, info: StreamInfo, { received, sent }: CarriedBytes): void {
  info.bytesReceived = received;
  info.bytesSent = sent;
  info.responseEndAt = performance.now();
  for (const log of accessLogs) log(info);
}

export function logRefused({ accessLogs }: ListenerConfig, peers: ConnectionPeers): void {
  if (accessLogs.length === 0) return;
  const info = connectionInfo(peers);
  info.flags = FLAG.NO_ROUTE;
  info.details = 'filter_chain_not_found';
  for (const log of accessLogs) log(info);
}

function connectionInfo(peers: ConnectionPeers): StreamInfo {
  const info = new StreamInfo(peers);
  info.noteConnection();
  return info;
}
