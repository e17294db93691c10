import { type Fields, typeName } from '../../config/fields.ts';
import {
  type BalancerPolicy,
  type ConsistentHashing,
  type LeastRequestPolicy,
  type LocalityPolicy,
  PLAIN_LOCALITY,
  type RoundRobinPolicy,
  type SlowStart,
} from '../balance/policy.ts';
import type { RingOptions } from '../balance/ring.ts';

const POLICIES = 'envoy.extensions.load_balancing_policies.';
const LB_POLICIES = [
  'ROUND_ROBIN',
  'LEAST_REQUEST',
  'RANDOM',
  'RING_HASH',
  'MAGLEV',
  'CLUSTER_PROVIDED',
  'LOAD_BALANCING_POLICY_CONFIG',
] as const;
const SUPPORTED = 'RoundRobin, LeastRequest, Random, RingHash, Maglev, ClusterProvided';

/** The policy of a cluster: `load_balancing_policy` where there is one, else `lb_policy` with its configuration. */
export function readPolicy(
  fields: Fields,
  locality: LocalityPolicy,
  hashing: Omit<ConsistentHashing, 'localityWeighted'>,
): BalancerPolicy {
  const roundRobin = fields.message('round_robin_lb_config', readRoundRobin);
  const leastRequest = fields.message('least_request_lb_config', readLeastRequest);
  const ring = fields.message('ring_hash_lb_config', readRing) ?? PLAIN_RING;
  const tableSize = fields.message('maglev_lb_config', readTableSize) ?? DEFAULT_TABLE_SIZE;
  const modern = fields.message('load_balancing_policy', readPolicyList);
  const written = fields.choice('lb_policy', LB_POLICIES);
  if (modern) return modern;
  switch (written) {
    case 'ROUND_ROBIN':
      return { kind: 'round_robin', slowStart: undefined, ...roundRobin, locality };
    case 'LEAST_REQUEST':
      return { ...(leastRequest ?? PLAIN_LEAST_REQUEST), locality };
    case 'RANDOM':
      return { kind: 'random', locality };
    case 'RING_HASH':
      return { kind: 'ring_hash', ring, hashing: { ...hashing, localityWeighted: locality.weighted } };
    case 'MAGLEV':
      return { kind: 'maglev', tableSize, hashing: { ...hashing, localityWeighted: locality.weighted } };
    case 'CLUSTER_PROVIDED':
      return { kind: 'cluster_provided' };
    case 'LOAD_BALANCING_POLICY_CONFIG':
      fields.problem('load_balancing_policy', 'value is required with LOAD_BALANCING_POLICY_CONFIG');
      return { kind: 'random', locality };
  }
}

const PLAIN_LEAST_REQUEST: LeastRequestPolicy = {
  kind: 'least_request',
  choices: 2,
  bias: 1,
  fullScan: false,
  slowStart: undefined,
  locality: PLAIN_LOCALITY,
};

/** An `envoy.config.cluster.v3.LoadBalancingPolicy`: the first of the list that is known counts, and all that Envoy knows must be known here. */
export function readPolicyList(fields: Fields): BalancerPolicy | undefined {
  const [first] = fields.list('policies', (policy) =>
    policy.message('typed_extension_config', (extension) => {
      extension.ignore('name');
      return extension.message('typed_config', readTypedPolicy);
    }),
  );
  if (!first) fields.problem('policies', 'value is required');
  return first;
}

function readTypedPolicy(fields: Fields): BalancerPolicy | undefined {
  switch (typeName(fields.json)) {
    case `${POLICIES}round_robin.v3.RoundRobin`:
      return { ...readRoundRobin(fields), locality: readLocalityLb(fields) };
    case `${POLICIES}least_request.v3.LeastRequest`:
      return { ...readLeastRequest(fields), locality: readLocalityLb(fields) };
    case `${POLICIES}random.v3.Random`:
      return { kind: 'random', locality: readLocalityLb(fields) };
    case `${POLICIES}ring_hash.v3.RingHash`:
      return { kind: 'ring_hash', ring: readRing(fields), hashing: readTypedHashing(fields) };
    case `${POLICIES}maglev.v3.Maglev`:
      return { kind: 'maglev', tableSize: readTableSize(fields), hashing: readTypedHashing(fields) };
    case `${POLICIES}cluster_provided.v3.ClusterProvided`:
      return { kind: 'cluster_provided' };
    default:
      fields.problem('@type', `${typeName(fields.json)} is not supported by ciliate-proxy`, SUPPORTED);
      fields.ignore(...Object.keys(fields.json));
      return undefined;
  }
}

