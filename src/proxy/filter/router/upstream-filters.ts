import type { RouterRun } from './run.ts';

/** Runs the cluster's own filters, or those of the router for clusters without, on the request as it will be sent to the chosen host; false: one of them answered. */
export function runUpstreamFilters({ cluster, stream, bodyDone }: RouterRun): boolean {
  const filters = cluster.config.filters ?? stream.manager.router.upstreamFilters;
  const plan = filters?.plan(stream.route);
  if (!plan || plan.empty) return true;
  for (const hooks of plan.request) {
    const verdict = hooks?.head?.(stream, stream.head, bodyDone) ?? 'continue';
    if (verdict !== 'continue' || stream.ended || stream.responseStarted) return false;
  }
  return true;
}
