import net from 'node:net';
import { fail, ok, type Result } from '../../base/index.ts';
import { connectUnix, receiveDescriptors, sendText } from '../../sys/index.ts';
import type { InheritedSocket } from './inherited.ts';
import { readLines, writeLine } from './lines.ts';
import type { SocketsPart, StatsAnswer } from './messages.ts';

/** How long the process before may take for an answer. */
const ANSWER_SECONDS = 10;
const MOST_SOCKETS = 65_536;

/** The process before, which goes on serving until it is told otherwise. */
export interface Predecessor {
  readonly sockets: readonly InheritedSocket[];
  readonly generation: number;
  readonly startedAt: number;
  /** It accepts nothing more, and its connections end. */
  drain(): void;
  end(): void;
  /** Its statistics; undefined: it is gone, or does not answer in time. */
  stats(): Promise<StatsAnswer | undefined>;
  close(): void;
}

/** Takes the listening sockets over from the process that listens at a path. */
export function takeOver(path: string): Result<Predecessor, string> {
  try {
    const descriptor = connectUnix(path, ANSWER_SECONDS);
    sendText(descriptor, '{"kind":"takeOver"}\n');
    const { parts, descriptors } = receiveSockets(descriptor);
    const byAddress = new Map<string, number[]>();
    parts
      .flatMap(({ addresses }) => addresses)
      .forEach((address, index) => {
        byAddress.set(address, [...(byAddress.get(address) ?? []), descriptors[index] as number]);
      });
    const sockets = [...byAddress].map(([address, list]) => ({ address, descriptors: list }));
    const { generation = 1, startedAt = Date.now() } = parts[0] ?? {};
    return ok({ sockets, generation, startedAt, ...converse(new net.Socket({ fd: descriptor })) });
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}

function receiveSockets(from: number): {
  readonly parts: readonly SocketsPart[];
  readonly descriptors: readonly number[];
} {
  const parts: SocketsPart[] = [];
  const descriptors: number[] = [];
  for (let text = ''; parts.at(-1)?.more !== false; ) {
    const received = receiveDescriptors(from);
    if (received.text === '') throw new Error('the process before has gone');
    text += received.text;
    descriptors.push(...received.descriptors);
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      parts.push(JSON.parse(text.slice(0, end)) as SocketsPart);
      text = text.slice(end + 1);
    }
    if (descriptors.length > MOST_SOCKETS) throw new Error('the process before sends without end');
  }
  const count = parts.reduce((sum, { addresses }) => sum + addresses.length, 0);
  if (count !== descriptors.length) throw new Error(`${count} addresses came with ${descriptors.length} sockets`);
  return { parts, descriptors };
}

function converse(socket: net.Socket): Omit<Predecessor, 'sockets' | 'generation' | 'startedAt'> {
  const waiting: ((answer: StatsAnswer | undefined) => void)[] = [];
  let gone = false;
  readLines(socket, (answer) => waiting.shift()?.(answer as StatsAnswer));
  socket.on('close', () => {
    gone = true;
    for (const done of waiting.splice(0)) done(undefined);
  });
  socket.unref();
  return {
    drain: () => writeLine(socket, { kind: 'drain' }),
    end: () => writeLine(socket, { kind: 'end' }),
    stats: () => {
      if (gone) return Promise.resolve(undefined);
      writeLine(socket, { kind: 'stats' });
      return new Promise((resolve) => {
        const late = setTimeout(() => socket.destroy(), ANSWER_SECONDS * 1000).unref();
        waiting.push((answer) => {
          clearTimeout(late);
          resolve(answer);
        });
      });
    },
    close: () => socket.destroy(),
  };
}
