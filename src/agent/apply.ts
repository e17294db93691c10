import type { Issue, Result } from '../base/index.ts';
import type { DatapathPlan, NodePlan, ResourceMap, ServiceRedirect, XdsResources } from '../plan/index.ts';

/** What came of publishing resources to the data plane. */
export interface PublishOutcome {
  /** `pending`: no data plane is connected; it will get them when it connects. */
  readonly state: 'accepted' | 'rejected' | 'pending' | 'timeout';
  /** With `rejected`: the data plane's text for each type. */
  readonly rejections: readonly { readonly typeUrl: string; readonly message: string }[];
}

export interface ApplyEdges {
  publish(resources: XdsResources): Promise<PublishOutcome>;
  applyDatapath(plan: DatapathPlan): Promise<Result<unknown, readonly Issue[]>>;
}

/** What is in force after an apply, handed to the next one. */
export interface Applied {
  readonly xds: XdsResources;
  readonly serviceRedirects: readonly ServiceRedirect[];
  readonly outcome: PublishOutcome;
}

/**
 * Puts a plan into force in the order that never sends traffic to a listener that is not there:
 * the data plane first gets the old and the new listeners, then the kernel changes in one transaction, then the old listeners go.
 * While the data plane has not accepted, frontends keep leading where they led: a CiliumEnvoyConfig takes nothing over that is not served.
 * Policy redirects are set all the same: without a listener behind them they drop, which is what a policy asks for.
 * Throws when the kernel refuses; then the old state is still in force there.
 */
export async function applyPlan(plan: NodePlan, previous: Applied | undefined, edges: ApplyEdges): Promise<Applied> {
  const joined = previous ? joinResources(previous.xds, plan.xds) : plan.xds;
  const outcome = await edges.publish(joined);
  const serviceRedirects =
    outcome.state === 'accepted' ? plan.datapath.serviceRedirects : keptRedirects(plan, previous);
  const applied = await edges.applyDatapath({ ...plan.datapath, serviceRedirects });
  if (!applied.ok)
    throw new Error(
      `the kernel refused the ruleset: ${applied.error.map((issue) => `${issue.path}: ${issue.message}`).join('; ')}`,
    );
  if (joined !== plan.xds && outcome.state === 'accepted') await edges.publish(plan.xds);
  return { xds: outcome.state === 'accepted' ? plan.xds : joined, serviceRedirects, outcome };
}

/** Redirects that were in force and are still wanted; a frontend that is no longer wanted is released at once. */
function keptRedirects(plan: NodePlan, previous: Applied | undefined): readonly ServiceRedirect[] {
  const wanted = new Set(plan.datapath.serviceRedirects.map(({ address, port }) => `${address}:${port}`));
  return (previous?.serviceRedirects ?? []).filter(({ address, port }) => wanted.has(`${address}:${port}`));
}

/** The next resources and, where the next ones lack them, the previous listeners with what they use; the next ones themselves when nothing goes. */
function joinResources(previous: XdsResources, next: XdsResources): XdsResources {
  const goes = [...previous.listeners.keys()].some((name) => !next.listeners.has(name));
  if (!goes) return next;
  const join = (before: ResourceMap, after: ResourceMap): ResourceMap => new Map([...before, ...after]);
  return {
    listeners: join(previous.listeners, next.listeners),
    routes: join(previous.routes, next.routes),
    clusters: join(previous.clusters, next.clusters),
    endpoints: join(previous.endpoints, next.endpoints),
    secrets: join(previous.secrets, next.secrets),
    extensionConfigs: join(previous.extensionConfigs, next.extensionConfigs),
  };
}
