import { bootstrap, cluster, fileLog, listener, typed } from '../config.ts';
import type { Behaviour, Case, Json, Places, Scenario, Step } from '../types.ts';

const format =
  '%ACCESS_LOG_TYPE% %RESPONSE_FLAGS% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% %BYTES_RECEIVED% %BYTES_SENT% ' +
  '%UPSTREAM_CLUSTER% %UPSTREAM_HOST% %UPSTREAM_PROTOCOL% %UPSTREAM_REQUEST_ATTEMPT_COUNT% "%UPSTREAM_TRANSPORT_FAILURE_REASON%"\n';

const tunnel = (places: Places, { tunneling_config, log, ...config }: Json): Json => ({
  name: 'tcp',
  typed_config: typed('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', {
    stat_prefix: 'tcp',
    access_log: [fileLog(places, (log as string | undefined) ?? format)],
    ...(config['weighted_clusters'] ? {} : { cluster: 'c0' }),
    tunneling_config: { hostname: 'host.example:443', ...(tunneling_config as Json | undefined) },
    ...config,
  }),
});

interface Row {
  readonly name: string;
  readonly config: Json;
  readonly cases: Readonly<Record<string, Partial<Case>>>;
}

const sleep = (milliseconds: number): Step => ({ sleep: milliseconds });
const halfClose: Step = { do: 'halfClose' };
const answer = (status: string, headers = '', body = ''): string => `HTTP/1.1 ${status}\r\n${headers}\r\n${body}`;
const established = answer('200 OK');
const talk = (...list: readonly (string | Step)[]): Pick<Case, 'steps'> => ({
  steps: list.map((one): Step => (typeof one === 'string' ? { send: one } : one)),
});
const script = (...list: readonly Behaviour[]): Partial<Case> => ({ backends: { 0: list } });
const echo = talk('hello', { awaitBytes: 5 }, sleep(30));
const both: Partial<Case> = { ...echo, ...script({ raw: established }) };
const refused = (status: string): Partial<Case> => ({
  ...talk('hello', sleep(60)),
  ...script({ raw: answer(status, 'content-length: 2\r\n', 'no') }),
  without: ['fate'],
});

const plain: Row['cases'] = {
  'both ways': both,
  'the client waits': { ...talk(sleep(60), 'hello', { awaitBytes: 5 }), ...script({ raw: established }) },
  'the client ends its side': {
    ...talk('hello', { awaitBytes: 5 }, halfClose, sleep(80)),
    ...script({ raw: established }),
  },
  'the client ends its side at once': { ...talk('hello', halfClose, sleep(80)), ...script({ raw: established }) },
  'the host speaks on after the client': {
    ...talk('hello', sleep(60), halfClose, sleep(200)),
    ...script({ raw: [{ raw: established }, { raw: 'late', afterMs: 150 }] }),
  },
  'the client ends its side before the answer': {
    ...talk('hello', sleep(30), halfClose, sleep(200)),
    ...script({ raw: [{ raw: established, afterMs: 150 }] }),
  },
  'the client resets': {
    ...talk('hello', { awaitBytes: 5 }, { do: 'reset' }, sleep(30)),
    ...script({ raw: established }),
  },
  'the host ends the tunnel': { ...talk(sleep(60)), ...script({ raw: `${established}bye`, afterwards: 'close' }) },
  'the host resets the tunnel': {
    ...talk(sleep(150)),
    ...script({ raw: [{ raw: established }, { raw: 'x', afterMs: 60 }], afterwards: 'reset' }),
    without: ['fate'],
  },
  'the host closes': { ...talk('hello', sleep(60)), ...script({ end: 'close' }), without: ['fate'] },
  'the host resets': { ...talk('hello', sleep(60)), ...script({ end: 'reset' }), without: ['fate'] },
  'the host speaks no HTTP': { ...talk('hello', sleep(60)), ...script({ raw: 'hello\r\n\r\n' }), without: ['fate'] },
  'payload in the answer': { ...talk('hello', { awaitBytes: 7 }, sleep(30)), ...script({ raw: `${established}hi` }) },
  'a length in the answer': { ...both, ...script({ raw: answer('200 OK', 'content-length: 3\r\n') }) },
  'chunks in the answer': { ...both, ...script({ raw: answer('200 OK', 'transfer-encoding: chunked\r\n') }) },
  '100 first': { ...both, ...script({ raw: answer('100 Continue') + established }) },
  '201': { ...both, ...script({ raw: answer('201 Created') }) },
  '204': { ...both, ...script({ raw: answer('204 No Content') }) },
  '299': { ...both, ...script({ raw: answer('299 Hm') }) },
  '101': refused('101 Switching'),
  '101 alone': { ...refused('101'), ...script({ raw: answer('101 Switching Protocols') }) },
  '302': refused('302 Found'),
  '400': refused('400 Bad'),
  '407': refused('407 No'),
  '503': refused('503 No'),
  'a late answer': { ...both, ...script({ raw: [{ raw: established, afterMs: 100 }] }) },
};

