import { createWriteStream, type WriteStream } from 'node:fs';

/** Lines waiting for a slow disk or pipe are dropped beyond this many bytes. */
const MAX_WAITING = 4 * 1024 * 1024;
const FLUSH_BYTES = 65_536;
const FLUSH_MS = 1000;

export interface LogFile {
  write(line: string): void;
}

const files = new Map<string, BufferedFile>();

/** The log file at this path, shared by all that write to it. Opened at the first line. */
export function openLogFile(path: string): LogFile {
  let file = files.get(path);
  if (!file) {
    file = new BufferedFile(path);
    files.set(path, file);
  }
  return file;
}

/** Writes out what is buffered and closes all files. */
export async function closeLogFiles(): Promise<void> {
  await Promise.all([...files.values()].map((file) => file.close()));
  files.clear();
}

class BufferedFile implements LogFile {
  readonly #path: string;
  #stream: WriteStream | undefined = undefined;
  #text = '';
  #timer: NodeJS.Timeout | undefined = undefined;

  constructor(path: string) {
    this.#path = path;
  }

  write(line: string): void {
    this.#text += line;
    if (this.#text.length >= FLUSH_BYTES) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), FLUSH_MS).unref();
  }

  close(): Promise<void> {
    this.#flush();
    const stream = this.#stream;
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
