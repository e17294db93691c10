import { bootstrap, cluster, listener, manager, routeConfig, socketAddress, typed } from '../config.ts';
import type { Case, Json, Places, Scenario } from '../types.ts';

const chainStats = [
  /^listener\.127\..*(no_filter_chain_match|downstream_cx_total|downstream_pre_cx_timeout|downstream_listener_filter_[a-z_]+)$/,
  /^http_inspector\./,
];

/** A chain whose connection manager answers with its own name. */
function chain(places: Places, name: string, match: Json | undefined): Json {
  const answer = { match: { prefix: '/' }, direct_response: { status: 200, body: { inline_string: name } } };
  return {
    name,
    filters: [manager(places, { route_config: routeConfig([answer]) })],
    ...(match ? { filter_chain_match: match } : {}),
  };
}

const cidr = (text: string): Json => {
  const [address, length] = text.split('/');
  return { address_prefix: address, prefix_len: Number(length) };
};

interface Chains {
  readonly name: string;
  readonly chains: Readonly<Record<string, Json | ((places: Places) => Json)>>;
  readonly fallback?: boolean;
  readonly listener?: Json;
  readonly cases: readonly Case[];
}

/** One listener on both addresses and two ports. */
function scenario({ name, chains, fallback, listener: more, cases }: Chains): Scenario {
  return {
    feature: 'filter chain match',
    name,
    stats: chainStats,
    bootstrap: (places) =>
      bootstrap(
        places,
        [
          {
            ...listener(places, 0, []),
            additional_addresses: [
              { address: socketAddress(places.host, places.listener(1)) },
              { address: socketAddress(places.other, places.listener(0)) },
            ],
            filter_chains: Object.entries(chains).map(([key, match]) =>
              chain(places, key, typeof match === 'function' ? match(places) : match),
            ),
            ...(fallback ? { default_filter_chain: chain(places, 'fallback', undefined) } : {}),
            ...more,
          },
        ],
        [cluster(places, 0)],
      ),
    cases,
  };
}

const here: Case = { name: 'first port', requests: [{}] };
/** Where no chain matches the client's bytes race with the close, so it may see a reset. */
const refused = (one: Case): Case => ({ ...one, without: ['fate'] });
const otherPort: Case = { name: 'second port', requests: [{}], listener: 1 };
const otherAddress: Case = { name: 'second address', requests: [{}], toOther: true };
const from = (address: string): Case => ({ name: `from ${address}`, requests: [{}], from: address });

const inspector: Json = {
  listener_filters: [
    {
      name: 'envoy.filters.listener.http_inspector',
      typed_config: typed('envoy.extensions.filters.listener.http_inspector.v3.HttpInspector'),
    },
  ],
};

