import type { ResponseHead } from '../../http/head.ts';
import type { HeaderMap } from '../../http/headers.ts';
import type { FilterPlan } from '../chain.ts';
import { type HookList, passHead, showTrailers } from '../pass.ts';
import type { Attempt } from './attempt.ts';
import type { RouterRun } from './run.ts';

/** Runs the cluster's own filters, or those of the router for clusters without, on the request as it will be sent to the chosen host; false: one of them answered. */
export function runUpstreamFilters(run: RouterRun, attempt: Attempt): boolean {
  const { stream, bodyDone } = run;
  const plan = planOf(run);
  if (plan?.answers) attempt.responseHooks = plan.response;
  return !plan || passHead(stream, plan.request, stream.head, bodyDone);
}

/** Shows them the trailers of the request, which are sent next. */
export function showUpstreamTrailers(run: RouterRun, trailers: HeaderMap): void {
  const plan = planOf(run);
  if (plan) showTrailers(run.stream, plan.request, trailers);
}

/** Shows them the head of a response, which the router sees next. In filters of a cluster no hook stops a response. */
export function showUpstreamHead(
  { stream }: RouterRun,
  hooks: HookList<ResponseHead>,
  head: ResponseHead,
  done: boolean,
): void {
  stream.response = head;
  for (let at = 0; at < hooks.length; at++) hooks[at]?.head?.(stream, head, done);
}

/** Notes the trailers of a response, as the cluster's filters leave them. */
export function takeTrailers(
  { stream }: RouterRun,
  hooks: HookList<ResponseHead> | undefined,
  trailers: HeaderMap,
): void {
  // Of the fields that Envoy keeps once these can stand in trailers.
  trailers.merge('grpc-status');
  trailers.merge('grpc-message');
  stream.responseTrailers = trailers;
  if (hooks) showTrailers(stream, hooks, trailers);
}

function planOf({ cluster, stream }: RouterRun): FilterPlan | undefined {
  const filters = cluster.config.filters ?? stream.manager.router.upstreamFilters;
  return filters?.plan(stream.route);
}
