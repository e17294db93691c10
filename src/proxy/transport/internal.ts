import net from 'node:net';
import { openSocketPair } from '../../sys/index.ts';

/** Takes a connection that came from inside the proxy; `endpointId` is that of the address it was made to. */
export type InternalAccept = (socket: net.Socket, endpointId: string) => void;

/** Internal listeners of this worker by name. Connections to them have no address that anyone else could reach. */
const listeners = new Map<string, InternalAccept>();

/** Makes a listener reachable; false when there is one of that name. */
export function openInternal(name: string, accept: InternalAccept): boolean {
  if (listeners.has(name)) return false;
  listeners.set(name, accept);
  return true;
}

export function closeInternal(name: string, accept: InternalAccept): void {
  if (listeners.get(name) === accept) listeners.delete(name);
}

/**
 * A socket whose other end the internal listener of that name accepts. It is connected from the next turn on; where there is no such
 * listener it fails as a refused connection does.
 */
export function connectInternal(name: string, endpointId: string, onread?: net.OnReadOpts): net.Socket {
  const accept = listeners.get(name);
  if (!accept) {
    const socket = new net.Socket({ onread } as net.SocketConstructorOpts);
    const error = Object.assign(new Error(`no internal listener ${name}`), { code: 'ECONNREFUSED' });
    setImmediate(() => socket.destroy(error));
    return socket;
  }
  const [near, far] = openSocketPair();
  const socket = new net.Socket({ fd: near, allowHalfOpen: true, onread } as net.SocketConstructorOpts);
  setImmediate(() => {
    accept(
      new net.Socket({ fd: far, allowHalfOpen: true, pauseOnCreate: true } as net.SocketConstructorOpts),
      endpointId,
    );
    if (!socket.destroyed) socket.emit('connect');
  });
  return socket;
}
