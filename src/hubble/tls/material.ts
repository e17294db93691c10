import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { Issue } from '../../base/index.ts';
import type { NamedFile, TlsFiles } from './settings.ts';

/** What the files hold, as PEM. */
export interface TlsMaterial {
  readonly certificate: Buffer;
  readonly key: Buffer;
  /** All authorities, one after the other; empty for none. */
  readonly authorities: Buffer;
}

export interface TlsFilesOptions {
  readonly files: TlsFiles;
  /** The file of this machine that a path of the settings stands for. */
  readonly locate: (path: string) => string;
  /** Hears why the files cannot be used, once for each reason. Never holds what they contain. */
  readonly onFault: (issue: Issue) => void;
  /** Hears that files were read, and whether others were in use before. */
  readonly onRead: (again: boolean) => void;
}

/** Files are looked at again when somebody asks, at most so often. */
const lookAgainMs = 1000;
const mostBytes = 1024 * 1024;

/**
 * Gives what the files hold now: the same object as long as they have not changed. While they cannot be used, as when they are being replaced, what they
 * held before; undefined when they never could, so that nothing is served instead. Cilium, too, reads them again for new connections.
 */
export function openTlsFiles({ files, locate, onFault, onRead }: TlsFilesOptions): () => TlsMaterial | undefined {
  const all = [files.certificate, files.key, ...files.authorities].map((file) => ({
    ...file,
    place: locate(file.path),
  }));
  let current: TlsMaterial | undefined;
  let seen = '';
  let told = '';
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  return () => {
    if (performance.now() - lookedAtMs < lookAgainMs) return current;
    lookedAtMs = performance.now();
    const state = all.map(({ place }) => stateOf(place)).join('\n');
    if (state === seen) return current;
    seen = state;
    try {
      const material = read(all);
      onRead(current !== undefined);
      current = material;
      told = '';
    } catch (error) {
      if (!(error instanceof FileFault)) throw error;
      const text = `${error.issue.path}: ${error.issue.message}`;
      if (text !== told) onFault(error.issue);
      told = text;
    }
    return current;
  };
}

interface PlacedFile extends NamedFile {
  readonly place: string;
}

class FileFault extends Error {
  readonly issue: Issue;
  constructor({ option, path }: NamedFile, why: string, allowed?: string) {
    super(why);
    this.issue = { path: option, message: `${path}: ${why}`, ...(allowed !== undefined && { allowed }) };
  }
}

/** What tells one content of a file from the next; symbolic links are followed, as those of a mounted Secret change. */
function stateOf(place: string): string {
  const found = statSync(place, { throwIfNoEntry: false, bigint: true });
  return found ? `${found.ino} ${found.size} ${found.mtimeNs}` : 'missing';
}

function read(all: readonly PlacedFile[]): TlsMaterial {
  const [certificateFile, keyFile, ...authorityFiles] = all as [PlacedFile, PlacedFile, ...PlacedFile[]];
  const certificate = contentOf(certificateFile);
  const parsed = certificateOf(certificateFile, certificate);
  const key = contentOf(keyFile);
  if (!parsed.checkPrivateKey(keyOf(keyFile, key))) {
    throw new FileFault(keyFile, `is not the key of ${certificateFile.path} (${certificateFile.option})`);
  }
  const authorities = authorityFiles.map((file) => {
    const content = contentOf(file);
    certificateOf(file, content);
    return content;
  });
  return { certificate, key, authorities: Buffer.concat(authorities.flatMap((one) => [one, lineBreak])) };
}

const lineBreak = Buffer.from('\n');

function contentOf(file: PlacedFile): Buffer {
  try {
    // What is no ordinary file might never end.
    const found = statSync(file.place);
    if (!found.isFile()) throw new FileFault(file, 'is not a file');
    if (found.size > mostBytes) throw new FileFault(file, `is larger than ${mostBytes} bytes`);
    return readFileSync(file.place);
  } catch (error) {
    if (error instanceof FileFault) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new FileFault(file, code === 'ENOENT' ? 'is not there' : `cannot be read (${code})`);
  }
}

function certificateOf(file: NamedFile, content: Buffer): X509Certificate {
  try {
    return new X509Certificate(content);
  } catch {
    throw new FileFault(file, 'holds no certificate', 'PEM, beginning with -----BEGIN CERTIFICATE-----');
  }
}

function keyOf(file: NamedFile, content: Buffer): ReturnType<typeof createPrivateKey> {
  try {
    return createPrivateKey(content);
  } catch {
    throw new FileFault(file, 'holds no private key', 'PEM, without a password');
  }
}
