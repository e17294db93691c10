import { proxyHeader } from '../../../src/proxy/testing/proxy-protocol.ts';
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
import type { Case, Json, Places, Scenario } from '../types.ts';

const feature = 'PROXY protocol to hosts';
const stats = [/proxyprotocol/, /^cluster\.c0\.upstream_cx_(total|tx_bytes_total)$/, /^proxy_proto\.versions/];
const filter = (config: Json = {}): Json => ({
  name: 'envoy.filters.listener.proxy_protocol',
  typed_config: typed('envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol', config),
});
const rawBuffer: Json = {
  name: 'raw',
  typed_config: typed('envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer'),
};
const transport = (config: Json | undefined, more: Json = {}): Json => ({
  transport_socket: {
    name: 'proxy',
    typed_config: typed('envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport', {
      ...(config && { config }),
      transport_socket: rawBuffer,
      ...more,
    }),
  },
});
const b64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64');
const tlv = (type: number, text: string): Json => ({ type, value: b64(text) });

const PAYLOAD = 'hello';
/** The echo comes back with the header that the host was sent. */
const sends = (name: string, header: Buffer | string, payload = PAYLOAD, more: Partial<Case> = {}): Case => ({
  name,
  tcp: true,
  timeoutMs: 300,
  steps: [
    { send: (typeof header === 'string' ? header : header.toString('latin1')) + payload },
    { sleep: 60 },
    { do: 'halfClose' },
    { sleep: 40 },
  ],
  ...more,
});
const V4 = 'PROXY TCP4 10.1.2.3 10.4.5.6 1111 2222\r\n';
const V6 = 'PROXY TCP6 2001:db8::1 2001:db8::2 1111 2222\r\n';
const tlvs = proxyHeader({
  tlvs: [
    [1, 'h2'],
    [2, 'abc'],
    [2, 'def'],
    [0xea, 'v'],
    [4, ''],
  ],
});
const cases: readonly Case[] = [
  sends('IPv4', V4),
  sends('IPv6', V6),
  sends('mapped IPv4', proxyHeader({ source: '::ffff:10.1.2.3', destination: '::ffff:10.4.5.6' })),
  sends('ports of 0', proxyHeader({ sourcePort: 0, destinationPort: 0 })),
  sends('TLVs', tlvs),
  sends('TLVs of IPv6', proxyHeader({ source: '2001:db8::1', tlvs: [[2, 'abc']] })),
  sends('no bytes from the client', V4, ''),
];

interface TcpRow {
  readonly name: string;
  readonly config?: Json | undefined;
  readonly socket?: Json;
  readonly inner?: Json;
  readonly proxy?: Json;
  readonly cases?: readonly Case[];
}
const tcp = ({ name, config, socket = transport(config), inner = {}, proxy = {}, ...row }: TcpRow): Scenario => ({
  feature,
  name,
  stats,
  backends: ['echo'],
  bootstrap: (places) =>
    bootstrap(
      places,
      [
        {
          ...listener(places, 0, [
            {
              name: 'tcp',
              typed_config: typed('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', {
                stat_prefix: 'tcp',
                cluster: 'c0',
                access_log: [
                  fileLog(places, '%BYTES_RECEIVED% %BYTES_SENT% %UPSTREAM_WIRE_BYTES_SENT% %RESPONSE_FLAGS%\n'),
                ],
                ...proxy,
              }),
            },
          ]),
          listener_filters: [
            filter({
              allow_requests_without_proxy_protocol: true,
              pass_through_tlvs: { match_type: 'INCLUDE_ALL' },
              ...inner,
            }),
          ],
        },
      ],
      [cluster(places, 0, [0], socket)],
    ),
  cases: row.cases ?? cases,
});

const configs: Readonly<Record<string, Json | undefined>> = {
  'no configuration': undefined,
  'version 1': { version: 'V1' },
  'version 2': { version: 'V2' },
  'version 2, all TLVs': { version: 'V2', pass_through_tlvs: {} },
  'version 2, TLVs of some types': { version: 'V2', pass_through_tlvs: { match_type: 'INCLUDE', tlv_type: [2, 4] } },
  'version 2, TLVs of no type': { version: 'V2', pass_through_tlvs: { match_type: 'INCLUDE' } },
  'version 1, all TLVs': { version: 'V1', pass_through_tlvs: {}, added_tlvs: [tlv(9, 'x')] },
  'version 2, added TLVs': { version: 'V2', added_tlvs: [tlv(2, 'added'), tlv(0xf0, '\xff\0')] },
  'version 2, added and all TLVs': { version: 'V2', pass_through_tlvs: {}, added_tlvs: [tlv(2, 'added'), tlv(9, 'x')] },
  'version 2, one type added twice': { version: 'V2', added_tlvs: [tlv(2, 'first'), tlv(2, 'second')] },
};

