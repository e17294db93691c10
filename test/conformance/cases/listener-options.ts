import {
  bootstrap,
  cluster,
  fileLog,
  listener,
  manager,
  routeConfig,
  simple,
  socketAddress,
  toCluster,
  typed,
} from '../config.ts';
import type { Case, Json, Places, Scenario } from '../types.ts';

const connectionLog =
  'connection %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% ' +
  '%BYTES_RECEIVED% %BYTES_SENT% %ACCESS_LOG_TYPE% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%\n';

const plain: Case = { name: 'GET', requests: [{}] };

const tcp = (places: Places, index = 0): Json => ({
  name: 'envoy.filters.network.tcp_proxy',
  typed_config: typed('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', {
    stat_prefix: `t${index}`,
    cluster: `c${index}`,
    access_log: [fileLog(places, 'tcp %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT%\n')],
  }),
});

/** A listener that is accepted or refused as it stands; nothing is sent to it. */
const judged = (name: string, change: (places: Places) => Json): Scenario => ({
  feature: 'listener options',
  name,
  validateOnly: true,
  cases: [],
  bootstrap: (places) => {
    const inner = manager(places, { route_config: routeConfig([toCluster()]) });
    return bootstrap(places, [{ ...listener(places, 0, [inner]), ...change(places) }], [cluster(places, 0)]);
  },
});

const answering = (places: Places, name: string, more: Json = {}): Json => {
  const answer = { match: { prefix: '/' }, direct_response: { status: 200, body: { inline_string: name } } };
  return { filters: [manager(places, { route_config: routeConfig([answer]) })], ...more };
};

const originalDst: Json = {
  name: 'envoy.filters.listener.original_dst',
  typed_config: typed('envoy.extensions.filters.listener.original_dst.v3.OriginalDst'),
};

