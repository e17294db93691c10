import type { HeaderMap } from '../../http/headers.ts';
import type { FilterPlan } from '../chain.ts';
import { showTrailers } from '../pass.ts';
import type { RouterRun } from './run.ts';

/** Runs the cluster's own filters, or those of the router for clusters without, on the request as it will be sent to the chosen host; false: one of them answered. */
export function runUpstreamFilters(run: RouterRun): boolean {
  const { stream, bodyDone } = run;
  const plan = planOf(run);
  if (!plan || plan.empty) return true;
  for (const hooks of plan.request) {
    const verdict = hooks?.head?.(stream, stream.head, bodyDone) ?? 'continue';
    if (verdict !== 'continue' || stream.ended || stream.responseStarted) return false;
  }
  return true;
}

/** Shows them the trailers of the request, which are sent next. */
export function showUpstreamTrailers(run: RouterRun, trailers: HeaderMap): void {
  const plan = planOf(run);
  if (plan && !plan.empty) showTrailers(run.stream, plan.request, trailers);
}

function planOf({ cluster, stream }: RouterRun): FilterPlan | undefined {
  const filters = cluster.config.filters ?? stream.manager.router.upstreamFilters;
  return filters?.plan(stream.route);
}
