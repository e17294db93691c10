import { PLAIN_CACHE, readDnsCache } from '../../cluster/config/dns-cache.ts';
import type { DnsCache } from '../../cluster/dns/cache.ts';
import type { Fields } from '../../config/fields.ts';
import type { FilterContext } from '../context.ts';
import type { BoundFilter, FilterKind, HttpFilter } from '../filter.ts';
import { ForwardProxyRun } from './run.ts';

const TYPE = 'envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig';

/** Where the host of a request comes from, on one route; empty: the request's own. */
export interface HostRewrite {
  readonly literal: string;
  readonly header: string;
}

export interface ForwardProxyFilter {
  readonly cache: () => DnsCache;
  readonly clusters: FilterContext['clusters'];
  /** Requests say where they went. */
  readonly saveAddress: boolean;
  /** What filters noted goes before the request's host. */
  readonly byFilterState: boolean;
}

/** `envoy.filters.http.dynamic_forward_proxy`. */
export const forwardProxyFilter: FilterKind = {
  type: TYPE,
  upstream: false,
  read: readFilter,
  routeType: 'envoy.extensions.filters.http.dynamic_forward_proxy.v3.PerRouteConfig',
  readRoute: (fields): HostRewrite => ({
    literal: fields.text('host_rewrite_literal'),
    header: fields.text('host_rewrite_header').toLowerCase(),
  }),
};

function readFilter(fields: Fields, { clusters }: FilterContext): HttpFilter | undefined {
  const config = fields.message('dns_cache_config', readDnsCache) ?? PLAIN_CACHE;
  const saveAddress = fields.flag('save_upstream_address');
  const byFilterState = fields.flag('allow_dynamic_host_from_filter_state');
  const clash = clusters.dnsCaches.problem(config);
  if (clash) fields.problem('dns_cache_config', clash);
  if (clash) return undefined;
  let held: DnsCache | undefined;
  const cache = (): DnsCache => {
    held ??= clusters.dnsCaches.hold(config);
    return held;
  };
  const filter: ForwardProxyFilter = { cache, clusters, saveAddress, byFilterState };
  return { type: TYPE, bind: ([override]) => bind(filter, override as HostRewrite | undefined) };
}

function bind(filter: ForwardProxyFilter, rewrite: HostRewrite | undefined): BoundFilter {
  return { begin: (stream, control) => new ForwardProxyRun(stream, control, filter, rewrite) };
}
