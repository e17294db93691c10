import { existsSync, realpathSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { fail, type Logger, ok, type Result } from '../../../base/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../config/fields.ts';
import type { Filter, Json } from './api.ts';
import { checkExports } from './check.ts';
import { describeError, LoadError, loadFile, onStrayError } from './loader.ts';
import type { ModuleStats } from './stats.ts';

export const MODULE_TYPE = 'ciliate.filters.http.module.v1.Module';

const POLL_MS = 500;
const EXTENSIONS = ['.ts', '.mts', '.js', '.mjs'];

/** A configuration of a module in use, and what the newest version of the module makes of it. */
export interface ModuleUse {
  readonly raw: JsonObject;
  readonly stats: ModuleStats;
  filter: Filter<unknown>;
  config: unknown;
}

/** A module that is loaded; uses of it follow its versions. */
export interface LoadedModule {
  /** Fails with what the module's `config` threw. */
  use(raw: JsonObject, stats: ModuleStats): Result<ModuleUse, string>;
}

/** The modules of one worker. Those that loaded once are kept, and loaded anew when one of their files changes. */
export interface FilterModules {
  /** Where they log. */
  readonly log: Logger;
  /** What may be named, in words. */
  readonly allowed: string;
  /** Loads what a resource names; says nothing when that fails: `get` does. */
  prepare(json: JsonObject): Promise<void> | undefined;
  get(name: string): Result<LoadedModule, string>;
  close(): void;
}

interface Entry {
  readonly name: string;
  filter: Filter<unknown> | undefined;
  error: string;
  /** State of its files when they were read. */
  seen: string;
  files: ReadonlySet<string>;
  readonly uses: Set<WeakRef<ModuleUse>>;
  loading: Promise<void> | undefined;
}

/** @param folders folders that the operator allows modules in; without any there are none */
export function createModules(folders: readonly string[], log: Logger): FilterModules {
  const entries = new Map<string, Entry>();
  let timer: NodeJS.Timeout | undefined;
  let polling = false;
  const allowed =
    folders.length === 0
      ? 'none: ciliate-proxy was started without --filter-modules'
      : `a file ending in ${EXTENSIONS.join(', ')} in ${folders.join(', ')}`;
  if (folders.length > 0) {
    onStrayError((error) => log.error({ error: describeError(error) }, 'a filter module left an error uncaught'));
  }

  const entryOf = (name: string): Entry => {
    const known = entries.get(name);
    if (known) return known;
    const entry: Entry = {
      name,
      filter: undefined,
      error: 'it is not loaded',
      seen: '',
      files: new Set(),
      uses: new Set(),
      loading: undefined,
    };
    entries.set(name, entry);
    return entry;
  };

  const refresh = (name: string, retry: boolean): Promise<void> => {
    const entry = entryOf(name);
    if (retry && !entry.filter) entry.seen = '';
    entry.loading ??= load(entry, folders, log).finally(() => {
      entry.loading = undefined;
    });
    return entry.loading;
  };

  const poll = async (): Promise<void> => {
    if (polling) return;
    polling = true;
    for (const entry of entries.values()) if (entry.filter) await refresh(entry.name, false);
    polling = false;
  };

  return {
    log,
    allowed,
    prepare: (json) => {
      if (folders.length === 0) return undefined;
      const names = [...namesIn(json)];
      if (names.length === 0) return undefined;
      timer ??= setInterval(() => void poll(), POLL_MS).unref();
      return Promise.all(names.map((name) => refresh(name, true))).then(() => undefined);
    },
    get: (name) => {
      const place = locate(name, folders);
      if (!place.ok) return place;
      const entry = entries.get(name);
      if (!entry?.filter) return fail(entry?.error ?? 'it is not loaded');
      return ok({ use: (raw, stats) => useOf(entry, raw, stats) });
    },
    close: () => clearInterval(timer),
  };
}

function useOf(entry: Entry, raw: JsonObject, stats: ModuleStats): Result<ModuleUse, string> {
  const { filter } = entry;
  if (!filter) return fail(entry.error);
  const config = configFor(filter, raw);
  if (!config.ok) return config;
  const use: ModuleUse = { raw, stats, filter, config: config.value };
  entry.uses.add(new WeakRef(use));
  return ok(use);
}

function configFor(filter: Filter<unknown>, raw: JsonObject): Result<unknown, string> {
  try {
    const config = filter.config ? filter.config(structuredClone(raw) as { readonly [key: string]: Json }) : raw;
    if (config instanceof Promise) {
      config.catch(() => undefined);
      return fail('config must not be async');
    }
    return ok(config);
  } catch (error) {
    return fail(describeError(error));
  }
}

/** Loads a module if it is new or its files changed; a version that is faulty, or refuses a configuration in use, changes nothing. */
async function load(entry: Entry, folders: readonly string[], log: Logger): Promise<void> {
  const place = locate(entry.name, folders);
  const files = place.ok ? new Set([...entry.files, place.value.file]) : entry.files;
  const seen = await stateOf(files);
  if (seen === entry.seen && entry.seen !== '') return;
  const first = entry.filter === undefined;
  const outcome = place.ok ? await read(place.value, files, log) : { files, filter: undefined, error: place.error };
  entry.files = outcome.files;
  // What changed while it was read is read again.
  entry.seen = outcome.files.size === files.size ? seen : await stateOf(outcome.files);
  const error = outcome.filter ? putInForce(entry, outcome.filter) : outcome.error;
  entry.error = error;
  if (error !== '' && !first)
    log.error({ module: entry.name, error }, 'a filter module cannot be reloaded; its last version stays');
  else if (error === '' && !first) log.info({ module: entry.name }, 'a filter module was reloaded');
  if (!first) for (const stats of new Set(liveUses(entry).map((use) => use.stats))) count(stats, error === '');
}

function count(stats: ModuleStats, success: boolean): void {
  if (success) stats.reloadSuccess++;
  else stats.reloadFailed++;
}

interface Read {
  readonly files: ReadonlySet<string>;
  readonly filter: Filter<unknown> | undefined;
  readonly error: string;
}

async function read({ file, folder }: Place, before: ReadonlySet<string>, log: Logger): Promise<Read> {
  try {
    const loaded = await loadFile(file, folder);
    const filter = checkExports(loaded.exports);
    for (const error of loaded.unbounded)
      log.warn({ error }, 'loops of a filter module are not bounded: they cannot be read');
    if (filter.ok) return { files: loaded.files, filter: filter.value, error: '' };
    return { files: loaded.files, filter: undefined, error: filter.error };
  } catch (error) {
    const files = error instanceof LoadError ? new Set([...before, ...error.files]) : before;
    return { files, filter: undefined, error: error instanceof LoadError ? error.message : describeError(error) };
  }
}

/** Empty when the version is in force in every use, else why it is in none. */
function putInForce(entry: Entry, filter: Filter<unknown>): string {
  const made: (() => void)[] = [];
  for (const use of liveUses(entry)) {
    const config = configFor(filter, use.raw);
    if (!config.ok) return `it refuses a configuration in use: ${config.error}`;
    made.push(() => {
      use.filter = filter;
      use.config = config.value;
    });
  }
  entry.filter = filter;
  for (const put of made) put();
  return '';
}

function liveUses(entry: Entry): readonly ModuleUse[] {
  return [...entry.uses].flatMap((reference) => {
    const use = reference.deref();
    if (!use) entry.uses.delete(reference);
    return use ?? [];
  });
}

async function stateOf(files: Iterable<string>): Promise<string> {
  const states = [...files].sort().map(async (file) => {
    const found = await stat(file, { bigint: true }).catch(() => undefined);
    return `${file} ${found ? `${found.mtimeNs} ${found.size} ${found.ino}` : 'gone'}`;
  });
  return (await Promise.all(states)).join('\n');
}

interface Place {
  readonly file: string;
  readonly folder: string;
}

/** The file that a name stands for: in one of the folders, also when links on the way to it are followed. */
function locate(name: string, folders: readonly string[]): Result<Place, string> {
  if (folders.length === 0) return fail('no module may be loaded');
  if (name.includes('\0') || !EXTENSIONS.includes(path.extname(name)))
    return fail('it is no file of TypeScript or JavaScript');
  for (const folder of folders) {
    const named = path.resolve(folder, name);
    if (!isWithin(named, folder) || !existsSync(named)) continue;
    try {
      const place = { file: realpathSync(named), folder: realpathSync(folder) };
      if (isWithin(place.file, place.folder) && EXTENSIONS.includes(path.extname(place.file))) return ok(place);
    } catch {
      // It went while it was looked at.
    }
  }
  return fail('there is no such file where modules are allowed');
}

function isWithin(file: string, folder: string): boolean {
  const relative = path.relative(folder, file);
  return relative !== '' && relative !== '..' && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative);
}

/** Names of all modules in a resource. */
function* namesIn(json: JsonValue): Generator<string> {
  if (Array.isArray(json)) {
    for (const item of json) yield* namesIn(item);
  } else if (isObject(json)) {
    const { '@type': type, module } = json;
    if (typeof type === 'string' && type.endsWith(`/${MODULE_TYPE}`) && typeof module === 'string') yield module;
    for (const value of Object.values(json)) yield* namesIn(value);
  }
}
