import { counter, statsKind } from '../../stats/kind.ts';

export class JwtStats {
  allowed = 0;
  denied = 0;
  preflights = 0;
  fetched = 0;
  fetchFailed = 0;
  cacheHit = 0;
  cacheMiss = 0;
}

/** Below `http.<prefix>.jwt_authn.`. */
export const JWT_STATS = statsKind(JwtStats, {
  allowed: counter('allowed'),
  denied: counter('denied'),
  preflights: counter('cors_preflight_bypassed'),
  fetched: counter('jwks_fetch_success'),
  fetchFailed: counter('jwks_fetch_failed'),
  cacheHit: counter('jwt_cache_hit'),
  cacheMiss: counter('jwt_cache_miss'),
});
