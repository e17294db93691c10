import { bootstrap, cluster, fileLog, listener, manager, routeConfig, toCluster, typed } from '../config.ts';
import type { Json, Places, Scenario } from '../types.ts';

/** Where the connection came from beside what became of it. */
const format =
  '%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT% "%UPSTREAM_TRANSPORT_FAILURE_REASON%"\n';
const tcpFormat = '%RESPONSE_FLAGS% %UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT% "%UPSTREAM_TRANSPORT_FAILURE_REASON%"\n';

type Row = readonly [name: string, cluster: (places: Places) => Json];

const at = (address: string, port = 0): Json => ({ address, port_value: port });
const bound =
  (config: Json, more: Json = {}): Row[1] =>
  () => ({ upstream_bind_config: config, ...more });
const foreign = at('192.0.2.1');
/** TCP options have no such number. */
const impossible = (more: Json): Json => ({ level: 6, name: 9999, int_value: 1, ...more });
const keepalive =
  (config: Json): Row[1] =>
  () => ({ upstream_connection_options: { tcp_keepalive: config } });
const checked = (check: Json): Json => ({
  common_lb_config: { healthy_panic_threshold: { value: 0 } },
  health_checks: [{ timeout: '1s', interval: '10s', unhealthy_threshold: 1, healthy_threshold: 1, ...check }],
});
const byTcp = checked({ tcp_health_check: {} });
const byHttp = checked({ http_health_check: { path: '/health' } });

const rows: readonly Row[] = [
  ['nothing said', () => ({})],
  ['an empty configuration', bound({})],
  ['a source address', bound({ source_address: at('127.9.9.9') })],
  ['a source address with a port', ({ other }) => ({ upstream_bind_config: { source_address: at(other, 10_700) } })],
  ['the address of nobody', bound({ source_address: at('0.0.0.0') })],
  ['an address of another machine', bound({ source_address: foreign })],
  [
    'a free address of another machine',
    bound({ source_address: foreign, freebind: true }, { connect_timeout: '0.2s' }),
  ],
  ['free, and one of its own', bound({ source_address: at('127.9.9.9'), freebind: true })],
  ['of the other IP version', bound({ source_address: at('::1') })],
  [
    'an extra address of the other IP version',
    bound({ source_address: at('127.9.9.9'), extra_source_addresses: [{ address: at('::1') }] }),
  ],
  [
    'an extra address of the right IP version',
    bound({ source_address: at('::1'), extra_source_addresses: [{ address: at('127.9.9.8') }] }),
  ],
  [
    'an additional address of the right IP version',
    bound({ source_address: at('::1'), additional_source_addresses: [at('127.9.9.7')] }),
  ],
  [
    'an extra address without the options',
    bound({
      source_address: at('::1'),
      socket_options: [impossible({})],
      extra_source_addresses: [{ address: at('127.9.9.6'), socket_options: {} }],
    }),
  ],
  [
    'an extra address with the options',
    bound({
      source_address: at('::1'),
      socket_options: [impossible({})],
      extra_source_addresses: [{ address: at('127.9.9.6') }],
    }),
  ],
  ['an option', bound({ socket_options: [{ level: 1, name: 8, int_value: 100_000 }] })],
  ['an option that cannot be set', bound({ socket_options: [impossible({})] })],
  ['an option that could not be set when bound', bound({ socket_options: [impossible({ state: 'STATE_BOUND' })] })],
  [
    'an option that could not be set when listening',
    bound({ socket_options: [impossible({ state: 'STATE_LISTENING' })] }),
  ],
  ['an option longer than 32 bits', bound({ socket_options: [{ level: 6, name: 18, int_value: 4294967299 }] })],
  ['keepalive', keepalive({ keepalive_probes: 3, keepalive_time: 10, keepalive_interval: 5 })],
  ['keepalive as the system has it', keepalive({})],
  ['keepalive of more than the system allows', keepalive({ keepalive_time: 100_000 })],
  ['keepalive with a 0 is none', keepalive({ keepalive_time: 100_000, keepalive_interval: 0 })],
  [
    'the name of the interface',
    () => ({ upstream_connection_options: { set_local_interface_name_on_upstream_connections: true } }),
  ],
  [
    'the default selector',
    bound({
      source_address: at('127.9.9.9'),
      local_address_selector: {
        name: 'any',
        typed_config: typed('envoy.config.upstream.local_address_selector.v3.DefaultLocalAddressSelector'),
      },
    }),
  ],
  ['TCP checks come from there, too', bound({ source_address: foreign }, byTcp)],
  ['HTTP checks come from there, too', bound({ source_address: foreign }, byHttp)],
  ['TCP checks from an address of its own', bound({ source_address: at('127.9.9.9') }, byTcp)],
  ['HTTP checks from an address of its own', bound({ source_address: at('127.9.9.9') }, byHttp)],
];

