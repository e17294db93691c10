import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import type { CommandIo } from '../io.ts';
import { Failure } from './failure.ts';

/** One object out of a manifest file. */
export interface Manifest {
  readonly source: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly object: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** Objects of all files, in order. `-` is standard input; a folder gives its .yaml, .yml and .json files; a `List` its items. */
export async function readManifests(io: CommandIo, files: readonly string[]): Promise<readonly Manifest[]> {
  const manifests: Manifest[] = [];
  for (const file of files) {
    if (/^https?:/.test(file)) throw new Failure(`error: ${file}: download it first; only files are read`);
    for (const one of file === '-' ? ['-'] : expand(file)) {
      const content = one === '-' ? await text(io.stdin) : read(one);
      manifests.push(...(await parse(one === '-' ? 'standard input' : one, content)));
    }
  }
  if (manifests.length === 0) throw new Failure('error: no objects passed');
  return manifests;
}

function expand(file: string): string[] {
  try {
    if (!statSync(file).isDirectory()) return [file];
    return readdirSync(file)
      .filter((name) => /\.(ya?ml|json)$/.test(name))
      .sort()
      .map((name) => path.join(file, name));
  } catch {
    throw new Failure(`error: the path "${file}" does not exist`);
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Failure(`error: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function parse(source: string, content: string): Promise<Manifest[]> {
  const { parseAllDocuments } = await import('yaml');
  return parseAllDocuments(content).flatMap((document) => {
    const [fault] = document.errors;
    if (fault) throw new Failure(`error: ${source}: ${fault.message}`);
    return manifestsOf(source, document.toJS());
  });
}

function manifestsOf(source: string, value: unknown): Manifest[] {
  if (value === null || value === undefined) return [];
  if (!isFields(value)) throw new Failure(`error: ${source}: a document is not an object`);
  const { apiVersion, kind, items } = value;
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') {
    throw new Failure(`error: ${source}: an object lacks apiVersion or kind`);
  }
  if (kind.endsWith('List') && Array.isArray(items)) return items.flatMap((item) => manifestsOf(source, item));
  const metadata = value['metadata'];
  if (!isFields(metadata)) throw new Failure(`error: ${source}: ${kind} lacks metadata`);
  return [{ source, apiVersion, kind, object: value, metadata }];
}

export function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
