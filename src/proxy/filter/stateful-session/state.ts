import protobufjs from 'protobufjs';
import { type Fields, isObject, typeName } from '../../config/fields.ts';
import { decodeBase64 } from '../../http/base64.ts';
import { isToken } from '../../http/bytes.ts';
import type { HeaderMap } from '../../http/headers.ts';
import { cookieValue } from '../../match/cookies.ts';
import { setCookieText } from '../router/routing-context.ts';

/** How the host of a session is told to the client and back. */
export interface SessionState {
  /** Whether requests for a path have sessions. */
  covers(path: string): boolean;
  /** Address of the host that a request names; undefined: none, or no longer. */
  address(headers: HeaderMap): string | undefined;
  /** Tells the client of its host. */
  tell(headers: HeaderMap, address: string): void;
}

const PACKAGE = 'envoy.extensions.http.stateful_session';
const NAMES = 'envoy.http.stateful_session.';
const COOKIE = `${PACKAGE}.cookie.v3.CookieBasedSessionState`;
const HEADER = `${PACKAGE}.header.v3.HeaderBasedSessionState`;

/** Reads the `session_state` of a filter. */
export function readSessionState(fields: Fields): SessionState | undefined {
  const name = fields.text('name');
  const config = fields.raw('typed_config');
  const type = isObject(config) ? typeName(config) : '';
  const known = type === COOKIE ? 'cookie' : type === HEADER ? 'header' : undefined;
  // Envoy goes by the name.
  if (known && name !== `${NAMES}${known}`) fields.problem('name', `found ${JSON.stringify(name)}`, `${NAMES}${known}`);
  if (known) return fields.message('typed_config', known === 'cookie' ? readCookieState : readHeaderState);
  fields.problem('', `session state ${JSON.stringify(type)} is not supported by ciliate-proxy`, `${COOKIE}, ${HEADER}`);
  return undefined;
}

function readHeaderState(fields: Fields): SessionState {
  const name = fields.required('name').toLowerCase();
  if (!isToken(name)) fields.problem('name', `${JSON.stringify(name)} is not a header name`);
  return {
    covers: () => true,
    address: (headers) => decoded(headers.get(name) ?? ''),
    tell: (headers, address) => headers.set(name, Buffer.from(address).toString('base64')),
  };
}

function readCookieState(fields: Fields): SessionState {
  const cookie = fields.message('cookie', readCookie) ?? { name: '', ttl: 0, path: '', attributes: '' };
  return {
    covers: pathTest(cookie.path),
    address: (headers) => addressIn(cookieValue(headers, cookie.name) ?? ''),
    tell: (headers, address) => {
      const expires = cookie.ttl === 0 ? 0 : seconds() + cookie.ttl;
      headers.add('set-cookie', setCookieText(cookie, sessionValue(address, expires)));
    },
  };
}

function readCookie(fields: Fields): { name: string; ttl: number; path: string; attributes: string } {
  const attributes = fields.list('attributes', (attribute) => {
    const value = attribute.text('value');
    return `; ${attribute.required('name')}${value === '' ? '' : `=${value}`}`;
  });
  return {
    name: fields.required('name'),
    ttl: Math.trunc((fields.duration('ttl') ?? 0) / 1000),
    path: fields.text('path'),
    attributes: attributes.join(''),
  };
}

/** A path holds itself and what lies below it. */
function pathTest(path: string): (requested: string) => boolean {
  if (path === '' || path === '/') return () => true;
  if (path.endsWith('/')) return (requested) => requested.startsWith(path);
  return (requested) => requested.startsWith(path) && ['', '/', '?', '#'].includes(requested.charAt(path.length));
}

const ADDRESS_FIELD = 1;
const EXPIRES_FIELD = 2;
const VARINT = 0;
const BYTES = 2;

/** Envoy's `Cookie` message: the address, and the second of a clock of the machine's when it is over (0: never), as base64. */
function sessionValue(address: string, expires: number): string {
  const writer = protobufjs.Writer.create()
    .uint32((ADDRESS_FIELD << 3) | BYTES)
    .string(address);
  if (expires > 0) writer.uint32((EXPIRES_FIELD << 3) | VARINT).int64(expires);
  return Buffer.from(writer.finish()).toString('base64');
}

function addressIn(value: string): string | undefined {
  const text = decoded(value);
  if (text === undefined) return undefined;
  let address = '';
  let expires = 0;
  try {
    const reader = protobufjs.Reader.create(Buffer.from(text, 'latin1'));
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag === ((ADDRESS_FIELD << 3) | BYTES)) address = reader.string();
      else if (tag === ((EXPIRES_FIELD << 3) | VARINT)) expires = Number(reader.int64());
      else reader.skipType(tag & 7);
    }
  } catch {
    // Cookies of older releases are the address alone.
    return text;
  }
  return address === '' || (expires > 0 && seconds() > expires) ? undefined : address;
}

/** Latin1 text of the bytes; undefined: there are none, or it is no base64 with its padding. */
function decoded(value: string): string | undefined {
  return value.length % 4 === 0 ? decodeBase64(value) || undefined : undefined;
}

/** Since the machine started, which all its processes agree on. */
function seconds(): number {
  return Number(process.hrtime.bigint() / 1_000_000_000n);
}
