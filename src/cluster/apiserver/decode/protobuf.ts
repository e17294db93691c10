import { apiVersionOf, splitApiVersion } from '../registry/definition.ts';
import { protobufFields } from '../schema/builtin.ts';
import { DecodeError, decodeJson, MAX_DEPTH } from './json.ts';
import { createReader, type Reader } from './wire.ts';

const MAGIC = Buffer.from([0x6b, 0x38, 0x73, 0x00]);

/** Groups whose Go package has another name than the first part of the group. */
const PACKAGES: Readonly<Record<string, string>> = { '': 'core' };

/**
 * Reads Kubernetes' protobuf envelope (`k8s\0` and a `runtime.Unknown`) as the JSON object it stands for.
 * Throws `DecodeError` for anything malformed or of a kind without a table.
 */
export function decodeProtobuf(body: Buffer): unknown {
  if (!body.subarray(0, 4).equals(MAGIC)) throw new DecodeError('not a Kubernetes protobuf message');
  let apiVersion = '';
  let kind = '';
  let raw: Buffer = Buffer.alloc(0);
  const envelope = createReader(body.subarray(4));
  while (!envelope.done()) {
    const { field, wire } = envelope.tag();
    if (field === 1 && wire === 2) {
      const meta = createReader(envelope.bytes());
      while (!meta.done()) {
        const inner = meta.tag();
        if (inner.field === 1 && inner.wire === 2) apiVersion = meta.bytes().toString('utf8');
        else if (inner.field === 2 && inner.wire === 2) kind = meta.bytes().toString('utf8');
        else meta.skip(inner.wire);
      }
    } else if (field === 2 && wire === 2) raw = envelope.bytes();
    else envelope.skip(wire);
  }
  return { apiVersion, kind, ...readMessage(messageName(apiVersion, kind), createReader(raw), 0) };
}

function messageName(apiVersion: string, kind: string): string {
  // Every group accepts delete options, but there is one type of them.
  if (kind === 'DeleteOptions') return 'meta.v1.DeleteOptions';
  const { group, version } = splitApiVersion(apiVersion);
  const name = `${PACKAGES[group] ?? group.split('.')[0]}.${version}.${kind}`;
  if (protobufFields(name).length === 0)
    throw new DecodeError(`no protobuf decoder for ${apiVersionOf(group, version)} ${kind}; send JSON`);
  return name;
}

function readMessage(name: string, reader: Reader, depth: number): Record<string, unknown> {
  if (depth > MAX_DEPTH) throw new DecodeError(`nested deeper than ${MAX_DEPTH} levels`);
  const fields = protobufFields(name);
  const result: Record<string, unknown> = {};
  while (!reader.done()) {
    const { field, wire } = reader.tag();
    const found = fields.find((candidate) => candidate.number === field);
    if (!found) {
      reader.skip(wire);
      continue;
    }
    const [json = '', , type = '', ...flags] = found.line;
    if (type.startsWith('{}')) readMapEntry(result, json, type.slice(2), reader, depth);
    else if (type.startsWith('[]')) readItem(result, json, type.slice(2), wire, reader, depth);
    else {
      const value = readValue(type, wire, reader, depth);
      if (flags.includes('inline')) Object.assign(result, value);
      else if (isKept(value, type, flags)) result[json] = value;
    }
  }
  return result;
}

/** Go's encoder writes zero values of fields that its JSON omits; empty text and absent times mean "not set". */
function isKept(value: unknown, type: string, flags: readonly string[]): boolean {
  if (value === undefined || value === null) return false;
  if (value === '') return false;
  if (value === 0 || value === false) return flags.includes('?') || type === 'bool';
  return true;
}

function readItem(
  result: Record<string, unknown>,
  name: string,
  type: string,
  wire: number,
  reader: Reader,
  depth: number,
): void {
  const items = Array.isArray(result[name]) ? result[name] : [];
  if (wire === 2 && (type === 'int32' || type === 'int64')) {
    const packed = createReader(reader.bytes());
    while (!packed.done()) items.push(packed.varint());
  } else items.push(readValue(type, wire, reader, depth));
  result[name] = items;
}

function readMapEntry(
  result: Record<string, unknown>,
  name: string,
  type: string,
  reader: Reader,
  depth: number,
): void {
  const entry = createReader(reader.bytes());
  let key = '';
  let value: unknown = type === 'string' || type === 'bytes' ? '' : {};
  while (!entry.done()) {
    const { field, wire } = entry.tag();
    if (field === 1 && wire === 2) key = entry.bytes().toString('utf8');
    else if (field === 2) value = readValue(type, wire, entry, depth);
    else entry.skip(wire);
  }
  if (key === '__proto__') throw new DecodeError('the field name "__proto__" is not allowed');
  const map = typeof result[name] === 'object' && result[name] !== null ? result[name] : {};
  result[name] = { ...map, [key]: value };
}

function readValue(type: string, wire: number, reader: Reader, depth: number): unknown {
  switch (type) {
    case 'int32':
    case 'int64':
    case 'uint32':
      return reader.varint();
    case 'bool':
      return reader.varint() !== 0;
    case 'double':
      return reader.double();
    case 'string':
      return reader.bytes().toString('utf8');
    case 'bytes':
      return reader.bytes().toString('base64');
  }
  if (wire !== 2) throw new DecodeError('malformed protobuf message');
  const inner = createReader(reader.bytes());
  switch (type) {
    case 'time':
    case 'microtime':
      return readTime(inner, type === 'microtime');
    case 'duration':
      return `${readScalars(inner).get(1) ?? 0}ns`;
    case 'quantity':
      return readScalars(inner).get(1) ?? '0';
    case 'intorstring': {
      const parts = readScalars(inner);
      return parts.get(1) === 1 ? (parts.get(3) ?? '') : (parts.get(2) ?? 0);
    }
    case 'rawjson':
      return readRawJson(inner);
    case 'authentication.v1.ExtraValue':
      return readMessage(type, inner, depth + 1)['items'] ?? [];
    default:
      return readMessage(type, inner, depth + 1);
  }
}

function readScalars(reader: Reader): ReadonlyMap<number, number | string> {
  const values = new Map<number, number | string>();
  while (!reader.done()) {
    const { field, wire } = reader.tag();
    if (wire === 0) values.set(field, reader.varint());
    else if (wire === 2) values.set(field, reader.bytes().toString('utf8'));
    else reader.skip(wire);
  }
  return values;
}

/** An empty message is the null time. */
function readTime(reader: Reader, micro: boolean): string | undefined {
  if (reader.done()) return undefined;
  const parts = readScalars(reader);
  const seconds = Number(parts.get(1) ?? 0);
  if (!Number.isFinite(seconds) || Math.abs(seconds) > 8.64e12) throw new DecodeError('time out of range');
  const text = new Date(seconds * 1000).toISOString().slice(0, 19);
  if (!micro) return `${text}Z`;
  const micros = Math.floor(Number(parts.get(2) ?? 0) / 1000);
  return `${text}.${String(micros).padStart(6, '0')}Z`;
}

function readRawJson(reader: Reader): unknown {
  const raw = readScalars(reader).get(1);
  if (raw === undefined || raw === '') return undefined;
  return decodeJson(String(raw)).value;
}
