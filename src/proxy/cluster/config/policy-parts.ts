import type { Fields } from '../../config/fields.ts';
import {
  type ConsistentHashing,
  type LeastRequestPolicy,
  type LocalityPolicy,
  PLAIN_LOCALITY,
  type RoundRobinPolicy,
  type SlowStart,
} from '../balance/policy.ts';
import type { RingOptions } from '../balance/ring.ts';

/** Parts that policies of both styles, `lb_policy` and `load_balancing_policy`, have in common. */

export function readRoundRobin(fields: Fields): RoundRobinPolicy {
  return { kind: 'round_robin', slowStart: readSlowStart(fields), locality: PLAIN_LOCALITY };
}

export function readLeastRequest(fields: Fields): LeastRequestPolicy {
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

const MOST_POINTS = 8_388_608;
export const PLAIN_RING: RingOptions = { minSize: 1024, maxSize: MOST_POINTS, murmur: false };
export const DEFAULT_TABLE_SIZE = 65_537;

export function readRing(fields: Fields): RingOptions {
  return {
    minSize: fields.number('minimum_ring_size') ?? PLAIN_RING.minSize,
    maxSize: fields.number('maximum_ring_size') ?? PLAIN_RING.maxSize,
    murmur: fields.raw('hash_function') === 'MURMUR_HASH_2',
  };
}

export function checkRing(fields: Fields, { minSize, maxSize }: RingOptions, key: string): void {
  if (minSize > maxSize) fields.problem(key, `${minSize} is more than maximum_ring_size (${maxSize})`);
}

export function readTableSize(fields: Fields): number {
  return fields.number('table_size') ?? DEFAULT_TABLE_SIZE;
}

export function checkTableSize(fields: Fields, size: number, key: string): void {
  if (!isPrime(size)) fields.problem(key, `found ${size}`, 'a prime number');
}

function isPrime(value: number): boolean {
  if (value < 2) return false;
  for (let factor = 2; factor * factor <= value; factor++) if (value % factor === 0) return false;
  return true;
}

/** `use_hostname_for_hashing` and `hash_balance_factor`, wherever they stand. */
export function readHashing(fields: Fields): Omit<ConsistentHashing, 'localityWeighted'> {
  return {
    useHostname: fields.flag('use_hostname_for_hashing'),
    balanceFactor: fields.number('hash_balance_factor') ?? 0,
  };
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