const MOST_POINTS = 8_388_608;
const PLAIN_RING: RingOptions = { minSize: 1024, maxSize: MOST_POINTS, murmur: false };
const DEFAULT_TABLE_SIZE = 65_537;

function readRing(fields: Fields): RingOptions {
  const minSize = fields.number('minimum_ring_size') ?? PLAIN_RING.minSize;
  const maxSize = fields.number('maximum_ring_size') ?? PLAIN_RING.maxSize;
  if (minSize > maxSize) fields.problem('minimum_ring_size', `${minSize} is more than maximum_ring_size (${maxSize})`);
  const name = fields.raw('hash_function');
  return { minSize, maxSize, murmur: name === 'MURMUR_HASH_2' };
}

function readTableSize(fields: Fields): number {
  const size = fields.number('table_size') ?? DEFAULT_TABLE_SIZE;
  if (!isPrime(size)) fields.problem('table_size', `found ${size}`, 'a prime number');
  return size;
}

function isPrime(value: number): boolean {
  if (value < 2) return false;
  for (let factor = 2; factor * factor <= value; factor++) if (value % factor === 0) return false;
  return true;
}

function readTypedHashing(fields: Fields): ConsistentHashing {
  const old = readHashing(fields);
  const hashing = fields.message('consistent_hashing_lb_config', readHashing) ?? old;
  const localityWeighted = fields.message('locality_weighted_lb_config', () => true) ?? false;
  return { ...hashing, localityWeighted };
}

/** `use_hostname_for_hashing` and `hash_balance_factor`, wherever they stand. */
export function readHashing(fields: Fields): Omit<ConsistentHashing, 'localityWeighted'> {
  return {
    useHostname: fields.flag('use_hostname_for_hashing'),
    balanceFactor: fields.number('hash_balance_factor') ?? 0,
  };
}

function readRoundRobin(fields: Fields): RoundRobinPolicy {
  return { kind: 'round_robin', slowStart: readSlowStart(fields), locality: PLAIN_LOCALITY };
}

function readLeastRequest(fields: Fields): LeastRequestPolicy {
  const fullScan = fields.flag('enable_full_scan');
  const method = fields.choice('selection_method', ['N_CHOICES', 'FULL_SCAN']);
  return {
    kind: 'least_request',
    choices: fields.number('choice_count') ?? 2,
    bias: fields.message('active_request_bias', readRuntimeDouble) ?? 1,
    fullScan: fullScan || method === 'FULL_SCAN',
    slowStart: readSlowStart(fields),
    locality: PLAIN_LOCALITY,
  };
}

function readSlowStart(fields: Fields): SlowStart | undefined {
  const slowStart = fields.message('slow_start_config', (inner) => ({
    window: inner.duration('slow_start_window') ?? 0,
    aggression: positive(inner.message('aggression', readRuntimeDouble)) ?? 1,
    minWeight: (inner.message('min_weight_percent', readPercent) ?? 10) / 100,
  }));
  return slowStart && slowStart.window > 0 ? slowStart : undefined;
}

function positive(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 ? value : undefined;
}

/** An `envoy.config.core.v3.RuntimeDouble`: its default, since there is no runtime that could override it. */
function readRuntimeDouble(fields: Fields): number {
  fields.ignore('runtime_key');
  return fields.number('default_value') ?? 0;
}

export function readPercent(fields: Fields): number {
  return fields.number('value') ?? 0;
}

function readLocalityLb(fields: Fields): LocalityPolicy {
  return fields.message('locality_lb_config', readLocalityPolicy) ?? PLAIN_LOCALITY;
}

/** The oneof of `LocalityLbConfig` and of `CommonLbConfig`. */
export function readLocalityPolicy(fields: Fields): LocalityPolicy {
  const zones = fields.message('zone_aware_lb_config', readZoneAware);
  const weighted = fields.message('locality_weighted_lb_config', () => true) ?? false;
  return zones ?? { ...PLAIN_LOCALITY, weighted };
}

function readZoneAware(fields: Fields): LocalityPolicy {
  const direct = fields.flag('force_locality_direct_routing');
  return {
    weighted: false,
    routingEnabled: Math.trunc(fields.message('routing_enabled', readPercent) ?? 100),
    minClusterSize: fields.number('min_cluster_size') ?? 6,
    failTrafficOnPanic: fields.flag('fail_traffic_on_panic'),
    forceLocalZone: direct ? 1 : undefined,
    byWeight: false,
  };
}
