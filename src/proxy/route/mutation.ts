import type { Fields } from '../config/fields.ts';
import { compileFormat, type Formatter } from '../format/substitution.ts';
import { isHeaderValue, isToken } from '../http/bytes.ts';
import type { HeaderMap } from '../http/headers.ts';
import { SINGLE_REQUEST_HEADERS, SINGLE_RESPONSE_HEADERS } from '../http/single-headers.ts';
import type { StreamInfo } from '../http/stream-info.ts';

/** Whose headers are changed, or whose trailers. */
export type MessageSide = 'request' | 'response' | 'request trailers' | 'response trailers';

/** Fields that are kept once, by side. */
const SINGLE: Readonly<Record<MessageSide, ReadonlySet<string>>> = {
  request: SINGLE_REQUEST_HEADERS,
  response: SINGLE_RESPONSE_HEADERS,
  'request trailers': new Set(),
  'response trailers': new Set(['grpc-status', 'grpc-message']),
};

type Action = 'APPEND_IF_EXISTS_OR_ADD' | 'ADD_IF_ABSENT' | 'OVERWRITE_IF_EXISTS_OR_ADD' | 'OVERWRITE_IF_EXISTS';

interface Addition {
  readonly name: string;
  readonly value: Formatter;
  readonly action: Action;
  readonly keepEmpty: boolean;
  /** The field is kept once: a further value is joined to the first. */
  readonly single: boolean;
  /** Made for each message, so it may hold what must not stand in a header. */
  readonly checked: boolean;
}

/** Header fields that a configuration adds and removes at one place. Removals come first, as in Envoy. */
export interface HeaderMutation {
  readonly add: readonly Addition[];
  readonly remove: readonly string[];
}

/** Reads `request_headers_to_add`, `request_headers_to_remove` and their likes; undefined when there are none. */
export function readMutation(fields: Fields, side: 'request' | 'response'): HeaderMutation | undefined {
  const read = (option: Fields): Addition | undefined => readHeaderOption(option, side);
  const add = fields.list(`${side}_headers_to_add`, read).filter((one) => one !== undefined);
  const remove = fields.strings(`${side}_headers_to_remove`).map((name, index) => {
    if (!isModifiable(name)) {
      fields.problem(`${side}_headers_to_remove[${index}]`, ':-prefixed or host headers may not be removed');
    }
    return name.toLowerCase();
  });
  return add.length + remove.length === 0 ? undefined : { add, remove };
}

/** Whether a header may be changed: not the fields of the head itself. */
export function isModifiable(name: string): boolean {
  return !name.startsWith(':') && name.toLowerCase() !== 'host';
}

/** Reads an `envoy.config.core.v3.HeaderValueOption`. */
export function readHeaderOption(fields: Fields, side: MessageSide): Addition | undefined {
  const append = fields.boolean('append');
  const written = fields.choice<Action>('append_action', [
    'APPEND_IF_EXISTS_OR_ADD',
    'ADD_IF_ABSENT',
    'OVERWRITE_IF_EXISTS_OR_ADD',
    'OVERWRITE_IF_EXISTS',
  ]);
  if (append !== undefined && written !== 'APPEND_IF_EXISTS_OR_ADD') {
    fields.problem('append', "Both append and append_action are set and it's not allowed");
  }
  const keepEmpty = fields.flag('keep_empty_value');
  const header = fields.message('header', (value) => ({ name: readName(value), ...readValue(value) }));
  if (!header) {
    fields.problem('header', 'value is required');
    return undefined;
  }
  const action = append === false ? 'OVERWRITE_IF_EXISTS_OR_ADD' : written;
  return { ...header, action, keepEmpty, single: SINGLE[side].has(header.name) };
}

/** Reads an `envoy.config.core.v3.HeaderValue` that takes the place of what is there. */
export function readHeaderValue(fields: Fields): Addition {
  const header = { name: readName(fields), ...readValue(fields) };
  return { ...header, action: 'OVERWRITE_IF_EXISTS_OR_ADD', keepEmpty: false, single: false };
}

