import {
  bootstrap,
  cluster,
  fileLog,
  listener,
  manager,
  routeConfig,
  router,
  simple,
  socketAddress,
  toCluster,
  typed,
} from '../config.ts';
import type { Behaviour, Case, Json, Places, Scenario } from '../types.ts';

/** One access log line of `NAME=value` pairs. */
const line = (commands: readonly string[]): string =>
  `${commands.map((name) => `${name.replaceAll('%', '')}=%${name}%`).join(' ')}\n`;

const groups: Readonly<Record<string, readonly string[]>> = {
  'request and response': [
    'PROTOCOL',
    'RESPONSE_CODE',
    'RESPONSE_CODE_DETAILS',
    'RESPONSE_CODE_DETAILS(ALLOW_WHITESPACES)',
    'RESPONSE_FLAGS',
    'RESPONSE_FLAGS_LONG',
    'BYTES_RECEIVED',
    'BYTES_SENT',
    'REQUEST_HEADERS_BYTES',
    'ROUTE_NAME',
    'GRPC_STATUS',
    'GRPC_STATUS_NUMBER',
    'LOCAL_REPLY_BODY',
    'ACCESS_LOG_TYPE',
    'STREAM_ID',
    'UNIQUE_ID',
    'TRACE_ID',
    'SPAN_ID',
    'REQUESTED_SERVER_NAME',
  ],
  headers: [
    'REQ(:METHOD)',
    'REQ(:PATH)',
    'REQ(:AUTHORITY)',
    'REQ(:SCHEME)',
    'REQ(Host)',
    'REQ(X-Absent)',
    'REQ(X-Absent?X-One)',
    'REQ(X-One?X-Absent)',
    'REQ(X-One):2',
    'REQ(X-Two)',
    'REQ(X-ENVOY-ORIGINAL-PATH?:PATH)',
    'REQ(X-FORWARDED-PROTO)',
    'REQUEST_HEADER(X-One)',
    'RESP(:STATUS)',
    'RESP(Content-Length)',
    'RESP(X-Absent)',
    'RESP(X-Backend?Server)',
    'RESPONSE_HEADER(X-Backend)',
    'TRAILER(X-T)',
    'RESPONSE_TRAILER(X-T)',
    'PATH',
    'PATH(NQ)',
    'PATH(WQ)',
    'QUERY_PARAM(a)',
    'QUERY_PARAM(absent)',
    'QUERY_PARAMS(ORIG)',
  ],
  upstream: [
    'UPSTREAM_HOST',
    'UPSTREAM_HOST_NAME',
    'UPSTREAM_HOST_NAME_WITHOUT_PORT',
    'UPSTREAM_REMOTE_ADDRESS',
    'UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT',
    'UPSTREAM_REMOTE_PORT',
    'UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT',
    'UPSTREAM_CLUSTER',
    'UPSTREAM_CLUSTER_RAW',
    'UPSTREAM_PROTOCOL',
    'UPSTREAM_REQUEST_ATTEMPT_COUNT',
    'UPSTREAM_TRANSPORT_FAILURE_REASON',
    'UPSTREAM_TLS_VERSION',
    'UPSTREAM_PEER_SUBJECT',
  ],
  downstream: [
    'DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT',
    'DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT',
    'DOWNSTREAM_LOCAL_ADDRESS',
    'DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT',
    'DOWNSTREAM_LOCAL_PORT',
    'DOWNSTREAM_TLS_VERSION',
    'DOWNSTREAM_PEER_SUBJECT',
    'DOWNSTREAM_TRANSPORT_FAILURE_REASON',
    'DYNAMIC_METADATA(a)',
    'DYNAMIC_METADATA(a:b)',
    'ENVIRONMENT(CONFORMANCE_ABSENT)',
  ],
  bytes: [
    ...['DOWNSTREAM', 'UPSTREAM'].flatMap((side) =>
      ['WIRE_BYTES_RECEIVED', 'WIRE_BYTES_SENT', 'HEADER_BYTES_RECEIVED', 'HEADER_BYTES_SENT'].map(
        (name) => `${side}_${name}`,
      ),
    ),
    'UPSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED',
    'UPSTREAM_DECOMPRESSED_HEADER_BYTES_SENT',
    'DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED',
    'DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_SENT',
    'BYTES_RETRANSMITTED',
    'PACKETS_RETRANSMITTED',
    'RESPONSE_HEADERS_BYTES',
    'RESPONSE_TRAILERS_BYTES',
  ],
  places: [
    'CONNECTION_TERMINATION_DETAILS',
    'CUSTOM_FLAGS',
    'UPSTREAM_HOSTS_ATTEMPTED',
    'UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT',
    'UPSTREAM_HOST_NAMES_ATTEMPTED',
    'UPSTREAM_HOST_NAMES_ATTEMPTED_WITHOUT_PORT',
    'DOWNSTREAM_DIRECT_LOCAL_ADDRESS',
    'DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT',
    'DOWNSTREAM_DIRECT_LOCAL_PORT',
    'DOWNSTREAM_LOCAL_ADDRESS_ENDPOINT_ID',
    'DOWNSTREAM_DIRECT_LOCAL_ADDRESS_ENDPOINT_ID',
    'UPSTREAM_REMOTE_ADDRESS_ENDPOINT_ID',
    'FILTER_CHAIN_NAME',
    'ROUTE_RESOLUTION_COUNT',
    'CLUSTER_METADATA(a:b)',
    'REQUEST_TX_DURATION',
    'UPSTREAM_CONNECTION_POOL_READY_DURATION',
    'START_TIME_LOCAL(%Y %z %Z)',
    'EMIT_TIME_LOCAL(%Y)',
    'DOWNSTREAM_PEER_CERT_V_START',
    'UPSTREAM_PEER_CERT_V_END',
    'UPSTREAM_PEER_CERT_V_END(%Y)',
  ],
  times: [
    'DURATION',
    'REQUEST_DURATION',
    'RESPONSE_DURATION',
    'RESPONSE_TX_DURATION',
    'ROUNDTRIP_DURATION',
    'DOWNSTREAM_HANDSHAKE_DURATION',
    'COMMON_DURATION(DS_RX_BEG:DS_TX_END:ms)',
    'COMMON_DURATION(US_RX_BEG:US_RX_END:ns)',
    'COMMON_DURATION(US_CX_BEG:US_CX_END)',
    'COMMON_DURATION(US_TX_BEG:US_TX_END)',
    'COMMON_DURATION(US_CX_BEG:US_HS_END)',
    'START_TIME(%Y)',
    'EMIT_TIME(%Y)',
  ],
};

