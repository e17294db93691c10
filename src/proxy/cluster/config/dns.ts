import { readAddress } from '../../config/address.ts';
import { type Fields, typeName } from '../../config/fields.ts';
import type { DnsFamily, ResolverConfig } from '../dns/resolver.ts';

/** How the names of a STRICT_DNS or LOGICAL_DNS cluster are looked up; times in milliseconds. */
export interface DnsConfig {
  readonly refresh: number;
  /** Waits after failures: they double from `base` to `max` and each is drawn below that; undefined: `refresh`. */
  readonly failureRefresh: { readonly base: number; readonly max: number } | undefined;
  /** The time to live of an answer takes the place of `refresh`, unless it is 0. */
  readonly respectTtl: boolean;
  /** Up to this is added to the wait after a success. */
  readonly jitter: number;
  readonly family: DnsFamily;
  readonly resolver: ResolverConfig;
}

/** The system's servers and search domains. */
export const PLAIN_RESOLVER: ResolverConfig = { kind: 'cares', servers: [], search: true };

const RESOLVERS = 'envoy.extensions.network.dns_resolver.';
export const DNS_FAMILIES = ['AUTO', 'V4_ONLY', 'V6_ONLY', 'V4_PREFERRED', 'ALL'] as const;

export function readDns(fields: Fields): DnsConfig {
  const refresh = fields.duration('dns_refresh_rate') ?? 5000;
  if (refresh <= 1) fields.problem('dns_refresh_rate', 'value must be greater than 1ms');
  return {
    refresh,
    failureRefresh: fields.message('dns_failure_refresh_rate', (inner) => readFailureRefresh(inner, refresh)),
    respectTtl: fields.flag('respect_dns_ttl'),
    jitter: fields.duration('dns_jitter') ?? 0,
    family: fields.choice('dns_lookup_family', DNS_FAMILIES),
    resolver: fields.message('typed_dns_resolver_config', readResolver) ?? PLAIN_RESOLVER,
  };
}

/** `max_interval` is ten times the base unless it is given. */
function readFailureRefresh(fields: Fields, refresh: number): { base: number; max: number } {
  const base = fields.duration('base_interval');
  if (base === undefined) fields.problem('base_interval', 'value is required');
  const max = fields.duration('max_interval') ?? (base ?? refresh) * 10;
  if (max < (base ?? 0)) fields.problem('max_interval', 'must be greater than or equal to the base_interval');
  return { base: base ?? refresh, max };
}

/** Reads an `envoy.config.core.v3.TypedExtensionConfig` of a resolver. */
export function readResolver(fields: Fields): ResolverConfig | undefined {
  fields.ignore('name');
  return fields.message('typed_config', (config) => {
    switch (typeName(config.json)) {
      case `${RESOLVERS}cares.v3.CaresDnsResolverConfig`:
        return readCares(config);
      case `${RESOLVERS}getaddrinfo.v3.GetAddrInfoDnsResolverConfig`:
        return { kind: 'getaddrinfo' as const };
      default:
        config.problem('@type', `${typeName(config.json)} is not supported by ciliate-proxy`, 'c-ares, getaddrinfo');
        config.ignore(...Object.keys(config.json));
        return undefined;
    }
  });
}

function readCares(fields: Fields): ResolverConfig {
  // How many queries share a socket is not visible from outside.
  fields.ignore('udp_max_queries');
  const servers = fields.list('resolvers', readAddress).map((address) => {
    if (address?.kind !== 'socket') return '';
    const host = address.host.includes(':') ? `[${address.host}]` : address.host;
    return `${host}:${address.port || 53}`;
  });
  if (servers.includes('')) fields.problem('resolvers', 'a resolver is an IP address');
  const search = fields.message('dns_resolver_options', (options) => !options.flag('no_default_search_domain')) ?? true;
  return { kind: 'cares', servers, search };
}