const headers = (...list: readonly (readonly [string, string])[]): Json => ({
  headers_to_add: list.map(([key, value]) => ({ header: { key, value } })),
});
const withTunnel = (tunneling_config: Json): Json => ({ tunneling_config });

const rows: readonly Row[] = [
  { name: 'CONNECT', config: {}, cases: plain },
  {
    // Where the answer to POST ends before the request does, Envoy itself ends with a fault.
    name: 'POST',
    config: withTunnel({ use_post: true }),
    cases: {
      'both ways': { ...talk('hello', sleep(60), halfClose, sleep(60)), ...script({ early: established }) },
      'an answer in chunks that does not end': {
        ...talk(sleep(60), halfClose, sleep(60)),
        ...script({ early: answer('200 OK', 'transfer-encoding: chunked\r\n', '5\r\nhello\r\n') }),
      },
      'an answer with a length that does not end': {
        ...talk('x', sleep(60), 'y', sleep(60)),
        ...script({ early: answer('200 OK', 'content-length: 9\r\n', 'hello') }),
      },
      '204': { ...talk('x', sleep(60), 'y', sleep(60)), ...script({ early: answer('204 OK') }), without: ['fate'] },
      '403': { ...refused('403 No'), ...script({ early: answer('403 No', 'content-length: 2\r\n', 'no') }) },
    },
  },
  {
    name: 'POST with a path',
    config: withTunnel({ use_post: true, post_path: '/p?q' }),
    cases: { 'both ways': { ...talk('hello', sleep(60), halfClose, sleep(60)), ...script({ early: established }) } },
  },
  {
    name: 'a formatted host',
    config: withTunnel({ hostname: '%DOWNSTREAM_LOCAL_PORT%.%DYNAMIC_METADATA(a:b)%x:%UPSTREAM_HOST%' }),
    cases: { 'both ways': both },
  },
  {
    name: 'a host that is nothing',
    config: withTunnel({ hostname: '%REQUESTED_SERVER_NAME%' }),
    cases: { 'both ways': both },
  },
  {
    name: 'headers',
    config: withTunnel(
      headers(
        ['x-a', 'b'],
        ['X-B', '%DOWNSTREAM_LOCAL_PORT%'],
        ['x-c', '%UPSTREAM_CLUSTER%'],
        ['x-d', '%REQUESTED_SERVER_NAME%'],
        ['proxy-authorization', 'Basic x'],
      ),
    ),
    cases: { 'both ways': both },
  },
  {
    name: 'headers that come twice',
    config: withTunnel({
      headers_to_add: [
        { header: { key: 'x-a', value: 'b' } },
        { header: { key: 'x-a', value: 'c' } },
        { header: { key: 'x-a', value: 'd' }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' },
        { header: { key: 'x-e', value: '' } },
        { header: { key: 'x-f', value: '' }, keep_empty_value: true },
      ],
    }),
    cases: { 'both ways': both },
  },
  {
    name: 'two attempts',
    config: { max_connect_attempts: 2 },
    cases: {
      '503, then 200': { ...both, ...script({ raw: answer('503 No', 'content-length: 0\r\n') }, { raw: established }) },
      'closed, then 200': { ...both, ...script({ end: 'close' }, { raw: established }) },
      '503 twice': {
        ...refused('503 No'),
        ...script(
          { raw: answer('503 No', 'content-length: 0\r\n') },
          { raw: answer('503 No', 'content-length: 0\r\n') },
        ),
      },
      '407 twice': {
        ...refused('407 No'),
        ...script(
          { raw: answer('407 No', 'content-length: 0\r\n') },
          { raw: answer('407 No', 'content-length: 0\r\n') },
        ),
      },
    },
  },
  {
    name: 'two attempts with a pause',
    config: { max_connect_attempts: 2, backoff_options: { base_interval: '0.001s', max_interval: '0.002s' } },
    cases: {
      '503, then 200': { ...both, ...script({ raw: answer('503 No', 'content-length: 0\r\n') }, { raw: established }) },
    },
  },
  {
    name: 'nobody listens',
    config: { cluster: 'c1' },
    cases: { speaks: { ...talk('hello', sleep(60)), without: ['fate'] } },
  },
  {
    name: 'nobody listens, twice',
    config: { cluster: 'c1', max_connect_attempts: 2 },
    cases: { speaks: { ...talk('hello', sleep(60)), without: ['fate'] } },
  },
  { name: 'no host', config: { cluster: 'c2' }, cases: { speaks: { ...talk('hello', sleep(60)), without: ['fate'] } } },
  {
    name: 'no cluster',
    config: { cluster: 'none' },
    cases: { speaks: { ...talk('hello', sleep(60)), without: ['fate'] } },
  },
  {
    name: 'too many',
    config: { cluster: 'c3' },
    cases: { speaks: { ...talk('hello', sleep(60)), without: ['fate'] } },
  },
  {
    name: 'weighted',
    config: { weighted_clusters: { clusters: [{ name: 'c0', weight: 1 }] } },
    cases: { 'both ways': both, '503': refused('503 No') },
  },
  {
    name: 'idle',
    config: { idle_timeout: '0.2s' },
    cases: {
      'no answer': { ...talk('hello', sleep(500)), ...script('hang'), without: ['fate'] },
      'after the answer': { ...talk('hello', sleep(500)), ...script({ raw: established }) },
    },
  },
  {
    name: 'a lifetime',
    config: { max_downstream_connection_duration: '0.2s' },
    cases: {
      'no answer': { ...talk('hello', sleep(400)), ...script('hang'), without: ['fate'] },
      'after the answer': { ...talk('hello', sleep(400)), ...script({ raw: established }) },
    },
  },
  {
    name: 'entries at the start and when connected',
    config: { access_log_options: { flush_access_log_on_start: true, flush_access_log_on_connected: true } },
    cases: { 'both ways': both, '503': refused('503 No') },
  },
  {
    name: 'data before the connection',
    config: { upstream_connect_mode: 'ON_DOWNSTREAM_DATA', max_early_data_bytes: 100 },
    cases: { 'both ways': both, '503': refused('503 No') },
  },
  {
    name: 'response headers',
    config: {
      ...withTunnel({ propagate_response_headers: true, propagate_response_trailers: true }),
      log: '%RESPONSE_FLAGS% %FILTER_STATE(envoy.tcp_proxy.propagate_response_headers)% %FILTER_STATE(envoy.tcp_proxy.propagate_response_headers:PLAIN)% %FILTER_STATE(envoy.tcp_proxy.propagate_response_trailers)%\n',
    },
    cases: {
      'both ways': { ...both, ...script({ raw: answer('200 OK', 'x-a: b\r\nX-B: c\r\nx-a: d\r\n') }) },
      '407': {
        ...refused('407 No'),
        ...script({ raw: answer('407 No', 'proxy-authenticate: Basic\r\ncontent-length: 2\r\n', 'no') }),
      },
      'no answer': { ...talk('hello', sleep(60)), ...script({ end: 'close' }), without: ['fate'] },
    },
  },
  {
    name: 'a request id',
    config: {
      ...withTunnel({
        request_id_extension: { typed_config: typed('envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig') },
      }),
      log: '%RESPONSE_FLAGS% %DYNAMIC_METADATA(envoy.filters.network.tcp_proxy:tunnel_request_id)%\n',
    },
    cases: { 'both ways': both },
  },
];

const refusals: readonly (readonly [string, Json])[] = [
  ['no host', { hostname: '' }],
  ['a command that is none', { hostname: '%NOPE%' }],
  ['half a command', { hostname: '%DOWNSTREAM_LOCAL_PORT' }],
  ['a path without POST', { post_path: '/' }],
  ['a path with POST', { use_post: true, post_path: '/a' }],
  ['a path that is none', { use_post: true, post_path: 'a' }],
  ['the path as a header', headers([':path', '/'])],
  ['the host as a header', headers(['host', 'a'])],
  ['a header without a name', headers(['', 'a'])],
  ['a header with a line end', headers(['x-a', 'a\r\nb'])],
  ['a header with a command that is none', headers(['x-a', '%NOPE%'])],
  [
    'an unknown request id',
    { request_id_extension: { typed_config: typed('envoy.extensions.filters.http.router.v3.Router') } },
  ],
];

export const scenarios: readonly Scenario[] = [
  {
    feature: 'TCP tunnels',
    name: 'tunnels',
    backends: ['http', 'closed'],
    bootstrap: (places) =>
      bootstrap(
        places,
        rows.map((row, index) => listener(places, index, [tunnel(places, row.config)])),
        [
          cluster(places, 0),
          cluster(places, 1),
          cluster(places, 2, []),
          cluster(places, 3, [0], {
            circuit_breakers: { thresholds: [{ max_connections: 0, max_pending_requests: 0 }] },
          }),
        ],
      ),
    stats: [
      /^tcp\.tcp\./,
      /^cluster\.c\d+\.upstream_(cx_(total|active|destroy\w*|http1_total|connect_attempts_exceeded)|rq_active)$/,
    ],
    cases: rows.flatMap((row, index) =>
      Object.entries(row.cases).map(
        ([name, one]): Case => ({ tcp: true, settleMs: 60, listener: index, ...one, name: `${row.name}: ${name}` }),
      ),
    ),
  },
  ...refusals.map(
    ([name, config]): Scenario => ({
      feature: 'TCP tunnels',
      name: `refusal: ${name}`,
      validateOnly: true,
      bootstrap: (places) =>
        bootstrap(places, [listener(places, 0, [tunnel(places, withTunnel(config))])], [cluster(places, 0)]),
      cases: [],
    }),
  ),
];
