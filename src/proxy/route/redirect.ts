import type { Fields } from '../config/fields.ts';
import type { Formatter } from '../format/substitution.ts';
import type { RequestHead } from '../http/head.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { type PathMatch, pathEnd } from './path-match.ts';
import { type PathRewrite, prefixRewrite, readPathFormat, readRegexRewrite, rewritePath } from './rewrite.ts';

/** `envoy.config.route.v3.RedirectAction`. */
export interface RedirectAction {
  readonly kind: 'redirect';
  readonly status: number;
  /** Empty: the request's. */
  readonly scheme: string;
  readonly host: string;
  /** With its colon; empty: as it is. */
  readonly port: string;
  readonly path: string;
  /** `prefix_rewrite` or `regex_rewrite`, which change the path of the request itself. */
  readonly rewrite: PathRewrite | undefined;
  readonly format: Formatter | undefined;
  readonly stripQuery: boolean;
}

const STATUS = { MOVED_PERMANENTLY: 301, FOUND: 302, SEE_OTHER: 303, TEMPORARY_REDIRECT: 307, PERMANENT_REDIRECT: 308 };

export function readRedirect(fields: Fields, matched: PathMatch): RedirectAction {
  const port = fields.number('port_redirect') ?? 0;
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
    scheme: fields.text('scheme_redirect') || (fields.flag('https_redirect') ? 'https' : ''),
    host: fields.text('host_redirect'),
    port: port === 0 ? '' : `:${port}`,
    path: fields.text('path_redirect'),
    rewrite: readRewrite(fields, matched),
    format: readPathFormat(fields, 'Failed to create path_rewrite formatter: INVALID_ARGUMENT: '),
    stripQuery: fields.flag('strip_query'),
  };
}

function readRewrite(fields: Fields, matched: PathMatch): PathRewrite | undefined {
  const prefix = fields.text('prefix_rewrite');
  if (prefix !== '') {
    if (matched.kind === 'template') {
      fields.problem('prefix_rewrite', 'Cannot use redirect.prefix_rewrite with path_match_policy');
    }
    return prefixRewrite(prefix, matched);
  }
  const regex = fields.message('regex_rewrite', readRegexRewrite);
  return regex && ((path) => regex.regex.replaceAll(path, regex.substitution));
}

/**
 * The `location` of a redirect, or of a direct response with a status that wants one (no `action`).
 * A prefix or regex rewrite gives the request itself the new path first, as in Envoy, where the access log shows it.
 */
export function redirectLocation(
  action: RedirectAction | undefined,
  head: RequestHead,
  info: StreamInfo,
  keepOriginal: boolean,
): string {
  if (action?.rewrite) rewritePath(action.rewrite, head, info, keepOriginal);
  const scheme = action?.scheme || head.scheme;
  const port = action?.port ?? '';
  const host = action?.host || requestHost(head, scheme, port);
  const path = redirectPath(action, head.path, info);
  return `${scheme}://${host}${port}${safeTarget(path.startsWith('/') ? path : `/${path}`)}`;
}

/** The request's host, without its port where another takes its place or it was the default of another scheme. */
function requestHost(head: RequestHead, scheme: string, newPort: string): string {
  const { authority } = head;
  const colon = portStart(authority);
  if (colon < 0) return authority;
  const proto = head.headers.get('x-forwarded-proto') ?? '';
  const port = authority.slice(colon);
  const defaulted = (proto === 'https' && port === ':443') || (proto === 'http' && port === ':80');
  return newPort !== '' || (scheme !== proto && defaulted) ? authority.slice(0, colon) : authority;
}

/** Index of the colon before the port, or -1. */
export function portStart(authority: string): number {
  const colon = authority.lastIndexOf(':');
  return colon > authority.lastIndexOf(']') ? colon : -1;
}

function redirectPath(action: RedirectAction | undefined, full: string, info: StreamInfo): string {
  if (!action) return full;
  if (action.path.includes('?')) return action.path;
  const made = action.path || action.format?.(info) || '';
  if (action.stripQuery) return made || full.slice(0, pathEnd(full));
  if (made === '') return full;
  return made.includes('?') ? made : made + full.slice(pathEnd(full));
}

/** A format may bring in what must not stand in a header or a target. */
function safeTarget(path: string): string {
  for (let at = 0; at < path.length; at++) {
    const code = path.charCodeAt(at);
    if (code <= 0x20 || code === 0x7f) return path.replace(/[\0- \x7f]/g, (char) => `%${hex(char)}`);
  }
  return path;
}

function hex(char: string): string {
  return char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0');
}

/** Host and port text; the port is empty when there is none. */
export function splitPort(authority: string): readonly [string, string] {
  const match = /^(.*):(\d+)$/.exec(authority);
  const bracketed = authority.startsWith('[');
  if (!match?.[1] || (bracketed ? !match[1].endsWith(']') : match[1].includes(':'))) return [authority, ''];
  return [match[1], match[2] ?? ''];
}
