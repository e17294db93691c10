import { decodeBinary } from '../../../model/envoy/index.ts';
import type { JsonValue } from '../../config/fields.ts';
import { inLatin1 } from '../latin1.ts';

/** What the text of a header becomes in metadata; undefined where it is none of the type. Texts are latin1 text of their bytes. */
export type ValueReader = (text: string) => JsonValue | undefined;

export const VALUE_READERS: Readonly<Record<'STRING' | 'NUMBER' | 'PROTOBUF_VALUE', ValueReader>> = {
  STRING: (text) => text,
  NUMBER: readNumber,
  PROTOBUF_VALUE: readProtobuf,
};

/** The forms of a number that `absl::SimpleAtod` reads; what is too large for a double is infinite. */
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const HEX = /^([+-]?)0x(?=[0-9a-f]|\.[0-9a-f])([0-9a-f]*)(?:\.([0-9a-f]*))?(?:p([+-]?\d+))?$/i;
const SPECIAL = /^([+-]?)(inf(?:inity)?|nan)$/i;

function readNumber(text: string): number | undefined {
  const word = text.replace(/^[ \t\n\v\f\r]+|[ \t\n\v\f\r]+$/g, '');
  if (NUMBER.test(word)) return Number(word);
  const hex = HEX.exec(word);
  if (hex) return readHex(hex);
  const [, sign, name] = SPECIAL.exec(word) ?? [];
  if (name === undefined) return undefined;
  if (name.toLowerCase() === 'nan') return Number.NaN;
  return sign === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

function readHex([, sign, whole = '', fraction = '', exponent = '0']: RegExpExecArray): number {
  const value = Number(`0x${whole}${fraction}`) * 2 ** (Number(exponent) - 4 * fraction.length);
  return sign === '-' ? -value : value;
}

/** Field `values` of a `google.protobuf.ListValue`. */
const VALUES_TAG = 0x0a;

/** A serialised `google.protobuf.Value`. */
function readProtobuf(text: string): JsonValue | undefined {
  const bytes = Buffer.from(text, 'latin1');
  try {
    const list = decodeBinary('google.protobuf.ListValue', Buffer.concat([lengthPrefix(bytes.length), bytes]));
    const values = list['values'];
    return Array.isArray(values) ? inLatin1(values[0] ?? null) : undefined;
  } catch {
    return undefined;
  }
}

function lengthPrefix(length: number): Buffer {
  const bytes = [VALUES_TAG];
  let rest = length;
  for (; rest > 0x7f; rest >>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}
