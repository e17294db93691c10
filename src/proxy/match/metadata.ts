import { type Fields, isObject, type JsonValue } from '../config/fields.ts';
import { readStringMatcher } from './strings.ts';

type ValueTest = (value: JsonValue | undefined) => boolean;

/** Metadata by namespace and path; the dynamic metadata of a stream is one. */
export interface MetadataSource {
  metadata(namespace: string, path: readonly string[]): JsonValue | undefined;
}

export const NO_METADATA: MetadataSource = { metadata: () => undefined };

/** Reads an `envoy.config.core.v3.Metadata`. */
export function readMetadata(fields: Fields): MetadataSource {
  fields.ignore('typed_filter_metadata');
  const all = fields.raw('filter_metadata');
  if (!isObject(all)) return NO_METADATA;
  return {
    metadata: (namespace, path) => {
      let value: JsonValue | undefined = all[namespace];
      for (const key of path) value = isObject(value) ? value[key] : undefined;
      return value;
    },
  };
}

/** Reads an `envoy.type.metadata.v3.MetadataKey`: a look-up in metadata. */
export function readMetadataKey(fields: Fields): (source: MetadataSource | undefined) => JsonValue | undefined {
  const namespace = fields.required('key');
  const path = fields.list('path', (segment) => segment.required('key'));
  if (path.length === 0) fields.problem('path', 'value must contain at least 1 item(s)');
  return (source) => source?.metadata(namespace, path);
}

/** Reads an `envoy.type.matcher.v3.MetadataMatcher`. */
export function readMetadataMatcher(fields: Fields): (source: MetadataSource) => boolean {
  const namespace = fields.required('filter');
  const path = fields.list('path', (segment) => segment.required('key'));
  const test = fields.message('value', readValueMatcher) ?? (() => false);
  const invert = fields.flag('invert');
  return (source) => test(source.metadata(namespace, path)) !== invert;
}

/** Reads an `envoy.type.matcher.v3.ValueMatcher`. */
export function readValueMatcher(fields: Fields): ValueTest {
  switch (
    fields.oneOf('match_pattern', [
      'string_match',
      'bool_match',
      'present_match',
      'null_match',
      'double_match',
      'list_match',
      'or_match',
    ])
  ) {
    case 'string_match': {
      const test = fields.message('string_match', readStringMatcher) ?? (() => false);
      return (value) => typeof value === 'string' && test(value);
    }
    case 'bool_match': {
      const wanted = fields.flag('bool_match');
      return (value) => value === wanted;
    }
    case 'present_match': {
      const wanted = fields.flag('present_match');
      // An absent value never matches, not even where absence is asked for.
      return (value) => value !== undefined && wanted;
    }
    case 'null_match':
      fields.message('null_match', () => undefined);
      return (value) => value === null;
    case 'double_match':
      return fields.message('double_match', readDouble) ?? (() => false);
    case 'list_match': {
      const one = fields.message('list_match', (list) => list.message('one_of', readValueMatcher)) ?? (() => false);
      return (value) => Array.isArray(value) && value.some(one);
    }
    case 'or_match': {
      const tests =
        fields.message('or_match', (or) => or.list('value_matchers', (item) => readValueMatcher(item))) ?? [];
      return (value) => tests.some((test) => test(value));
    }
    default:
      return () => false;
  }
}

function readDouble(fields: Fields): ValueTest {
  const exact = fields.number('exact');
  const range = fields.message('range', (inner) => ({
    start: inner.number('start') ?? 0,
    end: inner.number('end') ?? 0,
  }));
  return (value) => {
    if (typeof value !== 'number') return false;
    return range ? value >= range.start && value < range.end : value === (exact ?? 0);
  };
}
