import { readRuntimeFlag } from '../runtime/read.ts';
import { counter, gauge, statsKind } from '../stats/kind.ts';
import { sanitizeStatName } from '../stats/store.ts';
import { Deadline } from '../time/deadline.ts';
import type { NetworkFilterKind, NetworkHooks, NetworkStream } from './filter.ts';

class ConnectionLimitStats {
  active = 0;
  limited = 0;
}

const STATS = statsKind(ConnectionLimitStats, {
  active: gauge('active_connections'),
  limited: counter('limited_connections'),
});

interface Limit {
  readonly stats: ConnectionLimitStats;
  readonly max: number;
  /** Milliseconds before a connection over the limit is closed. */
  readonly delay: number;
  readonly enabled: () => boolean;
  /** Open connections, those over the limit included. */
  connections: number;
}

/** `envoy.filters.network.connection_limit`. */
export const connectionLimitFilter: NetworkFilterKind = {
  type: 'envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit',
  read: (fields, { stats, runtime }) => {
    if (!fields.has('max_connections')) fields.problem('max_connections', 'Field max_connections is not set');
    const limit: Limit = {
      stats: stats.get(STATS, `connection_limit.${sanitizeStatName(fields.required('stat_prefix'))}.`),
      max: fields.number('max_connections') ?? 0,
      delay: fields.duration('delay') ?? 0,
      enabled: fields.message('runtime_enabled', (inner) => readRuntimeFlag(inner, runtime)) ?? (() => true),
      connections: 0,
    };
    return { begin: (stream) => hooksOf(stream, limit) };
  },
};

function hooksOf(stream: NetworkStream, limit: Limit): NetworkHooks {
  const { stats } = limit;
  let counted = false;
  let rejected = false;
  const closing = new Deadline(() => stream.close(''));
  return {
    onConnection: () => {
      if (!limit.enabled()) return 'continue';
      stats.active++;
      counted = true;
      // One that waits to be closed counts as well.
      limit.connections++;
      if (limit.connections <= limit.max) return 'continue';
      rejected = true;
      stats.limited++;
      if (limit.delay > 0) closing.start(limit.delay);
      else stream.close('');
      return 'stop';
    },
    onBytes: () => (rejected ? 'stop' : 'continue'),
    onClosed: () => {
      closing.stop();
      if (!counted) return;
      stats.active--;
      limit.connections--;
    },
  };
}
