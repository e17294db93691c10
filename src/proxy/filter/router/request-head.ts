import type { ForwardAction } from '../../route/action.ts';
import { rewriteHost, rewrittenPath } from '../../route/rewrite.ts';
import type { Route } from '../../route/table.ts';
import type { RouterDownstream } from './downstream.ts';
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

/** Envoy's `finalizeRequestHeaders`: added and removed headers, then the host, then the path. */
export function finalizeHead(stream: RouterDownstream, route: Route, action: ForwardAction): void {
  const { head, manager } = stream;
  stream.routes?.applyRequest(route, stream.weighted, head.headers, stream);
  rewriteHost(action, stream.weighted, head);
  const path = rewrittenPath(action, route.match.path, head.path);
  if (path === undefined) return;
  stream.originalPath = head.path;
  if (!manager.router.suppressHeaders) head.headers.set('x-envoy-original-path', head.path);
  head.path = path;
}