/** A format string; text outside latin1 travels as its UTF-8 bytes. */
function readValue(fields: Fields): Pick<Addition, 'value' | 'checked'> {
  const text = translateOldForms(Buffer.from(fields.text('value'), 'utf8').toString('latin1'));
  if (!isHeaderValue(text)) fields.problem('value', 'control characters are not allowed in a header value');
  const compiled = compileFormat(text, '');
  if (compiled.ok) return { value: compiled.value, checked: text.includes('%') };
  fields.problem('value', compiled.error);
  return { value: () => '', checked: false };
}

/** Envoy still takes `%DYNAMIC_METADATA(["a", "b"])%` and `%PER_REQUEST_STATE(key)%` in headers. */
function translateOldForms(text: string): string {
  return text
    .replace(/%(UPSTREAM|DYNAMIC)_METADATA\(\s*(\[(?:.|\r?\n)+?\])\s*\)%/g, (all, kind: string, list: string) => {
      const path = stringList(list);
      return path ? `%${kind}_METADATA(${path.join(':')})%` : all;
    })
    .replace(/%PER_REQUEST_STATE\((.+?)\)%/g, '%FILTER_STATE($1:PLAIN)%');
}

function stringList(json: string): readonly string[] | undefined {
  try {
    const list: unknown = JSON.parse(json);
    return Array.isArray(list) && list.length > 0 && list.every((item) => typeof item === 'string') ? list : undefined;
  } catch {
    return undefined;
  }
}

function readName(fields: Fields): string {
  const name = fields.required('key');
  if (!isModifiable(name)) fields.problem('key', ':-prefixed or host headers may not be modified');
  else if (name !== '' && !isToken(name)) fields.problem('key', `${JSON.stringify(name)} is not a header name`);
  return name.toLowerCase();
}

/** Values of one call of `applyMutation`; undefined where nothing is done. */
const values: (string | undefined)[] = [];

/**
 * Changes the headers as Envoy does: removals, then all values are made, then fields are overwritten, which moves them to the end,
 * then others are added. A value that must not stand in a header is noted on `info` and left out.
 */
export function applyMutation(mutation: HeaderMutation, headers: HeaderMap, info: StreamInfo): void {
  const { add, remove } = mutation;
  for (let at = 0; at < remove.length; at++) headers.remove(remove[at] as string);
  for (let at = 0; at < add.length; at++) values[at] = valueFor(add[at] as Addition, headers, info);
  for (let at = 0; at < add.length; at++) {
    const value = values[at];
    if (value === undefined) continue;
    const { name, action } = add[at] as Addition;
    if (action !== 'OVERWRITE_IF_EXISTS_OR_ADD' && action !== 'OVERWRITE_IF_EXISTS') continue;
    headers.replace(name, value);
    values[at] = undefined;
  }
  for (let at = 0; at < add.length; at++) {
    const value = values[at];
    if (value === undefined) continue;
    const { name, single } = add[at] as Addition;
    if (single) headers.join(name, value);
    else headers.add(name, value);
  }
}

export function applyMutations(list: readonly HeaderMutation[], headers: HeaderMap, info: StreamInfo): void {
  for (let at = 0; at < list.length; at++) applyMutation(list[at] as HeaderMutation, headers, info);
}

function valueFor(addition: Addition, headers: HeaderMap, info: StreamInfo): string | undefined {
  const { name, action } = addition;
  if (action === 'ADD_IF_ABSENT' && headers.has(name)) return undefined;
  if (action === 'OVERWRITE_IF_EXISTS' && !headers.has(name)) return undefined;
  const value = addition.value(info);
  if (value === '' && !addition.keepEmpty) return undefined;
  if (addition.checked && !isHeaderValue(value)) {
    if (info.invalidHeader === '') info.invalidHeader = name;
    return undefined;
  }
  return value;
}
