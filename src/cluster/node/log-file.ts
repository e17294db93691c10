import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import type { LogOptions } from '../runtime.ts';
import { formatLine, type LogStream, selectLines, splitLines } from './log-lines.ts';

/** The output of one run of a container, in the format that container runtimes write (`time stream F|P text`). */
export interface ContainerLog {
  write(stream: LogStream, chunk: Buffer): void;
  /** The container has ended: followers finish. */
  end(): void;
  read(options: LogOptions, signal: AbortSignal): AsyncGenerator<Uint8Array>;
  delete(): void;
}

/** Two files of this size are kept for each run: the newest output and what was before it. */
const fileBytesMax = 2 * 1024 * 1024;
const lineBytesMax = 16 * 1024;
const readBytes = 64 * 1024;

/** Opens the log at `file`, appending. With `ended` it is only read. `now` gives milliseconds since 1970. */
export function openContainerLog(file: string, now: () => number, ended = false): ContainerLog {
  mkdirSync(path.dirname(file), { recursive: true });
  const older = `${file}.1`;
  let fd = ended ? undefined : openSync(file, 'a', 0o600);
  let size = fd === undefined ? 0 : fstatSync(fd).size;
  let generation = 0;
  let waiting: (() => void)[] = [];
  const partial: Record<LogStream, Buffer> = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };

  const wake = (): void => {
    const woken = waiting;
    waiting = [];
    for (const resume of woken) resume();
  };
  const append = (record: Buffer): void => {
    if (fd === undefined) return;
    if (size + record.length > fileBytesMax) {
      closeSync(fd);
      renameSync(file, older);
      fd = openSync(file, 'a', 0o600);
      size = 0;
      generation++;
    }
    writeSync(fd, record);
    size += record.length;
  };

  return {
    write(stream, chunk) {
      const { pieces, rest } = splitLines(Buffer.concat([partial[stream], chunk]), lineBytesMax);
      partial[stream] = rest;
      for (const { text, full } of pieces) append(formatLine(now(), stream, full, text));
      if (pieces.length > 0) wake();
    },
    end() {
      if (fd === undefined) return;
      for (const stream of ['stdout', 'stderr'] as const) {
        if (partial[stream].length > 0) append(formatLine(now(), stream, false, partial[stream]));
      }
      closeSync(fd);
      fd = undefined;
      wake();
    },
    async *read(options, signal) {
      const first = selectLines(Buffer.concat([readWhole(older), readWhole(file)]), options, now());
      let left = options.limitBytes ?? Number.POSITIVE_INFINITY;
      const take = (chunks: readonly Buffer[]): Buffer => {
        const part = Buffer.concat(chunks).subarray(0, left);
        left -= part.length;
        return part;
      };
      let position = { generation, offset: sizeOf(file) };
      const start = take(first);
      if (start.length > 0) yield start;
      while (options.follow && left > 0 && !signal.aborted) {
        const news = readNews(position);
        position = news.position;
        if (news.bytes.length > 0) {
          yield take(selectLines(news.bytes, { timestamps: options.timestamps }, now()));
          continue;
        }
        if (fd === undefined) return;
        await nextWrite(signal);
      }
    },
    delete() {
      rmSync(file, { force: true });
      rmSync(older, { force: true });
    },
  };

  function nextWrite(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        signal.removeEventListener('abort', done);
        resolve();
      };
      waiting.push(done);
      signal.addEventListener('abort', done, { once: true });
    });
  }

  /** The next whole lines after a position; a reader that two rotations have overtaken goes on at the oldest kept line. */
  function readNews(position: { readonly generation: number; readonly offset: number }) {
    const behind = generation - position.generation;
    if (behind === 0) {
      const bytes = wholeLines(readAt(file, position.offset, readBytes));
      return { bytes, position: { generation, offset: position.offset + bytes.length } };
    }
    const offset = behind === 1 ? position.offset : 0;
    const bytes = wholeLines(readAt(older, offset, readBytes));
    if (bytes.length === 0) return readNewest();
    return { bytes, position: { generation: generation - 1, offset: offset + bytes.length } };
  }

  function readNewest() {
    const bytes = wholeLines(readAt(file, 0, readBytes));
    return { bytes, position: { generation, offset: bytes.length } };
  }
}

function wholeLines(bytes: Buffer): Buffer {
  return bytes.subarray(0, bytes.lastIndexOf(10) + 1);
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

function readWhole(file: string): Buffer {
  return existsSync(file) ? readAt(file, 0, fileBytesMax) : Buffer.alloc(0);
}

function readAt(file: string, offset: number, length: number): Buffer {
  const fd = openSync(file, 'r');
  try {
    const bytes = Buffer.allocUnsafe(Math.max(0, Math.min(length, fstatSync(fd).size - offset)));
    return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, offset));
  } finally {
    closeSync(fd);
  }
}
