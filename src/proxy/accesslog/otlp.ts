import type { WireWriter } from './wire.ts';

/** Writers for the messages that spans and log records of OpenTelemetry have in common, by the numbers of its protocol (opentelemetry-proto 1.x). */

/** A value of `AnyValue`; text holds a byte in each character. Whole numbers are told from others by their wrapper. */
export type OtlpValue =
  | string
  | number
  | boolean
  | { readonly integer: number }
  | { readonly list: readonly OtlpValue[] }
  | { readonly entries: readonly OtlpEntry[] };
export type OtlpEntry = readonly [key: string, value: OtlpValue | undefined];

/** A `KeyValue`; a value that is undefined is left out of it. */
export function putEntry(out: WireWriter, field: number, [key, value]: OtlpEntry): void {
  const start = out.begin(field);
  out.bytesText(1, key);
  if (value !== undefined) putValue(out, 2, value);
  out.end(start);
}

/** An `AnyValue`. */
export function putValue(out: WireWriter, field: number, value: OtlpValue): void {
  const start = out.begin(field);
  if (typeof value === 'string') out.bytesText(1, value);
  else if (typeof value === 'boolean') out.integer(2, Number(value));
  else if (typeof value === 'number') out.double(4, value);
  else if ('integer' in value) out.signed(3, value.integer);
  else if ('list' in value) {
    const list = out.begin(5);
    for (const item of value.list) putValue(out, 1, item);
    out.end(list);
  } else {
    const entries = out.begin(6);
    for (const entry of value.entries) putEntry(out, 1, entry);
    out.end(entries);
  }
  out.end(start);
}

/** A `Resource` with these attributes. */
export function putResource(out: WireWriter, field: number, attributes: readonly OtlpEntry[]): void {
  const start = out.begin(field);
  for (const attribute of attributes) putEntry(out, 1, attribute);
  out.end(start);
}

/** An `InstrumentationScope`. */
export function putScope(out: WireWriter, field: number, name: string, version: string): void {
  const start = out.begin(field);
  out.string(1, name);
  out.string(2, version);
  out.end(start);
}
