import { createReadStream, createWriteStream } from 'node:fs';
import { access, type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

/** A file of lines that is put aside when it is full. */
export interface RotatingFile {
  /**
   * Appends lines, each with its line break. Rejects when they could not be written; then none of those that are missing is there in part.
   * One call at a time.
   */
  append(lines: readonly string[]): Promise<void>;
  /** Resolves when what was put aside is compressed and what is too old is gone, too. */
  close(): Promise<void>;
}

export interface RotatingFileOptions {
  readonly file: string;
  readonly maxSizeBytes: number;
  /** 0: all of them stay, as in lumberjack. */
  readonly maxBackups: number;
  readonly compress: boolean;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** What went wrong with a file that was put aside. */
  readonly onError: (error: Error) => void;
}

/**
 * Names and order are those of lumberjack, which Cilium uses: `events.log` becomes `events-2026-01-31T12-00-00.000.log` (UTC), and
 * `events-....log.gz` when compressed; the oldest beyond the number that may stay go. The file is opened with the first line.
 */
export function createRotatingFile(options: RotatingFileOptions): RotatingFile {
  const { file, maxSizeBytes, onError } = options;
  let handle: FileHandle | undefined;
  let size = 0;
  let tidying: Promise<void> = Promise.resolve();
  const tidyUp = (): void => {
    tidying = tidying.then(() => tidy(options)).catch(onError);
  };
  const openFile = async (): Promise<FileHandle> => {
    await mkdir(path.dirname(file), { recursive: true, mode: 0o755 });
    handle = await open(file, 'a', 0o600);
    ({ size } = await handle.stat());
    return handle;
  };
  const closeFile = async (): Promise<void> => {
    const closing = handle;
    handle = undefined;
    await closing?.close();
  };
  const rotate = async (): Promise<void> => {
    await closeFile();
    await rename(file, await freeName(options));
    await openFile();
    tidyUp();
  };
  /** All of the text, or none of it. */
  const write = async (text: string): Promise<void> => {
    const current = handle ?? (await openFile());
    const bytes = Buffer.from(text);
    try {
      for (let at = 0; at < bytes.length; ) at += (await current.write(bytes, at)).bytesWritten;
      size += bytes.length;
    } catch (error) {
      await current.truncate(size).catch(() => {});
      await closeFile().catch(() => {});
      throw error;
    }
  };
  return {
    async append(lines) {
      if (!handle) {
        await openFile();
        tidyUp();
      }
      let text = '';
      let length = 0;
      for (const line of lines) {
        const more = Buffer.byteLength(line) + 1;
        if (size + length > 0 && size + length + more > maxSizeBytes) {
          await write(text);
          await rotate();
          text = '';
          length = 0;
        }
        text += `${line}\n`;
        length += more;
      }
      await write(text);
    },
    async close() {
      await closeFile();
      await tidying;
    },
  };
}

interface NameParts {
  readonly folder: string;
  readonly prefix: string;
  readonly extension: string;
}

function partsOf(file: string): NameParts {
  const extension = path.extname(file);
  return { folder: path.dirname(file), prefix: `${path.basename(file, extension)}-`, extension };
}

/** A name that no file has yet: two may be put aside in a millisecond. */
async function freeName({ file, now }: RotatingFileOptions): Promise<string> {
  const { folder, prefix, extension } = partsOf(file);
  for (let time = now(); ; time++) {
    const stamp = new Date(time).toISOString().slice(0, -1).replaceAll(':', '-');
    const name = path.join(folder, `${prefix}${stamp}${extension}`);
    if (!(await exists(name)) && !(await exists(`${name}.gz`))) return name;
  }
}

async function exists(name: string): Promise<boolean> {
  return access(name).then(
    () => true,
    () => false,
  );
}

const stampPattern = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}$/;

/** Removes what is beyond the number that may stay, and compresses the rest where asked to. */
async function tidy({ file, maxBackups, compress }: RotatingFileOptions): Promise<void> {
  const { folder, prefix, extension } = partsOf(file);
  const aside = new Map<string, string[]>();
  for (const name of await readdir(folder)) {
    const plain = name.endsWith('.gz') ? name.slice(0, -'.gz'.length) : name;
    if (!plain.startsWith(prefix) || !plain.endsWith(extension)) continue;
    const stamp = plain.slice(prefix.length, plain.length - extension.length);
    if (stampPattern.test(stamp)) aside.set(stamp, [...(aside.get(stamp) ?? []), name]);
  }
  const newestFirst = [...aside.keys()].sort().reverse();
  for (const [index, stamp] of newestFirst.entries()) {
    for (const name of aside.get(stamp) ?? []) {
      const full = path.join(folder, name);
      if (maxBackups > 0 && index >= maxBackups) await rm(full, { force: true });
      else if (compress && !name.endsWith('.gz')) await compressFile(full);
    }
  }
}

async function compressFile(name: string): Promise<void> {
  const compressed = `${name}.gz`;
  try {
    await pipeline(createReadStream(name), createGzip(), createWriteStream(compressed, { mode: 0o600 }));
  } catch (error) {
    await rm(compressed, { force: true });
    throw error;
  }
  await rm(name, { force: true });
}
