import type { Field, Type, Writer } from 'protobufjs';

/** Writes one field's value, neither null nor undefined. */
export type FieldWriter = (value: unknown, out: Writer) => void;

/**
 * Writes the fields that a message has, in the order in which they were set. What protobufjs generates asks a message for every field of its type; a flow
 * has a third of its 47 fields, and flows come in too many shapes for the engine to learn where these are.
 */
export function createFieldsWriter(
  type: Type,
  own: Readonly<Record<string, FieldWriter>>,
): (message: object, out: Writer) => void {
  const writers = new Map(type.fieldsArray.map((field) => [field.name, own[field.name] ?? fieldWriter(type, field)]));
  return (message, out) => {
    for (const name in message) {
      const value = message[name as keyof typeof message] as unknown;
      if (value !== null && value !== undefined) writers.get(name)?.(value, out);
    }
  };
}

const lengthDelimited = 2;

/** The tag of a field whose value is a message or a text. */
export function lengthDelimitedTag({ id }: Field): number {
  return (id << 3) | lengthDelimited;
}

/** What is seldom in a flow is left to protobufjs, as a message that has nothing else. */
function fieldWriter(type: Type, field: Field): FieldWriter {
  const { name, id, resolvedType, hasPresence } = field.resolve();
  const tag = lengthDelimitedTag(field);
  const alone: FieldWriter = (value, out) => void type.encode({ [name]: value }, out);
  if (field.repeated || field.map || hasPresence) return alone;
  if (resolvedType && 'fields' in resolvedType)
    return (value, out) => void resolvedType.encode(value as object, out.uint32(tag).fork()).ldelim();
  if (resolvedType) return (value, out) => void (value === 0 || out.uint32(id << 3).int32(value as number));
  if (field.type === 'uint32') return (value, out) => void (value === 0 || out.uint32(id << 3).uint32(value as number));
  return field.type === 'string'
    ? (value, out) => void (value === '' || out.uint32(tag).string(value as string))
    : alone;
}
