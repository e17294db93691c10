import { isObject, type JsonValue } from '../config/fields.ts';

type Message = Readonly<Record<string, unknown>>;

/** A JSON object as a `google.protobuf.Struct` message. */
export function toStruct(value: JsonValue): Message {
  if (!isObject(value)) return { fields: {} };
  const fields: Record<string, Message> = {};
  for (const [key, inner] of Object.entries(value)) fields[key] = toValue(inner);
  return { fields };
}

function toValue(value: JsonValue): Message {
  switch (typeof value) {
    case 'string':
      return { stringValue: value };
    case 'number':
      return { numberValue: value };
    case 'boolean':
      return { boolValue: value };
    default:
      if (value === null) return { nullValue: 0 };
      if (Array.isArray(value)) return { listValue: { values: value.map(toValue) } };
      return { structValue: toStruct(value) };
  }
}
