import type { BalancerEnvironment, LoadBalancer } from './balancer.ts';
import type { BalancerPolicy, LocalityPolicy } from './policy.ts';
import { SourceBalancer } from './sources.ts';
import { createLeastRequest, createRoundRobin } from './weighted.ts';

/** A balancer for a policy; `cluster_provided` has none, since the cluster itself finds the host. */
export function createBalancer(
  policy: Exclude<BalancerPolicy, { readonly kind: 'cluster_provided' }>,
  environment: BalancerEnvironment,
): LoadBalancer {
  switch (policy.kind) {
    case 'round_robin':
      return createRoundRobin(policy, environment);
    case 'least_request':
      return createLeastRequest(policy, environment);
    case 'random':
      return createRandom(policy.locality, environment);
  }
}

/** Any host of the source with the same probability: Envoy's random policy regards no weights. */
function createRandom(locality: LocalityPolicy, environment: BalancerEnvironment): LoadBalancer {
  return new SourceBalancer({
    locality,
    environment,
    seed: 0,
    policy: { refresh: () => undefined, pick: ({ hosts }, random) => hosts[random % hosts.length] },
    eager: false,
  });
}
