import { counter, sharedGauge, statsKind } from '../stats/kind.ts';

/** Counters of outlier detection, under `cluster.<name>.outlier_detection.`. */
export class OutlierStats {
  active = 0;
  enforced = 0;
  overflow = 0;
  total = 0;
  deprecated5xx = 0;
  deprecatedSuccessRate = 0;
  detectedConsecutive5xx = 0;
  detectedConsecutiveGateway = 0;
  detectedConsecutiveLocal = 0;
  detectedSuccessRate = 0;
  detectedLocalSuccessRate = 0;
  detectedFailurePercentage = 0;
  detectedLocalFailurePercentage = 0;
  enforcedConsecutive5xx = 0;
  enforcedConsecutiveGateway = 0;
  enforcedConsecutiveLocal = 0;
  enforcedSuccessRate = 0;
  enforcedLocalSuccessRate = 0;
  enforcedFailurePercentage = 0;
  enforcedLocalFailurePercentage = 0;
}

export const OUTLIER_STATS = statsKind(
  OutlierStats,
  {
    active: sharedGauge('ejections_active'),
    enforced: counter('ejections_enforced_total'),
    overflow: counter('ejections_overflow'),
    total: counter('ejections_total'),
    deprecated5xx: counter('ejections_consecutive_5xx'),
    deprecatedSuccessRate: counter('ejections_success_rate'),
    detectedConsecutive5xx: counter('ejections_detected_consecutive_5xx'),
    detectedConsecutiveGateway: counter('ejections_detected_consecutive_gateway_failure'),
    detectedConsecutiveLocal: counter('ejections_detected_consecutive_local_origin_failure'),
    detectedSuccessRate: counter('ejections_detected_success_rate'),
    detectedLocalSuccessRate: counter('ejections_detected_local_origin_success_rate'),
    detectedFailurePercentage: counter('ejections_detected_failure_percentage'),
    detectedLocalFailurePercentage: counter('ejections_detected_local_origin_failure_percentage'),
    enforcedConsecutive5xx: counter('ejections_enforced_consecutive_5xx'),
    enforcedConsecutiveGateway: counter('ejections_enforced_consecutive_gateway_failure'),
    enforcedConsecutiveLocal: counter('ejections_enforced_consecutive_local_origin_failure'),
    enforcedSuccessRate: counter('ejections_enforced_success_rate'),
    enforcedLocalSuccessRate: counter('ejections_enforced_local_origin_success_rate'),
    enforcedFailurePercentage: counter('ejections_enforced_failure_percentage'),
    enforcedLocalFailurePercentage: counter('ejections_enforced_local_origin_failure_percentage'),
  },
  { counters: ['ejections_detected_degradation'] },
);

type Suffix<P extends string> = keyof OutlierStats extends infer K ? (K extends `${P}${infer S}` ? S : never) : never;

/** The counters of a type of ejection: of those found, and of those carried out. */
export const EJECTION_COUNTERS = {
  consecutive5xx: counters('Consecutive5xx'),
  consecutiveGateway: counters('ConsecutiveGateway'),
  consecutiveLocal: counters('ConsecutiveLocal'),
  successRate: counters('SuccessRate'),
  localSuccessRate: counters('LocalSuccessRate'),
  failurePercentage: counters('FailurePercentage'),
  localFailurePercentage: counters('LocalFailurePercentage'),
} as const;

function counters<S extends Suffix<'detected'> & Suffix<'enforced'>>(
  name: S,
): { readonly detected: `detected${S}`; readonly enforced: `enforced${S}` } {
  return { detected: `detected${name}`, enforced: `enforced${name}` };
}