const retried: Behaviour = { raw: 'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n' };

const requests: readonly Case[] = [
  {
    name: 'GET',
    requests: [
      {
        path: '/a?b=c&a=d',
        headers: [
          ['X-One', 'first'],
          ['X-Two', 'a'],
          ['X-Two', 'b'],
        ],
      },
    ],
  },
  { name: 'POST', requests: [{ method: 'POST', body: 'hello', path: '/p' }] },
  { name: 'chunks', requests: [{ method: 'POST', body: 'hello', chunked: true }] },
  {
    name: 'a chunked response with trailers',
    requests: [{}],
    backends: { 0: [{ raw: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: t\r\n\r\n' }] },
  },
  { name: 'rewritten', requests: [{ path: '/rewritten/x?a=1' }] },
  { name: 'no route', requests: [{ path: '/a', host: 'unknown.test', headers: { 'X-One': 'y' } }] },
  { name: 'a direct response', requests: [{ path: '/direct?a=1' }] },
  { name: 'refused', requests: [{ path: '/refused' }] },
  { name: 'retried', requests: [{ path: '/retried' }], backends: { 0: [retried, retried] } },
  { name: 'no retry left', requests: [{ path: '/retried' }], backends: { 0: [retried, retried, retried] } },
  { name: 'the upstream closes', requests: [{}], backends: { 0: [{ end: 'close' }] } },
  {
    name: 'gRPC',
    requests: [{ method: 'POST', headers: { 'Content-Type': 'application/grpc' } }],
    backends: {
      0: [{ raw: 'HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ngrpc-status: 5\r\ncontent-length: 0\r\n\r\n' }],
    },
  },
  { name: 'bad request', requests: ['nonsense\r\n\r\n'], without: ['fate', 'stats'] },
  { name: 'HTTP/1.0', requests: [{ version: 'HTTP/1.0' }], without: ['fate', 'stats'] },
  {
    name: 'the client leaves',
    steps: [{ send: 'GET /slow HTTP/1.1\r\nHost: a\r\n\r\n' }, { sleep: 60 }, { do: 'close' }, { sleep: 60 }],
    responses: 0,
    timeoutMs: 100,
    backends: { 0: ['hang'] },
    without: ['stats', 'fate', 'backends'],
  },
];

function logging(places: Places, format: string): Json {
  return simple(places, {
    manager: {
      access_log: [fileLog(places, format)],
      // The length of the time that a service took would count.
      http_filters: [router({ suppress_envoy_headers: true })],
      route_config: {
        name: 'routes',
        virtual_hosts: [
          {
            name: 'all',
            domains: ['example.com', 'a'],
            routes: [
              { name: 'rewriting', match: { prefix: '/rewritten' }, route: { cluster: 'c0', prefix_rewrite: '/new' } },
              { match: { prefix: '/direct' }, direct_response: { status: 200, body: { inline_string: 'said here' } } },
              toCluster('c1', {}, { prefix: '/refused' }),
              toCluster(
                'c0',
                {
                  retry_policy: {
                    retry_on: '5xx',
                    num_retries: 2,
                    retry_back_off: { base_interval: '0.001s', max_interval: '0.001s' },
                  },
                },
                { prefix: '/retried' },
              ),
              toCluster(),
            ],
          },
        ],
      },
    },
    clusters: [cluster(places, 0), cluster(places, 1)],
  });
}

const words = '"%REQ(X)%" "%RESP(X-Backend)%" %RESPONSE_CODE% %BYTES_SENT%';

const json = (places: Places, format: Json, more: Json = {}): Json => ({
  name: 'json',
  typed_config: typed('envoy.extensions.access_loggers.file.v3.FileAccessLog', {
    path: `${places.folder}/access.log`,
    log_format: { json_format: format, ...more },
  }),
});

const jsonFormat: Json = {
  b_number: '%RESPONSE_CODE%',
  a_text: '%REQ(:METHOD)%',
  absent: '%REQ(X-Absent)%',
  mixed: '%REQ(:METHOD)% %RESPONSE_CODE%',
  mixed_absent: 'x%REQ(X-Absent)%',
  literal: 'text',
  number: 5,
  flag: true,
  nothing: null,
  empty: '',
  percent: '100%%',
  nested: { z: '%BYTES_SENT%', a: ['%REQ(X-One)%', 1, { deep: '%PROTOCOL%' }] },
  quoted: '%REQ(X-One)%',
  cut: '%REQ(:METHOD):2%',
  metadata: '%DYNAMIC_METADATA(a:b)%',
  flags: '%RESPONSE_FLAGS%',
};

const jsonCases: readonly Case[] = [
  { name: 'GET', requests: [{ headers: { 'X-One': 'plain' } }] },
  { name: 'to be escaped', requests: [{ headers: { 'X-One': 'quote " back \\ slash / tab\tend <>&' } }] },
  { name: 'high bytes', requests: [{ headers: { 'X-One': 'caf\xc3\xa9 \xff' } }] },
];

const noted = (value: string): Json => ({ filter_metadata: { a: { b: value, list: [1, { c: value }] } } });

/** What is configured around a request, and where its attempts went. */
const surroundings: Scenario = {
  feature: 'access log format',
  name: 'names and metadata around a request',
  backends: ['http', 'http', 'closed'],
  bootstrap: (places) => {
    const format = line([
      'FILTER_CHAIN_NAME',
      ...['CLUSTER', 'VIRTUAL_HOST', 'ROUTE', 'LISTENER', 'LISTENER_FILTER_CHAIN', 'UPSTREAM_HOST'].map(
        (kind) => `METADATA(${kind}:a:b)`,
      ),
      'METADATA(LISTENER:a:list)',
      'METADATA(VIRTUAL_HOST:a)',
      'METADATA(CLUSTER:a:b):3',
      'CLUSTER_METADATA(a:b)',
      'CLUSTER_METADATA(a)',
      'CLUSTER_METADATA(x:y)',
      'UPSTREAM_HOSTS_ATTEMPTED',
      'UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT',
      'UPSTREAM_HOST_NAMES_ATTEMPTED',
      'UPSTREAM_HOST_NAMES_ATTEMPTED_WITHOUT_PORT',
      'UPSTREAM_HOST_NAME',
    ]);
    const priorities = [0, 1].map((backend) => ({
      priority: backend,
      lb_endpoints: [
        {
          endpoint: { address: socketAddress(places.host, places.backend(backend)), hostname: `host${backend}:80` },
          metadata: noted(`host ${backend}`),
        },
      ],
    }));
    const retry: Json = {
      retry_on: '5xx',
      num_retries: 3,
      retry_back_off: { base_interval: '0.001s', max_interval: '0.001s' },
      retry_priority: {
        name: 'envoy.retry_priorities.previous_priorities',
        typed_config: typed('envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig', {
          update_frequency: 1,
        }),
      },
    };
    const hcm = manager(places, {
      access_log: [fileLog(places, format)],
      route_config: routeConfig(
        [
          { ...toCluster('c1', {}, { prefix: '/refused' }), metadata: noted('refused') },
          { ...toCluster('c0', { retry_policy: retry }), metadata: noted('route') },
        ],
        {},
        { metadata: noted('virtual host') },
      ),
    });
    return bootstrap(
      places,
      [
        {
          ...listener(places, 0, []),
          metadata: noted('listener'),
          filter_chains: [{ name: 'the chain', metadata: noted('chain'), filters: [hcm] }],
        },
      ],
      [
        {
          ...cluster(places, 0),
          metadata: noted('cluster'),
          load_assignment: { cluster_name: 'c0', endpoints: priorities },
        },
        cluster(places, 1, [2]),
      ],
    );
  },
  cases: [
    { name: 'one attempt', requests: [{}] },
    { name: 'two attempts', requests: [{}], backends: { 0: [retried] } },
    { name: 'three attempts', requests: [{}], backends: { 0: [retried, retried], 1: [retried] } },
    { name: 'a connection that ended', requests: [{}], backends: { 0: [{ end: 'close' }, { end: 'close' }] } },
    { name: 'refused', requests: [{ path: '/refused' }] },
  ],
};

/** The same commands for connections without HTTP. */
const tcp = ['bytes', 'places', 'downstream', 'upstream', 'times'].map(
  (name): Scenario => ({
    feature: 'access log format',
    name: `${name} of TCP`,
    backends: ['echo', 'closed'],
    bootstrap: (places) => {
      const proxy = (to: string): Json => ({
        name: 'tcp',
        typed_config: typed('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', {
          stat_prefix: 't',
          cluster: to,
          access_log: [fileLog(places, line(groups[name] ?? []))],
        }),
      });
      return bootstrap(
        places,
        [listener(places, 0, [proxy('c0')]), listener(places, 1, [proxy('c1')])],
        [cluster(places, 0), cluster(places, 1)],
      );
    },
    cases: [
      { name: 'echo', tcp: true, steps: [{ send: 'hello' }, { awaitBytes: 5 }, { do: 'halfClose' }, { sleep: 60 }] },
      { name: 'refused', tcp: true, listener: 1, steps: [{ sleep: 60 }] },
    ],
  }),
);

export const scenarios: readonly Scenario[] = [
  surroundings,
  ...tcp,
  ...Object.entries(groups).map(
    ([name, commands]): Scenario => ({
      feature: 'access log format',
      name,
      backends: ['http', 'closed'],
      bootstrap: (places) => logging(places, line(commands)),
      cases: requests,
    }),
  ),
  {
    feature: 'access log format',
    name: 'text with omitted empty values',
    bootstrap: (places) =>
      simple(places, {
        manager: {
          access_log: [
            {
              name: 'text',
              typed_config: typed('envoy.extensions.access_loggers.file.v3.FileAccessLog', {
                path: `${places.folder}/access.log`,
                log_format: { omit_empty_values: true, text_format_source: { inline_string: `${words}\n` } },
              }),
            },
          ],
        },
      }),
    cases: jsonCases,
  },
  {
    feature: 'access log format',
    name: 'JSON',
    bootstrap: (places) => simple(places, { manager: { access_log: [json(places, jsonFormat)] } }),
    cases: jsonCases,
  },
  {
    feature: 'access log format',
    name: 'JSON with omitted empty values',
    bootstrap: (places) =>
      simple(places, { manager: { access_log: [json(places, jsonFormat, { omit_empty_values: true })] } }),
    cases: jsonCases,
  },
  ...[
    '%NOSUCH%',
    '%REQ%',
    '%REQ()%',
    '%REQ(A%',
    '%REQ(A)',
    '%REQ(A):x%',
    '%REQ(A):0%',
    '%REQ(A)B%',
    '%REQ(A?B?C)%',
    '%REQ(A\n)%',
    '%PROTOCOL(X)%',
    '%PROTOCOL:2%',
    '%BYTES_SENT():2%',
    '100%',
    '100%%',
    '%%%',
    '%',
    '%START_TIME(%s.%3f)%',
    '%START_TIME(%E4n)%',
    '%START_TIME%:3',
    '%DYNAMIC_METADATA%',
    '%DYNAMIC_METADATA()%',
    '%CLUSTER_METADATA(a:b):2%',
    '%METADATA(NOSUCH:a)%',
    '%UPSTREAM_HOSTS_ATTEMPTED(X)%',
    '%FILTER_CHAIN_NAME:2%',
    '%START_TIME_LOCAL(%n)%',
    '%DOWNSTREAM_WIRE_BYTES_SENT:2%',
    '%ENVIRONMENT%',
    '%ENVIRONMENT(PATH):1%',
    '%COMMON_DURATION%',
    '%COMMON_DURATION(A:B)%',
    '%COMMON_DURATION(DS_RX_BEG:DS_TX_END:ms)%',
    '%COMMON_DURATION(DS_RX_BEG:DS_TX_END:h)%',
    '%QUERY_PARAM%',
    '%QUERY_PARAM(a):2%',
    '%QUERY_PARAMS(NOSUCH)%',
    '%PATH(NOSUCH)%',
    '%RESPONSE_CODE_DETAILS(X)%',
    '%TRAILER(X)%',
    '%REQUEST_TRAILER(X)%',
    '%req(A)%',
    '% PROTOCOL%',
  ].map(
    (format): Scenario => ({
      feature: 'access log format',
      name: `the format ${JSON.stringify(format)}`,
      validateOnly: true,
      bootstrap: (places) => simple(places, { manager: { access_log: [fileLog(places, format)] } }),
      cases: [],
    }),
  ),
];
