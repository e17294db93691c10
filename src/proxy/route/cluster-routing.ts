import type { Fields } from '../config/fields.ts';
import { Runtime } from '../runtime/runtime.ts';
import type { ForwardAction } from './action.ts';
import { type HashPolicies, readHashPolicies } from './hash-policy.ts';
import { type MirrorContext, type MirrorPolicy, readMirrors } from './mirror.ts';
import type { RoutePolicy } from './policy.ts';
import { type RetryPolicy, readRetryPolicy } from './retry.ts';
import { compileTimeouts } from './timeouts.ts';

/** What a cluster's `HttpProtocolOptions` say about requests to it, over what their route says. */
export interface ClusterRouting {
  readonly retry: RetryPolicy | undefined;
  readonly hashPolicies: HashPolicies;
  readonly mirrors: readonly MirrorPolicy[];
}

export const NO_CLUSTER_ROUTING: ClusterRouting = { retry: undefined, hashPolicies: [], mirrors: [] };

/** Clusters are read without the runtime: what they say themselves holds. Other clusters may come later. */
const MIRROR_CONTEXT: MirrorContext = { runtime: new Runtime(), hasCluster: undefined };

export function readClusterRouting(fields: Fields): ClusterRouting {
  const retry = fields.message('retry_policy', readRetryPolicy);
  const hashPolicies = readHashPolicies(fields);
  const mirrors = readMirrors(fields, MIRROR_CONTEXT);
  if (!retry && hashPolicies.length + mirrors.length === 0) return NO_CLUSTER_ROUTING;
  return { retry, hashPolicies, mirrors };
}

/** What holds for requests of a route that go to a cluster. */
export function policyAt(
  { config: { routing } }: { readonly config: { readonly routing: ClusterRouting } },
  { policy }: { readonly policy: RoutePolicy },
  action: ForwardAction,
): RoutePolicy {
  if (routing === NO_CLUSTER_ROUTING) return policy;
  const { retry = policy.retry } = routing;
  const timeouts = routing.retry ? compileTimeouts(action, retry, policy.timeouts.hedge) : policy.timeouts;
  const mirrors = routing.mirrors.length > 0 ? routing.mirrors : policy.mirrors;
  return { ...policy, retry, timeouts, mirrors };
}
