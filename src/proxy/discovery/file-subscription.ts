import { type FSWatcher, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { fail, formatIssue, ok, type Result } from '../../base/index.ts';
import {
  decodeEnvoyJson,
  isJsonObject,
  type JsonObject,
  resourceNameField,
  typeNameOf,
} from '../../model/envoy/index.ts';
import { parseTypedYaml } from '../../model/yaml/index.ts';
import type { ResourceUpdate } from '../../xds/index.ts';
import type { FileSource } from '../config/config-source.ts';

const RESPONSE = 'envoy.service.discovery.v3.DiscoveryResponse';

export interface FileSubscriptionOptions {
  readonly source: FileSource;
  readonly url: string;
  /** Puts an update into force, like an xDS client's. */
  readonly onUpdate: (
    url: string,
    update: ResourceUpdate,
    asked: readonly string[],
  ) => Promise<ReadonlyMap<string, string>>;
  /** The file cannot be read or is no list of such resources: nothing of it is taken. */
  readonly onRefusal: (url: string, reason: string, asked: readonly string[]) => void;
}

/** Resources of one type from a file: read when it is wanted and whenever the file is moved into its place. */
export class FileSubscription {
  readonly #options: FileSubscriptionOptions;
  readonly #accepted = new Map<string, JsonObject>();
  readonly #watcher: FSWatcher;
  /** Undefined: all that the file holds. */
  #names: ReadonlySet<string> | undefined = undefined;
  #last: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: FileSubscriptionOptions) {
    this.#options = options;
    const { path: file, directory, anyMove } = options.source;
    const name = path.basename(file);
    this.#watcher = watch(directory, { persistent: false }, (event, moved) => {
      if (event === 'rename' && (anyMove || moved === name)) void this.#refresh();
    });
    this.#watcher.on('error', (error) => options.onRefusal(options.url, error.message, [...(this.#names ?? [])]));
  }

  /** The names wanted; absent: everything. Ends when the file was read for them. */
  want(names?: readonly string[]): Promise<void> {
    const wanted = names && new Set(names);
    for (const name of wanted ? this.#accepted.keys() : []) if (!wanted?.has(name)) this.#accepted.delete(name);
    const known = wanted !== undefined && [...wanted].every((name) => this.#names?.has(name));
    this.#names = wanted;
    return known ? this.#last : this.#refresh();
  }

  close(): void {
    this.#closed = true;
    this.#watcher.close();
  }

  #refresh(): Promise<void> {
    this.#last = this.#last.then(() => (this.#closed ? undefined : this.#read()));
    return this.#last;
  }

  async #read(): Promise<void> {
    const { source, url, onUpdate, onRefusal } = this.#options;
    const read = await readResources(source.path, url);
    const asked = [...(this.#names ?? [])];
    if (!read.ok) {
      onRefusal(url, read.error, asked);
      return;
    }
    const { version, resources, repeated } = read.value;
    const wanted = [...resources].filter(([name]) => this.#names?.has(name) ?? true);
    const changed = new Map(wanted.filter(([name, json]) => !isDeepStrictEqual(this.#accepted.get(name), json)));
    const present = new Set(wanted.map(([name]) => name));
    const removed = this.#names ? [] : [...this.#accepted.keys()].filter((name) => !present.has(name));
    const missing = (): readonly string[] => asked.filter((name) => !present.has(name));
    const update = { version, names: [...present], changed, removed, missing, broken: new Map(), repeated };
    const errors = await onUpdate(url, update, asked);
    for (const [name, json] of changed) if (!errors.has(name)) this.#accepted.set(name, json);
    for (const name of removed) this.#accepted.delete(name);
  }
}

interface FileContent {
  readonly version: string;
  readonly resources: ReadonlyMap<string, JsonObject>;
  readonly repeated: readonly string[];
}

/** Reads a `DiscoveryResponse` in YAML or JSON; faults come with file, line and column. */
async function readResources(file: string, url: string): Promise<Result<FileContent, string>> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    return fail(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const parsed = parseTypedYaml(text, file);
  if (!parsed.ok) return fail(formatIssue(parsed.error));
  const { value, locate } = parsed.value;
  const decoded = decodeEnvoyJson(value, { path: '', type: RESPONSE });
  if (!decoded.ok) {
    const placed = decoded.error.map((issue) => ({ ...issue, path: issue.path.replace(/^\./, '') }));
    return fail(placed.map((issue) => formatIssue({ ...issue, position: locate(issue.path) })).join('; '));
  }
  const { version_info: version = '', resources: list = [] } = decoded.value.value;
  const resources = new Map<string, JsonObject>();
  const repeated: string[] = [];
  for (const [index, item] of (Array.isArray(list) ? list : []).entries()) {
    const { '@type': type = '', ...json } = isJsonObject(item) ? item : {};
    if (typeNameOf(String(type)) !== typeNameOf(url)) {
      const message = `found ${String(type)}`;
      return fail(
        formatIssue({
          path: `resources[${index}].@type`,
          message,
          allowed: url,
          position: locate(`resources[${index}]`),
        }),
      );
    }
    const name = String(json[resourceNameField(url)] ?? '');
    if (resources.has(name)) repeated.push(name);
    else resources.set(name, json);
  }
  return ok({ version: String(version), resources, repeated });
}
