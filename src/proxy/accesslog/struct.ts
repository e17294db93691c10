import { isObject, type JsonValue } from '../config/fields.ts';
import type { WireWriter } from './wire.ts';

/** Writes a JSON object as a `google.protobuf.Struct`; what is no object is empty. */
export function putStruct(out: WireWriter, field: number, value: JsonValue): void {
  const start = out.begin(field);
  if (isObject(value)) {
    for (const key in value) {
      const entry = out.begin(1);
      out.string(1, key);
      putValue(out, 2, value[key] as JsonValue);
      out.end(entry);
    }
  }
  out.end(start);
}

/** A `google.protobuf.Value`: which kind it is counts, so that zeros and empty texts are written too. */
function putValue(out: WireWriter, field: number, value: JsonValue): void {
  const start = out.begin(field);
  if (value === null) out.integer(1, 0);
  else if (typeof value === 'number') out.double(2, value);
  else if (typeof value === 'string') out.string(3, value);
  else if (typeof value === 'boolean') out.integer(4, Number(value));
  else if (Array.isArray(value)) {
    const list = out.begin(6);
    for (const item of value) putValue(out, 1, item);
    out.end(list);
  } else putStruct(out, 5, value);
  out.end(start);
}
