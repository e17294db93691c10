import { counter, gauge, statsKind, usedWith } from '../../stats/kind.ts';

/** What the c-ares resolver counts, under `dns.cares.`. */
export class DnsStats {
  resolveTotal = 0;
  pending = 0;
  notFound = 0;
  failure = 0;
  timeouts = 0;
}

/** Its channel is never made anew. */
export const DNS_STATS = statsKind(
  DnsStats,
  {
    resolveTotal: counter('resolve_total'),
    pending: usedWith('resolveTotal', gauge('pending_resolutions')),
    notFound: counter('not_found'),
    failure: counter('get_addr_failure'),
    timeouts: counter('timeouts'),
  },
  { counters: ['reinits'] },
);