const protocolCases: readonly Case[] = [
  { name: 'HTTP/1.1', requests: [{}] },
  { name: 'HTTP/1.0', requests: [{ version: 'HTTP/1.0' }] },
  { name: 'split at every byte', steps: [{ sendSplit: 'GET / HTTP/1.1\r\nHost: a\r\n\r\n' }] },
  { name: 'no HTTP', requests: ['hello world\r\n\r\n'], timeoutMs: 300 },
  { name: 'unknown method', requests: ['BREW / HTTP/1.1\r\nHost: a\r\n\r\n'], timeoutMs: 300 },
  {
    name: 'one line, no end',
    steps: [{ send: 'GET / HT' }, { sleep: 100 }, { do: 'halfClose' }],
    timeoutMs: 200,
    without: ['fate'],
  },
  { name: 'closed without a byte', steps: [{ do: 'halfClose' }], timeoutMs: 200, responses: 0 },
  { name: 'HTTP/2 preface', requests: ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'], timeoutMs: 300 },
];

export const scenarios: readonly Scenario[] = [
  scenario({ name: 'no criteria', chains: { all: {} }, cases: [here, otherPort, otherAddress] }),
  scenario({ name: 'by port', chains: { all: {}, second: { destination_port: 10_001 } }, cases: [here, otherPort] }),
  scenario({
    name: 'by port without another',
    chains: { second: { destination_port: 10_001 } },
    cases: [refused(here), otherPort],
  }),
  scenario({
    name: 'by port with a default chain',
    chains: { second: { destination_port: 10_001 } },
    fallback: true,
    cases: [here, otherPort],
  }),
  scenario({
    name: 'by destination address',
    chains: {
      exact: ({ other }) => ({ prefix_ranges: [cidr(`${other}/32`)] }),
      wide: { prefix_ranges: [cidr('127.0.0.0/8')] },
    },
    cases: [here, otherAddress],
  }),
  scenario({
    name: 'the longest prefix wins whatever the order',
    chains: {
      wide: { prefix_ranges: [cidr('127.0.0.0/8')] },
      all: {},
      exact: ({ host }) => ({ prefix_ranges: [cidr(`${host}/32`)] }),
    },
    cases: [here, otherAddress],
  }),
  scenario({
    name: 'several prefixes in a chain',
    chains: {
      both: ({ host }) => ({ prefix_ranges: [cidr('10.0.0.0/8'), cidr(`${host}/32`)] }),
      none: { prefix_ranges: [cidr('10.1.0.0/16')] },
    },
    fallback: true,
    cases: [here, otherAddress],
  }),
  scenario({
    name: 'no way back from the port to the address',
    chains: {
      port: { destination_port: 10_001, prefix_ranges: [cidr('10.0.0.0/8')] },
      address: { prefix_ranges: [cidr('127.0.0.0/8')] },
    },
    cases: [here, refused(otherPort)],
  }),
  scenario({
    name: 'no way back from the address to the source',
    chains: {
      close: ({ host }) => ({ prefix_ranges: [cidr(`${host}/32`)], source_prefix_ranges: [cidr('127.0.0.9/32')] }),
      wide: { prefix_ranges: [cidr('127.0.0.0/8')] },
    },
    cases: [refused(here), otherAddress, from('127.0.0.9'), refused(from('127.0.0.8'))],
  }),
  scenario({
    name: 'by source address',
    chains: {
      nine: { source_prefix_ranges: [cidr('127.0.0.9/32')] },
      eights: { source_prefix_ranges: [cidr('127.0.0.8/30')] },
      rest: {},
    },
    cases: [from('127.0.0.9'), from('127.0.0.10'), from('127.0.0.1')],
  }),
  scenario({
    name: 'by source port',
    chains: { ports: { source_ports: [40_001, 40_002] }, rest: {} },
    cases: [here],
  }),
  scenario({
    name: 'by source address and port without way back',
    chains: {
      both: { source_prefix_ranges: [cidr('127.0.0.9/32')], source_ports: [7] },
      rest: {},
    },
    cases: [here, refused(from('127.0.0.9'))],
  }),
  scenario({
    name: 'by direct source',
    chains: {
      nine: { direct_source_prefix_ranges: [cidr('127.0.0.9/32')] },
      rest: { direct_source_prefix_ranges: [cidr('127.0.0.0/8')] },
    },
    cases: [here, from('127.0.0.9')],
  }),
  scenario({
    name: 'local sources',
    chains: { local: { source_type: 'SAME_IP_OR_LOOPBACK' }, external: { source_type: 'EXTERNAL' } },
    cases: [here, from('127.0.0.9')],
  }),
  scenario({
    name: 'external sources only',
    chains: { external: { source_type: 'EXTERNAL' } },
    cases: [refused(here)],
  }),
  scenario({
    name: 'server names on plain text',
    chains: { named: { server_names: ['example.com'] }, rest: {} },
    cases: [here],
  }),
  scenario({
    name: 'only server names on plain text',
    chains: { named: { server_names: ['example.com'] } },
    cases: [refused(here)],
  }),
  scenario({
    name: 'transport protocol',
    chains: { tls: { transport_protocol: 'tls' }, raw: { transport_protocol: 'raw_buffer' } },
    cases: [here],
  }),
  scenario({ name: 'only TLS', chains: { tls: { transport_protocol: 'tls' } }, fallback: true, cases: [here] }),
  scenario({
    name: 'application protocols without an inspector',
    chains: { one: { application_protocols: ['http/1.1'] }, rest: {} },
    cases: [here],
  }),
  scenario({
    name: 'application protocols',
    chains: {
      one: { application_protocols: ['http/1.1'] },
      zero: { application_protocols: ['http/1.0'] },
      two: { application_protocols: ['h2c'] },
    },
    fallback: true,
    listener: inspector,
    cases: protocolCases.filter(({ name }) => name !== 'HTTP/2 preface'),
  }),
  scenario({
    name: 'application protocols without a default',
    chains: { both: { application_protocols: ['http/1.0', 'http/1.1'] } },
    listener: inspector,
    cases: protocolCases,
  }),
  scenario({
    name: 'an inspector that times out',
    chains: { one: { application_protocols: ['http/1.1'] } },
    fallback: true,
    listener: { ...inspector, listener_filters_timeout: '0.1s' },
    cases: [
      { name: 'silence', steps: [{ sleep: 300 }, { send: 'GET / HTTP/1.1\r\nHost: a\r\n\r\n' }], timeoutMs: 500 },
    ],
  }),
  scenario({
    name: 'an inspector that times out and goes on',
    chains: { one: { application_protocols: ['http/1.1'] } },
    fallback: true,
    listener: { ...inspector, listener_filters_timeout: '0.1s', continue_on_listener_filters_timeout: true },
    cases: [
      { name: 'silence', steps: [{ sleep: 300 }, { send: 'GET / HTTP/1.1\r\nHost: a\r\n\r\n' }], timeoutMs: 500 },
    ],
  }),
];
