import { readFile } from 'node:fs/promises';
import { fail, type Issue, ok, type Result, type SourcePosition } from '../../base/index.ts';
import { parseTypedYaml, type TypedYaml } from '../../model/yaml/index.ts';
import { isObject, type JsonObject } from '../config/fields.ts';

/** One text of a bootstrap configuration. */
export interface ConfigText {
  /** What positions name: the file's path as given. */
  readonly name: string;
  readonly text: string;
}

/** A bootstrap out of one or several texts. */
export interface ConfigSource {
  readonly json: unknown;
  /** Adds the place in its text to an issue that has none; `path` is inside the bootstrap. */
  readonly locate: (issue: Issue) => Issue;
}

export async function readConfigFile(path: string): Promise<Result<ConfigText, Issue>> {
  if (/\.pb(?:_text)?$/i.test(path)) {
    return fail({ path: '', message: `${path}: binary and text protobuf are not supported`, allowed: 'YAML, JSON' });
  }
  try {
    return ok({ name: path, text: await readFile(path, 'utf8') });
  } catch (error) {
    return fail({
      path: '',
      message: `cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`,
    });
  }
}

/** Parses the texts; a later one is merged over those before: messages field by field, lists one after the other, the rest replaced. */
export function readConfig(texts: readonly ConfigText[]): Result<ConfigSource, Issue> {
  const parsed: TypedYaml[] = [];
  for (const { name, text } of texts) {
    const result = parseTypedYaml(text, name);
    if (!result.ok) return result;
    parsed.push(result.value);
  }
  const json = parsed.map(({ value }): unknown => value ?? {}).reduce(mergeJson);
  return ok({ json, locate: (issue) => ({ ...issue, position: issue.position ?? positionOf(parsed, issue.path) }) });
}

/** Where a path stands: in the last text that has it whole, or the nearest part of it in the first. */
function positionOf(parsed: readonly TypedYaml[], path: string): SourcePosition {
  const whole = parsed.toReversed().find(({ value }) => parsed.length === 1 || hasPath(value, path));
  return (whole ?? (parsed[0] as TypedYaml)).locate(path);
}

function hasPath(value: unknown, path: string): boolean {
  let inner = value;
  for (const step of path.split(/[.[\]]+/).filter((part) => part !== '')) {
    if (typeof inner !== 'object' || inner === null || !Object.hasOwn(inner, step)) return false;
    inner = Reflect.get(inner, step);
  }
  return true;
}

function mergeJson(left: unknown, right: unknown): unknown {
  if (Array.isArray(left) && Array.isArray(right)) return [...left, ...right];
  if (!isObject(left) || !isObject(right) || '@type' in right) return right;
  const merged: Record<string, unknown> = { ...left };
  for (const [key, value] of Object.entries(right as JsonObject)) {
    merged[key] = Object.hasOwn(merged, key) ? mergeJson(merged[key], value) : value;
  }
  return merged;
}