const big = (count: number): Buffer =>
  proxyHeader({ tlvs: Array.from({ length: count }, (_, at) => [at, 'x'.repeat(10_000)]) });
const policies: Readonly<Record<string, string | undefined>> = {
  'by default': undefined,
  'if absent': 'ADD_IF_ABSENT',
  'in their place': 'OVERWRITE_BY_TYPE_IF_EXISTS_OR_ADD',
  'behind them': 'APPEND_IF_EXISTS_OR_ADD',
};

const inner = '%DOWNSTREAM_REMOTE_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %REQ(:path)%\n';
/** Through a second listener, which takes the header off again. */
const http = (name: string, config: Json, more: Json, list: readonly Case[], cluster0: Json = {}): Scenario => ({
  feature,
  name,
  stats,
  bootstrap: (places) =>
    bootstrap(
      places,
      [
        {
          ...listener(places, 0, [
            manager(places, { route_config: routeConfig([toCluster()]), access_log: [], ...more }),
          ]),
          listener_filters: [filter({ allow_requests_without_proxy_protocol: true, pass_through_tlvs: {} })],
        },
        {
          ...listener(places, 1, [
            manager(places, {
              stat_prefix: 'inner',
              use_remote_address: true,
              route_config: routeConfig([toCluster('c1')]),
              access_log: [fileLog(places, inner)],
            }),
          ]),
          listener_filters: [filter()],
        },
      ],
      [{ ...toListener(places), ...transport(config), ...cluster0 }, cluster(places, 1, [0])],
    ),
  cases: list,
});
const toListener = (places: Places): Json => ({
  name: 'c0',
  connect_timeout: '1s',
  load_assignment: {
    cluster_name: 'c0',
    endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(places.host, places.listener(1)) } }] }],
  },
});
const get = (headers = ''): string => `GET /x HTTP/1.1\r\nhost: a.b\r\n${headers}\r\n`;
const request = (name: string, header: Buffer | string, text = get(), responses = 1): Case => ({
  name,
  requests: [(typeof header === 'string' ? header : header.toString('latin1')) + text],
  responses,
  settleMs: 30,
});
/** How many bytes a header takes depends on ports of the run. */
const httpStats = [/proxyprotocol/, /^cluster\.c0\.upstream_cx_total$/, /^proxy_proto\.versions/];
const httpCases: readonly Case[] = [
  request('IPv4', V4),
  request('IPv4 again', V4),
  request('another port', proxyHeader({ sourcePort: 7 })),
  request('another destination', proxyHeader({ destination: '10.4.5.7' })),
  request('other TLVs', proxyHeader({ tlvs: [[2, 'x']] })),
  request('other TLVs again', proxyHeader({ tlvs: [[2, 'y']] })),
  request('IPv6', V6),
  request('two requests', V4, get() + get(), 2),
  request('forwarded for somebody', V4, get('x-forwarded-for: 10.7.7.7\r\n')),
];
/** Clients without a header: what the inner listener logs is an address alone. */
const forwarded: readonly Case[] = [
  request('forwarded for somebody', '', get('x-forwarded-for: 10.7.7.7\r\n')),
  request('forwarded for somebody of IPv6', '', get('x-forwarded-for: 2001:db8::7\r\n')),
  request('forwarded for nobody known', '', get('x-forwarded-for: unknown\r\n')),
  request('LOCAL', proxyHeader({ command: 0 })),
  request('nobody', ''),
];

const refused = (name: string, socket: Json, proxy: Json = {}): Scenario => ({
  ...tcp({ name: `configuration: ${name}`, socket, proxy, cases: [] }),
  validateOnly: true,
});
const numbered = (list: readonly Scenario[]): readonly Scenario[] => list.map((one) => ({ ...one, stats: httpStats }));

