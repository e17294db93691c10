import type { Fields } from './fields.ts';
import type { SocketOption } from './socket-option.ts';

const SOL_SOCKET = 1;
const SO_KEEPALIVE = 9;
const SOL_TCP = 6;
const TIMES = [
  ['keepalive_probes', 6],
  ['keepalive_time', 4],
  ['keepalive_interval', 5],
] as const;

/**
 * Reads an `envoy.config.core.v3.TcpKeepalive`, in seconds: what is left out is the system's. One 0 switches it off, as in Envoy, which the
 * configuration's own documentation does not say.
 */
export function readTcpKeepalive(fields: Fields): readonly SocketOption[] {
  const options = TIMES.flatMap(([field, name]) => {
    const value = fields.number(field);
    return value === undefined ? [] : [prebind(SOL_TCP, name, value)];
  });
  return options.some(({ value }) => value === 0) ? [] : [prebind(SOL_SOCKET, SO_KEEPALIVE, 1), ...options];
}

function prebind(level: number, name: number, value: number): SocketOption {
  return { level, name, value, state: 'STATE_PREBIND' };
}
