import type { Fields } from '../config/fields.ts';
import { type RegexRewrite, readRegexRewrite } from './action.ts';
import type { PathMatch } from './match.ts';
import { replacePrefix } from './rewrite.ts';

/** `envoy.config.route.v3.RedirectAction`. */
export interface RedirectAction {
  readonly kind: 'redirect';
  readonly status: number;
  readonly scheme: string;
  readonly https: boolean;
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly prefix: string | undefined;
  readonly regex: RegexRewrite | undefined;
  readonly stripQuery: boolean;
}

const STATUS = { MOVED_PERMANENTLY: 301, FOUND: 302, SEE_OTHER: 303, TEMPORARY_REDIRECT: 307, PERMANENT_REDIRECT: 308 };

export function readRedirect(fields: Fields): RedirectAction {
  return {
    kind: 'redirect',
    status:
      STATUS[
        fields.choice('response_code', [
          'MOVED_PERMANENTLY',
          'FOUND',
          'SEE_OTHER',
          'TEMPORARY_REDIRECT',
          'PERMANENT_REDIRECT',
        ])
      ],
    scheme: fields.text('scheme_redirect'),
    https: fields.flag('https_redirect'),
    host: fields.text('host_redirect'),
    port: fields.number('port_redirect') ?? 0,
    path: fields.text('path_redirect'),
    prefix: fields.string('prefix_rewrite'),
    regex: fields.message('regex_rewrite', readRegexRewrite),
    stripQuery: fields.flag('strip_query'),
  };
}

/** The `location` of a redirect. `path` is the request's with query. */
export function redirectLocation(
  action: RedirectAction,
  matched: PathMatch,
  request: { readonly scheme: string; readonly authority: string; readonly path: string },
): string {
  const scheme = action.scheme || (action.https ? 'https' : request.scheme);
  return `${scheme}://${redirectHost(action, scheme, request)}${redirectPath(action, matched, request.path)}`;
}

function redirectHost(
  action: RedirectAction,
  scheme: string,
  request: { readonly scheme: string; readonly authority: string },
): string {
  const [name, port] = splitPort(action.host || request.authority);
  if (action.port !== 0) return `${name}:${action.port}`;
  if (action.host !== '') return action.host;
  const defaulted = (request.scheme === 'http' && port === '80') || (request.scheme === 'https' && port === '443');
  return scheme !== request.scheme && defaulted ? name : request.authority;
}

/** Host and port text; the port is empty when there is none. */
export function splitPort(authority: string): readonly [string, string] {
  const match = /^(.*):(\d+)$/.exec(authority);
  const bracketed = authority.startsWith('[');
  if (!match?.[1] || (bracketed ? !match[1].endsWith(']') : match[1].includes(':'))) return [authority, ''];
  return [match[1], match[2] ?? ''];
}

function redirectPath(action: RedirectAction, matched: PathMatch, full: string): string {
  const mark = full.indexOf('?');
  const path = mark < 0 ? full : full.slice(0, mark);
  const query = mark < 0 || action.stripQuery ? '' : full.slice(mark);
  if (action.path !== '') return action.path.includes('?') ? action.path : action.path + query;
  if (action.prefix !== undefined) return replacePrefix(matched, path, action.prefix) + query;
  if (action.regex) return action.regex.regex.replaceAll(path, action.regex.substitution) + query;
  return path + query;
}
