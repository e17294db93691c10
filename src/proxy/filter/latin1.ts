import { isObject, type JsonValue } from '../config/fields.ts';

/** Texts of a message or of a configuration as those of requests and their metadata: latin1 text of their UTF-8 bytes. */
export function inLatin1(value: JsonValue): JsonValue {
  if (typeof value === 'string') return latin1(value);
  if (Array.isArray(value)) return value.map(inLatin1);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [latin1(key), inLatin1(inner as JsonValue)]));
}

/** The same of one text. */
export function latin1(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