/** What the cluster manager says for all clusters, and clusters that say something themselves. */
const general: Json = {
  source_address: at('127.9.9.1'),
  freebind: true,
  socket_options: [impossible({})],
};
const generalRows: readonly Row[] = [
  ['nothing of its own', () => ({})],
  ['an empty configuration of its own', bound({})],
  ['options of its own', bound({ socket_options: [{ level: 1, name: 8, int_value: 100_000 }] })],
  [
    'a source and options of its own',
    bound({ source_address: at('127.9.9.2'), socket_options: [{ level: 1, name: 8, int_value: 100_000 }] }),
  ],
  [
    'free by the cluster manager',
    bound(
      { source_address: foreign, socket_options: [{ level: 1, name: 8, int_value: 100_000 }] },
      { connect_timeout: '0.2s' },
    ),
  ],
  [
    'not free for itself',
    bound({
      source_address: foreign,
      freebind: false,
      socket_options: [{ level: 1, name: 8, int_value: 100_000 }],
    }),
  ],
];

const scenario = (name: string, list: readonly Row[], more: Json = {}): Scenario => ({
  feature: 'upstream connections',
  name,
  stats: [
    /^cluster\.c\d+\.(bind_errors|upstream_cx_(total|destroy[a-z_]*)|upstream_rq_pending_total)$/,
    /^cluster\.c\d+\.health_check\.(attempt|success|network_failure)$/,
  ],
  ...(list.some(([, one]) => 'health_checks' in one(nowhere)) ? { warmUpMs: 200 } : {}),
  bootstrap: (places) =>
    bootstrap(
      places,
      [
        listener(places, 0, [
          manager(places, {
            access_log: [fileLog(places, format)],
            route_config: routeConfig(list.map((_, index) => toCluster(`c${index}`, {}, { prefix: `/${index}/` }))),
          }),
        ]),
        ...list.map((_, index) => listener(places, index + 1, [tcpProxy(places, index)])),
      ],
      list.map(([, one], index) => ({ ...cluster(places, index, [0]), ...one(places) })),
      more,
    ),
  cases: list.flatMap(([caseName], index) => [
    { name: caseName, requests: [{ path: `/${index}/` }] },
    {
      name: `${caseName}, TCP`,
      listener: index + 1,
      tcp: true,
      steps: [
        { send: 'GET / HTTP/1.1\r\nhost: a\r\n\r\n' },
        { awaitBytes: 60 },
        { do: 'halfClose' as const },
        { sleep: 50 },
      ],
      timeoutMs: 500,
      without: ['bodies' as const, 'fate' as const],
    },
  ]),
});

const nowhere: Places = {
  host: '',
  other: '',
  admin: 0,
  plane: 0,
  folder: '',
  listener: () => 0,
  backend: () => 0,
};

function tcpProxy(places: Places, index: number): Json {
  return {
    name: 'tcp',
    typed_config: typed('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', {
      stat_prefix: 'tcp',
      cluster: `c${index}`,
      access_log: [fileLog(places, tcpFormat)],
    }),
  };
}

export const scenarios: readonly Scenario[] = [
  scenario('bind configuration', rows),
  scenario('bind configuration of the cluster manager', generalRows, {
    cluster_manager: { upstream_bind_config: general },
  }),
];
