import { readDataSource } from '../../config/data-source.ts';
import type { Fields } from '../../config/fields.ts';

const DICTIONARY_MAGIC = 0xec30a437;
const FRAME_MAGIC = 0xfd2fb528;

/** What zstd compresses with, and its number. */
export interface Dictionary {
  readonly number: number;
  readonly bytes: Buffer;
}

/** Reads a dictionary; one without a number is refused. */
export function readDictionary(fields: Fields): Dictionary {
  const bytes = Buffer.from(readDataSource(fields), 'latin1');
  const number = dictionaryNumber(bytes);
  if (number === 0) fields.problem('', 'is no dictionary of zstd');
  return { number, bytes };
}

/** The number of a dictionary, 0 where it has none (RFC 8878, section 6). */
function dictionaryNumber(bytes: Buffer): number {
  return bytes.length >= 8 && bytes.readUInt32LE(0) === DICTIONARY_MAGIC ? bytes.readUInt32LE(4) : 0;
}

/** The number of the dictionary that a frame was made with, 0 where it names none (RFC 8878, section 3.1.1.1). */
export function wantedDictionary(frame: Buffer): number {
  if (frame.length < 5 || frame.readUInt32LE(0) !== FRAME_MAGIC) return 0;
  const descriptor = frame[4] as number;
  const size = [0, 1, 2, 4][descriptor & 3] as number;
  const at = (descriptor & 0x20) === 0 ? 6 : 5;
  return size === 0 || frame.length < at + size ? 0 : frame.readUIntLE(at, size);
}
