import type { Fields } from '../config/fields.ts';
import { compileFormat, type Formatter } from '../format/substitution.ts';
import { isHeaderValue, isToken } from '../http/bytes.ts';
import type { HeaderMap } from '../http/headers.ts';
import type { StreamInfo } from '../http/stream-info.ts';

type Action = 'APPEND_IF_EXISTS_OR_ADD' | 'ADD_IF_ABSENT' | 'OVERWRITE_IF_EXISTS_OR_ADD' | 'OVERWRITE_IF_EXISTS';

interface Addition {
  readonly name: string;
  readonly value: Formatter;
  readonly action: Action;
  readonly keepEmpty: boolean;
}

/** Header fields that a configuration adds and removes at one place. Removals come first, as in Envoy. */
export interface HeaderMutation {
  readonly add: readonly Addition[];
  readonly remove: readonly string[];
}

const NOTHING: HeaderMutation = { add: [], remove: [] };
/** Headers that Envoy keeps once and appends to with a comma. */
const SINGLE = new Set(['x-forwarded-for', 'via', 'user-agent', 'x-request-id', 'content-type', 'accept', 'te']);

export function readMutation(fields: Fields, addKey: string, removeKey: string): HeaderMutation {
  const add = fields.list(addKey, readHeaderOption).filter((one) => one !== undefined);
  const remove = fields.strings(removeKey).map((name, index) => {
    const lower = name.toLowerCase();
    if (lower.startsWith(':') || lower === 'host') {
      fields.problem(`${removeKey}[${index}]`, ':-prefixed or host headers may not be removed');
    }
    return lower;
  });
  return add.length + remove.length === 0 ? NOTHING : { add, remove };
}

/** Reads an `envoy.config.core.v3.HeaderValueOption`. */
export function readHeaderOption(fields: Fields): Addition | undefined {
  const append = fields.boolean('append');
  const written = fields.choice<Action>('append_action', [
    'APPEND_IF_EXISTS_OR_ADD',
    'ADD_IF_ABSENT',
    'OVERWRITE_IF_EXISTS_OR_ADD',
    'OVERWRITE_IF_EXISTS',
  ]);
  const keepEmpty = fields.flag('keep_empty_value');
  const header = fields.message('header', (value) => ({ name: readName(value), value: readFormat(value, 'value') }));
  if (!header) {
    fields.problem('header', 'value is required');
    return undefined;
  }
  const action = append === false ? 'OVERWRITE_IF_EXISTS_OR_ADD' : written;
  return { name: header.name, value: header.value, action, keepEmpty };
}

/** A format string field; text outside latin1 travels as its UTF-8 bytes. */
function readFormat(fields: Fields, key: string): Formatter {
  const text = Buffer.from(fields.text(key), 'utf8').toString('latin1');
  if (!isHeaderValue(text)) fields.problem(key, 'control characters are not allowed in a header value');
  const compiled = compileFormat(text, '');
  if (compiled.ok) return compiled.value;
  fields.problem(key, compiled.error);
  return () => '';
}

function readName(fields: Fields): string {
  const name = fields.required('key').toLowerCase();
  if (name.startsWith(':') || name === 'host') fields.problem('key', ':-prefixed or host headers may not be modified');
  else if (name !== '' && !isToken(name)) fields.problem('key', `${JSON.stringify(name)} is not a header name`);
  return name;
}

export function applyMutation(mutation: HeaderMutation, headers: HeaderMap, info: StreamInfo): void {
  for (const name of mutation.remove) headers.remove(name);
  for (const addition of mutation.add) applyAddition(addition, headers, info);
}

function applyAddition({ name, value, action, keepEmpty }: Addition, headers: HeaderMap, info: StreamInfo): void {
  const text = value(info);
  if (text === '' && !keepEmpty) return;
  const present = headers.has(name);
  switch (action) {
    case 'APPEND_IF_EXISTS_OR_ADD':
      if (present && SINGLE.has(name)) headers.set(name, `${headers.get(name)},${text}`);
      else headers.add(name, text);
      return;
    case 'ADD_IF_ABSENT':
      if (!present) headers.add(name, text);
      return;
    case 'OVERWRITE_IF_EXISTS_OR_ADD':
      headers.set(name, text);
      return;
    case 'OVERWRITE_IF_EXISTS':
      if (present) headers.set(name, text);
  }
}
