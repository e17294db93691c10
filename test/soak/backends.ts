import http from 'node:http';
import type net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Bytes that a backend answers to a request for `size` bytes under an id: anyone can tell whose they are. */
export function bodyOf(id: string, size: number): string {
  return `${id};`.repeat(Math.ceil(size / (id.length + 1))).slice(0, size);
}

export interface Backends {
  readonly ports: readonly number[];
  /** Kills and revives one of them; resolves when it is back. */
  disturb(random: () => number): Promise<void>;
  close(): Promise<void>;
}

/** HTTP servers that answer `x-id` and as many bytes as `x-size` asks for, now and then late, cut short or not at all. */
export async function startBackends(count: number, random: () => number): Promise<Backends> {
  const list = await Promise.all(Array.from({ length: count }, () => startBackend(random)));
  return {
    ports: list.map(({ port }) => port),
    disturb: async (choose) => {
      const victim = list[Math.floor(choose() * list.length)];
      if (!victim) return;
      await victim.stop();
      await sleep(50 + choose() * 400);
      await victim.start();
    },
    close: async () => {
      await Promise.all(list.map(({ stop }) => stop()));
    },
  };
}

interface Backend {
  readonly port: number;
  start(): Promise<void>;
  stop(): Promise<void>;
}

async function startBackend(random: () => number): Promise<Backend> {
  let port = 0;
  let server: http.Server | undefined;
  const sockets = new Set<net.Socket>();
  const start = async (): Promise<void> => {
    const fresh = http.createServer((request, response) => answer(request, response, random));
    fresh.keepAliveTimeout = 60_000;
    fresh.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    });
    await new Promise<void>((resolve, reject) => {
      fresh.once('error', reject);
      fresh.listen(port, '127.0.0.1', resolve);
    });
    port = (fresh.address() as net.AddressInfo).port;
    server = fresh;
  };
  const stop = async (): Promise<void> => {
    const old = server;
    server = undefined;
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => (old ? old.close(() => resolve()) : resolve()));
  };
  await start();
  return { port, start, stop };
}

function answer(request: http.IncomingMessage, response: http.ServerResponse, random: () => number): void {
  const id = String(request.headers['x-id'] ?? 'none');
  const size = Number(request.headers['x-size'] ?? 0);
  let received = 0;
  request.on('data', (bytes: Buffer) => {
    received += bytes.length;
  });
  request.on('error', () => undefined);
  request.on('end', () => {
    const luck = random();
    if (luck < 0.005) {
      request.socket.destroy();
      return;
    }
    const headers: http.OutgoingHttpHeaders = { 'x-id': id, 'x-received': received };
    if (luck < 0.5) headers['content-length'] = size;
    const send = (): void => {
      response.writeHead(200, headers);
      if (luck > 0.99) {
        response.write(bodyOf(id, size).slice(0, size >> 1), 'latin1', () => request.socket.destroy());
        return;
      }
      response.end(bodyOf(id, size), 'latin1');
    };
    if (luck > 0.95) setTimeout(send, 30);
    else send();
  });
}
