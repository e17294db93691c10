import type { Fields } from '../../config/fields.ts';

/** `envoy.config.cluster.v3.OutlierDetection` with Envoy's defaults; times in milliseconds, shares in percent. */
export interface OutlierConfig {
  readonly consecutive5xx: number;
  readonly consecutiveGateway: number;
  readonly consecutiveLocal: number;
  /** Local failures count on their own instead of as 5xx. */
  readonly splitLocal: boolean;
  readonly interval: number;
  readonly baseEjection: number;
  readonly maxEjection: number;
  readonly jitter: number;
  readonly maxPercent: number;
  readonly alwaysOne: boolean;
  readonly unejectOnHealthCheck: boolean;
  readonly successRate: RateRule & { readonly stdevFactor: number };
  readonly failure: RateRule & { readonly threshold: number };
  /** How many of the ejections that are due are carried out. */
  readonly enforcing: Readonly<Record<EjectionType, number>>;
}

interface RateRule {
  readonly hosts: number;
  readonly volume: number;
}

/** Why a host is ejected, by the names of the statistics. */
export type EjectionType =
  | 'consecutive5xx'
  | 'consecutiveGateway'
  | 'consecutiveLocal'
  | 'successRate'
  | 'localSuccessRate'
  | 'failurePercentage'
  | 'localFailurePercentage';

const LONGEST_EJECTION = 300_000;

export function readOutlierDetection(fields: Fields): OutlierConfig {
  const number = (key: string, fallback: number): number => fields.number(key) ?? fallback;
  const baseEjection = fields.duration('base_ejection_time') ?? 30_000;
  const maxEjection = fields.duration('max_ejection_time') ?? Math.max(LONGEST_EJECTION, baseEjection);
  if (maxEjection < baseEjection) fields.problem('max_ejection_time', 'is shorter than base_ejection_time');
  return {
    consecutive5xx: number('consecutive_5xx', 5),
    consecutiveGateway: number('consecutive_gateway_failure', 5),
    consecutiveLocal: number('consecutive_local_origin_failure', 5),
    splitLocal: fields.flag('split_external_local_origin_errors'),
    interval: fields.duration('interval') ?? 10_000,
    baseEjection,
    maxEjection,
    jitter: fields.duration('max_ejection_time_jitter') ?? 0,
    maxPercent: number('max_ejection_percent', 10),
    alwaysOne: fields.flag('always_eject_one_host'),
    unejectOnHealthCheck: fields.boolean('successful_active_health_check_uneject_host') ?? true,
    successRate: {
      hosts: number('success_rate_minimum_hosts', 5),
      volume: number('success_rate_request_volume', 100),
      stdevFactor: number('success_rate_stdev_factor', 1900) / 1000,
    },
    failure: {
      hosts: number('failure_percentage_minimum_hosts', 5),
      volume: number('failure_percentage_request_volume', 50),
      threshold: number('failure_percentage_threshold', 85),
    },
    enforcing: {
      consecutive5xx: number('enforcing_consecutive_5xx', 100),
      consecutiveGateway: number('enforcing_consecutive_gateway_failure', 0),
      consecutiveLocal: number('enforcing_consecutive_local_origin_failure', 100),
      successRate: number('enforcing_success_rate', 100),
      localSuccessRate: number('enforcing_local_origin_success_rate', 100),
      failurePercentage: number('enforcing_failure_percentage', 0),
      localFailurePercentage: number('enforcing_failure_percentage_local_origin', 0),
    },
  };
}
