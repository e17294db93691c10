import { clientHello } from '../../../src/proxy/testing/client-hello.ts';
import { bootstrap, cluster, fileLog, listener, socketAddress, typed } from '../config.ts';
import type { Case, Json, Places, Scenario } from '../types.ts';

const NETWORK = 'envoy.extensions.filters.network';
const feature = 'passthrough by server name';
const format =
  '%REQUESTED_SERVER_NAME% %RESPONSE_FLAGS% %CONNECTION_TERMINATION_DETAILS% %BYTES_RECEIVED% %BYTES_SENT% %UPSTREAM_CLUSTER% %UPSTREAM_HOST% [%FILTER_STATE(envoy.stream.upstream_address:PLAIN)%]\n';
const inspector: Json = {
  name: 'inspector',
  typed_config: typed('envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector'),
};
const sniCluster: Json = { name: 'sni', typed_config: typed(`${NETWORK}.sni_cluster.v3.SniCluster`) };

const cache = (more: Json = {}): Json => ({
  name: 'names',
  dns_lookup_family: 'V4_ONLY',
  dns_min_refresh_rate: '60s',
  typed_dns_resolver_config: {
    name: 'any',
    typed_config: typed('envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig', {
      resolvers: [socketAddress('127.0.0.1', 9)],
    }),
  },
  ...more,
});
const sniProxy = (more: Json = {}, config: Json = { port_value: 9 }): Json => ({
  name: 'sni',
  typed_config: typed(`${NETWORK}.sni_dynamic_forward_proxy.v3.FilterConfig`, {
    dns_cache_config: cache(more),
    ...config,
  }),
});
const forwardCluster = (name: string, more: Json = {}): Json => ({
  name,
  connect_timeout: '1s',
  lb_policy: 'CLUSTER_PROVIDED',
  cluster_type: {
    name: 'envoy.clusters.dynamic_forward_proxy',
    typed_config: typed('envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig', {
      dns_cache_config: cache(more),
    }),
  },
});
const tcp = (places: Places, config: Json = { cluster: 'c0' }): Json => ({
  name: 'tcp',
  typed_config: typed(`${NETWORK}.tcp_proxy.v3.TcpProxy`, {
    stat_prefix: 'tcp',
    access_log: [fileLog(places, format)],
    ...config,
  }),
});

const hello = (serverName: string | undefined): string =>
  clientHello(serverName === undefined ? {} : { serverName }).toString('latin1');

/** A client hello, echoed by the backend where it gets there. */
function greeting(name: string, serverName: string | undefined, more: Partial<Case> = {}): Case {
  const bytes = hello(serverName);
  return {
    name,
    steps: [{ send: bytes }, { sleep: 150 }, { do: 'halfClose' }, { sleep: 60 }],
    tcp: true,
    without: ['fate'],
    ...more,
  };
}

interface Row {
  readonly name: string;
  readonly filters: readonly Json[];
  readonly proxy?: Json;
  readonly clusters?: (places: Places) => readonly Json[];
  readonly inspected?: boolean;
  readonly cases: readonly Case[];
}

const echoes = (places: Places): readonly Json[] => [cluster(places, 0), cluster(places, 1)];

const scenario = ({ name, filters, proxy, clusters = echoes, inspected = true, cases }: Row): Scenario => ({
  feature,
  name,
  backends: ['echo', 'echo'],
  stats: [
    /^dns_cache\.(?!.*remaining)/,
    /^tcp\.tcp\.downstream_cx_(total|no_route)$/,
    /^cluster\.c\d\.(membership_.*|upstream_cx_(total|connect_fail|none_healthy))$/,
  ],
  bootstrap: (places) =>
    bootstrap(
      places,
      [
        listener(places, 0, [...filters, tcp(places, proxy)], {
          listener_filters: inspected ? [inspector] : [],
        }),
      ],
      clusters(places),
    ),
  cases,
});

const weighted: Json = { weighted_clusters: { clusters: [{ name: 'c0', weight: 1 }] } };
const forward =
  (more: Json = {}) =>
  () => [forwardCluster('c0', more)];

const check = (name: string, filters: readonly Json[], more: Json = {}): Scenario => ({
  feature,
  name: `server name configuration: ${name}`,
  validateOnly: true,
  cases: [],
  bootstrap: (places) =>
    bootstrap(
      places,
      [listener(places, 0, [...filters, tcp(places)], { listener_filters: [inspector] })],
      [forwardCluster('c0', more)],
    ),
});

