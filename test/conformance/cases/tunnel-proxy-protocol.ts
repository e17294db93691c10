import { proxyHeader } from '../../../src/proxy/testing/proxy-protocol.ts';
import { bootstrap, cluster, listener, manager, routeConfig, toCluster, typed } from '../config.ts';
import type { Case, Json, Scenario } from '../types.ts';

const filter: Json = {
  name: 'envoy.filters.listener.proxy_protocol',
  typed_config: typed('envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol', {
    allow_requests_without_proxy_protocol: true,
    pass_through_tlvs: { match_type: 'INCLUDE_ALL' },
  }),
};
const tlv = (type: number, text: string): Json => ({ type, value: Buffer.from(text, 'latin1').toString('base64') });
const on = (connect_config: Json): Json =>
  toCluster('c0', { upgrade_configs: [{ upgrade_type: 'CONNECT', connect_config }] }, { connect_matcher: {} });
const connect = 'CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\nX-Forwarded-For: 10.9.9.9\r\n\r\n';
const V4 = 'PROXY TCP4 10.1.2.3 10.4.5.6 1111 2222\r\n';
const V6 = 'PROXY TCP6 2001:db8::1 2001:db8::2 1111 2222\r\n';
const tlvs = proxyHeader({
  tlvs: [
    [1, 'h2'],
    [2, 'abc'],
    [0xea, 'v'],
  ],
}).toString('latin1');

/** The echo comes back with the header that the host was sent. */
const asks = (name: string, header: string, request: string, more: Partial<Case> = {}): Case => ({
  name,
  steps: [{ send: header + request }, { awaitResponses: 1 }, { send: 'hello' }, { sleep: 100 }],
  methods: ['CONNECT'],
  settleMs: 60,
  ...more,
});
const ended = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello';

const cases: readonly Case[] = [
  asks('IPv4', V4, connect),
  asks('IPv6', V6, connect),
  asks('payload at once', V4, `${connect}early`),
  asks(
    'ends of two families',
    proxyHeader({ source: '::ffff:10.1.2.3', destination: '2001:db8::2' }).toString('latin1'),
    connect,
  ),
  asks('TLVs', tlvs, connect),
  asks('POST', V4, ended, { methods: ['POST'], steps: [{ send: V4 + ended }, { sleep: 100 }] }),
];

interface Row {
  readonly name: string;
  readonly config: Json;
  readonly manager?: Json;
}
const post = { allow_post: true };
const rows: readonly Row[] = [
  { name: 'none', config: post },
  { name: 'no version', config: { ...post, proxy_protocol_config: {} } },
  { name: 'version 1', config: { ...post, proxy_protocol_config: { version: 'V1' } } },
  { name: 'version 2', config: { ...post, proxy_protocol_config: { version: 'V2' } } },
  {
    name: 'version 2, TLVs passed through',
    config: { ...post, proxy_protocol_config: { version: 'V2', pass_through_tlvs: { match_type: 'INCLUDE_ALL' } } },
  },
  {
    name: 'version 2, TLVs added',
    config: { ...post, proxy_protocol_config: { version: 'V2', added_tlvs: [tlv(0xee, 'own')] } },
  },
  {
    name: 'the client by its header',
    config: { ...post, proxy_protocol_config: { version: 'V1' } },
    manager: { use_remote_address: true, xff_num_trusted_hops: 1 },
  },
  {
    name: 'hosts are told nothing',
    config: { ...post, proxy_protocol_config: { version: 'V1' } },
    manager: { add_proxy_protocol_connection_state: false },
  },
];

const refusals: readonly (readonly [string, Json])[] = [
  ['an unknown version', { proxy_protocol_config: { version: 'V3' } }],
];

export const scenarios: readonly Scenario[] = [
  {
    feature: 'CONNECT',
    name: 'terminated with a header of the PROXY protocol',
    backends: ['echo'],
    bootstrap: (places) =>
      bootstrap(
        places,
        rows.map(({ config, manager: more }, index) =>
          listener(
            places,
            index,
            [
              manager(places, {
                ...more,
                route_config: routeConfig([on(config), { ...on(config), match: { prefix: '/' } }]),
              }),
            ],
            { listener_filters: [filter] },
          ),
        ),
        [cluster(places, 0)],
      ),
    stats: [/^cluster\.c0\.upstream_cx_(total|tx_bytes_total|rx_bytes_total)$/],
    cases: rows.flatMap(({ name }, index) => [
      ...cases.map((one): Case => ({ ...one, listener: index, name: `${name}: ${one.name}` })),
    ]),
  },
  ...refusals.map(
    ([name, config]): Scenario => ({
      feature: 'CONNECT',
      name: `refusal: ${name}`,
      validateOnly: true,
      bootstrap: (places) =>
        bootstrap(
          places,
          [listener(places, 0, [manager(places, { route_config: routeConfig([on(config)]) })])],
          [cluster(places, 0)],
        ),
      cases: [],
    }),
  ),
];
