import { counter, type StatsKind, statsKind } from '../stats/kind.ts';
import type { StatsScope } from '../stats/store.ts';
import type { Side } from './parameters.ts';

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

/** What Envoy counts of connections whose secrets are not there, under `listener.<address>.server_ssl_socket_factory.` and `cluster.<name>.client_ssl_socket_factory.`. */
class MissingSecrets {
  count = 0;
}

const DOWNSTREAM = 'downstream_context_secrets_not_ready';
const UPSTREAM = 'upstream_context_secrets_not_ready';

const MISSING_SECRETS = {
  downstream: statsKind(MissingSecrets, { count: counter(DOWNSTREAM) }, { counters: [UPSTREAM] }),
  upstream: statsKind(MissingSecrets, { count: counter(UPSTREAM) }, { counters: [DOWNSTREAM] }),
};

class NamedCount {
  count = 0;
}

const NAMED = statsKind(NamedCount, { count: counter('') });

/** The statistics of one context; versions and ciphers are counted by name. */
export interface TlsCounts {
  readonly stats: TlsStats;
  /** Connections that had to end since secrets were not there. */
  readonly missing: MissingSecrets;
  countHandshake(version: string, cipher: string, reused: boolean): void;
}

const FACTORIES = { downstream: 'server_ssl_socket_factory', upstream: 'client_ssl_socket_factory' };

/** `outer`: `listener.<address>.` or `cluster.<name>.`. */
export function tlsCounts(scope: StatsScope, outer: string, side: Side): TlsCounts {
  const prefix = `${outer}ssl.`;
  const stats = scope.get(TLS_STATS, prefix);
  const missing = scope.get(MISSING_SECRETS[side], `${outer}${FACTORIES[side]}.`);
  const named = new Map<string, NamedCount>();
  const count = (name: string): void => {
    const counts = named.get(name) ?? scope.get(NAMED as StatsKind<NamedCount>, `${prefix}${name}`);
    named.set(name, counts);
    counts.count++;
  };
  return {
    stats,
    missing,
    countHandshake: (version, cipher, reused) => {
      stats.handshake++;
      if (reused) stats.sessionReused++;
      count(`versions.${version}`);
      count(`ciphers.${cipher}`);
    },
  };
}
