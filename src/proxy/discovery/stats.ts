import { Histogram } from '../stats/histogram.ts';
import { counter, histogram, sharedGauge, statsKind, text } from '../stats/kind.ts';

/** Counters of one subscription, such as `cluster_manager.cds.` or `http.<prefix>.rds.<name>.`. */
export class SubscriptionStats {
  attempt = 0;
  success = 0;
  failure = 0;
  rejected = 0;
  fetchTimeout = 0;
  /** Wall-clock milliseconds of the last success. */
  time = 0;
  versionText = '';
  readonly duration = new Histogram();
}

/** What a subscription counts beside that where what changes is loaded anew: `http.<prefix>.rds.<name>.`, `cluster_manager.cds.`. */
export class NamedSubscriptionStats extends SubscriptionStats {
  reload = 0;
  /** Wall-clock milliseconds of the last change. */
  reloadTime = 0;
}

const subscription = {
  attempt: counter('update_attempt'),
  success: counter('update_success'),
  failure: counter('update_failure'),
  rejected: counter('update_rejected'),
  fetchTimeout: counter('init_fetch_timeout'),
  time: sharedGauge('update_time'),
  versionText: text('version_text'),
  duration: histogram('ms', 'update_duration'),
};

export const SUBSCRIPTION_STATS = statsKind(SubscriptionStats, subscription);

export const CLUSTER_SUBSCRIPTION_STATS = statsKind(NamedSubscriptionStats, {
  ...subscription,
  reload: counter('config_reload'),
  reloadTime: sharedGauge('config_reload_time_ms'),
});

export const ROUTE_SUBSCRIPTION_STATS = statsKind(
  NamedSubscriptionStats,
  { ...subscription, reload: counter('config_reload'), reloadTime: sharedGauge('config_reload_time_ms') },
  { counters: ['update_empty'] },
);

/** `extension_config_discovery.http_filter.<name>.`, or `network_filter` in its place. */
export class FilterSubscriptionStats extends NamedSubscriptionStats {
  /** Answers that were of no use, or did not come in time. */
  fail = 0;
}

export const FILTER_SUBSCRIPTION_STATS = statsKind(
  FilterSubscriptionStats,
  {
    ...subscription,
    reload: counter('config_reload'),
    reloadTime: sharedGauge('config_reload_time_ms'),
    fail: counter('config_fail'),
  },
  { counters: ['config_conflict'] },
);

/** `sds.<name>.` */
class SecretStats {
  /** Changed files that were of no use. */
  rotationFailed = 0;
}

export const SECRET_STATS = statsKind(SecretStats, { rotationFailed: counter('key_rotation_failed') });

/** `control_plane.` */
class ControlPlaneStats {
  connected = 0;
  pending = 0;
  identifier = '';
}

export const CONTROL_PLANE_STATS = statsKind(
  ControlPlaneStats,
  {
    connected: sharedGauge('connected_state'),
    pending: sharedGauge('pending_requests'),
    identifier: text('identifier'),
  },
  { counters: ['rate_limit_enforced'] },
);

/** What a cluster counts of its endpoint subscription beside `update_attempt` and `update_success`, under `cluster.<name>.`. */
export class EdsStats {
  rejected = 0;
  fetchTimeout = 0;
  time = 0;
  versionText = '';
  readonly duration = new Histogram();
}

export const EDS_STATS = statsKind(EdsStats, {
  rejected: counter('update_rejected'),
  fetchTimeout: counter('init_fetch_timeout'),
  time: sharedGauge('update_time'),
  versionText: text('version_text'),
  duration: histogram('ms', 'update_duration'),
});
