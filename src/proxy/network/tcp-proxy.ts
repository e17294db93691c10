import type { AccessLog } from '../accesslog/access-log.ts';
import type { ClusterManager } from '../cluster/manager.ts';
import type { Fields } from '../config/fields.ts';
import type { HttpManagerContext } from '../http/manager.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { sanitizeStatName } from '../stats/store.ts';
import { TCP_STATS, type TcpStats } from './stats.ts';
import { readTcpHash, readTcpRoutes, type TcpHash, type TcpRoute } from './tcp-route.ts';
import { type AddedTlvs, readAddedTlvs } from './tcp-tlvs.ts';
import { readTunneling, type Tunneling } from './tunneling.ts';

/** A compiled `envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy`; times in milliseconds, 0 for none. */
export interface TcpProxy {
  readonly stats: TcpStats;
  readonly clusters: ClusterManager;
  /** Where a new connection goes. */
  readonly choose: (info: StreamInfo) => TcpRoute;
  readonly hash: TcpHash;
  readonly addedTlvs: AddedTlvs;
  /** Undefined: the hosts are sent the bytes as they come. */
  readonly tunneling: Tunneling | undefined;
  readonly idleTimeout: number;
  readonly maxDuration: number;
  /** A connection lives so many percent longer at most. */
  readonly durationJitter: number;
  readonly maxConnectAttempts: number;
  /** Pause between attempts; undefined: none. */
  readonly backOff: BackOff | undefined;
  readonly awaitsData: boolean;
  /** What is read before there is an upstream connection; undefined: nothing is read. */
  readonly maxEarlyData: number | undefined;
  readonly logs: TcpLogs;
}

export interface BackOff {
  readonly base: number;
  readonly max: number;
}

/** When entries are written besides the last. */
export interface TcpLogs {
  readonly all: readonly AccessLog[];
  readonly onStart: boolean;
  readonly onConnected: boolean;
  readonly interval: number;
}

const HOUR = 3_600_000;

export function readTcpProxy(fields: Fields, context: HttpManagerContext): TcpProxy {
  const maxConnectAttempts = fields.number('max_connect_attempts') ?? 1;
  if (maxConnectAttempts < 1) fields.problem('max_connect_attempts', 'value must be greater than or equal to 1');
  const jitter = 'max_downstream_connection_duration_jitter_percentage';
  const mode = fields.choice('upstream_connect_mode', [
    'IMMEDIATE',
    'ON_DOWNSTREAM_DATA',
    'ON_DOWNSTREAM_TLS_HANDSHAKE',
  ]);
  const maxEarlyData = fields.number('max_early_data_bytes');
  const awaitsData = mode === 'ON_DOWNSTREAM_DATA';
  if (awaitsData && maxEarlyData === undefined) {
    fields.problem('max_early_data_bytes', 'must be set when upstream_connect_mode is ON_DOWNSTREAM_DATA');
  }
  return {
    stats: context.stats.get(TCP_STATS, `tcp.${sanitizeStatName(fields.required('stat_prefix'))}.`),
    clusters: context.clusters,
    choose: readTcpRoutes(fields),
    hash: readTcpHash(fields),
    addedTlvs: readAddedTlvs(fields),
    tunneling: fields.message('tunneling_config', readTunneling),
    idleTimeout: fields.duration('idle_timeout') ?? HOUR,
    maxDuration: readPeriod(fields, 'max_downstream_connection_duration'),
    durationJitter: fields.message(jitter, readPercent) ?? 0,
    maxConnectAttempts,
    backOff: fields.message('backoff_options', readBackOff),
    awaitsData,
    maxEarlyData,
    logs: readLogs(fields, context),
  };
}

function readPercent(fields: Fields): number {
  const value = fields.number('value') ?? 0;
  if (value < 0 || value > 100) fields.problem('value', 'value must be inside range [0, 100]');
  return value;
}

/** 1 ms or more, or 0 for none. */
function readPeriod(fields: Fields, key: string): number {
  const period = fields.duration(key);
  if (period !== undefined && period < 1) fields.problem(key, 'value must be greater than or equal to 1ms');
  return Math.floor(period ?? 0);
}

function readBackOff(fields: Fields): BackOff {
  const base = fields.duration('base_interval');
  if (base === undefined) fields.problem('base_interval', 'value is required');
  else if (base < 1) fields.problem('base_interval', 'value must be greater than or equal to 1ms');
  const max = fields.duration('max_interval') ?? (base ?? 0) * 10;
  if (max < (base ?? 0)) {
    fields.problem('max_interval', 'max_backoff_interval must be greater or equal to base_backoff_interval');
  }
  return { base: base ?? 1, max };
}

function readLogs(fields: Fields, context: HttpManagerContext): TcpLogs {
  const all = context.readAccessLogs(fields);
  const old = { onStart: false, ...readFlushes(fields) };
  const options = fields.message('access_log_options', (inner) => ({
    onStart: inner.flag('flush_access_log_on_start'),
    ...readFlushes(inner),
  }));
  if (options && (old.onConnected || old.interval > 0)) {
    fields.problem(
      'access_log_options',
      'Only one of access_log_options or the deprecated fields access_log_flush_interval and flush_access_log_on_connected can be specified',
    );
  }
  return { all, ...(options ?? old) };
}

function readFlushes(fields: Fields): Pick<TcpLogs, 'onConnected' | 'interval'> {
  return {
    onConnected: fields.flag('flush_access_log_on_connected'),
    interval: readPeriod(fields, 'access_log_flush_interval'),
  };
}
