import { counter, type StatsKind, statsKind } from '../stats/kind.ts';
import type { StatsScope } from '../stats/store.ts';

/** What Envoy counts of handshakes, under `listener.<address>.ssl.` and `cluster.<name>.ssl.`. */
class TlsStats {
  connectionError = 0;
  handshake = 0;
  sessionReused = 0;
  noCertificate = 0;
  failNoCertificate = 0;
  failError = 0;
  failNames = 0;
  failHash = 0;
}

const TLS_STATS = statsKind(
  TlsStats,
  {
    connectionError: counter('connection_error'),
    handshake: counter('handshake'),
    sessionReused: counter('session_reused'),
    noCertificate: counter('no_certificate'),
    failNoCertificate: counter('fail_verify_no_cert'),
    failError: counter('fail_verify_error'),
    failNames: counter('fail_verify_san'),
    failHash: counter('fail_verify_cert_hash'),
  },
  {
    counters: [
      'ocsp_staple_failed',
      'ocsp_staple_omitted',
      'ocsp_staple_requests',
      'ocsp_staple_responses',
      'was_key_usage_invalid',
    ],
  },
);

class NamedCount {
  count = 0;
}

const NAMED = statsKind(NamedCount, { count: counter('') });

/** The statistics of one context; versions and ciphers are counted by name. */
export interface TlsCounts {
  readonly stats: TlsStats;
  countHandshake(version: string, cipher: string, reused: boolean): void;
}

/** `prefix` ends with `ssl.`. */
export function tlsCounts(scope: StatsScope, prefix: string): TlsCounts {
  const stats = scope.get(TLS_STATS, prefix);
  const named = new Map<string, NamedCount>();
  const count = (name: string): void => {
    const counts = named.get(name) ?? scope.get(NAMED as StatsKind<NamedCount>, `${prefix}${name}`);
    named.set(name, counts);
    counts.count++;
  };
  return {
    stats,
    countHandshake: (version, cipher, reused) => {
      stats.handshake++;
      if (reused) stats.sessionReused++;
      count(`versions.${version}`);
      count(`ciphers.${cipher}`);
    },
  };
}
