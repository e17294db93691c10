import type { HeaderMap } from '../../http/headers.ts';
import type { FilterPlan } from '../chain.ts';
import { passHead, showTrailers } from '../pass.ts';
import type { RouterRun } from './run.ts';

/** Runs the cluster's own filters, or those of the router for clusters without, on the request as it will be sent to the chosen host; false: one of them answered. */
export function runUpstreamFilters(run: RouterRun): boolean {
  const { stream, bodyDone } = run;
  const plan = planOf(run);
  return !plan || passHead(stream, plan.request, stream.head, bodyDone);
}

/** Shows them the trailers of the request, which are sent next. */
export function showUpstreamTrailers(run: RouterRun, trailers: HeaderMap): void {
  const plan = planOf(run);
  if (plan) showTrailers(run.stream, plan.request, trailers);
}

function planOf({ cluster, stream }: RouterRun): FilterPlan | undefined {
  const filters = cluster.config.filters ?? stream.manager.router.upstreamFilters;
  return filters?.plan(stream.route);
}
