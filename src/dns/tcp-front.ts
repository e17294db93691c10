import net from 'node:net';
import type { Logger } from '../base/index.ts';
import { makeListenerTransparent } from '../sys/index.ts';
import { readFrames, writeFrame } from './frames.ts';
import type { ReceivedQuery } from './proxy.ts';
import { downstreamMark } from './udp-front.ts';

const connectionsMax = 256;
const idleMs = 10_000;
/** Queries of one connection that are under way; a client that sends more is cut off. */
const pendingMax = 32;

/** Receives redirected DNS connections. Answers how to close; rejects when it cannot listen. */
export async function openTcpFront({
  port,
  handle,
  log,
}: {
  readonly port: number;
  readonly handle: (query: ReceivedQuery) => Promise<Buffer | undefined>;
  readonly log: Logger;
}): Promise<() => Promise<void>> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    serveConnection(socket, handle, log);
  });
  server.maxConnections = connectionsMax;
  await listenTransparent(server, port);
  return async () => {
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    for (const socket of sockets) socket.destroy();
    await closed;
  };
}

function serveConnection(
  socket: net.Socket,
  handle: (query: ReceivedQuery) => Promise<Buffer | undefined>,
  log: Logger,
): void {
  const client = { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
  const server = { address: socket.localAddress ?? '', port: socket.localPort ?? 0 };
  let pending = 0;
  socket.setTimeout(idleMs, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  readFrames(socket, (message) => {
    if (pending >= pendingMax) {
      socket.destroy();
      return;
    }
    pending++;
    handle({ transport: 'tcp', client, server, message })
      .then((answer) => answer && writeFrame(socket, answer))
      .catch((error: unknown) => log.error({ error: String(error) }, 'a DNS query could not be handled'))
      .finally(() => {
        pending--;
      });
  });
}

/** The listener's descriptor has no documented way out of Node; without it no redirected connection could arrive. */
function listenTransparent(server: net.Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      try {
        const { _handle: handle } = server as unknown as { _handle?: { fd?: number } };
        if (handle?.fd === undefined) throw new Error('Node shows no descriptor of its listener');
        makeListenerTransparent(handle.fd, { mark: downstreamMark });
        server.on('error', () => {});
        resolve();
      } catch (error) {
        server.close();
        reject(error);
      }
    });
  });
}
