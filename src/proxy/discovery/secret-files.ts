import { type FSWatcher, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { formatIssue, type Issue } from '../../base/index.ts';
import { isObject, type JsonObject } from '../config/fields.ts';

/** What a secret may name files in, by its kind: those that Envoy reads again when they change. */
const SOURCES: Readonly<Record<string, readonly string[]>> = {
  tls_certificate: ['certificate_chain', 'private_key', 'password'],
  validation_context: ['trusted_ca', 'crl'],
  generic_secret: ['secret'],
};

export interface SecretFilesOptions {
  /** Puts a secret into force; gives what is wrong with it. */
  readonly apply: (secret: JsonObject, version: string) => Promise<readonly Issue[]>;
  /** The files of a secret have changed and are of no use; the last good version stays. */
  readonly onFailure: (name: string, reason: string) => void;
}

interface Followed {
  /** As it came, with the names of its files. */
  readonly json: JsonObject;
  readonly version: string;
  readonly files: readonly string[];
  readonly watchers: FSWatcher[];
  /** What is in force. */
  contents: Contents;
  /** Something moved and has not been read. */
  moved: boolean;
  /** Another version is about to take its place. */
  held: boolean;
}

/** Base64 by file; a file that cannot be read is missing. */
type Contents = ReadonlyMap<string, string>;

/** A secret whose files were read, to be put into force and then followed. */
export interface ReadSecret {
  /** With the content of its files in their place. */
  readonly resolved: JsonObject;
  readonly json: JsonObject;
  readonly contents: Contents;
}

/**
 * Keeps secrets at what the files hold that they name. As in Envoy they are read again when something is moved in the folder of a file, or in
 * `watched_directory` in place of that, and what is new is put into force together; a change of a file where it lies goes unnoticed.
 */
export class SecretFiles {
  readonly #options: SecretFilesOptions;
  readonly #followed = new Map<string, Followed>();
  #last: Promise<void> = Promise.resolve();

  constructor(options: SecretFilesOptions) {
    this.#options = options;
  }

  /** Reads the files of a secret that has come. Until `follow` or `release` nothing of an earlier version of it is put into force. */
  async read(name: string, json: JsonObject): Promise<ReadSecret> {
    const known = this.#followed.get(name);
    if (known) known.held = true;
    const contents = await readStable(filesOf(json));
    return { resolved: resolvedWith(json, contents), json, contents };
  }

  /** What was read has been refused: the version before stays. */
  release(name: string): void {
    const known = this.#followed.get(name);
    if (!known) return;
    known.held = false;
    this.#moved(name, known);
  }

  /** The secret is in force. */
  follow(name: string, { json, contents }: ReadSecret, version: string): void {
    this.drop(name);
    const files = filesOf(json);
    if (files.length === 0) return;
    const followed: Followed = { json, version, files, contents, watchers: [], moved: false, held: false };
    this.#followed.set(name, followed);
    for (const folder of foldersOf(json, files)) {
      try {
        const watcher = watch(folder, { persistent: false }, (event) => {
          if (event === 'rename') this.#moved(name, followed);
        });
        watcher.on('error', (error) => this.#options.onFailure(name, error.message));
        followed.watchers.push(watcher);
      } catch (error) {
        this.#options.onFailure(name, `${folder} cannot be watched: ${String(error)}`);
      }
    }
    // What moved since it was read has told nobody.
    this.#moved(name, followed);
  }

  /** Nothing follows from its files any more. */
  drop(name: string): void {
    for (const watcher of this.#followed.get(name)?.watchers ?? []) watcher.close();
    this.#followed.delete(name);
  }

  /** Drops all but these. */
  keep(names: ReadonlySet<string>): void {
    for (const name of this.#followed.keys()) if (!names.has(name)) this.drop(name);
  }

  close(): void {
    this.keep(new Set());
  }

  #moved(name: string, followed: Followed): void {
    if (followed.moved) return;
    followed.moved = true;
    this.#last = this.#last.then(() => this.#renew(name, followed));
  }

  async #renew(name: string, followed: Followed): Promise<void> {
    followed.moved = false;
    const contents = await readStable(followed.files);
    const over = followed.held || this.#followed.get(name) !== followed;
    if (over || same(contents, followed.contents)) return;
    const missing = followed.files.find((file) => !contents.has(file));
    const issues: readonly Issue[] =
      missing === undefined
        ? await this.#options.apply(resolvedWith(followed.json, contents), followed.version)
        : [{ path: '', message: `${missing} cannot be read` }];
    if (issues.length === 0) followed.contents = contents;
    else this.#options.onFailure(name, issues.map(formatIssue).join('; '));
  }
}

interface Source {
  readonly kind: string;
  readonly key: string;
  readonly file: string;
}

function sourcesOf(json: JsonObject): readonly Source[] {
  return Object.entries(SOURCES).flatMap(([kind, keys]) => {
    const body = json[kind];
    if (!isObject(body)) return [];
    return keys.flatMap((key) => {
      const source = body[key];
      const file = isObject(source) ? source['filename'] : undefined;
      return typeof file === 'string' && file !== '' ? [{ kind, key, file }] : [];
    });
  });
}

const filesOf = (json: JsonObject): readonly string[] => [...new Set(sourcesOf(json).map(({ file }) => file))];

/** Where a move says that files have changed. */
function foldersOf(json: JsonObject, files: readonly string[]): ReadonlySet<string> {
  for (const kind of Object.keys(SOURCES)) {
    const body = json[kind];
    const watched = isObject(body) ? body['watched_directory'] : undefined;
    if (isObject(watched)) return new Set([String(watched['path'])]);
  }
  return new Set(files.map((file) => path.dirname(file)));
}

/** The secret with bytes in the place of files; one that is missing stays, so that whoever reads the secret says so. */
function resolvedWith(json: JsonObject, contents: Contents): JsonObject {
  const out: Record<string, JsonObject[string]> = { ...json };
  for (const { kind, key, file } of sourcesOf(json)) {
    const bytes = contents.get(file);
    const body = out[kind];
    if (bytes !== undefined && isObject(body)) out[kind] = { ...body, [key]: { inline_bytes: bytes } };
  }
  return out;
}

const MOST_READS = 5;

/** Reads until two readings agree, so that files which are moved one after the other belong together. */
async function readStable(files: readonly string[]): Promise<Contents> {
  let last = await readAll(files);
  for (let reads = 1; reads < MOST_READS && files.length > 0; reads++) {
    const next = await readAll(files);
    if (same(last, next)) return next;
    last = next;
  }
  return last;
}

async function readAll(files: readonly string[]): Promise<Contents> {
  const read = await Promise.all(
    files.map(async (file) => [file, await readFile(file, 'base64').catch(() => undefined)] as const),
  );
  return new Map(read.flatMap(([file, text]) => (text === undefined ? [] : [[file, text] as const])));
}

function same(one: Contents, other: Contents): boolean {
  return one.size === other.size && [...one].every(([file, text]) => other.get(file) === text);
}
