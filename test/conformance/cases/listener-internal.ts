import { bootstrap, cluster, fileLog, listener, logFormat, manager, routeConfig, toCluster, typed } from '../config.ts';
import type { Case, Json, Places, Scenario } from '../types.ts';

const extension: Json = {
  name: 'envoy.bootstrap.internal_listener',
  typed_config: typed('envoy.extensions.bootstrap.internal_listener.v3.InternalListener'),
};

/** A name of the run's own: internal listeners of one process share their names. */
const inside = ({ host }: Places): string => `inside-${host}`;

const insideFormat =
  'inside %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQ(:PATH)% %RESPONSE_CODE% %REQ(X-FORWARDED-FOR)%\n';

const internalListener = (name: string, filters: readonly Json[], more: Json = {}): Json => ({
  name,
  internal_listener: {},
  filter_chains: [{ filters }],
  ...more,
});

const internalCluster = (index: number, name: string, more: Json = {}, id?: string): Json => ({
  name: `c${index}`,
  connect_timeout: '1s',
  load_assignment: {
    cluster_name: `c${index}`,
    endpoints: [
      {
        lb_endpoints: [
          {
            endpoint: {
              address: { envoy_internal_address: { server_listener_name: name, ...(id ? { endpoint_id: id } : {}) } },
            },
          },
        ],
      },
    ],
  },
  ...more,
});

const wrapped: Json = {
  transport_socket: {
    name: 'envoy.transport_sockets.internal_upstream',
    typed_config: typed('envoy.extensions.transport_sockets.internal_upstream.v3.InternalUpstreamTransport', {
      transport_socket: {
        name: 'envoy.transport_sockets.raw_buffer',
        typed_config: typed('envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer'),
      },
    }),
  },
};

const front = (places: Places, routes: readonly Json[]): Json =>
  listener(places, 0, [
    manager(places, { route_config: routeConfig(routes), access_log: [fileLog(places, `front ${logFormat}`)] }),
  ]);

const tcp = (places: Places): Json => ({
  name: 'tcp',
  typed_config: typed('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', {
    stat_prefix: 't',
    cluster: 'c1',
    access_log: [fileLog(places, 'tcp %DOWNSTREAM_LOCAL_ADDRESS% %BYTES_RECEIVED% %BYTES_SENT%\n')],
  }),
});

const inner = (places: Places): Json =>
  manager(places, {
    stat_prefix: 'inside',
    route_config: routeConfig([
      { match: { prefix: '/direct' }, direct_response: { status: 200, body: { inline_string: 'inside' } } },
      toCluster('c1'),
    ]),
    access_log: [fileLog(places, insideFormat)],
  });

const judged = (name: string, make: (places: Places) => Json): Scenario => ({
  feature: 'internal listeners',
  name,
  validateOnly: true,
  bootstrap: make,
  cases: [],
});

export const scenarios: readonly Scenario[] = [
  ...Object.entries({ 'plain endpoint': {}, 'internal transport socket': wrapped }).map(
    ([name, more]): Scenario => ({
      feature: 'internal listeners',
      name: `HTTP inside: ${name}`,
      backends: ['closed', 'http'],
      bootstrap: (places) =>
        bootstrap(
          places,
          [front(places, [toCluster()]), internalListener(inside(places), [inner(places)])],
          [internalCluster(0, inside(places), more, 'e1'), cluster(places, 1)],
          { bootstrap_extensions: [extension] },
        ),
      cases: [
        { name: 'GET', requests: [{ path: '/a' }] },
        { name: 'two on one connection', requests: [{ path: '/a' }, { path: '/direct' }] },
        { name: 'POST', requests: [{ method: 'POST', path: '/p', body: 'hello' }] },
        { name: 'a long body', requests: [{ method: 'POST', path: '/p', body: 'x'.repeat(200_000) }] },
        { name: 'the backend closes', requests: [{ path: '/a' }], backends: { 1: [{ end: 'close' as const }] } },
      ].map((one): Case => ({ ...one, settleMs: 40, without: ['connections'] })),
    }),
  ),
  {
    feature: 'internal listeners',
    name: 'TCP inside',
    backends: ['closed', 'http'],
    bootstrap: (places) =>
      bootstrap(
        places,
        [front(places, [toCluster()]), internalListener(inside(places), [tcp(places)])],
        [internalCluster(0, inside(places)), cluster(places, 1)],
        { bootstrap_extensions: [extension] },
      ),
    cases: [
      { name: 'GET', requests: [{ path: '/a' }] },
      { name: 'POST', requests: [{ method: 'POST', path: '/p', body: 'hello' }] },
    ].map((one): Case => ({ ...one, without: ['log', 'connections'] })),
  },
  {
    feature: 'internal listeners',
    name: 'an internal listener that is not there',
    bootstrap: (places) =>
      bootstrap(places, [front(places, [toCluster()])], [internalCluster(0, 'nowhere')], {
        bootstrap_extensions: [extension],
      }),
    // The log line says how the connection failed, which ours words as a refused one.
    cases: [{ name: 'GET', requests: [{}], without: ['log'] }],
  },
  judged('an internal listener with an address', (places) =>
    bootstrap(places, [{ ...front(places, [toCluster()]), internal_listener: {} }], [cluster(places, 0)], {
      bootstrap_extensions: [extension],
    }),
  ),
  judged('an internal listener that binds', (places) =>
    bootstrap(
      places,
      [internalListener(inside(places), [inner(places)], { tcp_backlog_size: 5 })],
      [cluster(places, 1)],
      {
        bootstrap_extensions: [extension],
      },
    ),
  ),
  judged('an internal listener that keeps alive', (places) =>
    bootstrap(
      places,
      [internalListener(inside(places), [inner(places)], { tcp_keepalive: {} })],
      [cluster(places, 1)],
      { bootstrap_extensions: [extension] },
    ),
  ),
  judged('an unknown bootstrap extension', (places) =>
    bootstrap(places, [front(places, [toCluster()])], [cluster(places, 0)], {
      bootstrap_extensions: [{ name: 'x', typed_config: typed('google.protobuf.Struct') }],
    }),
  ),
];
