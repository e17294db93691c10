import type { Fields } from '../config/fields.ts';
import { Deadline } from '../time/deadline.ts';
import type { HttpStream } from './stream.ts';
import type { StreamInfo } from './stream-info.ts';

/** When access logs are written besides the end of a request. */
export interface LogTimes {
  readonly onRequest: boolean;
  readonly onTunnel: boolean;
  /** Milliseconds; 0: never in between. */
  readonly interval: number;
}

/** Reads a connection manager's `access_log_options`, or the fields that were there before; undefined: at the end alone. */
export function readLogTimes(fields: Fields): LogTimes | undefined {
  const old = { onTunnel: false, ...readTimes(fields) };
  const options = fields.message('access_log_options', (inner) => ({
    onTunnel: inner.flag('flush_log_on_tunnel_successfully_established'),
    ...readTimes(inner),
  }));
  if (options && (old.onRequest || old.interval > 0)) {
    fields.problem(
      'access_log_options',
      'Only one of access_log_options or the deprecated fields access_log_flush_interval and flush_access_log_on_new_request can be specified',
    );
  }
  const times = options ?? old;
  return times.onRequest || times.onTunnel || times.interval > 0 ? times : undefined;
}

function readTimes(fields: Fields): Pick<LogTimes, 'onRequest' | 'interval'> {
  const interval = fields.duration('access_log_flush_interval');
  if (interval !== undefined && interval < 1) {
    fields.problem('access_log_flush_interval', 'value must be greater than or equal to 1ms');
  }
  return { onRequest: fields.flag('flush_access_log_on_new_request'), interval: Math.floor(interval ?? 0) };
}

/** A request begins: writes the first entry and those in between until it ends. */
export function beginLogs(stream: HttpStream, { onRequest, interval }: LogTimes): void {
  if (onRequest) logNow(stream, 'DownstreamStart');
  if (interval === 0) return;
  const next = new Deadline(() => {
    if (stream.ended) return;
    logNow(stream, 'DownstreamPeriodic');
    next.start(interval);
  });
  next.start(interval);
}

/** Writes an entry before the end of the request. */
export function logNow(stream: HttpStream, type: StreamInfo['accessLogType']): void {
  stream.accessLogType = type;
  for (const log of stream.manager.accessLogs) log(stream);
  stream.accessLogType = 'DownstreamEnd';
}
