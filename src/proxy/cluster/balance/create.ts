import type { BalancerEnvironment, LoadBalancer } from './balancer.ts';
import { HashBalancer } from './hashing.ts';
import { Maglev, maglevCounts } from './maglev.ts';
import type { ConsistentHashing, HostPolicy, LocalityPolicy, SubsetPolicy } from './policy.ts';
import { Ring, type RingOptions, ringShape } from './ring.ts';
import { SourceBalancer } from './sources.ts';
import { MAGLEV_STATS, RING_STATS } from './stats.ts';
import { SubsetBalancer } from './subset.ts';
import { createLeastRequest, createRoundRobin } from './weighted.ts';

/** A balancer for a policy. */
export function createBalancer(policy: HostPolicy | SubsetPolicy, environment: BalancerEnvironment): LoadBalancer {
  switch (policy.kind) {
    case 'round_robin':
      return createRoundRobin(policy, environment);
    case 'least_request':
      return createLeastRequest(policy, environment);
    case 'random':
      return createRandom(policy.locality, environment);
    case 'subset':
      return new SubsetBalancer(policy, environment, () => createBalancer(policy.inner, environment));
    case 'ring_hash':
      return createRingHash(policy.ring, policy.hashing, environment);
    case 'maglev':
      return createMaglev(policy.tableSize, policy.hashing, environment);
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

function createRingHash(
  options: RingOptions,
  hashing: ConsistentHashing,
  environment: BalancerEnvironment,
): LoadBalancer {
  const stats = environment.ownStats(RING_STATS, 'ring_hash_lb.');
  return new HashBalancer(
    {
      build: (hosts) => new Ring(hosts, options, hashing.useHostname),
      count: (hosts) => {
        const { size, points } = ringShape(hosts, options);
        stats.size = size;
        stats.least = Math.min(size, ...points);
        stats.most = Math.max(...points);
      },
    },
    hashing,
    environment,
  );
}

function createMaglev(tableSize: number, hashing: ConsistentHashing, environment: BalancerEnvironment): LoadBalancer {
  const stats = environment.ownStats(MAGLEV_STATS, 'maglev_lb.');
  return new HashBalancer(
    {
      build: (hosts) => new Maglev(hosts, tableSize, hashing.useHostname),
      count: (hosts) => {
        const counts = maglevCounts(hosts, tableSize, hashing.useHostname);
        stats.least = Math.min(...counts);
        stats.most = Math.max(...counts);
      },
    },
    hashing,
    environment,
  );
}
