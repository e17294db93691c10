import { type LoadFnOutput, registerHooks, stripTypeScriptTypes } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { boundSource } from './bound-source.ts';
import { deadlineOf } from './wait.ts';

/** Marks a version of a module and of what it imports from its folder, each of which is loaded anew. */
const MARK = 'ciliate-module';
const LOAD_MS = 10_000;
const API = new URL('./api.ts', import.meta.url).href;

/** A version that is being loaded or was, by the ordinal in its mark. */
interface Loading {
  /** URL of the folder, with a slash at its end: what is imported from elsewhere is not watched. */
  readonly folder: string;
  /** Paths of its files, to be watched. */
  readonly files: Set<string>;
  /** What loops are not bounded in, and why. */
  readonly unbounded: string[];
}

export interface LoadedFile {
  readonly exports: Readonly<Record<string, unknown>>;
  readonly files: ReadonlySet<string>;
  /** Files whose loops are not bounded, and why. */
  readonly unbounded: readonly string[];
}

const loadings = new Map<string, Loading>();
let hooked = false;
let next = 1;

/**
 * Imports a file, TypeScript or JavaScript, in a version of its own. Rejects with what the file throws, or when it does not come to an end
 * in 10 s. Node keeps every version until the process ends.
 * @param file and `folder`: absolute paths without links
 */
export async function loadFile(file: string, folder: string): Promise<LoadedFile> {
  hook();
  const version = String(next++);
  const files = new Set([file]);
  const unbounded: string[] = [];
  loadings.set(version, { folder: `${pathToFileURL(folder).href.replace(/\/$/, '')}/`, files, unbounded });
  const imported = import(`${pathToFileURL(file).href}?${MARK}=${version}`) as Promise<LoadedFile['exports']>;
  try {
    return { exports: await deadlineOf(imported, LOAD_MS, 'it did not load within 10 s'), files, unbounded };
  } catch (error) {
    throw new LoadError(error, files);
  }
}

/** Why a file does not load, and the files that a change of could mend. */
export class LoadError extends Error {
  readonly files: ReadonlySet<string>;

  constructor(cause: unknown, files: ReadonlySet<string>) {
    super(describeError(cause), { cause });
    this.files = files;
  }
}

/** Message of what was thrown, with the file and line of a module where there is one. */
export function describeError(error: unknown): string {
  try {
    if (!(error instanceof Error)) return `thrown: ${String(error)}`;
    const message = `${error.name}: ${error.message}`;
    const stack = error.stack ?? '';
    const place = PLACE.exec(stack)?.[1] ?? SYNTAX_PLACE.exec(stack)?.[1];
    return (place === undefined ? message : `${message} (${place})`).replaceAll(MARK_IN_TEXT, '');
  } catch {
    return 'thrown: something that has no text';
  }
}

const MARK_IN_TEXT = new RegExp(`\\?${MARK}=\\d+`, 'g');
/** Where Node finds TypeScript faulty, which stands before everything else. */
const SYNTAX_PLACE = /^(?:file:\/\/)?(\/\S+:\d+)\n/;
/** Without the column, which what is put into the line moves. */
const PLACE = new RegExp(`(?:file://)?(/[^\\s()]*\\?${MARK}=\\d+:\\d+)`);

function hook(): void {
  if (hooked) return;
  hooked = true;
  registerHooks({
    resolve: (specifier, context, nextResolve) => {
      const loading = loadings.get(versionOf(context.parentURL) || versionOf(specifier));
      // Users need not have the package installed beside their module.
      if (loading && specifier === 'ciliate/filter') return { url: API, shortCircuit: true };
      const found = resolved(() => nextResolve(specifier, context), loading, specifier, context.parentURL);
      if (!loading || !found.url.startsWith(loading.folder) || found.url.includes('/node_modules/')) return found;
      if (versionOf(found.url) !== '') return { ...found, ...formatOf(found.url) };
      loading.files.add(fileURLToPath(found.url));
      return { ...found, ...formatOf(found.url), url: `${found.url}?${MARK}=${versionOf(context.parentURL)}` };
    },
    load: (url, context, nextLoad) => {
      const loading = loadings.get(versionOf(url));
      const found = nextLoad(url, context);
      return loading ? bounded(url, found, loading) : found;
    },
  });
  guard();
}

/** What cannot be read is left to Node, which either says so or can read it. */
function bounded(url: string, found: LoadFnOutput, { unbounded }: Loading): LoadFnOutput {
  const { format, source } = found;
  if (source === undefined || source === null || (format !== 'module' && format !== 'module-typescript')) return found;
  const text = typeof source === 'string' ? source : new TextDecoder().decode(source);
  const plain = format === 'module' ? text : withoutTypes(text);
  if (plain === undefined) return found;
  const made = boundSource(plain);
  if (made.ok) return { ...found, format: 'module', source: made.value };
  unbounded.push(`${fileURLToPath(url)}: ${made.error}`);
  return found;
}

function withoutTypes(text: string): string | undefined {
  const { emitWarning } = process;
  // It is what Node does to each file of the proxy itself; there is nothing to warn users of.
  process.emitWarning = () => undefined;
  try {
    return stripTypeScriptTypes(text);
  } catch {
    return undefined;
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** Modules are ESM, whatever a `package.json` near them says: CommonJS is loaded once only. */
function formatOf(url: string): { readonly format?: string } {
  const extension = /\.(\w+)(?:\?|$)/.exec(url.slice(url.lastIndexOf('/')))?.[1] ?? '';
  if (extension === 'ts' || extension === 'mts') return { format: 'module-typescript' };
  return extension === 'js' || extension === 'mjs' ? { format: 'module' } : {};
}

/** A file that is missing is watched as well: it may come. */
function resolved<T>(resolve: () => T, loading: Loading | undefined, specifier: string, parent: string | undefined): T {
  try {
    return resolve();
  } catch (error) {
    const url = specifier.startsWith('.') ? URL.parse(specifier, parent)?.href : undefined;
    if (loading && url?.startsWith(loading.folder)) loading.files.add(fileURLToPath(url));
    throw error;
  }
}

function versionOf(url: string | undefined): string {
  return new RegExp(`\\?${MARK}=(\\d+)$`).exec(url ?? '')?.[1] ?? '';
}

const OWN = new URL('../../../', import.meta.url).href;
const complaints = new Set<(error: unknown) => void>();

/** Calls `complain` with what modules leave behind: promises that nobody awaits and callbacks that throw. */
export function onStrayError(complain: (error: unknown) => void): void {
  complaints.add(complain);
}

/**
 * A promise that a module does not await and that rejects, or a timer of it that throws, would end the proxy. What does not come from the
 * proxy's own code is logged instead.
 */
function guard(): void {
  const take = (error: unknown): void => {
    if (complaints.size > 0 && isForeign(error)) for (const complain of complaints) complain(error);
    else if (process.listenerCount('uncaughtException') <= 1) throw error;
  };
  process.on('unhandledRejection', take);
  process.on('uncaughtException', take);
}

/** Whether what was thrown comes from a module: has a frame of one, or none of the proxy. */
function isForeign(error: unknown): boolean {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  return stack.includes(`?${MARK}=`) || !stack.includes(OWN);
}
