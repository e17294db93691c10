import { bootstrap, cluster, fileLog, listener, typed } from '../config.ts';
import { does, head, http2, OK } from '../http2.ts';
import type { Behaviour, Case, Fields, Http2HostStep, Json, Places, Scenario, Step } from '../types.ts';

const format =
  '%ACCESS_LOG_TYPE% %RESPONSE_FLAGS% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% %BYTES_RECEIVED% %BYTES_SENT% ' +
  '%UPSTREAM_CLUSTER% %UPSTREAM_HOST% %UPSTREAM_PROTOCOL% %UPSTREAM_REQUEST_ATTEMPT_COUNT% "%UPSTREAM_TRANSPORT_FAILURE_REASON%"\n';

const tunnel = (places: Places, { tunneling_config, log, ...config }: Json): Json => ({
  name: 'tcp',
  typed_config: typed('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', {
    stat_prefix: 'tcp',
    access_log: [fileLog(places, (log as string | undefined) ?? format)],
    cluster: 'c0',
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
const pause = (milliseconds: number): Http2HostStep => ({ sleep: milliseconds });
const halfClose: Step = { do: 'halfClose' };
const talk = (...list: readonly (string | Step)[]): Pick<Case, 'steps'> => ({
  steps: list.map((one): Step => (typeof one === 'string' ? { send: one } : one)),
});
/** What the host does once it has the head. */
const host = (...steps: readonly Http2HostStep[]): Behaviour => ({ http2: steps, atHead: true });
const script = (...list: readonly Behaviour[]): Partial<Case> => ({ backends: { 0: list } });
const established = head();
const status = (code: string, more: Fields = [], end = false): Http2HostStep => head([[':status', code], ...more], end);
const data = (text: string, end = false): Http2HostStep => ({ data: text, end });

/** Says something, hears `hello` once the tunnel is there, and ends its side. */
const spoken = talk('hello', { awaitBytes: 5 }, sleep(20), halfClose, sleep(80));
/** Then the host ends its side, so that each case has its log. */
const ended: readonly Http2HostStep[] = [pause(60), data('', true)];
const both: Partial<Case> = { ...spoken, ...script(host(established, data('hello'), ...ended)) };
const refused = (...steps: readonly Http2HostStep[]): Partial<Case> => ({
  ...talk('hello', sleep(60)),
  ...script(host(...steps)),
  without: ['fate'],
});

const plain: Row['cases'] = {
  'both ways': both,
  'the client waits': {
    ...talk(sleep(60), 'hello', { awaitBytes: 5 }, halfClose, sleep(80)),
    ...script(host(established, pause(80), data('hello'), ...ended)),
  },
  'the client ends its side at once': {
    ...talk('hello', halfClose, sleep(200)),
    ...script(host(established, pause(60), ...ended)),
  },
  'the client ends its side, then the host': {
    ...talk('hello', sleep(40), halfClose, sleep(200)),
    ...script(does(established, data('late', true))),
  },
  'the host speaks on after the client, and ends': {
    ...talk('hello', sleep(60), halfClose, sleep(200)),
    ...script(host(established, pause(150), data('late', true))),
  },
  'the client ends its side before the answer': {
    ...talk('hello', sleep(30), halfClose, sleep(200)),
    ...script(host(pause(120), established, data('hi', true))),
  },
  'the client resets': {
    ...talk('hello', { awaitBytes: 5 }, { do: 'reset' }, sleep(30)),
    ...script(host(established, data('hello'), ...ended)),
  },
  'the client resets before the answer': {
    ...talk('hello', sleep(30), { do: 'reset' }, sleep(30)),
    ...script('hang'),
  },
  'the host ends its side': {
    ...talk(sleep(60), 'more', halfClose, sleep(60)),
    ...script(host(established, data('bye', true))),
  },
  'the host ends its side with trailers': {
    ...talk(sleep(60), 'more', halfClose, sleep(60)),
    ...script(host(established, data('bye'), head([['x-t', 'u']], true))),
  },
  'the host ends its side, then the client': {
    ...talk('x', { awaitBytes: 3 }, sleep(30), 'more', halfClose, sleep(60)),
    ...script(host(established, data('bye', true))),
  },
  'the host resets the tunnel': {
    ...talk('hello', sleep(80)),
    ...script(host(established, data('x'), pause(20), { reset: 8 })),
    without: ['fate'],
  },
  'the host resets the tunnel without an error': {
    ...talk('hello', sleep(80)),
    ...script(host(established, data('x'), pause(20), { reset: 0 })),
    without: ['fate'],
  },
  'the host resets the request': refused({ reset: 2 }),
  'the host refuses the stream': refused({ reset: 7 }),
  'the host has no connection': refused({ reset: 10 }),
  'the host closes': refused({ close: 'close' }),
  'the connection ends under the tunnel': {
    ...talk('hello', sleep(80)),
    ...script(host(established, data('x'), pause(20), { close: 'close' })),
    without: ['fate'],
  },
  'a GOAWAY under the tunnel': {
    difference: 'http2-drained-connection',
    ...talk('hello', sleep(60), 'more', halfClose, sleep(80)),
    ...script(host(established, data('x'), { goaway: 0 }, data('y'), pause(40), ...ended)),
  },
  'payload in the answer': {
    ...talk('hello', { awaitBytes: 2 }, halfClose, sleep(80)),
    ...script(host(established, data('hi'), ...ended)),
  },
  'a length in the answer': {
    ...spoken,
    ...script(host(status('200', [['content-length', '3']]), data('hel'), data('lo'), ...ended)),
  },
  '100 first': { ...both, ...script(host(status('100'), established, data('hello'), ...ended)) },
  '201': { ...both, ...script(host(status('201'), data('hello'))), without: ['fate'] },
  '204': { ...both, ...script(host(status('204'), data('hello'))), without: ['fate'] },
  '299': { ...both, ...script(host(status('299'), data('hello'))), without: ['fate'] },
  '200 that ends': refused(status('200', [], true)),
  '302': refused(status('302'), data('no', true)),
  '400': refused(status('400'), data('no', true)),
  '407': refused(status('407', [['proxy-authenticate', 'Basic']]), data('no', true)),
  '503': refused(status('503', [], true)),
  '503 that goes on': refused(status('503')),
  'a late answer': { ...both, ...script(host(pause(100), established, data('hello'), ...ended)) },
  'much from the client': {
    ...talk('x'.repeat(200_000), halfClose, sleep(100)),
    ...script(does(established, data('done', true))),
  },
  'much from the host': {
    ...talk('hello', halfClose, { awaitBytes: 200_000 }, sleep(30)),
    ...script(host(established, data('x'.repeat(200_000), true))),
  },
};

const headers = (...list: readonly (readonly [string, string])[]): Json => ({
  headers_to_add: list.map(([key, value]) => ({ header: { key, value } })),
});
const withTunnel = (tunneling_config: Json): Json => ({ tunneling_config });

const rows: readonly Row[] = [
  { name: 'CONNECT', config: {}, cases: plain },
  {
    name: 'POST',
    config: withTunnel({ use_post: true }),
    cases: {
      'both ways': both,
      'the host ends its side': {
        ...talk('hello', { awaitBytes: 3 }, sleep(60), halfClose, sleep(40)),
        ...script(host(established, data('bye', true))),
      },
      '403': refused(status('403'), data('no', true)),
      '200 that ends': refused(status('200', [], true)),
    },
  },
  {
    name: 'POST with a path',
    config: withTunnel({ use_post: true, post_path: '/p?q' }),
    cases: { 'both ways': both },
  },
  {
    name: 'a formatted host',
    config: withTunnel({ hostname: '%DOWNSTREAM_LOCAL_PORT%.%DYNAMIC_METADATA(a:b)%x' }),
    cases: { 'both ways': both },
  },
  {
    name: 'headers',
    config: withTunnel(
      headers(
        ['x-a', 'b'],
        ['X-B', '%DOWNSTREAM_LOCAL_PORT%'],
        ['x-c', '%UPSTREAM_CLUSTER%'],
        ['proxy-authorization', 'Basic x'],
      ),
    ),
    cases: { 'both ways': both },
  },
  {
    name: 'two attempts',
    config: { max_connect_attempts: 2 },
    cases: {
      '503, then 200': {
        ...both,
        ...script(host(status('503', [], true)), host(established, data('hello'), ...ended)),
      },
      'reset, then 200': { ...both, ...script(host({ reset: 2 }), host(established, data('hello'), ...ended)) },
      '503 twice': { ...refused(), ...script(host(status('503', [], true)), host(status('503', [], true))) },
    },
  },
  {
    name: 'nobody listens',
    config: { cluster: 'c1' },
    cases: { speaks: { ...talk('hello', sleep(60)), without: ['fate'] } },
  },
  {
    name: 'too many',
    config: { cluster: 'c3' },
    cases: { speaks: { ...talk('hello', sleep(60)), without: ['fate'] } },
  },
  {
    name: 'idle',
    config: { idle_timeout: '0.2s' },
    cases: {
      'no answer': { ...talk('hello', sleep(500)), ...script('hang'), without: ['fate'] },
      'after the answer': { ...talk('hello', sleep(500)), ...script(host(established)) },
      'after the client ended its side': {
        ...talk('hello', sleep(20), halfClose, sleep(500)),
        ...script(host(established)),
      },
    },
  },
  {
    name: 'a lifetime',
    config: { max_downstream_connection_duration: '0.2s' },
    cases: {
      'no answer': { ...talk('hello', sleep(400)), ...script('hang'), without: ['fate'] },
      'after the answer': { ...talk('hello', sleep(400)), ...script(host(established)) },
    },
  },
  {
    name: 'data before the connection',
    config: { upstream_connect_mode: 'ON_DOWNSTREAM_DATA', max_early_data_bytes: 100 },
    cases: { 'both ways': both, '503': refused(status('503', [], true)) },
  },
  {
    name: 'response headers',
    config: {
      ...withTunnel({ propagate_response_headers: true, propagate_response_trailers: true }),
      log: '%RESPONSE_FLAGS% %FILTER_STATE(envoy.tcp_proxy.propagate_response_headers)% %FILTER_STATE(envoy.tcp_proxy.propagate_response_trailers)%\n',
    },
    cases: {
      'both ways': {
        ...both,
        ...script(host(head([...OK, ['x-a', 'b'], ['x-b', 'c'], ['x-a', 'd']]), data('hello'), ...ended)),
      },
      trailers: {
        ...spoken,
        ...script(
          host(
            head([...OK, ['x-a', 'b']]),
            data('hello'),
            head(
              [
                ['x-t', 'u'],
                ['x-v', 'w'],
              ],
              true,
            ),
          ),
        ),
      },
      '407': refused(status('407', [['proxy-authenticate', 'Basic']]), data('no', true)),
      'a length': { ...both, ...script(host(status('200', [['content-length', '5']]), data('hello'), ...ended)) },
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
  { name: 'one stream at a time', config: { cluster: 'c4' }, cases: { 'both ways': both } },
];

const ofHttp2 = http2({ initial_stream_window_size: 65_535, initial_connection_window_size: 65_535 });

export const scenarios: readonly Scenario[] = [
  {
    feature: 'TCP tunnels',
    name: 'tunnels over HTTP/2',
    backends: ['http2', 'closed'],
    bootstrap: (places) =>
      bootstrap(
        places,
        rows.map((row, index) => listener(places, index, [tunnel(places, row.config)])),
        [
          cluster(places, 0, [0], ofHttp2),
          cluster(places, 1, [1], ofHttp2),
          cluster(places, 3, [0], {
            ...ofHttp2,
            circuit_breakers: { thresholds: [{ max_connections: 0, max_pending_requests: 0 }] },
          }),
          cluster(places, 4, [0], http2({ max_concurrent_streams: 1 })),
        ],
      ),
    stats: [
      /^tcp\.tcp\.(?!.*(flow_control|buffered))/,
      /^cluster\.c\d+\.upstream_(cx_(total|http2_total|connect_attempts_exceeded)|rq_(total|tx_reset|rx_reset))$/,
    ],
    cases: rows.flatMap((row, index) =>
      Object.entries(row.cases).map(
        ([name, one]): Case => ({ tcp: true, settleMs: 60, listener: index, ...one, name: `${row.name}: ${name}` }),
      ),
    ),
  },
];
