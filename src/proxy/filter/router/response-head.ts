import type { ResponseHead } from '../../http/head.ts';
import { applyMutations } from '../../route/mutation.ts';
import type { Route } from '../../route/route.ts';
import { now } from '../../time/clock.ts';
import type { RouterDownstream } from './downstream.ts';

/** What the router adds to an upstream's response, in Envoy's order. `cookies`: values of `set-cookie`. */
export function finishResponse(
  stream: RouterDownstream,
  route: Route,
  head: ResponseHead,
  cookies: readonly string[] | undefined,
): void {
  const { headers } = head;
  if (!stream.manager.router.suppressHeaders && stream.requestEndAt > 0) {
    headers.set('x-envoy-upstream-service-time', String(Math.floor(now() - stream.requestEndAt)));
  }
  if (cookies) for (const cookie of cookies) headers.add('set-cookie', cookie);
  stream.status = head.status;
  stream.response = head;
  stream.details = 'via_upstream';
  applyMutations(route.responseMutations, headers, stream);
  if (route.virtualHost.attemptCountDown) headers.set('x-envoy-attempt-count', String(stream.attempts));
}
