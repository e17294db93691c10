import type { Fields } from '../../config/fields.ts';
import type {
  BalancerPolicy,
  ConsistentHashing,
  HostPolicy,
  LeastRequestPolicy,
  LocalityPolicy,
} from '../balance/policy.ts';
import { PLAIN_LOCALITY } from '../balance/policy.ts';
import {
  checkRing,
  checkTableSize,
  DEFAULT_TABLE_SIZE,
  PLAIN_RING,
  readLeastRequest,
  readRing,
  readRoundRobin,
  readTableSize,
} from './policy-parts.ts';
import { readSubsetRules, type SubsetRules } from './subset.ts';
import { readPolicyList } from './typed-policy.ts';

const LB_POLICIES = [
  'ROUND_ROBIN',
  'LEAST_REQUEST',
  'RANDOM',
  'RING_HASH',
  'MAGLEV',
  'CLUSTER_PROVIDED',
  'LOAD_BALANCING_POLICY_CONFIG',
] as const;
type LbPolicy = (typeof LB_POLICIES)[number];

/** What `common_lb_config` says about the choice of hosts. */
export interface CommonPolicy {
  readonly locality: LocalityPolicy;
  readonly hashing: Omit<ConsistentHashing, 'localityWeighted'>;
  /** Fields that cannot stand beside `load_balancing_policy`. */
  readonly clashes: readonly string[];
}

/** The policy of a cluster: `load_balancing_policy` where there is one, else `lb_policy` with its configuration. */
export function readPolicy(fields: Fields, common: CommonPolicy): BalancerPolicy {
  const plain = readPlainPolicies(fields);
  const modern = fields.message('load_balancing_policy', readPolicyList);
  const subset = fields.message('lb_subset_config', readSubsetRules);
  const written = fields.choice('lb_policy', LB_POLICIES);
  if (subset && (modern || written === 'CLUSTER_PROVIDED')) {
    fields.problem('lb_subset_config', `cannot be combined with ${modern ? 'load_balancing_policy' : written}`);
  }
  if (subset && subset.localityWeights !== 'none' && !common.locality.weighted) {
    fields.problem('lb_subset_config.locality_weight_aware', 'needs locality_weighted_lb_config');
  }
  if (modern) {
    for (const name of common.clashes) {
      fields.problem(`common_lb_config.${name}`, 'cannot be combined with load_balancing_policy');
    }
    return modern;
  }
  if (written === 'CLUSTER_PROVIDED') return { kind: 'cluster_provided' };
  return withSubsets(plain(written, common), subset);
}

function withSubsets(inner: HostPolicy, rules: SubsetRules | undefined): BalancerPolicy {
  return rules && rules.selectors.length > 0 ? { kind: 'subset', ...rules, inner } : inner;
}

/** Reads the configurations of all policies; only the one that is used must be right. */
function readPlainPolicies(
  fields: Fields,
): (written: Exclude<LbPolicy, 'CLUSTER_PROVIDED'>, common: CommonPolicy) => HostPolicy {
  const roundRobin = fields.message('round_robin_lb_config', readRoundRobin);
  const leastRequest = fields.message('least_request_lb_config', readLeastRequest);
  const ring = fields.message('ring_hash_lb_config', readRing) ?? PLAIN_RING;
  const tableSize = fields.message('maglev_lb_config', readTableSize) ?? DEFAULT_TABLE_SIZE;
  return (written, { locality, hashing }) => {
    switch (written) {
      case 'ROUND_ROBIN':
        return { kind: 'round_robin', slowStart: undefined, ...roundRobin, locality };
      case 'LEAST_REQUEST':
        return { ...(leastRequest ?? PLAIN_LEAST_REQUEST), locality };
      case 'RANDOM':
        return { kind: 'random', locality };
      case 'RING_HASH':
        checkRing(fields, ring, 'ring_hash_lb_config.minimum_ring_size');
        return { kind: 'ring_hash', ring, hashing: { ...hashing, localityWeighted: locality.weighted } };
      case 'MAGLEV':
        checkTableSize(fields, tableSize, 'maglev_lb_config.table_size');
        return { kind: 'maglev', tableSize, hashing: { ...hashing, localityWeighted: locality.weighted } };
      case 'LOAD_BALANCING_POLICY_CONFIG':
        fields.problem('load_balancing_policy', 'value is required with LOAD_BALANCING_POLICY_CONFIG');
        return { kind: 'random', locality };
    }
  };
}

const PLAIN_LEAST_REQUEST: LeastRequestPolicy = {
  kind: 'least_request',
  choices: 2,
  bias: 1,
  fullScan: false,
  slowStart: undefined,
  locality: PLAIN_LOCALITY,
};
