import { type Fields, isObject, type JsonValue } from '../config/fields.ts';
import { compileFormat } from '../format/substitution.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import type { MetadataSource } from '../match/metadata.ts';
import type { TagValue } from './span.ts';

/** A tag of a span that the configuration asks for. */
export interface CustomTag {
  readonly name: string;
  /** Undefined: the span gets none. */
  readonly value: (info: StreamInfo) => TagValue | undefined;
}

/** Text of a configuration as its bytes, one in each character, as headers have theirs. */
export function bytesOf(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

type TextOf = (info: StreamInfo) => string | undefined;

/** Reads an `envoy.type.tracing.v3.CustomTag`. */
export function readCustomTag(fields: Fields): CustomTag {
  const name = bytesOf(fields.required('tag'));
  const type = fields.choice('value_type', ['UNSPECIFIED', 'STRING', 'INT', 'DOUBLE', 'BOOL']);
  const text = readText(fields);
  return {
    name,
    value: (info) => {
      const value = text(info);
      return value ? typedValue(value, type) : undefined;
    },
  };
}

/** What is not of the type stays text. */
function typedValue(text: string, type: string): TagValue {
  switch (type) {
    case 'INT':
      return /^[+-]?\d+$/.test(text) && Number.isSafeInteger(Number(text)) ? { integer: Number(text) } : text;
    case 'DOUBLE':
      return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
    case 'BOOL':
      return /^(?:true|t|yes|y|1)$/i.test(text) || (/^(?:false|f|no|n|0)$/i.test(text) ? false : text);
    default:
      return text;
  }
}

function readText(fields: Fields): TextOf {
  switch (fields.oneOf('type', ['literal', 'environment', 'request_header', 'metadata', 'value'])) {
    case 'literal': {
      const value = bytesOf(fields.message('literal', (literal) => literal.required('value')) ?? '');
      return () => value;
    }
    case 'environment': {
      const value = fields.message('environment', readEnvironment);
      return () => value;
    }
    case 'request_header':
      return fields.message('request_header', readHeader) ?? (() => undefined);
    case 'metadata':
      return fields.message('metadata', readMetadataTag) ?? (() => undefined);
    case 'value':
      return readFormat(fields);
    default:
      return () => undefined;
  }
}

function readEnvironment(fields: Fields): string {
  const fallback = fields.text('default_value');
  return bytesOf(process.env[fields.required('name')] ?? fallback);
}

function readHeader(fields: Fields): TextOf {
  const name = fields.required('name').toLowerCase();
  const fallback = bytesOf(fields.text('default_value'));
  return (info) => info.requestHeader(name) ?? fallback;
}

function readFormat(fields: Fields): TextOf {
  const format = compileFormat(bytesOf(fields.text('value')), '');
  if (format.ok) return format.value;
  fields.problem('value', format.error);
  return () => undefined;
}

const KINDS: Readonly<Record<string, (info: StreamInfo) => MetadataSource | undefined>> = {
  request: (info) => info,
  route: (info) => info.route?.metadata,
  cluster: (info) => (info.upstreamHost ? info.clusterMetadata : undefined),
  host: ({ upstreamHost }) => upstreamHost && hostMetadata(upstreamHost.metadata),
};

function hostMetadata(all: Readonly<Record<string, JsonValue>> | undefined): MetadataSource {
  return {
    metadata: (namespace, path) => {
      let value: JsonValue | undefined = all?.[namespace];
      for (const key of path) value = isObject(value) ? value[key] : undefined;
      return value;
    },
  };
}

function readMetadataTag(fields: Fields): TextOf {
  const kind = fields.message('kind', (inner) => {
    const found = inner.oneOf('kind', ['request', 'route', 'cluster', 'host']);
    if (found) inner.message(found, () => undefined);
    return found;
  });
  const key = fields.message('metadata_key', (inner) => ({
    namespace: inner.required('key'),
    path: inner.list('path', (segment) => segment.required('key')),
  }));
  const fallback = bytesOf(fields.text('default_value'));
  const find = KINDS[kind ?? ''];
  if (!find) fields.problem('kind', 'value is required', Object.keys(KINDS).join(', '));
  return (info) => textOf(find?.(info)?.metadata(key?.namespace ?? '', key?.path ?? [])) ?? fallback;
}

function textOf(value: JsonValue | undefined): string | undefined {
  if (value === undefined || value === null) return undefined;
  return bytesOf(typeof value === 'object' ? JSON.stringify(value) : String(value));
}
