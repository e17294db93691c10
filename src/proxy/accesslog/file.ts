import { createWriteStream, type WriteStream } from 'node:fs';

/** Lines waiting for a slow disk or pipe are dropped beyond this many bytes. */
const MAX_WAITING = 4 * 1024 * 1024;
const FLUSH_BYTES = 65_536;
const FLUSH_MS = 1000;

export interface LogFile {
  write(line: string): void;
}

/** The log files of one proxy by path. */
export interface LogFiles {
  /** The file at this path, shared by all that write to it. Opened at the first line. */
  open(path: string): LogFile;
  /** Writes out what is buffered; what comes next goes to a file newly opened, as after a rotation. */
  reopen(): void;
  /** Writes out what is buffered and closes all files. */
  close(): Promise<void>;
}

/** `flushMs`: how long a line waits for others before it is written, Envoy's `--file-flush-interval-msec`. */
export function createLogFiles(flushMs = FLUSH_MS): LogFiles {
  const files = new Map<string, BufferedFile>();
  return {
    open: (path) => {
      const file = files.get(path) ?? new BufferedFile(path, flushMs);
      files.set(path, file);
      return file;
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
  #stream: WriteStream | undefined = undefined;
  #text = '';
  #timer: NodeJS.Timeout | undefined = undefined;

  constructor(path: string, flushMs: number) {
    this.#path = path;
    this.#flushMs = flushMs;
  }

  write(line: string): void {
    this.#text += line;
    if (this.#text.length >= FLUSH_BYTES) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), this.#flushMs).unref();
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
    const text = this.#text;
    this.#text = '';
    if (text === '') return;
    this.#stream ??= this.#open();
    if (this.#stream.writableLength < MAX_WAITING) this.#stream.write(text, 'latin1');
  }

  #open(): WriteStream {
    const stream = createWriteStream(this.#path, { flags: 'a' });
    // A log that cannot be written must not end the proxy; the next line tries to open it again.
    stream.on('error', () => {
      this.#stream = undefined;
    });
    return stream;
  }
}
