import type { RequestHead, ResponseHead } from '../../http/head.ts';
import type { InternalRedirectPolicy, RedirectPredicate } from '../../route/internal-redirect.ts';
import type { RouterDownstream } from './downstream.ts';
import type { RouterRun } from './run.ts';

/** What a chain of internal redirects has done so far. */
export interface RedirectHistory {
  count: number;
  /** Names of the routes that a route has already led to, by its own name. */
  readonly led: Map<string, Set<string>>;
}

/** Follows a response that the policy is for, and counts it; false: the client gets the response. */
export function redirects(run: RouterRun, policy: InternalRedirectPolicy, head: ResponseHead): boolean {
  const { cluster, stream, body, bodyDone } = run;
  if (!policy.codes.includes(head.status)) return false;
  if (bodyDone && !body.overflowed && followRedirect(stream, policy, head, body.bytes)) {
    cluster.stats.internalRedirectSucceeded++;
    return true;
  }
  cluster.stats.internalRedirectFailed++;
  return false;
}

/** Runs the request again at the place that the response names, where the policy allows it; false: the client gets the response. */
function followRedirect(
  stream: RouterDownstream,
  policy: InternalRedirectPolicy,
  response: ResponseHead,
  body: Buffer | undefined,
): boolean {
  const location = response.headers.get('location');
  if (location === undefined || !stream.redirect || !stream.reroute) return false;
  const { head } = stream;
  const { stats } = stream.manager;
  const target = parseLocation(location);
  if (!target) {
    stats.redirectBadLocation++;
    return false;
  }
  const secure = head.scheme === 'https';
  const targetSecure = target.scheme !== 'http';
  if (!policy.crossScheme && secure !== targetSecure) {
    stats.redirectUnsafeScheme++;
    return false;
  }
  const history = stream.redirects ?? { count: 0, led: new Map<string, Set<string>>() };
  stream.redirects = history;
  if (history.count >= policy.max) {
    stats.redirectTooMany++;
    return false;
  }
  const restore = saved(head);
  const original = `${secure ? 'https' : 'http'}://${head.authority}${head.path}`;
  copyHeaders(policy.copy, response, head);
  head.scheme = target.scheme;
  head.authority = target.authority;
  head.path = target.path;
  const from = stream.route?.name ?? '';
  const found = stream.reroute();
  const name = found?.name ?? '';
  const accepts = (predicate: RedirectPredicate): boolean =>
    accept(predicate, from, history, name, secure, targetSecure);
  if (!found || !policy.predicates.every(accepts)) {
    if (found) stats.redirectPredicate++;
    else stats.redirectNoRoute++;
    restore();
    return false;
  }
  const get = response.status === 303 && head.method !== 'GET' && head.method !== 'HEAD';
  if (get) becomeGet(head);
  history.count++;
  head.headers.set('x-envoy-original-url', original);
  stream.redirect(response.status, get ? undefined : body);
  return true;
}

function becomeGet(head: RequestHead): void {
  head.method = 'GET';
  head.headers.remove('content-length');
  head.framing.contentLength = -1;
  head.framing.chunked = false;
}

function accept(
  predicate: RedirectPredicate,
  from: string,
  { led }: RedirectHistory,
  target: string,
  secure: boolean,
  targetSecure: boolean,
): boolean {
  switch (predicate.kind) {
    case 'allow_listed_routes':
      return predicate.names.has(target);
    case 'safe_cross_scheme':
      return secure || !targetSecure;
    case 'previous_routes': {
      const before = led.get(from) ?? new Set<string>();
      led.set(from, before);
      if (before.has(target)) return false;
      before.add(target);
      return true;
    }
  }
}

function copyHeaders(names: readonly string[], response: ResponseHead, { headers }: RequestHead): void {
  for (const name of names) {
    headers.remove(name);
    for (const value of response.headers.all(name)) headers.add(name, value);
  }
}

/** Remembers the head; the function gives it back its old form. */
function saved(head: RequestHead): () => void {
  const { scheme, authority, path } = head;
  const headers = head.headers.copy();
  return () => {
    Object.assign(head, { scheme, authority, path });
    head.headers.assign(headers);
  };
}

/** An absolute URL, as Envoy needs it; its fragment is dropped. */
function parseLocation(
  location: string,
): { readonly scheme: string; readonly authority: string; readonly path: string } | undefined {
  const match = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]+)([^#]*)/i.exec(location);
  if (!match) return undefined;
  const [, scheme = '', authority = '', rest = ''] = match;
  return { scheme: scheme.toLowerCase(), authority, path: rest.startsWith('/') ? rest : `/${rest}` };
}
