import type net from 'node:net';
import type { WorkerOverload } from '../overload/worker.ts';
import type { ListenerConfig } from './config.ts';
import type { ListenerStats } from './stats.ts';

/** What gives back the place that a connection has among all. */
const releases = new WeakMap<net.Socket, () => void>();

/** Whether a connection that was accepted is served; else it has been closed. */
export function admitsConnection(
  socket: net.Socket,
  overload: WorkerOverload,
  { bypassOverload, ignoresConnectionLimit }: Pick<ListenerConfig, 'bypassOverload' | 'ignoresConnectionLimit'>,
  stats: ListenerStats,
): boolean {
  if (bypassOverload) return true;
  if (!ignoresConnectionLimit && !takePlace(socket, overload)) {
    stats.globalOverflow++;
    return false;
  }
  if (!overload.rejectsConnection()) return true;
  stats.overloadReject++;
  socket.destroy();
  return false;
}

/** Counts a connection among all until it is closed; false: there are too many, and it has been closed. */
export function takePlace(socket: net.Socket, { connections }: WorkerOverload): boolean {
  if (!connections) return true;
  if (!connections.take()) {
    socket.destroy();
    return false;
  }
  releases.set(socket, () => connections.release());
  socket.once('close', () => releaseOf(socket)?.());
  return true;
}

/** What is to be called when the connection is over; who asks sees to it, since the socket may be replaced by another. */
export function releaseOf(socket: net.Socket): (() => void) | undefined {
  const release = releases.get(socket);
  releases.delete(socket);
  return release;
}
