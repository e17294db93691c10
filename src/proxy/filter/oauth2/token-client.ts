import { RequestHead } from '../../http/head.ts';
import type { Call, HttpAnswer } from '../async/http-call.ts';
import type { FilterStream } from '../filter.ts';
import { parseJwt } from '../jwt-authn/jwt.ts';
import { parseStruct } from '../jwt-authn/struct.ts';
import type { OAuthConfig } from './config.ts';
import { encodeMarks } from './url.ts';

/** What the token endpoint gave. Empty: it gave none. */
export interface Tokens {
  readonly bearer: string;
  readonly idToken: string;
  readonly refresh: string;
  /** Seconds. */
  readonly expiresIn: number;
}

export type Grant =
  | { readonly code: string; readonly redirectUri: string; readonly verifier: string }
  | { readonly refresh: string };

type Done = (tokens: Tokens | undefined) => void;

const OK = 200;

/** Asks for tokens; `done` may be called before this returns. Undefined: nobody could be asked, and `done` was called. */
export function askForTokens(
  config: OAuthConfig,
  stream: FilterStream,
  secret: string,
  grant: Grant,
  done: Done,
): Call | undefined {
  const { tokenEndpoint, retry, calls } = config;
  const body = Buffer.from(bodyOf(config, secret, grant), 'latin1');
  const head = headOf(config, secret, body.length);
  const request = { head, body, timeout: tokenEndpoint.timeout, retry, parent: stream, tellsAddress: true };
  const call = calls.http(tokenEndpoint.cluster, request, (answer) => done(tokensOf(answer, config)));
  if (!call) done(undefined);
  return call;
}

function headOf({ tokenEndpoint, basicAuth, clientId }: OAuthConfig, secret: string, length: number): RequestHead {
  const { scheme, authority, path } = tokenEndpoint;
  const head = new RequestHead();
  const { headers, framing } = head;
  head.method = 'POST';
  head.path = path;
  head.authority = authority;
  head.hasAuthority = true;
  head.scheme = scheme;
  headers.set('content-type', 'application/x-www-form-urlencoded');
  headers.set('accept', 'application/json');
  if (basicAuth) {
    const credentials = Buffer.from(`${clientId}:${secret}`, 'latin1').toString('base64');
    headers.set('authorization', `Basic ${credentials}`);
  }
  headers.set('content-length', String(length));
  framing.contentLength = length;
  return head;
}

function bodyOf({ basicAuth, clientId }: OAuthConfig, secret: string, grant: Grant): string {
  const client = basicAuth ? '' : `&client_id=${encodeMarks(clientId)}&client_secret=${encodeMarks(secret)}`;
  if ('refresh' in grant) return `grant_type=refresh_token&refresh_token=${encodeMarks(grant.refresh)}${client}`;
  const { code, redirectUri, verifier } = grant;
  const back = `&redirect_uri=${encodeMarks(redirectUri)}&code_verifier=${verifier}`;
  return `grant_type=authorization_code&code=${code}${client}${back}`;
}

/** Reads the answer of RFC 6749 5.1; undefined: it has no token, or none that a cookie may have. */
function tokensOf(answer: HttpAnswer, { defaultExpires }: OAuthConfig): Tokens | undefined {
  const json = answer?.status === OK ? parseStruct(answer.body.toString('latin1')) : undefined;
  if (!json) return undefined;
  const text = (name: string): string | undefined => {
    const value = Object.hasOwn(json, name) ? (json[name] ?? '') : '';
    return typeof value === 'string' && isPlain(value) ? value : undefined;
  };
  const [bearer, idToken, refresh] = [text('access_token'), text('id_token'), text('refresh_token')];
  const expiresIn = secondsOf(Object.hasOwn(json, 'expires_in') ? json['expires_in'] : undefined) ?? defaultExpires;
  if (!bearer || idToken === undefined || refresh === undefined || !(expiresIn > 0)) return undefined;
  return { bearer, idToken, refresh, expiresIn };
}

/** Whether it can stand in a cookie, plain as it is for the upstream. */
function isPlain(text: string): boolean {
  return /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/.test(text);
}

function secondsOf(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  const seconds =
    typeof value === 'number' || (typeof value === 'string' && /^\d+$/.test(value)) ? Number(value) : Number.NaN;
  return Number.isSafeInteger(seconds) && seconds >= 0 ? seconds : 0;
}

/** Seconds until a token that says so ends; undefined: it does not. */
export function secondsLeft(token: string, now: number): number | undefined {
  const jwt = token === '' ? 'missing' : parseJwt(token);
  if (typeof jwt === 'string' || jwt.expires === 0) return undefined;
  return Math.max(0, jwt.expires - now);
}
