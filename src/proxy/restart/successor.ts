import { rm } from 'node:fs/promises';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fail, ok, type Result } from '../../base/index.ts';
import { DESCRIPTORS_AT_ONCE, SystemCallError, sendDescriptors } from '../../sys/index.ts';
import { readLines, writeLine } from './lines.ts';
import type { Ask, SocketsPart, StatsAnswer } from './messages.ts';

const ROOM_MS = 5;
const MOST_WAITS = 1000;

/** What a successor gets from this process. */
export interface Inheritance {
  readonly generation: number;
  readonly startedAt: number;
  /** Listening sockets of all workers; the descriptors stay this process's. */
  sockets(): Promise<readonly { readonly address: string; readonly fd: number }[]>;
  stats(): Promise<StatsAnswer>;
  closeAdmin(): Promise<void>;
  /** The successor has gone before it served. */
  openAdmin(): Promise<void>;
  drain(): Promise<void>;
  end(): void;
}

export interface SuccessorServer {
  close(): Promise<void>;
}

/** Waits at a path for the process that is to come; the error says who is there already. */
export async function awaitSuccessor(path: string, inheritance: Inheritance): Promise<Result<SuccessorServer, string>> {
  if (await answers(path)) return fail(`${path} is in use by another process of the same base ID and epoch`);
  await rm(path, { force: true });
  let successor: net.Socket | undefined;
  let last: Promise<unknown> = Promise.resolve();
  const server = net.createServer((socket) => {
    // There is one at a time.
    if (successor) {
      socket.destroy();
      return;
    }
    successor = socket;
    let drained = false;
    readLines(socket, (message) => {
      const ask = message as Ask;
      if (ask.kind === 'drain') drained = true;
      last = last.then(() => answer(socket, ask, inheritance)).catch(() => socket.destroy());
    });
    socket.unref();
    socket.on('close', () => {
      successor = undefined;
      if (!drained) last = last.then(() => inheritance.openAdmin()).catch(() => undefined);
    });
  });
  server.unref();
  return new Promise((resolve) => {
    server.once('error', (error) => resolve(fail(`${path}: ${error.message}`)));
    server.listen(path, () =>
      resolve(
        ok({
          close: () => {
            successor?.destroy();
            return new Promise((done) => server.close(() => done()));
          },
        }),
      ),
    );
  });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

async function answer(socket: net.Socket, ask: Ask, inheritance: Inheritance): Promise<void> {
  switch (ask.kind) {
    case 'takeOver':
      await inheritance.closeAdmin();
      await handOver(socket, inheritance);
      return;
    case 'stats':
      writeLine(socket, await inheritance.stats());
      return;
    case 'drain':
      await inheritance.drain();
      return;
    case 'end':
      inheritance.end();
      return;
    default:
      socket.destroy();
  }
}

async function handOver(socket: net.Socket, { generation, startedAt, sockets }: Inheritance): Promise<void> {
  const all = await sockets();
  for (let from = 0; from === 0 || from < all.length; from += DESCRIPTORS_AT_ONCE) {
    const part = all.slice(from, from + DESCRIPTORS_AT_ONCE);
    const message: SocketsPart = {
      addresses: part.map(({ address }) => address),
      more: from + DESCRIPTORS_AT_ONCE < all.length,
      ...(from === 0 ? { generation, startedAt } : {}),
    };
    await sendPart(
      socket,
      `${JSON.stringify(message)}\n`,
      part.map(({ fd }) => fd),
    );
  }
}

/** A socket that is full is tried again. */
async function sendPart(socket: net.Socket, text: string, descriptors: readonly number[]): Promise<void> {
  const { fd } = (socket as unknown as { readonly _handle: { readonly fd: number } })._handle;
  for (let waits = 0; ; waits++) {
    try {
      sendDescriptors(fd, text, descriptors);
      return;
    } catch (error) {
      if (!(error instanceof SystemCallError) || error.code !== 'EAGAIN' || waits >= MOST_WAITS) throw error;
      await sleep(ROOM_MS);
    }
  }
}
