import { createRequire } from 'node:module';
import { type Decoded, DecodeError, MAX_DEPTH, MAX_DUPLICATES, rejectKey } from './json.ts';

/** Parses one YAML document from a stranger: bounded aliases and depth, duplicate keys reported. Throws `DecodeError`. */
export function decodeYaml(text: string): Decoded {
  const { parseDocument } = createRequire(import.meta.url)('yaml') as typeof import('yaml');
  try {
    const document = parseDocument(text, { uniqueKeys: false, logLevel: 'silent' });
    const [fault] = document.errors;
    if (fault) throw new DecodeError(fault.message.split('\n')[0] ?? 'not YAML');
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    checkValue(value, 0);
    return { value, duplicates: duplicateKeys(document.contents, '').slice(0, MAX_DUPLICATES) };
  } catch (error) {
    if (error instanceof DecodeError) throw error;
    // The parser recurses: a document that is nested too deep runs it out of stack.
    if (error instanceof RangeError) throw new DecodeError(`nested deeper than ${MAX_DEPTH} levels`);
    throw new DecodeError(error instanceof Error ? error.message : 'not YAML');
  }
}

function checkValue(value: unknown, depth: number): void {
  if (typeof value !== 'object' || value === null) return;
  if (depth >= MAX_DEPTH) throw new DecodeError(`nested deeper than ${MAX_DEPTH} levels`);
  for (const key of Object.keys(value)) {
    rejectKey(key);
    checkValue(Reflect.get(value, key), depth + 1);
  }
}

function duplicateKeys(node: unknown, path: string): string[] {
  if (typeof node !== 'object' || node === null || !('items' in node) || !Array.isArray(node.items)) return [];
  const seen = new Set<string>();
  return node.items.flatMap((item: unknown, position: number) => {
    if (typeof item !== 'object' || item === null || !('key' in item))
      return duplicateKeys(item, `${path}[${position}]`);
    const key = String(item.key);
    const here = path === '' ? key : `${path}.${key}`;
    const repeated = seen.has(key) ? [here] : [];
    seen.add(key);
    return [...repeated, ...('value' in item ? duplicateKeys(item.value, here) : [])];
  });
}
