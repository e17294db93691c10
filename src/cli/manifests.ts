import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { type Document, isMap, isSeq, LineCounter, parseAllDocuments } from 'yaml';
import type { Issue } from '../base/index.ts';
import { type Locate, locator } from '../model/yaml/index.ts';

/** One text with manifests; `name` is what positions show. */
export interface Source {
  readonly name: string;
  readonly text: string;
}

/** One object of a manifest, with a way from field paths to lines. */
export interface Manifest {
  readonly object: unknown;
  readonly locate: Locate;
}

const maxBytes = 64 * 1024 * 1024;

/**
 * The sources that `-f` names: a file, `-` for standard input, or every `.yaml`, `.yml` and `.json` in a folder and below it.
 * Throws with a plain message when something cannot be read.
 */
export async function readSources(target: string, stdin: Readable): Promise<readonly Source[]> {
  if (target === '-') return [{ name: 'stdin', text: await readAll(stdin) }];
  if (!statSync(target).isDirectory()) return [readFile(target)];
  const names = readdirSync(target, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.(?:ya?ml|json)$/.test(name),
  );
  if (names.length === 0) throw new Error(`${target} holds no .yaml, .yml or .json file`);
  return names.sort().map((name) => readFile(path.join(target, name)));
}

function readFile(name: string): Source {
  if (statSync(name).size > maxBytes) throw new Error(`${name} is larger than ${maxBytes} bytes`);
  return { name, text: readFileSync(name, 'utf8') };
}

async function readAll(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > maxBytes) throw new Error(`standard input is larger than ${maxBytes} bytes`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The objects of a source, those inside a `kind: List` one by one; what is no YAML comes back as issues. */
export function parseManifests(source: Source): {
  readonly manifests: readonly Manifest[];
  readonly issues: readonly Issue[];
} {
  const lines = new LineCounter();
  const manifests: Manifest[] = [];
  const issues: Issue[] = [];
  // A tab or a stray brace makes many follow-up errors: the first of a document says what is wrong.
  for (const document of documentsOf(source.text, lines)) {
    const [error] = document.errors;
    if (error) {
      issues.push(yamlIssue(source.name, error.message, lines, error.pos[0]));
      continue;
    }
    if (document.contents === null) continue;
    try {
      manifests.push(...objectsOf(document, source.name, lines));
    } catch (failure) {
      issues.push(
        yamlIssue(source.name, failure instanceof Error ? failure.message : String(failure), lines, document.range[0]),
      );
    }
  }
  return { manifests, issues };
}

function documentsOf(text: string, lineCounter: LineCounter): readonly Document.Parsed[] {
  const documents = parseAllDocuments(text, { lineCounter, merge: true, logLevel: 'error' });
  return Array.isArray(documents) ? documents : [];
}

function yamlIssue(file: string, message: string, lines: LineCounter, offset: number): Issue {
  const { line, col } = lines.linePos(offset);
  const [first = ''] = message.split('\n');
  return {
    path: '',
    message: `not YAML: ${first.replace(/ at line \d+, column \d+:?$/, '')}`,
    position: { file, line, column: col },
  };
}

function objectsOf(document: Document.Parsed, file: string, lines: LineCounter): readonly Manifest[] {
  const object: unknown = document.toJS({ maxAliasCount: 100 });
  const items =
    isMap(document.contents) && String(document.get('kind')).endsWith('List') ? document.get('items', true) : undefined;
  if (!isSeq(items)) return [{ object, locate: locator(document.contents, file, lines) }];
  return items.items.map((item, position) => ({
    object: (object as { readonly items: readonly unknown[] }).items[position],
    locate: locator(item, file, lines),
  }));
}
