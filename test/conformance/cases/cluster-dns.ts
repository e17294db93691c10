import { assignment, type ClusterCase, clusterScenario, group } from '../clusters.ts';
import { socketAddress, typed } from '../config.ts';
import type { Json, Places, Scenario } from '../types.ts';

const RESOLVER = 'envoy.extensions.network.dns_resolver';
const resolver = (name: string, config: Json = {}): Json => ({
  typed_dns_resolver_config: { name: 'any', typed_config: typed(`${RESOLVER}.${name}`, config) },
});
/** Nobody listens there: an answer is refused at once. */
const silent = resolver('cares.v3.CaresDnsResolverConfig', { resolvers: [socketAddress('127.0.0.1', 9)] });
const getaddrinfo = resolver('getaddrinfo.v3.GetAddrInfoDnsResolverConfig');

/** The address of the backends; nobody listens at that of `localhost`, which tells a resolved name from one that is not. */
const OWN = 'own';

const named = (places: Places, name: string, backend = 0, more: Json = {}, ofEndpoint: Json = {}): Json => ({
  endpoint: { address: socketAddress(name === OWN ? places.host : name, places.backend(backend)), ...ofEndpoint },
  ...more,
});

/** A cluster of these names, each at the backend of its position. */
const names =
  (type: string, list: readonly string[], more: Json = {}, ofEndpoint: Json = {}): ClusterCase['cluster'] =>
  (places) => ({
    type,
    dns_lookup_family: 'V4_ONLY',
    ...assignment([group(list.map((name, index) => named(places, name, index, {}, ofEndpoint)))]),
    ...more,
  });

const rest = { without: ['log', 'connections'] as const };

function cases(list: readonly (readonly [string, ClusterCase['cluster'], Json?])[]): readonly ClusterCase[] {
  return list.map(([name, cluster, action], index) => ({
    name,
    cluster,
    ...(action ? { route: action } : {}),
    play: {
      requests: [{}],
      ...rest,
      admin: ['membership_', 'update_'].map((part) => `/stats?filter=cluster.c${index}.${part}`),
    },
  }));
}

const slow = { dns_refresh_rate: '60s' };

export const scenarios: readonly Scenario[] = [
  clusterScenario(
    { feature: 'DNS clusters', name: 'dns', backends: ['http', 'http', 'http'] },
    cases([
      ['strict: an IP address', names('STRICT_DNS', [OWN], slow)],
      ['strict: localhost', names('STRICT_DNS', ['localhost'], slow)],
      ['strict: LOCALHOST', names('STRICT_DNS', ['LOCALHOST'], slow)],
      ['strict: below localhost', names('STRICT_DNS', ['a.localhost'], slow)],
      ['strict: preferably IPv4', names('STRICT_DNS', ['localhost'], { ...slow, dns_lookup_family: 'V4_PREFERRED' })],
      ['strict: an IPv4 address, automatic', names('STRICT_DNS', [OWN], { ...slow, dns_lookup_family: 'AUTO' })],
      ['strict: an IPv4 address, all', names('STRICT_DNS', [OWN], { ...slow, dns_lookup_family: 'ALL' })],
      [
        'strict: host name of the endpoint',
        names('STRICT_DNS', ['localhost'], slow, { hostname: 'its.test' }),
        { auto_host_rewrite: true },
      ],
      ['strict: host name from the address', names('STRICT_DNS', ['localhost'], slow), { auto_host_rewrite: true }],
      [
        'strict: same address twice in a priority',
        (places) => ({
          type: 'STRICT_DNS',
          dns_lookup_family: 'V4_ONLY',
          ...slow,
          ...assignment([group([named(places, 'localhost'), named(places, 'localhost')])]),
        }),
      ],
      [
        'strict: same address by two names',
        (places) => ({
          type: 'STRICT_DNS',
          dns_lookup_family: 'V4_ONLY',
          ...slow,
          ...assignment([group([named(places, 'localhost'), named(places, '127.0.0.1')])]),
        }),
      ],
      [
        'strict: priorities',
        (places) => ({
          type: 'STRICT_DNS',
          dns_lookup_family: 'V4_ONLY',
          ...slow,
          ...assignment([
            group([named(places, 'localhost', 0)]),
            group([named(places, 'localhost', 1)], { priority: 1 }),
          ]),
        }),
      ],
      [
        'strict: an unhealthy endpoint',
        (places) => ({
          type: 'STRICT_DNS',
          dns_lookup_family: 'V4_ONLY',
          ...slow,
          ...assignment([group([named(places, 'localhost', 0, { health_status: 'UNHEALTHY' })])]),
        }),
      ],
      ['strict: without endpoints', () => ({ type: 'STRICT_DNS', ...slow })],
      ['strict: no answer', names('STRICT_DNS', ['no.test'], { ...slow, ...silent })],
      ['strict: no answer for one of two', names('STRICT_DNS', ['no.test', 'localhost'], { ...slow, ...silent })],
      [
        'strict: no answer, not waited for',
        names('STRICT_DNS', ['no.test'], { ...slow, ...silent, wait_for_warm_on_init: false }),
      ],
      ['strict: a resolver is not asked for localhost', names('STRICT_DNS', ['localhost'], { ...slow, ...silent })],
      ['strict: getaddrinfo', names('STRICT_DNS', ['localhost'], { ...slow, ...getaddrinfo })],
      ['strict: getaddrinfo, an address', names('STRICT_DNS', [OWN], { ...slow, ...getaddrinfo })],
      ['logical: an IP address', names('LOGICAL_DNS', [OWN], slow)],
      ['logical: localhost', names('LOGICAL_DNS', ['localhost'], slow)],
      ['logical: host name from the address', names('LOGICAL_DNS', ['localhost'], slow), { auto_host_rewrite: true }],
      [
        'logical: host name of the endpoint',
        names('LOGICAL_DNS', ['localhost'], slow, { hostname: 'its.test' }),
        { auto_host_rewrite: true },
      ],
      [
        'logical: at priority 1',
        (places) => ({
          type: 'LOGICAL_DNS',
          dns_lookup_family: 'V4_ONLY',
          ...slow,
          ...assignment([group([named(places, 'localhost')], { priority: 1 })]),
        }),
      ],
      [
        'logical: an unhealthy endpoint',
        (places) => ({
          type: 'LOGICAL_DNS',
          dns_lookup_family: 'V4_ONLY',
          ...slow,
          ...assignment([group([named(places, 'localhost', 0, { health_status: 'UNHEALTHY' })])]),
        }),
      ],
      ['logical: no answer', names('LOGICAL_DNS', ['no.test'], { ...slow, ...silent })],
      ['logical: getaddrinfo', names('LOGICAL_DNS', ['localhost'], { ...slow, ...getaddrinfo })],
      ['logical: ring hash', names('LOGICAL_DNS', ['localhost'], { ...slow, lb_policy: 'RING_HASH' })],
      [
        'logical: refreshed without a break',
        names('LOGICAL_DNS', ['localhost'], { dns_refresh_rate: '60s', dns_jitter: '1s', respect_dns_ttl: true }),
      ],
    ]),
  ),
];
