import type { Issue } from '../../base/index.ts';

/** Collects what is wrong with an object while it is read. */
export interface Faults {
  readonly issues: readonly Issue[];
  add(path: string, message: string, allowed?: string): void;
}

const maxIssues = 200;
/** Longest message, in characters: what is quoted in one comes from whoever wrote the manifest. */
const maxMessage = 1000;

export function createFaults(): Faults {
  const issues: Issue[] = [];
  return {
    issues,
    add(path, message, allowed) {
      if (issues.length >= maxIssues) return;
      issues.push({ path, message: cut(message, maxMessage), ...(allowed === undefined ? {} : { allowed }) });
    },
  };
}

/** `path.key`, or `key` at the top of an object. */
function fieldPath(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The list at a key; undefined when it is absent or null. Anything else is a fault and read as an empty list. */
export function listAt(faults: Faults, fields: Fields, key: string, path: string): readonly unknown[] | undefined {
  const value = fields[key];
  if (value === undefined || value === null) return undefined;
  if (Array.isArray(value)) return value;
  faults.add(fieldPath(path, key), 'must be a list');
  return [];
}

/** The object at a key; undefined when it is absent or null, or with a fault when it is something else. */
export function fieldsAt(faults: Faults, fields: Fields, key: string, path: string): Fields | undefined {
  const value = fields[key];
  if (value === undefined || value === null) return undefined;
  if (isFields(value)) return value;
  faults.add(fieldPath(path, key), 'must be an object');
  return undefined;
}

/** The text at a key; undefined when it is absent or null, or with a fault when it is something else. */
export function textAt(faults: Faults, fields: Fields, key: string, path: string): string | undefined {
  const value = fields[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  faults.add(`${path}.${key}`, `must be of type string, found ${shown(value)}`, 'text in quotes');
  return undefined;
}

/** The texts of a list; other items are faults. */
export function textsAt(faults: Faults, fields: Fields, key: string, path: string): readonly string[] | undefined {
  return listAt(faults, fields, key, path)?.flatMap((item, position) => {
    if (typeof item === 'string') return [item];
    faults.add(
      `${fieldPath(path, key)}[${position}]`,
      `must be of type string, found ${shown(item)}`,
      'text in quotes',
    );
    return [];
  });
}

/** A value of any kind as a message names it: text as it is, anything else as JSON, cut. */
export function shown(value: unknown): string {
  return typeof value === 'string' ? value : quoted(value).slice(0, 60);
}

const quotedMax = { depth: 4, items: 20, characters: 300 };

/** A value of any kind as JSON for a message; what is long, or so deep that writing it would run out of stack, is cut. */
export function quoted(value: unknown): string {
  return cut(String(JSON.stringify(outline(value, 0))), quotedMax.characters);
}

function outline(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return cut(value, quotedMax.characters);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= quotedMax.depth) return '…';
  if (Array.isArray(value)) return value.slice(0, quotedMax.items).map((item) => outline(item, depth + 1));
  const entries = Object.entries(value).slice(0, quotedMax.items);
  return Object.fromEntries(entries.map(([key, item]) => [key, outline(item, depth + 1)]));
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length)}…`;
}

/** The items of a list that are objects, with their paths; other items are faults. */
export function itemsAt(
  faults: Faults,
  fields: Fields,
  key: string,
  path: string,
): readonly { readonly item: Fields; readonly path: string }[] | undefined {
  return listAt(faults, fields, key, path)?.flatMap((item, position) => {
    const place = `${fieldPath(path, key)}[${position}]`;
    // An empty YAML item is null and means the same as `{}`.
    if (item === null) return [{ item: {}, path: place }];
    if (isFields(item)) return [{ item, path: place }];
    faults.add(place, 'must be an object');
    return [];
  });
}