export const scenarios: readonly Scenario[] = [
  {
    feature: 'listener options',
    name: 'access log of an HTTP listener',
    bootstrap: (places) => simple(places, { listener: { access_log: [fileLog(places, connectionLog)] } }),
    cases: [
      { name: 'one request', requests: [{ headers: { Connection: 'close' } }], settleMs: 50 },
      {
        name: 'two requests',
        requests: [{}, { method: 'POST', body: 'hello', headers: { Connection: 'close' } }],
        settleMs: 50,
      },
      { name: 'nothing', steps: [{ sleep: 20 }, { do: 'close' }], responses: 0, settleMs: 50, timeoutMs: 100 },
    ],
  },
  {
    feature: 'listener options',
    name: 'access log of a listener without a chain',
    bootstrap: (places) =>
      simple(places, {
        listener: {
          access_log: [fileLog(places, connectionLog)],
          filter_chains: [answering(places, 'never', { filter_chain_match: { destination_port: 1 } })],
        },
      }),
    cases: [{ ...plain, without: ['fate'], settleMs: 50 }],
  },
  {
    feature: 'listener options',
    name: 'access log of a TCP listener',
    backends: ['echo'],
    bootstrap: (places) =>
      bootstrap(
        places,
        [listener(places, 0, [tcp(places)], { access_log: [fileLog(places, connectionLog)] })],
        [cluster(places, 0)],
      ),
    cases: [
      {
        name: 'bytes both ways',
        tcp: true,
        steps: [{ send: 'hello' }, { awaitBytes: 5 }, { do: 'halfClose' }, { sleep: 30 }],
        settleMs: 50,
      },
    ],
  },
  {
    feature: 'listener options',
    name: 'additional addresses',
    bootstrap: (places) =>
      simple(places, {
        listener: {
          additional_addresses: [
            { address: socketAddress(places.host, places.listener(1)) },
            { address: socketAddress(places.other, places.listener(0)) },
          ],
        },
      }),
    cases: [
      plain,
      { name: 'second port', requests: [{}], listener: 1 },
      { name: 'second address', requests: [{}], toOther: true },
      { name: 'port in use by nobody', requests: [{}], listener: 2, timeoutMs: 100 },
    ],
  },
  {
    feature: 'listener options',
    name: 'hand-off to the listener of the destination',
    bootstrap: (places) =>
      bootstrap(
        places,
        [
          {
            ...listener(places, 0, []),
            name: 'front',
            use_original_dst: true,
            listener_filters: [originalDst],
            filter_chains: [answering(places, 'front')],
          },
          {
            ...listener(places, 1, []),
            name: 'behind',
            bind_to_port: false,
            filter_chains: [answering(places, 'behind')],
          },
        ],
        [cluster(places, 0)],
      ),
    cases: [plain, { name: 'a port that is not bound', requests: [{}], listener: 1, timeoutMs: 100 }],
  },
  {
    feature: 'listener options',
    name: 'socket options',
    bootstrap: (places) =>
      simple(places, {
        listener: {
          socket_options: [
            { level: 1, name: 9, int_value: 1, state: 'STATE_PREBIND' },
            { level: 6, name: 9, int_value: 1, state: 'STATE_PREBIND' },
          ],
          freebind: true,
          tcp_fast_open_queue_length: 16,
          tcp_backlog_size: 7,
        },
      }),
    cases: [plain],
  },
  judged('without an address', () => ({ address: undefined })),
  judged('without a name', () => ({ name: '' })),
  judged('without chains', () => ({ filter_chains: [] })),
  judged('without chains, with a default chain', (places) => ({
    filter_chains: [],
    default_filter_chain: answering(places, 'd'),
  })),
  judged('a chain without filters', () => ({ filter_chains: [{}] })),
  judged('two chains with the same match', (places) => ({
    filter_chains: [answering(places, 'a'), answering(places, 'b')],
  })),
  judged('two chains with overlapping ports', (places) => ({
    filter_chains: [
      answering(places, 'a', { filter_chain_match: { source_ports: [1, 2] } }),
      answering(places, 'b', { filter_chain_match: { source_ports: [2, 3] } }),
    ],
  })),
  judged('two chains with overlapping prefixes', (places) => ({
    filter_chains: [
      answering(places, 'a', {
        filter_chain_match: { prefix_ranges: [{ address_prefix: '10.0.0.0', prefix_len: 8 }] },
      }),
      answering(places, 'b', {
        filter_chain_match: {
          prefix_ranges: [
            { address_prefix: '10.0.0.0', prefix_len: 8 },
            { address_prefix: '11.0.0.0', prefix_len: 8 },
          ],
        },
      }),
    ],
  })),
  judged('two chains with the same prefix, differently written', (places) => ({
    filter_chains: [
      answering(places, 'a', {
        filter_chain_match: { prefix_ranges: [{ address_prefix: '10.0.0.0', prefix_len: 8 }] },
      }),
      answering(places, 'b', {
        filter_chain_match: { prefix_ranges: [{ address_prefix: '10.1.2.3', prefix_len: 8 }] },
      }),
    ],
  })),
  judged('a wildcard server name in the middle', (places) => ({
    filter_chains: [answering(places, 'a', { filter_chain_match: { server_names: ['a.*.com'] } })],
  })),
  judged('a partial wildcard server name', (places) => ({
    filter_chains: [answering(places, 'a', { filter_chain_match: { server_names: ['*a.com'] } })],
  })),
  judged('a wildcard server name', (places) => ({
    filter_chains: [answering(places, 'a', { filter_chain_match: { server_names: ['*.a.com'] } })],
  })),
  judged('a server name with capitals', (places) => ({
    filter_chains: [
      answering(places, 'a', { filter_chain_match: { server_names: ['A.com'] } }),
      answering(places, 'b', { filter_chain_match: { server_names: ['a.com'] } }),
    ],
  })),
  judged('an unknown transport protocol', (places) => ({
    filter_chains: [answering(places, 'a', { filter_chain_match: { transport_protocol: 'quic' } })],
  })),
  judged('a bad prefix length', (places) => ({
    filter_chains: [
      answering(places, 'a', {
        filter_chain_match: { prefix_ranges: [{ address_prefix: '10.0.0.0', prefix_len: 33 }] },
      }),
    ],
  })),
  judged('a bad prefix', (places) => ({
    filter_chains: [
      answering(places, 'a', { filter_chain_match: { prefix_ranges: [{ address_prefix: 'ten', prefix_len: 8 }] } }),
    ],
  })),
  judged('a source port of 0', (places) => ({
    filter_chains: [answering(places, 'a', { filter_chain_match: { source_ports: [0] } })],
  })),
  judged('a destination port of 0', (places) => ({
    filter_chains: [answering(places, 'a', { filter_chain_match: { destination_port: 0 } })],
  })),
  judged('an address that is a name', (places) => ({ address: socketAddress('localhost', places.listener(0)) })),
  judged('a port too large', (places) => ({ address: socketAddress(places.host, 65_536) })),
  judged('a named port', (places) => ({ address: { socket_address: { address: places.host, named_port: 'http' } } })),
  judged('no port', (places) => ({ address: { socket_address: { address: places.host } } })),
  judged('UDP', (places) => ({
    address: { socket_address: { protocol: 'UDP', address: places.host, port_value: places.listener(0) } },
  })),
  judged('a filter without configuration', () => ({
    filter_chains: [{ filters: [{ name: 'envoy.filters.network.tcp_proxy' }] }],
  })),
  judged('an unknown filter', () => ({
    filter_chains: [
      {
        filters: [
          { name: 'x', typed_config: { '@type': 'type.googleapis.com/google.protobuf.Duration', value: '1s' } },
        ],
      },
    ],
  })),
  judged('a listener filter without configuration', () => ({
    listener_filters: [{ name: 'envoy.filters.listener.original_dst' }],
  })),
  judged('a backlog', () => ({ tcp_backlog_size: 5 })),
  judged('a backlog of 0', () => ({ tcp_backlog_size: 0 })),
  judged('a bad state of a socket option', () => ({
    socket_options: [{ level: 1, name: 9, int_value: 1, state: 'STATE_NEVER' }],
  })),
  judged('a socket option without a value', () => ({ socket_options: [{ level: 1, name: 9 }] })),
  judged('keepalive', () => ({ tcp_keepalive: { keepalive_probes: 3, keepalive_time: 10, keepalive_interval: 5 } })),
  judged('a negative listener filter timeout', () => ({ listener_filters_timeout: '-1s' })),
  judged('connections per event of 0', () => ({ max_connections_to_accept_per_socket_event: 0 })),
];
