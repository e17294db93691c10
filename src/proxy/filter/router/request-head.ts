import type { Host } from '../../cluster/host.ts';
import { setAuthority } from '../../route/rewrite.ts';
import type { Route } from '../../route/route.ts';
import type { RouterRun } from './run.ts';
import { expectedTimeout, setGrpcTimeout } from './timeouts.ts';

/** Tells the upstream how long it has and which attempt it is. `elapsed`: milliseconds since the request was complete. */
export function announceAttempt(run: RouterRun, route: Route, elapsed: number): void {
  const { stream } = run;
  const { headers } = stream.head;
  const expected = expectedTimeout(run.timeouts, elapsed);
  if (expected > 0) {
    if (!stream.manager.router.suppressHeaders) headers.set('x-envoy-expected-rq-timeout-ms', String(expected));
    if (run.grpc) setGrpcTimeout(run.action, headers, expected);
  }
  if (route.virtualHost.attemptCountUp) headers.set('x-envoy-attempt-count', String(stream.attempts));
}

/** `auto_host_rewrite`: the request goes by the name of the endpoint, where it has one. */
export function takeHostName({ action, stream }: RouterRun, host: Host): void {
  if (action.hostRewrite?.kind !== 'auto' || host.hostname === '') return;
  const keepOriginal = !stream.manager.router.suppressHeaders;
  setAuthority(stream.head, host.hostname, { appendForwarded: action.appendForwardedHost, keepOriginal });
}
