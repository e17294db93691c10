import { alwaysUsed, counter, gauge, statsKind } from '../../stats/kind.ts';

/** What a DNS cache counts, under `dns_cache.<name>.`. */
export class DnsCacheStats {
  attempt = 0;
  failure = 0;
  success = 0;
  timeout = 0;
  filteredOut = 0;
  added = 0;
  addressChanged = 0;
  overflow = 0;
  removed = 0;
  pendingOverflow = 0;
  hosts = 0;
  pendingOpen = 0;
  pendingRemaining = 0;
}

/** Nothing is loaded from a file. */
export const DNS_CACHE_STATS = statsKind(
  DnsCacheStats,
  {
    attempt: counter('dns_query_attempt'),
    failure: counter('dns_query_failure'),
    success: counter('dns_query_success'),
    filteredOut: counter('dns_address_filter_out'),
    timeout: counter('dns_query_timeout'),
    added: counter('host_added'),
    addressChanged: counter('host_address_changed'),
    overflow: counter('host_overflow'),
    removed: counter('host_removed'),
    pendingOverflow: counter('dns_rq_pending_overflow'),
    hosts: gauge('num_hosts'),
    pendingOpen: gauge('circuit_breakers.rq_pending_open'),
    pendingRemaining: alwaysUsed(gauge('circuit_breakers.rq_pending_remaining')),
  },
  { counters: ['cache_load'] },
);