export const scenarios: readonly Scenario[] = [
  scenario({
    name: 'sni cluster',
    filters: [sniCluster],
    cases: [
      greeting('the cluster of the proxy', 'c0'),
      greeting('another cluster', 'c1'),
      greeting('no such cluster', 'c9'),
      greeting('another spelling', 'C1'),
      greeting('no server name', undefined),
      greeting('several clients', 'c1', { repeat: 1 }),
      {
        name: 'no client hello',
        steps: [{ send: 'hello\r\n\r\n' }, { sleep: 100 }, { do: 'halfClose' }, { sleep: 50 }],
        tcp: true,
        without: ['fate'],
      },
      { name: 'nothing sent', steps: [{ sleep: 50 }, { do: 'close' }], tcp: true, without: ['fate'], settleMs: 50 },
    ],
  }),
  scenario({
    name: 'sni cluster before weighted clusters',
    filters: [sniCluster],
    proxy: weighted,
    cases: [greeting('by name', 'c1'), greeting('without a name', undefined)],
  }),
  scenario({
    name: 'sni cluster without an inspector',
    filters: [sniCluster],
    inspected: false,
    cases: [greeting('the name is not known', 'c1')],
  }),
  scenario({
    name: 'sni cluster twice',
    filters: [sniCluster, sniCluster],
    cases: [greeting('the same', 'c1')],
  }),
  scenario({
    name: 'sni forward proxy',
    filters: [sniProxy()],
    clusters: forward(),
    cases: [
      greeting('localhost', 'localhost'),
      greeting('localhost again', 'localhost'),
      greeting('in capitals', 'LOCALHOST'),
      greeting('below localhost', 'a.localhost'),
      greeting('no such name', 'no.test'),
      greeting('no such name again', 'no.test'),
      greeting('an address', '127.0.0.1'),
      greeting('an IPv6 address', '::1'),
      greeting('a name with a port', 'localhost:10'),
      greeting('no server name', undefined),
    ],
  }),
  scenario({
    name: 'sni forward proxy that saves addresses',
    filters: [sniProxy({}, { port_value: 9, save_upstream_address: true })],
    clusters: forward(),
    cases: [greeting('localhost', 'localhost'), greeting('localhost again', 'localhost'), greeting('none', 'no.test')],
  }),
  scenario({
    name: 'sni forward proxy without a port',
    filters: [sniProxy({}, {})],
    clusters: forward(),
    cases: [greeting('localhost', 'localhost')],
  }),
  scenario({
    name: 'sni forward proxy with few hosts',
    filters: [sniProxy({ max_hosts: 1 })],
    clusters: forward({ max_hosts: 1 }),
    cases: [
      greeting('the first', 'localhost'),
      greeting('one too many', 'a.localhost'),
      greeting('again', 'localhost'),
    ],
  }),
  scenario({
    name: 'sni forward proxy without pending requests',
    filters: [sniProxy({ dns_cache_circuit_breaker: { max_pending_requests: 0 } })],
    clusters: forward({ dns_cache_circuit_breaker: { max_pending_requests: 0 } }),
    cases: [greeting('refused', 'localhost'), greeting('not asked', undefined)],
  }),
  scenario({
    name: 'sni forward proxy to other clusters',
    filters: [sniProxy()],
    cases: [greeting('the name is looked up all the same', 'localhost')],
  }),
  scenario({
    name: 'forward proxy by server names without a filter',
    filters: [],
    clusters: forward(),
    cases: [greeting('localhost', 'localhost'), greeting('no such name', 'no.test'), greeting('no name', undefined)],
  }),
  check('plain', [sniProxy()]),
  check('a cluster by name', [sniCluster]),
  check('last', [sniCluster, sniProxy()]),
  check('without a cache', [
    { name: 'sni', typed_config: typed(`${NETWORK}.sni_dynamic_forward_proxy.v3.FilterConfig`) },
  ]),
  check('other settings of the cache', [sniProxy({ max_hosts: 3 })]),
  check('port 0', [sniProxy({}, { port_value: 0 })]),
  check('port 65535', [sniProxy({}, { port_value: 65_535 })]),
  check('port 65536', [sniProxy({}, { port_value: 65_536 })]),
];
