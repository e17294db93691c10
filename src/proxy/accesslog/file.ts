import { createWriteStream, openSync, type WriteStream } from 'node:fs';
import { fail, ok, type Result } from '../../base/index.ts';
import { errnoText } from '../cluster/reset.ts';
import { type Appender, Line } from '../format/line.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { counter, gauge, statsKind, usedWith } from '../stats/kind.ts';

/** Lines waiting for a slow disk or pipe are dropped beyond this many bytes. */
const MAX_WAITING = 4 * 1024 * 1024;
const FLUSH_BYTES = 65_536;
const BUFFER_BYTES = 2 * FLUSH_BYTES;
/** Where this thread has its processor to itself, the one that writes comes late, and several buffers are on their way at once. */
const MAX_SPARES = 16;
const FLUSH_MS = 1000;

export interface LogFile {
  /** Adds the line that a format makes of a stream. */
  write(append: Appender, info: StreamInfo): void;
}

/** The process's own outputs are written as they are: where they are sockets, their paths cannot be opened. */
const STANDARD: Readonly<Record<string, number>> = { '/dev/stdout': 1, '/dev/stderr': 2 };

/** What the log files count, under `filesystem.`. */
class FileStats {
  flushedByTimer = 0;
  reopenFailed = 0;
  buffered = 0;
  completed = 0;
  failed = 0;
  waiting = 0;
}

export const FILE_STATS = statsKind(FileStats, {
  flushedByTimer: counter('flushed_by_timer'),
  reopenFailed: counter('reopen_failed'),
  buffered: counter('write_buffered'),
  completed: counter('write_completed'),
  failed: counter('write_failed'),
  waiting: usedWith('buffered', gauge('write_total_buffered')),
});

/** The log files of one proxy by path. */
export interface LogFiles {
  /** The file at this path, shared by all that write to it; the error is Envoy's text. */
  open(path: string): Result<LogFile, string>;
  /** Writes out what is buffered; what comes next goes to a file newly opened, as after a rotation. */
  reopen(): void;
  /** Writes out what is buffered and closes all files. */
  close(): Promise<void>;
}

/** `flushMs`: how long a line waits for others before it is written, Envoy's `--file-flush-interval-msec`. */
export function createLogFiles(flushMs = FLUSH_MS, stats = new FileStats()): LogFiles {
  const files = new Map<string, BufferedFile>();
  return {
    open: (path) => {
      const known = files.get(path);
      if (known) return ok(known);
      try {
        const file = new BufferedFile(path, STANDARD[path] ?? openSync(path, 'a'), flushMs, stats);
        files.set(path, file);
        return ok(file);
      } catch (error) {
        return fail(`unable to open file '${path}': ${errnoText(error)}`);
      }
    },
    reopen: () => {
      for (const file of files.values()) void file.close();
    },
    close: async () => {
      await Promise.all([...files.values()].map((file) => file.close()));
      files.clear();
    },
  };
}

class BufferedFile implements LogFile {
  readonly #path: string;
  readonly #flushMs: number;
  readonly #stats: FileStats;
  #stream: WriteStream | undefined;
  /** Lines that wait for others; they are composed where they are written from. */
  #lines: Line | undefined = undefined;
  readonly #spares: Line[] = [];
  #timer: NodeJS.Timeout | undefined = undefined;

  constructor(path: string, fd: number, flushMs: number, stats: FileStats) {
    this.#stats = stats;
    this.#path = path;
    this.#flushMs = flushMs;
    this.#stream = this.#open(fd);
  }

  write(append: Appender, info: StreamInfo): void {
    const lines = this.#lines ?? this.#spares.pop() ?? new Line(BUFFER_BYTES);
    this.#lines = lines;
    const before = lines.length;
    append(info, lines);
    this.#stats.buffered++;
    this.#stats.waiting += lines.length - before;
    if (lines.length >= FLUSH_BYTES) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flushLate(), this.#flushMs).unref();
  }

  #flushLate(): void {
    this.#stats.flushedByTimer++;
    this.#flush();
  }

  close(): Promise<void> {
    this.#flush();
    const stream = this.#stream;
    this.#stream = undefined;
    return stream ? new Promise((resolve) => stream.end(() => resolve())) : Promise.resolve();
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const lines = this.#lines;
    if (!lines || lines.length === 0) return;
    this.#lines = undefined;
    this.#send(lines.bytes.subarray(0, lines.length), () => {
      lines.clear();
      if (lines.bytes.length <= BUFFER_BYTES && this.#spares.length < MAX_SPARES) this.#spares.push(lines);
    });
  }

  #send(bytes: Buffer, written: () => void): void {
    const stats = this.#stats;
    stats.waiting -= bytes.length;
    this.#stream ??= this.#open();
    if (this.#stream.writableLength >= MAX_WAITING) {
      stats.failed++;
      written();
      return;
    }
    this.#stream.write(bytes, (error) => {
      if (error) stats.failed++;
      else stats.completed++;
      written();
    });
  }

  #open(fd?: number): WriteStream {
    const own = STANDARD[this.#path];
    const stream = createWriteStream(this.#path, { flags: 'a', ...openedAs(own ?? fd), autoClose: own === undefined });
    // A log that cannot be written must not end the proxy; the next line tries to open it again.
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.syscall === 'open') this.#stats.reopenFailed++;
      this.#stream = undefined;
    });
    return stream;
  }
}

const openedAs = (fd: number | undefined): { readonly fd?: number } => (fd === undefined ? {} : { fd });
