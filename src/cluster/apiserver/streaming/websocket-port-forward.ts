import { Duplex, Writable } from 'node:stream';
import type { WebSocket } from 'ws';
import type { ServerContext } from '../http/request.ts';
import { badRequest } from '../status.ts';
import { join, type PodReference, refuseForward } from './port-forward.ts';
import { keepAlive } from './websocket-exec.ts';

const MAX_PORTS = 16;

/** The ports that a request for forwarding over channels names: `ports=80&ports=81` or `ports=80,81`. Throws 400. */
export function portsOf(query: URLSearchParams): readonly number[] {
  const ports = query.getAll('ports').flatMap((text) => text.split(','));
  const wrong = ports.find((text) => !/^\d{1,5}$/.test(text) || Number(text) < 1 || Number(text) > 65_535);
  if (ports.length === 0 || ports.length > MAX_PORTS || wrong !== undefined)
    throw badRequest(
      `query parameter "ports" must hold 1 to ${MAX_PORTS} ports${wrong === undefined ? '' : `, not "${wrong}"`}`,
    );
  return ports.map(Number);
}

/**
 * Port-forward over `v4.channel.k8s.io`, as the kubelet serves it: each port has a channel for data (2n) and one for an error (2n+1), on both of which
 * the server first says the port as two bytes, the lower one first. The socket ends when every port's connection has.
 */
export function servePortForwardChannels(
  { runtime, closing }: ServerContext,
  pod: PodReference,
  ports: readonly number[],
  socket: WebSocket,
): void {
  const readers = new Map<number, Duplex>();
  const end = () => socket.close(1001);
  closing.addEventListener('abort', end, { once: true });
  socket.on('error', () => socket.terminate());
  socket.on('close', () => {
    closing.removeEventListener('abort', end);
    for (const reader of readers.values()) reader.destroy();
  });
  socket.on('message', (message) => {
    const bytes = Buffer.isBuffer(message) ? message : Buffer.alloc(0);
    const reader = readers.get(bytes[0] ?? -1);
    // A pod that does not read holds back its client.
    if (reader && !reader.destroyed && bytes.length > 1 && !reader.push(bytes.subarray(1))) socket.pause();
  });
  keepAlive(socket);
  for (const [index, port] of ports.entries()) {
    const data = dataChannel(socket, 2 * index);
    const error = errorChannel(socket, 2 * index + 1);
    const said = Buffer.from([port & 255, port >> 8]);
    send(socket, 2 * index, said);
    send(socket, 2 * index + 1, said);
    readers.set(2 * index, data);
    data.once('close', () => {
      readers.delete(2 * index);
      if (readers.size === 0) socket.close(1000);
    });
    runtime.connect(pod, port).then(
      (connection) => join(connection, data, error),
      (reason: unknown) => refuseForward(pod, port, reason, data, error),
    );
  }
}

function dataChannel(socket: WebSocket, channel: number): Duplex {
  const stream = new Duplex({
    read: () => socket.resume(),
    write: (chunk: Buffer, _encoding, done) => send(socket, channel, chunk, done),
    // Channels have no end of their own.
    final(done) {
      done();
      stream.destroy();
    },
  });
  return stream;
}

function errorChannel(socket: WebSocket, channel: number): Duplex {
  const write = (chunk: Buffer, _encoding: BufferEncoding, done: () => void): void =>
    send(socket, channel, chunk, done);
  return Duplex.from(new Writable({ write }));
}

function send(socket: WebSocket, channel: number, content: Buffer, done: () => void = () => undefined): void {
  if (socket.readyState === socket.OPEN) socket.send(Buffer.concat([Buffer.from([channel]), content]), () => done());
  else done();
}
