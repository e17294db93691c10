import type { Fields } from '../../config/fields.ts';
import { decodeBase64 } from '../../http/base64.ts';
import { isToken } from '../../http/bytes.ts';
import type { HeaderMap } from '../../http/headers.ts';
import { cookieValue } from '../../match/cookies.ts';
import { type RegexRewrite, readRegexRewrite } from '../../route/rewrite.ts';
import type { FilterStream } from '../filter.ts';
import { latin1 } from '../latin1.ts';
import type { HeaderToMetadataStats } from './stats.ts';
import { VALUE_READERS, type ValueReader } from './value.ts';

/** A message that values are taken from. */
export interface Source {
  readonly headers: HeaderMap;
  /** Fields that stand in the first line. */
  pseudo(name: string): string | undefined;
}

type Count = (what: keyof HeaderToMetadataStats) => void;

/** A compiled `Config.Rule`. */
export interface Rule {
  find(source: Source): string | undefined;
  readonly present: Note | undefined;
  readonly missing: Note | undefined;
}

/** Notes a value about the request; false: nothing was noted. */
type Note = (stream: FilterStream, value: string, count: Count) => boolean;

const NAMESPACE = 'envoy.filters.http.header_to_metadata';
/** Longer values are not noted. */
const MAX_BYTES = 8191;

/** Reads an `envoy.extensions.filters.http.header_to_metadata.v3.Config.Rule`. */
export function readRule(fields: Fields): Rule {
  const header = fields.text('header').toLowerCase();
  const cookie = latin1(fields.text('cookie'));
  const remove = fields.flag('remove');
  if (header !== '' && cookie !== '') fields.problem('cookie', 'Cannot specify both header and cookie');
  if (header === '' && cookie === '')
    fields.problem('header', 'One of Cookie or Header option needs to be specified', 'header, cookie');
  if (cookie !== '' && remove) fields.problem('remove', 'Cannot specify remove for cookie');
  if (remove && isOfHead(header)) fields.problem('remove', `a message needs its ${header}`);
  if (header !== '' && !isToken(header.replace(/^:/, '')))
    fields.problem('header', `${JSON.stringify(header)} is not a header name`);
  const present = fields.message('on_header_present', (inner) => readNote(inner, true));
  const missing = fields.message('on_header_missing', (inner) => readNote(inner, false));
  if (!present && !missing) {
    const what = header === '' ? `Cookie ${fields.text('cookie')}` : `Header ${header}`;
    const message = `rule for ${what} has neither \`on_header_present\` nor \`on_header_missing\` set`;
    fields.problem('', `header to metadata filter: ${message}`);
  }
  const find = header === '' ? cookieFinder(cookie) : headerFinder(header, remove);
  return { find, present, missing };
}

/** Whether it stands in the first line of a message, or names the host. */
const isOfHead = (name: string): boolean => name.startsWith(':') || name === 'host';

function cookieFinder(name: string): Rule['find'] {
  return ({ headers }) => cookieValue(headers, name) || undefined;
}

function headerFinder(name: string, remove: boolean): Rule['find'] {
  if (isOfHead(name)) return ({ pseudo }) => pseudo(name);
  return ({ headers }) => {
    const value = headers.joined(name);
    if (remove && value !== undefined) headers.remove(name);
    return value;
  };
}

/** Reads a `Config.KeyValuePair`; the value of a header that is missing must be given. */
function readNote(fields: Fields, present: boolean): Note {
  const namespace = latin1(fields.text('metadata_namespace')) || NAMESPACE;
  const key = latin1(fields.required('key'));
  const given = latin1(fields.text('value'));
  const rewrite = present ? fields.message('regex_value_rewrite', readRegexRewrite) : undefined;
  if (given !== '' && rewrite)
    fields.problem('regex_value_rewrite', 'Cannot specify both value and regex_value_rewrite');
  if (given === '' && !present) fields.problem('value', 'Cannot specify on_header_missing rule with an empty value');
  const read = VALUE_READERS[fields.choice('type', ['STRING', 'NUMBER', 'PROTOBUF_VALUE'])];
  const convert = converter(read, fields.choice('encode', ['NONE', 'BASE64']) === 'BASE64');
  return (stream, found, count) => {
    const text = given || rewritten(found, rewrite, count);
    const value = text === '' ? undefined : convert(text, count);
    if (value !== undefined) stream.setMetadata(namespace, key, value);
    return value !== undefined;
  };
}

function rewritten(text: string, rewrite: RegexRewrite | undefined, count: Count): string {
  if (!rewrite) return text;
  const changed = rewrite.regex.replaceAll(text, rewrite.substitution);
  if (changed === '' && text !== '') count('rewrittenToNothing');
  return changed;
}

function converter(read: ValueReader, decodes: boolean): (text: string, count: Count) => ReturnType<ValueReader> {
  return (text, count) => {
    if (text.length > MAX_BYTES) {
      count('tooLong');
      return undefined;
    }
    const bytes = decodes ? decodeBase64(text) : text;
    if (bytes) return read(bytes);
    count('notBase64');
    return undefined;
  };
}
