import { putText } from '../transport/text.ts';
import { fieldBytes } from './head-bytes.ts';
import type { HeaderMap } from './headers.ts';

/** A header name in the form in which it is written, and the line with the value that it mostly has. */
interface KnownName {
  /** `name: ` */
  readonly start: Uint8Array;
  /** `name: value` with its line end; undefined until a value came twice in a row. */
  line: Uint8Array | undefined;
  value: string;
  /** What the value before looked like. */
  look: number;
}

const CR = 13;
const LF = 10;
const COLON = 0x3a;
const SPACE = 0x20;

/** The names written first; others are written anew each time. */
const knownNames = new Map<string, KnownName>();
const KNOWN_NAMES = 1024;
const KNOWN_LENGTH = 64;
/** Longer values are written anew each time. */
const LINE_VALUE_LENGTH = 128;

/** Bytes that the fields take. */
export function fieldsRoom(headers: HeaderMap): number {
  return fieldBytes(headers) + 4 * headers.size;
}

/** Writes fields, then `tail` and the empty line; where it ends. */
export function putFields(out: Buffer, from: number, headers: HeaderMap, tail: string): number {
  let at = from;
  for (let index = 0; index < headers.size; index++) {
    at = putField(out, at, headers.nameAt(index), headers.valueAt(index));
  }
  return putLineEnd(out, putText(out, at, tail));
}

/** Writes a field with its line end; where it ends. What is written again and again is copied as one piece. */
export function putField(out: Buffer, at: number, name: string, value: string): number {
  const known = knownNames.get(name);
  if (known === undefined) return putNew(out, at, name, value);
  if (known.line !== undefined && known.value === value) {
    out.set(known.line, at);
    return at + known.line.length;
  }
  out.set(known.start, at);
  learnValue(known, name, value);
  return putLineEnd(out, putText(out, at + known.start.length, value));
}

export function putLineEnd(out: Buffer, at: number): number {
  out[at] = CR;
  out[at + 1] = LF;
  return at + 2;
}

function putNew(out: Buffer, at: number, name: string, value: string): number {
  if (knownNames.size < KNOWN_NAMES && name.length <= KNOWN_LENGTH) {
    knownNames.set(name, { start: Buffer.from(`${name}: `, 'latin1'), line: undefined, value: '', look: 0 });
  }
  const end = putText(out, at, name);
  out[end] = COLON;
  out[end + 1] = SPACE;
  return putLineEnd(out, putText(out, end + 2, value));
}

/** Makes the line of a value that looks like the one before; the value itself is not kept for that. */
function learnValue(known: KnownName, name: string, value: string): void {
  const { length } = value;
  if (length === 0 || length > LINE_VALUE_LENGTH) return;
  const look = (length << 16) | (value.charCodeAt(length - 1) << 8) | value.charCodeAt(length >> 1);
  if (look !== known.look) {
    known.look = look;
    return;
  }
  known.line = Buffer.from(`${name}: ${value}\r\n`, 'latin1');
  known.value = value;
}
