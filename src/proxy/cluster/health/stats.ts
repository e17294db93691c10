import { counter, sharedGauge, statsKind } from '../../stats/kind.ts';

/** Counters of active health checks, under `cluster.<name>.health_check.`. */
export class HealthCheckStats {
  attempt = 0;
  success = 0;
  failure = 0;
  networkFailure = 0;
  passiveFailure = 0;
  verifyCluster = 0;
  healthy = 0;
  degraded = 0;
}

export const HEALTH_CHECK_STATS = statsKind(HealthCheckStats, {
  attempt: counter('attempt'),
  success: counter('success'),
  failure: counter('failure'),
  networkFailure: counter('network_failure'),
  passiveFailure: counter('passive_failure'),
  verifyCluster: counter('verify_cluster'),
  healthy: sharedGauge('healthy'),
  degraded: sharedGauge('degraded'),
});
