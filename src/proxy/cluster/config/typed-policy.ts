import { type Fields, typeName } from '../../config/fields.ts';
import { type BalancerPolicy, type ConsistentHashing, type LocalityPolicy, PLAIN_LOCALITY } from '../balance/policy.ts';
import {
  checkRing,
  checkTableSize,
  readHashing,
  readLeastRequest,
  readLocalityPolicy,
  readRing,
  readRoundRobin,
  readTableSize,
} from './policy-parts.ts';
import { readSubsetRules } from './subset.ts';

const POLICIES = 'envoy.extensions.load_balancing_policies.';
const SUPPORTED = 'RoundRobin, LeastRequest, Random, RingHash, Maglev, Subset, ClusterProvided';

/** An `envoy.config.cluster.v3.LoadBalancingPolicy`: the first of the list counts. */
export function readPolicyList(fields: Fields): BalancerPolicy | undefined {
  const found = fields.list('policies', (policy) =>
    policy.message('typed_extension_config', (extension) => {
      extension.ignore('name');
      return extension.message('typed_config', readTypedPolicy);
    }),
  );
  if (fields.items('policies').length === 0) fields.problem('policies', 'value is required');
  return found[0];
}

function readTypedPolicy(fields: Fields): BalancerPolicy | undefined {
  switch (typeName(fields.json)) {
    case `${POLICIES}round_robin.v3.RoundRobin`:
      return { ...readRoundRobin(fields), locality: readLocality(fields) };
    case `${POLICIES}least_request.v3.LeastRequest`:
      return { ...readLeastRequest(fields), locality: readLocality(fields) };
    case `${POLICIES}random.v3.Random`:
      return { kind: 'random', locality: readLocality(fields) };
    case `${POLICIES}ring_hash.v3.RingHash`: {
      const ring = readRing(fields);
      checkRing(fields, ring, 'minimum_ring_size');
      return { kind: 'ring_hash', ring, hashing: readConsistentHashing(fields) };
    }
    case `${POLICIES}maglev.v3.Maglev`: {
      const tableSize = readTableSize(fields);
      checkTableSize(fields, tableSize, 'table_size');
      return { kind: 'maglev', tableSize, hashing: readConsistentHashing(fields) };
    }
    case `${POLICIES}subset.v3.Subset`:
      return readSubset(fields);
    case `${POLICIES}cluster_provided.v3.ClusterProvided`:
      return { kind: 'cluster_provided' };
    default:
      fields.problem('@type', `${typeName(fields.json)} is not supported by ciliate-proxy`, SUPPORTED);
      fields.ignore(...Object.keys(fields.json));
      return undefined;
  }
}

function readLocality(fields: Fields): LocalityPolicy {
  return fields.message('locality_lb_config', readLocalityPolicy) ?? PLAIN_LOCALITY;
}

/** `consistent_hashing_lb_config`, or its fields where they stood before. */
function readConsistentHashing(fields: Fields): ConsistentHashing {
  const deprecated = readHashing(fields);
  const hashing = fields.message('consistent_hashing_lb_config', readHashing) ?? deprecated;
  const localityWeighted = fields.message('locality_weighted_lb_config', () => true) ?? false;
  return { ...hashing, localityWeighted };
}

function readSubset(fields: Fields): BalancerPolicy | undefined {
  const inner = fields.message('subset_lb_policy', readPolicyList);
  const rules = readSubsetRules(fields);
  if (inner?.kind === 'cluster_provided') {
    fields.problem('subset_lb_policy', 'ClusterProvided cannot choose within a subset');
    return undefined;
  }
  return inner && rules.selectors.length > 0 ? { kind: 'subset', ...rules, inner } : inner;
}
