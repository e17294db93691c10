import {
  bootstrap,
  cluster,
  fileLog,
  listener,
  manager,
  routeConfig,
  socketAddress,
  toCluster,
  typed,
} from '../config.ts';
import type { Json, Places, Scenario } from '../types.ts';

/** Which of the addresses of a host was used. */
const format =
  '%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %UPSTREAM_HOST% %UPSTREAM_REMOTE_ADDRESS% %UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %UPSTREAM_REMOTE_PORT% "%UPSTREAM_TRANSPORT_FAILURE_REASON%"\n';

type Row = readonly [name: string, addresses: (places: Places) => readonly Json[], more?: Json];

/** Backends 0 and 1 answer, 2 and 3 do not listen. */
const of =
  (...backends: readonly number[]): Row[1] =>
  (places) =>
    backends.map((backend) => socketAddress(places.host, places.backend(backend)));
/** Nobody listens at this port of any machine's own IPv6 address. */
const v6 = (port = 9): Json => socketAddress('::1', port);
const eyeballs = (config: Json): Json => ({ upstream_connection_options: { happy_eyeballs_config: config } });

const rows: readonly Row[] = [
  ['one address', of(0)],
  ['the first of two', of(0, 1)],
  ['the second of two', of(2, 1)],
  ['the third of three', of(2, 3, 1)],
  ['none of two', of(2, 3)],
  ['the same address twice', of(2, 2)],
  ['IPv6 first, then IPv4', (places) => [v6(), ...of(0)(places)]],
  ['IPv4 first, then IPv6', (places) => [...of(2)(places), v6(), ...of(1)(places)]],
  ['preferably IPv4', (places) => [v6(), ...of(0)(places)], eyeballs({ first_address_family_version: 'V4' })],
  [
    'preferably IPv6, two of them',
    (places) => [...of(0)(places), v6(9), v6(10)],
    eyeballs({ first_address_family_version: 'V6', first_address_family_count: 2 }),
  ],
  ['preferably IPv6 without any', of(0, 1), eyeballs({ first_address_family_version: 'V6' })],
  ['a source of one family', (places) => [v6(), ...of(0)(places)], source('127.9.9.9')],
  ['a source that no address has', of(0, 1), source('192.0.2.1')],
];

function source(address: string): Json {
  return { upstream_bind_config: { source_address: { address, port_value: 0 } } };
}

function hostOf(addresses: readonly Json[]): Json {
  const [address, ...others] = addresses;
  return { endpoint: { address, additional_addresses: others.map((one) => ({ address: one })) } };
}

const clusterOf = (places: Places, index: number, [, addresses, more]: Row): Json => ({
  ...cluster(places, index),
  load_assignment: { cluster_name: 'any', endpoints: [{ lb_endpoints: [hostOf(addresses(places))] }] },
  ...more,
});

const tcpProxy = (places: Places, index: number): Json => ({
  name: 'tcp',
  typed_config: typed('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', {
    stat_prefix: 'tcp',
    cluster: `c${index}`,
    access_log: [
      fileLog(
        places,
        '%RESPONSE_FLAGS% %UPSTREAM_HOST% %UPSTREAM_REMOTE_ADDRESS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%"\n',
      ),
    ],
  }),
});

const judged = (name: string, change: Json, endpoint: Json): Scenario => ({
  feature: 'cluster validation',
  name: `addresses of a host: ${name}`,
  validateOnly: true,
  cases: [],
  bootstrap: (places) =>
    bootstrap(
      places,
      [],
      [
        {
          ...cluster(places, 0),
          load_assignment: {
            cluster_name: 'any',
            endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(places.host, 80), ...endpoint } }] }],
          },
          ...change,
        },
      ],
    ),
});

export const scenarios: readonly Scenario[] = [
  {
    feature: 'upstream connections',
    name: 'addresses of a host',
    backends: ['http', 'http', 'closed', 'closed'],
    stats: [/^cluster\.c\d+\.(bind_errors|upstream_cx_(total|destroy[a-z_]*))$/],
    bootstrap: (places) =>
      bootstrap(
        places,
        [
          listener(places, 0, [
            manager(places, {
              access_log: [fileLog(places, format)],
              route_config: routeConfig(rows.map((_, index) => toCluster(`c${index}`, {}, { prefix: `/${index}/` }))),
            }),
          ]),
          ...rows.map((_, index) => listener(places, index + 1, [tcpProxy(places, index)])),
        ],
        rows.map((row, index) => clusterOf(places, index, row)),
      ),
    cases: rows.flatMap(([name], index) => [
      { name, requests: [{ path: `/${index}/` }, { path: `/${index}/` }] },
      {
        name: `${name}, TCP`,
        listener: index + 1,
        tcp: true,
        steps: [
          { send: 'GET / HTTP/1.1\r\nhost: a\r\n\r\n' },
          { awaitBytes: 40 },
          { do: 'halfClose' as const },
          { sleep: 50 },
        ],
        timeoutMs: 500,
        without: ['bodies' as const, 'fate' as const],
      },
    ]),
  },
  judged('a pipe', {}, { additional_addresses: [{ address: { pipe: { path: '/tmp/x' } } }] }),
  judged('a name', {}, { additional_addresses: [{ address: socketAddress('localhost', 80) }] }),
  judged('an empty address', {}, { additional_addresses: [{}] }),
  judged('no family first', eyeballs({ first_address_family_count: 0 }), {}),
  judged('a family first', eyeballs({ first_address_family_count: 3, first_address_family_version: 'V4' }), {}),
];
