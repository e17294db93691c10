import { type Address, readSocketAddress } from '../../config/address.ts';
import type { Fields, JsonObject } from '../../config/fields.ts';
import { readAddressMatcher } from '../../match/cidr.ts';
import type { DnsFamily, ResolverConfig } from '../dns/resolver.ts';
import { DNS_FAMILIES, PLAIN_RESOLVER, readResolver } from './dns.ts';

/** A compiled `envoy.extensions.common.dynamic_forward_proxy.v3.DnsCacheConfig`; times in milliseconds. */
export interface DnsCacheConfig {
  /** As it was read: two of one name must be alike. */
  readonly json: JsonObject;
  readonly name: string;
  readonly family: DnsFamily;
  /** Wait before a name without addresses is looked up again. */
  readonly refresh: number;
  /** The least wait before a name with addresses is looked up again, however short they are said to hold. */
  readonly minRefresh: number;
  /** Waits after failures: they double from `base` to `max` and each is drawn below that; undefined: `refresh`. */
  readonly failureRefresh: { readonly base: number; readonly max: number } | undefined;
  /** After a failure a name is looked up again only when somebody asks for it. */
  readonly restsAfterFailure: boolean;
  /** Names that nobody asked for in this time are forgotten when their refresh is due. */
  readonly hostTtl: number;
  readonly maxHosts: number;
  /** Requests that may wait for answers at a time. */
  readonly maxPending: number;
  /** 0: as long as the resolver takes. */
  readonly queryTimeout: number;
  readonly preresolve: readonly Extract<Address, { readonly kind: 'socket' }>[];
  readonly resolver: ResolverConfig;
  /** Whether an address of an answer is left out; undefined: none is. */
  readonly excludes: ((address: string) => boolean) | undefined;
}

/** Of a filter or cluster that says nothing of its cache. */
export const PLAIN_CACHE: DnsCacheConfig = {
  json: {},
  name: '',
  family: 'AUTO',
  refresh: 60_000,
  minRefresh: 5000,
  failureRefresh: undefined,
  restsAfterFailure: false,
  hostTtl: 300_000,
  maxHosts: 1024,
  maxPending: 1024,
  queryTimeout: 5000,
  preresolve: [],
  resolver: PLAIN_RESOLVER,
  excludes: undefined,
};

export function readDnsCache(fields: Fields): DnsCacheConfig {
  const name = fields.required('name');
  const refresh = fields.duration('dns_refresh_rate') ?? 60_000;
  if (refresh < 1) fields.problem('dns_refresh_rate', 'value must be greater than or equal to 1ms');
  const minRefresh = fields.duration('dns_min_refresh_rate') ?? 5000;
  if (minRefresh < 1000) fields.problem('dns_min_refresh_rate', 'value must be greater than or equal to 1s');
  const hostTtl = fields.duration('host_ttl') ?? 300_000;
  if (hostTtl <= 0) fields.problem('host_ttl', 'value must be greater than 0s');
  const maxHosts = fields.number('max_hosts') ?? 1024;
  if (maxHosts < 1) fields.problem('max_hosts', 'value must be greater than 0');
  const preresolve = fields.list('preresolve_hostnames', readSocketAddress).filter((one) => one !== undefined);
  if (preresolve.length > maxHosts) {
    const message = `DNS Cache [${name}] configured with preresolve_hostnames=${preresolve.length} larger than max_hosts=${maxHosts}`;
    fields.problem('preresolve_hostnames', message);
  }
  const breaker = fields.message('dns_cache_circuit_breaker', (inner) => inner.number('max_pending_requests'));
  return {
    json: fields.json,
    name,
    family: fields.choice('dns_lookup_family', DNS_FAMILIES),
    refresh: Math.round(refresh),
    minRefresh,
    failureRefresh: fields.message('dns_failure_refresh_rate', readFailures),
    restsAfterFailure: fields.flag('disable_dns_refresh_on_failure'),
    hostTtl,
    maxHosts,
    maxPending: breaker ?? 1024,
    queryTimeout: fields.duration('dns_query_timeout') ?? 5000,
    preresolve,
    resolver: fields.message('typed_dns_resolver_config', readResolver) ?? PLAIN_RESOLVER,
    excludes: fields.message('resolved_address_filter', readAddressMatcher),
  };
}

/** `max_interval` is ten times the base unless it is given; unlike that of clusters it may be less. */
function readFailures(fields: Fields): { readonly base: number; readonly max: number } {
  const base = fields.duration('base_interval');
  if (base === undefined) fields.problem('base_interval', 'value is required');
  return { base: base ?? 1, max: fields.duration('max_interval') ?? (base ?? 1) * 10 };
}
