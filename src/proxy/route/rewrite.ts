import type { RequestHead } from '../http/head.ts';
import type { ForwardAction, HostRewrite, WeightedCluster } from './action.ts';
import type { PathMatch } from './match.ts';

/** Replaces what the route matched; a regex or CONNECT match stands for the whole path. */
export function replacePrefix(matched: PathMatch, path: string, replacement: string): string {
  const length = matched.kind === 'regex' || matched.kind === 'connect' ? path.length : matched.text.length;
  return replacement + path.slice(length);
}

/** The path with query after the action's rewrite, or undefined when it has none or the result would be empty. */
export function rewrittenPath(action: ForwardAction, matched: PathMatch, full: string): string | undefined {
  if (action.prefixRewrite === '' && !action.regexRewrite) return undefined;
  const end = full.search(/[?#]/);
  const path = end < 0 ? full : full.slice(0, end);
  const rest = end < 0 ? '' : full.slice(end);
  const rewritten = action.regexRewrite
    ? action.regexRewrite.regex.replaceAll(path, action.regexRewrite.substitution)
    : replacePrefix(matched, path, action.prefixRewrite);
  return rewritten === '' ? undefined : rewritten + rest;
}

/** Applies host rewriting; `auto` is left to the choice of the host. */
export function rewriteHost(action: ForwardAction, weighted: WeightedCluster | undefined, head: RequestHead): void {
  const host = weighted?.host ?? (action.hostRewrite ? rewrittenHost(action.hostRewrite, head) : undefined);
  if (host === undefined || host === '') return;
  if (action.appendForwardedHost) appendForwardedHost(head);
  head.authority = host;
}

export function appendForwardedHost(head: RequestHead): void {
  const before = head.headers.get('x-forwarded-host');
  head.headers.set('x-forwarded-host', before ? `${before},${head.authority}` : head.authority);
}

function rewrittenHost(rewrite: HostRewrite, head: RequestHead): string | undefined {
  switch (rewrite.kind) {
    case 'literal':
      return rewrite.value;
    case 'header':
      return rewrite.value === 'host' ? head.authority : head.headers.get(rewrite.value);
    case 'path': {
      const end = head.path.search(/[?#]/);
      const path = end < 0 ? head.path : head.path.slice(0, end);
      return rewrite.rewrite.regex.replaceAll(path, rewrite.rewrite.substitution);
    }
    case 'auto':
      return undefined;
  }
}