export const scenarios: readonly Scenario[] = [
  ...Object.entries(configs).map(([name, config]) => tcp({ name, config })),
  tcp({
    name: 'too many TLVs',
    config: { version: 'V2', pass_through_tlvs: {}, added_tlvs: [tlv(200, 'y'.repeat(9000))] },
    cases: [sends('they fit', big(5)), sends('they do not', big(6))],
  }),
  tcp({
    name: 'an added TLV that is too long',
    config: { version: 'V2', added_tlvs: [tlv(200, 'y'.repeat(65_536)), tlv(201, 'z')] },
    cases: [sends('IPv4', V4), sends('IPv6', V6)],
  }),
  ...Object.entries(policies).map(([name, policy]) =>
    tcp({
      name: `TLVs of the TCP proxy, ${name}`,
      config: { version: 'V2', pass_through_tlvs: {} },
      proxy: {
        proxy_protocol_tlvs: [tlv(2, 'own'), tlv(0xf1, 'more')],
        ...(policy && { proxy_protocol_tlv_merge_policy: policy }),
      },
      cases: [sends('TLVs', tlvs), sends('none', V4), sends('other ones', proxyHeader({ tlvs: [[7, 'x']] }))],
    }),
  ),
  tcp({
    name: 'TLVs of the TCP proxy by a format',
    config: { version: 'V2', pass_through_tlvs: {} },
    proxy: {
      proxy_protocol_tlvs: [
        {
          type: 0xf1,
          format_string: { text_format_source: { inline_string: '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%' } },
        },
      ],
      proxy_protocol_tlv_merge_policy: 'APPEND_IF_EXISTS_OR_ADD',
    },
    cases: [sends('TLVs', tlvs), sends('none', V4)],
  }),
  ...numbered([
    http('HTTP, version 1', { version: 'V1' }, {}, httpCases),
    http('HTTP, version 2', { version: 'V2' }, {}, httpCases),
    http('HTTP, TLVs tell connections apart', { version: 'V2', pass_through_tlvs: {} }, {}, httpCases, {
      ...transport({ version: 'V2', pass_through_tlvs: {} }, { tlv_as_pool_key: true }),
    }),
    http('HTTP, clients without a header, version 1', { version: 'V1' }, {}, forwarded.slice(0, 3)),
    http('HTTP, clients without a header, version 2', { version: 'V2' }, {}, forwarded.slice(0, 2)),
    http('HTTP at the edge', { version: 'V2' }, { use_remote_address: true }, [request('IPv4', V4)]),
    http(
      'HTTP, nobody is told of',
      { version: 'V2' },
      { add_proxy_protocol_connection_state: false },
      [
        request('IPv4', V4),
        request('forwarded for somebody', '', get('x-forwarded-for: 10.7.7.7\r\n')),
        request('two requests', '', get() + get(), 2),
      ].map((one) => ({ ...one, without: ['log'] as const })),
    ),
  ]),
  refused('no transport socket within', {
    transport_socket: {
      name: 'p',
      typed_config: typed('envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport', {
        config: { version: 'V2' },
      }),
    },
  }),
  refused('an unknown version', transport({ version: 'V3' })),
  refused('a type of 256', transport({ version: 'V2', added_tlvs: [{ type: 256, value: b64('x') }] })),
  refused('a type of 255', transport({ version: 'V2', added_tlvs: [{ type: 255, value: b64('x') }] })),
  refused(
    'passing a type of 256',
    transport({ version: 'V2', pass_through_tlvs: { match_type: 'INCLUDE', tlv_type: [256] } }),
  ),
  refused('an added TLV without anything', transport({ version: 'V2', added_tlvs: [{}] })),
  refused('TLVs of the TCP proxy of a type of 256', transport({}), { proxy_protocol_tlvs: [{ type: 256 }] }),
  refused('an added TLV without a value', transport({ version: 'V2', added_tlvs: [{ type: 3 }] })),
  refused('a TLV of the TCP proxy without a value', transport({}), { proxy_protocol_tlvs: [{ type: 3 }] }),
  refused('a value and a format', transport({}), {
    proxy_protocol_tlvs: [{ type: 5, value: b64('x'), format_string: { text_format_source: { inline_string: 'x' } } }],
  }),
  refused('an unknown policy', transport({}), { proxy_protocol_tlv_merge_policy: 'OTHER' }),
];
