import { isObject, type JsonObject, type JsonValue } from '../../config/fields.ts';

/** Objects and lists in each other, as protobuf's parser allows. */
const MAX_DEPTH = 100;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads a JSON object of a stranger, latin1 text of its bytes, as protobuf reads a `Struct`; undefined: it is none. Its texts are latin1 text of
 * their UTF-8 bytes, as dynamic metadata has them. Nothing in it is nested deeper than what recursion can bear.
 */
export function parseStruct(bytes: string): JsonObject | undefined {
  try {
    const text = utf8.decode(Buffer.from(bytes, 'latin1'));
    if (!isPlain(text)) return undefined;
    const value = checked(JSON.parse(text) as JsonValue);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The own field of that name: names come from strangers, and every object has a `constructor`. */
export function fieldOf(object: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** Whether nothing is nested too deep and no object has a key twice, which JSON.parse would not tell. */
function isPlain(text: string): boolean {
  /** Keys of the objects around, `undefined` for a list. */
  const around: (Set<string> | undefined)[] = [];
  for (let at = 0; at < text.length; at++) {
    switch (text[at]) {
      case '{':
      case '[':
        around.push(text[at] === '{' ? new Set() : undefined);
        if (around.length > MAX_DEPTH) return false;
        break;
      case '}':
      case ']':
        around.pop();
        break;
      case '"': {
        const end = stringEnd(text, at);
        if (isKey(text, end) && !take(around.at(-1), text.slice(at, end))) return false;
        at = end - 1;
        break;
      }
      default:
    }
  }
  return true;
}

/** Position behind the string that begins at `from`, or the end of the text. */
function stringEnd(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at + 1;
  }
  return text.length;
}

function isKey(text: string, from: number): boolean {
  let at = from;
  while (' \t\r\n'.includes(text[at] ?? '.')) at++;
  return text[at] === ':';
}

/** False: the key was there. Throws where it is no JSON. */
function take(keys: Set<string> | undefined, quoted: string): boolean {
  const key = JSON.parse(quoted) as string;
  if (keys?.has(key)) return false;
  keys?.add(key);
  return true;
}

/** Throws at what protobuf refuses though JavaScript takes it: half a surrogate pair, a number beyond those of 64 bits. */
function checked(value: JsonValue): JsonValue {
  if (typeof value === 'string') return latin1(value);
  if (typeof value === 'number' && !Number.isFinite(value)) throw new RangeError('a number is too large');
  if (Array.isArray(value)) return value.map(checked);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [latin1(key), checked(inner as JsonValue)]));
}

function latin1(text: string): string {
  if (!text.isWellFormed()) throw new RangeError('half a surrogate pair');
  return Buffer.from(text, 'utf8').toString('latin1');
}
