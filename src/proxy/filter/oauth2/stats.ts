import { counter, statsKind } from '../../stats/kind.ts';

export class OAuthStats {
  failure = 0;
  passed = 0;
  success = 0;
  unauthorized = 0;
  refreshed = 0;
  refreshFailed = 0;
  /** Cookies that were sealed as it is done until all instances know better: all of them here. */
  unsealed = 0;
}

export const OAUTH_STATS = statsKind(OAuthStats, {
  failure: counter('oauth_failure'),
  passed: counter('oauth_passthrough'),
  success: counter('oauth_success'),
  unauthorized: counter('oauth_unauthorized_rq'),
  refreshed: counter('oauth_refreshtoken_success'),
  refreshFailed: counter('oauth_refreshtoken_failure'),
  unsealed: counter('oauth_legacy_cbc_decrypt'),
});
