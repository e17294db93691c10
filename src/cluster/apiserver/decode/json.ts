/** Deepest nesting accepted in any document; real manifests stay under 60. */
export const MAX_DEPTH = 256;
/** Repeated keys that are reported; a document made of nothing else must not make a report far larger than itself. */
export const MAX_DUPLICATES = 32;

export interface Decoded {
  readonly value: unknown;
  /** Paths of keys that stand twice in one object, at most 32; the last one counts. */
  readonly duplicates: readonly string[];
}

/** A document that cannot be read; the message is for the user. */
export class DecodeError extends Error {}

/** Parses JSON from a stranger: bounded depth, duplicate keys reported, no `__proto__`. Throws `DecodeError`. */
export function decodeJson(text: string): Decoded {
  const duplicates = scan(text);
  try {
    return { value: JSON.parse(text), duplicates };
  } catch (error) {
    throw new DecodeError(error instanceof Error ? error.message : 'not JSON');
  }
}

interface Frame {
  readonly array: boolean;
  readonly path: string;
  readonly keys: Set<string>;
  key: string;
  position: number;
}

/** One pass over the tokens; it need not reject what `JSON.parse` rejects anyway. */
function scan(text: string): string[] {
  const duplicates: string[] = [];
  const stack: Frame[] = [];
  for (let offset = 0; offset < text.length; offset++) {
    const code = text.charCodeAt(offset);
    const top = stack.at(-1);
    if (code === 0x22) {
      const end = stringEnd(text, offset);
      if (top && !top.array && isKey(text, end + 1)) noteKey(top, text.slice(offset, end + 1), duplicates);
      offset = end;
    } else if (code === 0x7b || code === 0x5b) {
      if (stack.length >= MAX_DEPTH) throw new DecodeError(`nested deeper than ${MAX_DEPTH} levels`);
      stack.push({ array: code === 0x5b, path: top ? childPath(top) : '', keys: new Set(), key: '', position: 0 });
    } else if (code === 0x7d || code === 0x5d) stack.pop();
    else if (code === 0x2c && top) top.position++;
  }
  return duplicates;
}

function stringEnd(text: string, start: number): number {
  for (let offset = start + 1; offset < text.length; offset++) {
    const code = text.charCodeAt(offset);
    if (code === 0x5c) offset++;
    else if (code === 0x22) return offset;
  }
  return text.length;
}

function isKey(text: string, from: number): boolean {
  for (let offset = from; offset < text.length; offset++) {
    const code = text.charCodeAt(offset);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return code === 0x3a;
  }
  return false;
}

function noteKey(frame: Frame, quoted: string, duplicates: string[]): void {
  let key: string;
  try {
    key = String(JSON.parse(quoted));
  } catch {
    throw new DecodeError(`bad string ${quoted.slice(0, 40)}`);
  }
  frame.key = key;
  rejectKey(key);
  if (frame.keys.has(key) && duplicates.length < MAX_DUPLICATES) duplicates.push(childPath(frame));
  frame.keys.add(key);
}

function childPath(frame: Frame): string {
  if (frame.array) return `${frame.path}[${frame.position}]`;
  return frame.path === '' ? frame.key : `${frame.path}.${frame.key}`;
}

/** No Kubernetes field has this name, and assigning it would change an object's prototype. */
export function rejectKey(key: string): void {
  if (key === '__proto__') throw new DecodeError('the field name "__proto__" is not allowed');
}
