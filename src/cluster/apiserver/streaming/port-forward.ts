import type { Duplex } from 'node:stream';
import type { ServerContext } from '../http/request.ts';
import { messageOf } from './containers.ts';
import { type SpdyStream, serveSpdy } from './spdy/connection.ts';

export interface PodReference {
  readonly namespace: string;
  readonly pod: string;
}

interface Pair {
  data?: Duplex;
  error?: Duplex;
}

const MAX_PENDING = 256;

/** `kubectl port-forward`: each connection is a pair of SPDY streams (data and error) with the same request id, joined to a port of the pod. */
export function servePortForward({ runtime, closing }: ServerContext, pod: PodReference, transport: Duplex): void {
  const pending = new Map<string, Pair>();
  const accept = ({ headers, duplex }: SpdyStream) => {
    const id = headers.get('requestid') ?? headers.get('port') ?? '';
    const kind = headers.get('streamtype');
    const port = Number(headers.get('port'));
    const isPort = Number.isInteger(port) && port >= 1 && port <= 65_535;
    if ((kind !== 'data' && kind !== 'error') || !isPort || pending.size >= MAX_PENDING) {
      duplex.destroy();
      return;
    }
    const pair = pending.get(id) ?? {};
    pair[kind] = duplex;
    pending.set(id, pair);
    duplex.once('close', () => {
      if (pending.get(id) === pair) pending.delete(id);
    });
    if (!pair.data || !pair.error) return;
    pending.delete(id);
    const { data, error } = pair;
    runtime.connect(pod, port).then(
      (socket) => join(socket, data, error),
      (reason: unknown) => refuseForward(pod, port, reason, data, error),
    );
  };
  const connection = serveSpdy(transport, accept);
  const end = () => connection.end();
  closing.addEventListener('abort', end, { once: true });
  void connection.closed.then(() => closing.removeEventListener('abort', end));
}

/** Tells the client why its connection could not be made, and ends it. */
export function refuseForward(
  { namespace, pod }: PodReference,
  port: number,
  reason: unknown,
  data: Duplex,
  error: Duplex,
): void {
  error.end(`error forwarding port ${port} to pod ${namespace}/${pod}: ${messageOf(reason)}`);
  data.end();
  data.resume();
}

/** Joins a connection to a pod with a client's streams, until one of them ends. */
export function join(socket: Duplex, data: Duplex, error: Duplex): void {
  // The client may have gone while the connection was being made.
  if (data.destroyed) {
    socket.destroy();
    return;
  }
  error.resume();
  socket.on('error', (reason) => {
    if (error.writable) error.end(messageOf(reason));
    data.destroy();
  });
  socket.on('close', () => {
    if (error.writable) error.end();
    if (data.writable) data.end();
  });
  data.on('close', () => socket.destroy());
  data.on('error', () => socket.destroy());
  socket.pipe(data).pipe(socket);
}
