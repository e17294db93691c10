import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
} from 'yaml';
import { fail, type Issue, ok, type Result } from '../../base/index.ts';
import { type Locate, locator } from './positions.ts';

export interface TypedYaml {
  readonly value: unknown;
  readonly locate: Locate;
}

/** Aliases may multiply what a document holds; beyond this many values it is refused. */
const MAX_VALUES = 2_000_000;
const MAX_DEPTH = 500;

/**
 * The first document of a YAML text as Envoy takes it: plain scalars are truth values (also `y`, `n`, `on`, `off`), whole numbers of
 * 32 bits or text; keys tagged `!ignore` hold anchors only, and there are no merge keys. `file` is what positions name.
 */
export function parseTypedYaml(text: string, file: string): Result<TypedYaml, Issue> {
  const lines = new LineCounter();
  const at = (offset: number, message: string): Result<TypedYaml, Issue> => {
    const { line, col } = lines.linePos(offset);
    return fail({ path: '', message, position: { file, line: Math.max(1, line), column: Math.max(1, col) } });
  };
  let document: Document.Parsed;
  try {
    document = parseDocument(text, { lineCounter: lines, logLevel: 'silent', schema: 'failsafe' });
  } catch (error) {
    // The parser recurses: what is nested too deep runs it out of stack.
    return at(0, `not YAML: ${error instanceof Error ? error.message : String(error)}`);
  }
  const fault = document.errors.find(({ code }) => code !== 'MULTIPLE_DOCS');
  if (fault) {
    const [first = ''] = fault.message.split('\n');
    return at(fault.pos[0], `not YAML: ${first.replace(/ at line \d+, column \d+:?$/, '')}`);
  }
  try {
    return ok({ value: new Reader().read(document.contents, 0), locate: locator(document.contents, file, lines) });
  } catch (error) {
    if (error instanceof TypedYamlError) return at(error.offset, error.message);
    throw error;
  }
}

class TypedYamlError extends Error {
  readonly offset: number;

  constructor(message: string, node: unknown) {
    super(message);
    this.offset = (node as { readonly range?: readonly number[] | null } | null)?.range?.[0] ?? 0;
  }
}

class Reader {
  /** Anchors so far: an alias means the last one before it. */
  readonly #anchors = new Map<string, Node>();
  #values = 0;

  read(node: unknown, depth: number): unknown {
    if (++this.#values > MAX_VALUES) throw new TypedYamlError(`holds more than ${MAX_VALUES} values`, node);
    if (depth > MAX_DEPTH) throw new TypedYamlError(`nested deeper than ${MAX_DEPTH} levels`, node);
    if (isAlias(node)) {
      const target = this.#anchors.get(node.source);
      if (!target) throw new TypedYamlError(`no anchor ${node.source} before its alias`, node);
      return this.read(target, depth + 1);
    }
    if ((isSeq(node) || isMap(node) || isScalar(node)) && node.anchor) this.#anchors.set(node.anchor, node);
    if (isSeq(node)) return node.items.map((item) => this.read(item, depth + 1));
    if (isMap(node)) return this.#map(node.items, depth);
    return isScalar(node) ? scalar(node) : null;
  }

  #map(items: readonly { readonly key: unknown; readonly value: unknown }[], depth: number): unknown {
    const object: Record<string, unknown> = {};
    for (const { key, value } of items) {
      if (!isScalar(key)) throw new TypedYamlError('a key must be a plain value', key);
      const inner = this.read(value, depth + 1);
      if (key.tag !== '!ignore') define(object, String(key.value), inner);
    }
    return object;
  }
}

/** A key such as `__proto__` is a key like any other. */
function define(object: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
}

const FLAGS: ReadonlyMap<string, boolean> = new Map(
  (
    [
      [true, ['y', 'yes', 'true', 'on']],
      [false, ['n', 'no', 'false', 'off']],
    ] as const
  ).flatMap(([value, names]) =>
    names.flatMap((name) =>
      [name, name.toUpperCase(), name[0]?.toUpperCase() + name.slice(1)].map((one) => [one, value] as const),
    ),
  ),
);

function scalar(node: Scalar): unknown {
  const text = typeof node.value === 'string' ? node.value : String(node.value ?? '');
  if (node.type !== 'PLAIN' || node.tag === '!' || node.tag === 'tag:yaml.org,2002:str')
    return node.value === null ? '' : text;
  if (text === '' || text === '~' || /^(?:null|Null|NULL)$/.test(text)) return null;
  const flag = FLAGS.get(text);
  if (flag !== undefined) return flag;
  return /^[-+]?(?:\d+|0[xX][0-9a-fA-F]+)$/.test(text) ? integer(text) : text;
}

/** As C reads it: a leading 0 means octal, 0x hexadecimal. */
function integer(text: string): number | string {
  const negative = text.startsWith('-');
  const digits = text.replace(/^[-+]/, '');
  if (/^0\d*[89]/.test(digits)) return text;
  const octal = /^0\d+$/.test(digits);
  const value = BigInt(octal ? `0o${digits.slice(1)}` : digits) * (negative ? -1n : 1n);
  if (value >= -0x8000_0000n && value <= 0x7fff_ffffn) return Number(value);
  return value >= -(2n ** 63n) && value < 2n ** 63n ? String(value) : text;
}
