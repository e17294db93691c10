import { textIn } from '../transport/text.ts';
import type { HeaderName } from './names.ts';

/** A header line that came before and was well formed. */
export interface KnownLine {
  readonly name: HeaderName;
  readonly value: string;
  readonly length: number;
  readonly hash: number;
}

/**
 * Most header lines of a message came before, byte by byte: the client, what it accepts, the server, the type. Such a line is found by its
 * bytes, and neither parsed again nor made a text again. A line is kept when it comes the second time, in the place of whichever had its
 * slot.
 */
const SLOT_BITS = 9;
const SHORTEST = 4;
const LONGEST = 192;
const lines: (KnownLine | undefined)[] = new Array(1 << SLOT_BITS);
/** The bytes of each slot's line. */
const kept = Buffer.allocUnsafeSlow(LONGEST << SLOT_BITS);
const keptView = new DataView(kept.buffer);
/** Hash of the line that came last and was not the slot's. */
const missed = new Int32Array(1 << SLOT_BITS);

/** Of the line looked for last: where it ended, and the hash of its bytes. */
const sought = { end: 0, hash: 0 };

let viewed: ArrayBufferLike = kept.buffer;
let view: DataView = keptView;

/** Nearly all heads stand in the one piece of memory that all sockets read into. */
function viewOf({ buffer }: Buffer): DataView {
  if (buffer !== viewed) {
    viewed = buffer;
    view = new DataView(buffer);
  }
  return view;
}

/** The line that begins at `from`, up to the first CR; undefined when it is not known, or not complete before `limit`. */
export function findLine(bytes: Buffer, from: number, limit: number): KnownLine | undefined {
  const source = viewOf(bytes);
  const base = bytes.byteOffset;
  const stop = Math.min(limit, from + LONGEST);
  let at = from;
  let hash = 0;
  for (; at + 4 <= stop; at += 4) {
    const word = source.getInt32(base + at, true);
    if (hasCr(word)) break;
    hash = Math.imul(hash, 31) ^ word;
  }
  for (; at < stop; at++) {
    const byte = bytes[at] as number;
    if (byte === 13) break;
    hash = Math.imul(hash, 31) ^ byte;
  }
  sought.end = at;
  sought.hash = hash;
  const slot = slotOf(hash);
  const line = lines[slot];
  if (line === undefined || line.hash !== hash || line.length !== at - from) return undefined;
  return isKept(source, base + from, slot * LONGEST, line.length) ? line : undefined;
}

/** Whether one of four bytes is a CR: it becomes the zero from which a subtraction borrows. */
function hasCr(word: number): boolean {
  const other = word ^ 0x0d0d0d0d;
  return ((other - 0x01010101) & ~other & 0x80808080) !== 0;
}

function slotOf(hash: number): number {
  return Math.imul(hash, 0x9e3779b1) >>> (32 - SLOT_BITS);
}

function isKept(source: DataView, from: number, start: number, length: number): boolean {
  const last = length - 4;
  for (let at = 0; at < last; at += 4) {
    if (source.getInt32(from + at, true) !== keptView.getInt32(start + at, true)) return false;
  }
  return source.getInt32(from + last, true) === keptView.getInt32(start + last, true);
}

/**
 * Takes note of the well-formed line from `from` to `end` that `findLine` was asked for last and did not know; the line, once it is kept.
 */
export function learnLine(
  bytes: Buffer,
  from: number,
  end: number,
  name: HeaderName,
  valueStart: number,
  valueStop: number,
): KnownLine | undefined {
  const { hash } = sought;
  const length = end - from;
  if (sought.end !== end || length < SHORTEST || length >= LONGEST) return undefined;
  const slot = slotOf(hash);
  if (missed[slot] !== hash) {
    missed[slot] = hash;
    return undefined;
  }
  const line = { name, value: textIn(bytes, valueStart, valueStop), length, hash };
  bytes.copy(kept, slot * LONGEST, from, end);
  lines[slot] = line;
  return line;
}
