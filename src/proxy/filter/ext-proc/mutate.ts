import { isToken } from '../../http/bytes.ts';
import type { ResponseHead } from '../../http/head.ts';
import type { HeaderMap } from '../../http/headers.ts';
import { SINGLE_RESPONSE_HEADERS } from '../../http/single-headers.ts';
import type { FilterStream, HeadLimits } from '../filter.ts';
import { FRAMING } from '../framing.ts';
import { isFixed, type MutationKind, type MutationRules } from '../mutation-rules.ts';
import { addRequestField, headerText, isField, setRequestField } from '../request-fields.ts';
import type { WireMutation, WireOption } from './wire.ts';

/** Fields that a server changes. */
export interface Target {
  has(name: string): boolean;
  /** False: the field cannot have that value. */
  put(name: string, value: string, append: boolean): boolean;
  remove(name: string): void;
  /** Undefined: there are none. */
  readonly limits: HeadLimits | undefined;
  readonly headers: HeaderMap;
}

export interface MutationSettings {
  readonly rules: MutationRules;
  /** The length of the body may be changed. */
  readonly length: boolean;
  /** The method may be changed whatever the rules say: the message is replaced as a whole. */
  readonly replacing: boolean;
  readonly onRejected: () => void;
}

/** Changes fields as a server wants; what is wrong with that, in Envoy's words, where it may not be and the message cannot go on. */
export function mutate(target: Target, mutation: WireMutation, settings: MutationSettings): string | undefined {
  const { set_headers: set, remove_headers: remove } = mutation;
  const { limits } = target;
  if (limits && (set.length > limits.maxHeaders || remove.length > limits.maxHeaders)) {
    settings.onRejected();
    return 'header_mutation_operation_count_exceeds_limit';
  }
  for (const name of remove) {
    const fault = removeOne(target, name, settings);
    if (fault !== undefined) return fault;
  }
  for (const option of set) {
    const fault = setOne(target, option, settings);
    if (fault !== undefined) return fault;
  }
  return limitFault(target, settings);
}

function removeOne(target: Target, written: string, settings: MutationSettings): string | undefined {
  const name = written.toLowerCase();
  if (!isName(name)) {
    settings.onRejected();
    return 'header_mutation_remove_contains_invalid_character';
  }
  const verdict = settings.rules('remove', name, '');
  if (verdict === 'done') {
    if (!isFixed(name) && (!FRAMING.has(name) || name === LENGTH)) target.remove(name);
    return undefined;
  }
  settings.onRejected();
  return verdict === 'refused' ? 'header_mutation_remove_headers_failed' : undefined;
}

const LENGTH = 'content-length';

function setOne(target: Target, option: WireOption, settings: MutationSettings): string | undefined {
  const { header } = option;
  if (!header) return undefined;
  // Of its value only the bytes count, as in Envoy.
  const value = Buffer.from(header.raw_value).toString('latin1');
  const name = headerText(header.key).toLowerCase();
  if (!isName(name) || !isField('x', value)) {
    settings.onRejected();
    return 'header_mutation_set_contains_invalid_character';
  }
  const exists = target.has(name);
  // Which of Envoy's newer actions is wanted does not count.
  const append = option.append?.value ?? false;
  const kind: MutationKind = append && exists ? 'append' : 'set';
  const free = settings.replacing && name === ':method';
  const verdict = free ? 'done' : settings.rules(kind, name, value);
  if (verdict !== 'done') {
    settings.onRejected();
    return verdict === 'refused' ? 'header_mutation_set_headers_failed' : undefined;
  }
  // The body goes on in the frame that it came in, but for its length where that is known.
  if (FRAMING.has(name) && !(name === LENGTH && settings.length)) return undefined;
  if (target.put(name, value, append)) return undefined;
  settings.onRejected();
  return 'header_mutation_set_headers_failed';
}

function isName(name: string): boolean {
  return isToken(name.startsWith(':') ? name.slice(1) : name);
}

function limitFault({ limits, headers }: Target, { onRejected }: MutationSettings): string | undefined {
  if (!limits) return undefined;
  let bytes = 0;
  for (let at = 0; at < headers.size; at++) bytes += headers.nameAt(at).length + headers.valueAt(at).length;
  if (headers.size <= limits.maxHeaders && bytes <= limits.maxBytes) return undefined;
  onRejected();
  return 'header_mutation_result_exceeds_limit';
}

export function requestTarget(stream: FilterStream): Target {
  const { head } = stream;
  return {
    headers: head.headers,
    limits: stream.headLimits,
    has: (name) => stream.requestHeader(name) !== undefined,
    put: (name, value, append) => (append ? addRequestField : setRequestField)(head, name, value, stream),
    remove: (name) => head.headers.remove(name),
  };
}

export function responseTarget(head: ResponseHead): Target {
  return fieldsTarget(head.headers, (name, value) => {
    if (name !== ':status' || !/^[2-5]\d\d$/.test(value)) return false;
    head.status = Number(value);
    return true;
  });
}

/** Trailers, or the head of an answer of the proxy's own. */
export function fieldsTarget(headers: HeaderMap, putFirst: Target['put'] = () => true): Target {
  return {
    headers,
    limits: undefined,
    has: (name) => (name.startsWith(':') ? putFirst !== undefined && name === ':status' : headers.has(name)),
    put: (name, value, append) => {
      if (name.startsWith(':')) return putFirst(name, value, append);
      if (!isField(name, value)) return false;
      if (!append) headers.replace(name, value);
      else if (SINGLE_RESPONSE_HEADERS.has(name)) headers.join(name, value);
      else headers.add(name, value);
      return true;
    },
    remove: (name) => headers.remove(name),
  };
}
