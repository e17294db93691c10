import { counter, statsKind } from '../../stats/kind.ts';

/** What an ext_authz filter counts, under `http.<prefix>.ext_authz.[<stat_prefix>.]`. */
export class AuthzStats {
  ok = 0;
  denied = 0;
  error = 0;
  disabled = 0;
  failureModeAllowed = 0;
  invalid = 0;
  ignoredMetadata = 0;
  headerLimits = 0;
}

export const AUTHZ_STATS = statsKind(
  AuthzStats,
  {
    ok: counter('ok'),
    denied: counter('denied'),
    error: counter('error'),
    disabled: counter('disabled'),
    failureModeAllowed: counter('failure_mode_allowed'),
    invalid: counter('invalid'),
    ignoredMetadata: counter('ignored_dynamic_metadata'),
    headerLimits: counter('request_header_limits_reached'),
  },
  {
    counters: [
      'filter_state_name_collision',
      'omitted_response_headers',
      'response_header_limits_reached',
      'shadow_denied',
      'shadow_error',
    ],
  },
);

class Count {
  count = 0;
}

/** What is counted for the cluster that a request would go to, each when it first occurs. */
export const CLUSTER_AUTHZ = {
  ok: statsKind(Count, { count: counter('ok') }),
  denied: statsKind(Count, { count: counter('denied') }),
  error: statsKind(Count, { count: counter('error') }),
  invalid: statsKind(Count, { count: counter('invalid') }),
  failureModeAllowed: statsKind(Count, { count: counter('failure_mode_allowed') }),
} as const;

export type AuthzOutcome = keyof typeof CLUSTER_AUTHZ;
