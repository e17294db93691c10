import { server } from '../../../src/proxy/testing/certificates.ts';
import { proxyHeader } from '../../../src/proxy/testing/proxy-protocol.ts';
import { cluster, manager, routeConfig, simple, toCluster, typed } from '../config.ts';
import { OPTIONS } from '../http2.ts';
import { downstreamTls, trusted, upstreamTls } from '../tls-config.ts';
import type { Case, Json, Places, Scenario } from '../types.ts';

/** Headers of the PROXY protocol before handshakes, of clients and to hosts. */
const feature = 'PROXY protocol and TLS';
const stats = [
  /^proxy_proto\.versions/,
  /\.tls_inspector\.(sni_found|tls_found|tls_not_found)$/,
  /\.no_filter_chain_match$/,
];

const proxyProtocol = (config: Json = {}): Json => ({
  name: 'envoy.filters.listener.proxy_protocol',
  typed_config: typed('envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol', config),
});
const inspector: Json = {
  name: 'envoy.filters.listener.tls_inspector',
  typed_config: typed('envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector'),
};
const V4 = 'PROXY TCP4 10.1.2.3 10.4.5.6 1111 2222\r\n';
const V6 = 'PROXY TCP6 2001:db8::1 2001:db8::2 1111 2222\r\n';
const V2 = proxyHeader({ tlvs: [[2, 'abc']] }).toString('latin1');
const LOCAL = 'PROXY UNKNOWN\r\n';

const asks = (name: string, before: string | undefined, serverName = 'a.test', more: Partial<Case> = {}): Case => ({
  name,
  requests: [{ host: 'a.test' }],
  tls: { serverName, ...(before === undefined ? {} : { before }) },
  timeoutMs: 500,
  ...more,
});
const clients: readonly Case[] = [
  asks('IPv4', V4),
  asks('IPv6', V6),
  asks('second version', V2),
  asks('of the proxy itself', LOCAL),
  asks('another name', V4, 'z.test'),
];

/** A chain for one name, with the address of the client as it goes to the host. */
const chain = (places: Places, match: Json): Json => ({
  filters: [manager(places, { route_config: routeConfig([toCluster()]), use_remote_address: true })],
  filter_chain_match: match,
  transport_socket: downstreamTls([server]),
});

function toListener(
  name: string,
  filters: readonly Json[],
  cases: readonly Case[],
  match: Json = { server_names: ['a.test'] },
): Scenario {
  return {
    feature,
    name: `tls-proxy-protocol > ${name}`,
    stats,
    bootstrap: (places) =>
      simple(places, {
        clusters: [cluster(places, 0)],
        listener: { listener_filters: filters, filter_chains: [chain(places, match)] },
      }),
    cases,
  };
}

interface Row {
  readonly name: string;
  readonly config?: Json;
  readonly common?: Json;
  readonly context?: Json;
  readonly options?: Json;
  readonly play?: Partial<Case>;
}

const rows: readonly Row[] = [
  { name: 'first version' },
  { name: 'second version', config: { version: 'V2' } },
  {
    name: 'trusted',
    common: { validation_context: trusted() },
    context: { sni: 'a.test', auto_sni_san_validation: true },
  },
  { name: 'HTTP/2', options: { explicit_http_config: { http2_protocol_options: {} } } },
  { name: 'what the handshake agrees on', options: { auto_config: {} } },
  {
    name: 'what the handshake agrees on, HTTP/1.1',
    options: { auto_config: {} },
    play: { hosts: { 0: { agrees: 'http/1.1' } } },
  },
];

function toHost({ name, config, common, context, options, play }: Row): Scenario {
  return {
    feature,
    name: `tls-proxy-protocol > to hosts > ${name}`,
    stats,
    backends: ['https'],
    bootstrap: (places) =>
      simple(places, {
        listener: { listener_filters: [proxyProtocol()] },
        clusters: [
          cluster(places, 0, [0], {
            transport_socket: {
              name: 'proxy',
              typed_config: typed(
                'envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport',
                {
                  config: config ?? {},
                  transport_socket: upstreamTls(common, context),
                },
              ),
            },
            ...(options ? { typed_extension_protocol_options: { [OPTIONS]: typed(OPTIONS, options) } } : {}),
          }),
        ],
      }),
    cases: ['10.1.2.3', '10.1.2.4'].map((from) => ({
      name: from,
      requests: [`PROXY TCP4 ${from} 10.4.5.6 1111 2222\r\nGET / HTTP/1.1\r\nhost: a.test\r\n\r\n`],
      ...play,
    })),
  };
}

export const scenarios: readonly Scenario[] = [
  toListener('names after the header', [proxyProtocol(), inspector], [...clients, asks('no header', undefined)]),
  toListener(
    'headers that may be missing',
    [proxyProtocol({ allow_requests_without_proxy_protocol: true }), inspector],
    [asks('a header', V4), asks('no header', undefined), asks('no header, another name', undefined, 'z.test')],
  ),
  toListener('no inspector', [proxyProtocol()], clients, {}),
  toListener('by the address in the header', [proxyProtocol(), inspector], clients, {
    source_prefix_ranges: [{ address_prefix: '10.0.0.0', prefix_len: 8 }],
    server_names: ['a.test'],
  }),
  toListener('the inspector first', [inspector, proxyProtocol()], [asks('IPv4', V4)]),
  ...rows.map(toHost),
];
