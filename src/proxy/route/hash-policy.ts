import type { Fields } from '../config/fields.ts';
import { type Hash64, xxHash64 } from '../hash/xxhash64.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { type RegexRewrite, readRegexRewrite } from './rewrite.ts';

/** A cookie to be set so that the client comes to the same host again. */
export interface RoutingCookie {
  readonly name: string;
  /** Whole seconds; 0 until the client ends its session, undefined: no cookie is made. */
  readonly ttl: number | undefined;
  readonly path: string;
  /** As they stand in `set-cookie`, each after `; `. */
  readonly attributes: string;
}

/** Makes a cookie and returns its value; empty where none can be made. */
export type AddCookie = (cookie: RoutingCookie) => string;

type HashMethod = (info: StreamInfo, addCookie: AddCookie) => Hash64 | undefined;

interface HashPolicy {
  readonly evaluate: HashMethod;
  readonly terminal: boolean;
}

/** The hash policies of a route: what a request's hash is made of. */
export type HashPolicies = readonly HashPolicy[];

export function readHashPolicies(fields: Fields): HashPolicies {
  return fields.list('hash_policy', readHashPolicy).filter((one) => one !== undefined);
}

/** Hash of a request as Envoy's `HashPolicyImpl::generateHash` combines it; undefined when no policy gives one. */
export function requestHash(policies: HashPolicies, info: StreamInfo, addCookie: AddCookie): Hash64 | undefined {
  let hash: Hash64 | undefined;
  for (const { evaluate, terminal } of policies) {
    const next = evaluate(info, addCookie);
    if (next) hash = hash ? exclusiveOr(rotateOne(hash), next) : next;
    if (terminal && hash) break;
  }
  return hash;
}

function rotateOne({ high, low }: Hash64): Hash64 {
  return { high: ((high << 1) | (low >>> 31)) >>> 0, low: ((low << 1) | (high >>> 31)) >>> 0 };
}

function exclusiveOr(left: Hash64, right: Hash64): Hash64 {
  return { high: (left.high ^ right.high) >>> 0, low: (left.low ^ right.low) >>> 0 };
}

function hashText(text: string, seed?: Hash64): Hash64 {
  return xxHash64(Buffer.from(text, 'latin1'), seed);
}

function readHashPolicy(fields: Fields): HashPolicy | undefined {
  const terminal = fields.flag('terminal');
  const kinds = ['header', 'cookie', 'connection_properties', 'query_parameter', 'filter_state'] as const;
  const kind = fields.oneOf('policy_specifier', kinds);
  const evaluate = kind && fields.message(kind, READERS[kind]);
  return evaluate && { evaluate, terminal };
}

const READERS = {
  header: readHeader,
  cookie: readCookie,
  connection_properties: readConnection,
  query_parameter: readQuery,
  filter_state: readFilterState,
} as const;

/** Several values are hashed one after the other in their sorted order, so that their order in the request does not count. */
function readHeader(fields: Fields): HashMethod {
  const written = fields.required('header_name').toLowerCase();
  const name = written === 'host' ? ':authority' : written;
  const rewrite = fields.message('regex_rewrite', readRegexRewrite);
  return (info) => {
    const values = headerValues(info, name);
    if (values.length === 0) return undefined;
    return hashValues(rewrite ? values.map((value) => rewritten(rewrite, value)) : values);
  };
}

function headerValues(info: StreamInfo, name: string): readonly string[] {
  if (name.startsWith(':')) {
    const value = info.requestHeader(name);
    return value === undefined ? [] : [value];
  }
  return info.request?.headers.all(name) ?? [];
}

function hashValues(values: readonly string[]): Hash64 {
  const [only = ''] = values;
  if (values.length === 1) return hashText(only);
  let hash: Hash64 = { high: 0, low: 0 };
  for (const value of [...values].sort()) hash = hashText(value, hash);
  return hash;
}

function rewritten({ regex, substitution }: RegexRewrite, value: string): string {
  return regex.replaceAll(value, substitution);
}

function readCookie(fields: Fields): HashMethod {
  const ttl = fields.duration('ttl');
  const attributes = fields.list('attributes', (attribute) => {
    const value = attribute.text('value');
    return `; ${attribute.required('name')}${value === '' ? '' : `=${value}`}`;
  });
  const cookie: RoutingCookie = {
    name: fields.required('name'),
    ttl: ttl === undefined ? undefined : Math.floor(ttl / 1000),
    path: fields.text('path'),
    attributes: attributes.join(''),
  };
  return (info, addCookie) => {
    let value = cookieValue(headerValues(info, 'cookie'), cookie.name);
    if (value === '' && cookie.ttl !== undefined) value = addCookie(cookie);
    return value === '' ? undefined : hashText(value);
  };
}

/** Value of the first cookie of that name, without quotes; empty when there is none. */
function cookieValue(headers: readonly string[], name: string): string {
  for (const header of headers) {
    for (const part of header.split(';')) {
      const equals = part.indexOf('=');
      if (equals < 0 || part.slice(0, equals).trimStart() !== name) continue;
      const value = part.slice(equals + 1).trimEnd();
      return value.length >= 2 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
    }
  }
  return '';
}

function readConnection(fields: Fields): HashMethod {
  if (!fields.flag('source_ip')) return () => undefined;
  return ({ peers: { remote } }) => (remote.address.startsWith('/') ? undefined : hashText(remote.address));
}

function readQuery(fields: Fields): HashMethod {
  const name = fields.required('name');
  return (info) => {
    const value = queryValue(info.request?.path ?? '', name);
    return value === undefined ? undefined : hashText(value);
  };
}

/** First value of a query parameter, undecoded. */
function queryValue(path: string, name: string): string | undefined {
  const mark = path.indexOf('?');
  if (mark < 0) return undefined;
  for (const pair of path.slice(mark + 1).split('&')) {
    const equals = pair.indexOf('=');
    if ((equals < 0 ? pair : pair.slice(0, equals)) === name) return equals < 0 ? '' : pair.slice(equals + 1);
  }
  return undefined;
}

/** No filter here keeps objects that have a hash, so there never is one; the same chain in Envoy has none either. */
function readFilterState(fields: Fields): HashMethod {
  fields.required('key');
  return () => undefined;
}
