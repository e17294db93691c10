import type { LocalReply } from '../filter/filter.ts';
import type { RequestHead } from '../http/head.ts';
import { FLAG, type StreamInfo } from '../http/stream-info.ts';
import type { ForwardAction } from './action.ts';
import { applyMutation, applyMutations } from './mutation.ts';
import { type RedirectAction, redirectLocation } from './redirect.ts';
import { rewriteHost, rewritePath } from './rewrite.ts';
import type { Route } from './route.ts';

/**
 * Gives a request the form in which it goes to a cluster, in Envoy's order: headers are removed and added, then the host is rewritten,
 * then the path. `keepOriginal`: what they were before goes along in `x-envoy-original-...` headers.
 * A reply instead: something configured came out as what no header may hold.
 */
export function finalizeRequest(
  route: Route,
  action: ForwardAction,
  head: RequestHead,
  info: StreamInfo,
  keepOriginal: boolean,
): LocalReply | undefined {
  const { weighted } = route;
  if (weighted?.request) applyMutation(weighted.request, head.headers, info);
  if (weighted && weighted.host !== '') head.authority = weighted.host;
  applyMutations(route.requestMutations, head.headers, info);
  if (action.hostRewrite) {
    rewriteHost(action.hostRewrite, head, info, { appendForwarded: action.appendForwardedHost, keepOriginal });
  }
  if (action.pathRewrite) rewritePath(action.pathRewrite, head, info, keepOriginal);
  if (info.invalidHeader !== '') return unsendable(`invalid header value for: ${info.invalidHeader}`);
  // With a path it is the extended CONNECT of HTTP/2, which names a protocol.
  if (head.method === 'CONNECT' && head.path !== '') return unsendable('missing required header: :protocol');
  return undefined;
}

function unsendable(why: string): LocalReply {
  return {
    status: 503,
    body: why,
    details: `filter_removed_required_request_headers{${why.replaceAll(' ', '_')}}`,
    flags: FLAG.DOWNSTREAM_PROTOCOL,
  };
}

/** The answer of a route that leads to no cluster; undefined for one that does. */
export function directReply(
  { action }: Route,
  head: RequestHead,
  info: StreamInfo,
  keepOriginal: boolean,
): LocalReply | undefined {
  switch (action.kind) {
    case 'forward':
      return undefined;
    case 'tls':
      return replyOf(301, '', head.method === 'CONNECT' ? '' : `https://${head.authority}${head.path}`);
    case 'redirect':
      return replyOf(action.status, '', locationOf(action, head, info, keepOriginal));
    case 'direct': {
      const { status, format } = action;
      info.localReplyBody = action.body;
      const body = format ? format.text(info) : action.body;
      const location = status === 201 || (status >= 300 && status < 400);
      const reply = replyOf(status, body, location ? locationOf(undefined, head, info, keepOriginal) : '');
      return format && format.contentType !== 'text/plain' ? { ...reply, contentType: format.contentType } : reply;
    }
  }
}

/** CONNECT has no path, and so no other place to be sent to. */
function locationOf(
  action: RedirectAction | undefined,
  head: RequestHead,
  info: StreamInfo,
  keepOriginal: boolean,
): string {
  return head.method === 'CONNECT' ? '' : redirectLocation(action, head, info, keepOriginal);
}

function replyOf(status: number, body: string, location: string): LocalReply {
  const headers: readonly (readonly [string, string])[] = location === '' ? [] : [['location', location]];
  return { status, body, details: 'direct_response', headers, ofRoute: true };
}
