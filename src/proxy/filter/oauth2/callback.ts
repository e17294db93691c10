import { parseAbsolute } from '../../http/authority.ts';
import { decodeBase64Url } from '../../http/base64.ts';
import { isHeaderValue } from '../../http/bytes.ts';
import type { RequestHead } from '../../http/head.ts';
import { queryValue } from '../../match/query.ts';
import { fieldOf, parseStruct } from '../jwt-authn/struct.ts';
import type { OAuthConfig } from './config.ts';
import { flowName } from './cookies.ts';
import { isFlowToken, sameText } from './sealing.ts';

/** What comes back from the authorization server, checked. */
export type Callback =
  | { readonly ok: true; readonly code: string; readonly url: string; readonly flow: string }
  /** `flow`: empty where it is not sure of which round it is. */
  | { readonly ok: false; readonly why: string; readonly flow: string };

const refused = (why: string, flow = ''): Callback => ({ ok: false, why, flow });

/** Checks a request to the redirect path: it must be of a round that this browser began. */
export function checkCallback(
  { path }: RequestHead,
  cookies: ReadonlyMap<string, string>,
  config: OAuthConfig,
  secret: string,
): Callback {
  const [error, code, state] = ['error', 'code', 'state'].map((name) => queryValue(path, name));
  if (error !== undefined) {
    const found = state === undefined ? refused('') : checkState(state, cookies, config, secret);
    return refused(`OAuth server returned an error: ${sortedQuery(path)}`, found.flow);
  }
  if (code === undefined || state === undefined)
    return refused(`Code or state query param does not exist: ${sortedQuery(path)}`);
  const found = checkState(state, cookies, config, secret);
  return found.ok ? { ...found, code } : found;
}

function checkState(
  text: string,
  cookies: ReadonlyMap<string, string>,
  { cookies: { of } }: OAuthConfig,
  secret: string,
): Callback {
  const json = decodeBase64Url(text) ?? '';
  const state = parseStruct(json);
  if (!state) return refused(`State query param is not a valid JSON: ${json}`);
  const [url, token] = [fieldOf(state, 'url'), fieldOf(state, 'csrf_token')];
  if (url === undefined || token === undefined)
    return refused(`State query param does not contain url or CSRF token: ${json}`);
  const flow = fieldOf(state, 'flow_id') ?? '';
  const valid = typeof token === 'string' && typeof flow === 'string' && isFlow(flow);
  const cookie = valid ? flowCookie(cookies, of.nonce.name, flow) : undefined;
  if (!valid || !cookie || !sameText(cookie, token) || !isFlowToken(secret, token))
    return refused('CSRF token validation failed');
  if (typeof url !== 'string' || !parseAbsolute(url) || !isHeaderValue(url))
    return refused(`State url can not be initialized: ${String(url)}`, flow);
  return { ok: true, code: '', url, flow };
}

/** What is signed is the token alone: a round is named in cookies, and must not be able to end one. */
const isFlow = (flow: string): boolean => /^[0-9a-f]{0,16}$/.test(flow);

/** The cookie of a round, else that of instances that have one for all rounds. */
export function flowCookie(cookies: ReadonlyMap<string, string>, name: string, flow: string): string | undefined {
  return cookies.get(flowName(name, flow)) || cookies.get(name) || undefined;
}

function sortedQuery(path: string): string {
  const mark = path.indexOf('?');
  const pairs = mark < 0 ? [] : path.slice(mark + 1).split('&');
  return pairs.length === 0 ? '' : `?${pairs.sort().join('&')}`;
}
