import { type Fields, typeName } from '../../config/fields.ts';
import {
  type BalancerPolicy,
  type LeastRequestPolicy,
  type LocalityPolicy,
  PLAIN_LOCALITY,
  type RoundRobinPolicy,
  type SlowStart,
} from '../balance/policy.ts';

const POLICIES = 'envoy.extensions.load_balancing_policies.';
const LB_POLICIES = [
  'ROUND_ROBIN',
  'LEAST_REQUEST',
  'RANDOM',
  'CLUSTER_PROVIDED',
  'LOAD_BALANCING_POLICY_CONFIG',
] as const;
const SUPPORTED = 'RoundRobin, LeastRequest, Random, ClusterProvided';

/** The policy of a cluster: `load_balancing_policy` where there is one, else `lb_policy` with its configuration. */
export function readPolicy(fields: Fields, commonLocality: LocalityPolicy | undefined): BalancerPolicy {
  const roundRobin = fields.message('round_robin_lb_config', readRoundRobin);
  const leastRequest = fields.message('least_request_lb_config', readLeastRequest);
  const modern = fields.message('load_balancing_policy', readPolicyList);
  const written = fields.choice('lb_policy', LB_POLICIES);
  if (modern) return modern;
  const locality = commonLocality ?? PLAIN_LOCALITY;
  switch (written) {
    case 'ROUND_ROBIN':
      return { kind: 'round_robin', slowStart: undefined, ...roundRobin, locality };
    case 'LEAST_REQUEST':
      return { ...(leastRequest ?? PLAIN_LEAST_REQUEST), locality };
    case 'RANDOM':
      return { kind: 'random', locality };
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
    case `${POLICIES}cluster_provided.v3.ClusterProvided`:
      return { kind: 'cluster_provided' };
    default:
      fields.problem('@type', `${typeName(fields.json)} is not supported by ciliate-proxy`, SUPPORTED);
      fields.ignore(...Object.keys(fields.json));
      return undefined;
  }
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
