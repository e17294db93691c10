import { proxyHeader, type V2Parts } from '../../../src/proxy/testing/proxy-protocol.ts';
import { bootstrap, cluster, fileLog, listener, manager, routeConfig, toCluster, typed } from '../config.ts';
import type { Case, Json, Places, Scenario } from '../types.ts';

const NAMESPACE = 'envoy.filters.listener.proxy_protocol';
const format =
  '%DOWNSTREAM_REMOTE_ADDRESS% %DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_DIRECT_LOCAL_ADDRESS% ' +
  `%DYNAMIC_METADATA(${NAMESPACE})% %DYNAMIC_METADATA(other:key)% ` +
  '%FILTER_STATE(envoy.network.proxy_protocol.tlv:PLAIN)% %FILTER_STATE(envoy.network.proxy_protocol.tlv)% %FILTER_STATE(envoy.network.proxy_protocol.tlv:FIELD:key)% ' +
  '%FILTER_STATE(envoy.network.proxy_protocol_options:PLAIN)% %BYTES_RECEIVED% %FILTER_CHAIN_NAME% %RESPONSE_FLAGS% %CONNECTION_TERMINATION_DETAILS%\n';
const stats = [
  /proxy_proto/,
  /^listener\.127\..*(no_filter_chain_match|downstream_pre_cx_timeout|downstream_listener_filter_[a-z_]+|downstream_cx_total)$/,
];

const filter = (config: Json = {}): Json => ({
  name: NAMESPACE,
  typed_config: typed('envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol', config),
});
const inspector = (name: string, message: string): Json => ({
  name: `envoy.filters.listener.${name}`,
  typed_config: typed(`envoy.extensions.filters.listener.${name}.v3.${message}`),
});
const httpInspector = inspector('http_inspector', 'HttpInspector');
const tlsInspector = inspector('tls_inspector', 'TlsInspector');

interface Row {
  readonly name: string;
  readonly config?: Json;
  readonly filters?: readonly Json[];
  readonly chains?: Readonly<Record<string, Json>>;
  readonly network?: readonly Json[];
  readonly listener?: Json;
  readonly log?: string;
  readonly cases: readonly Case[];
}

const tcp = (places: Places, log = format): Json => ({
  name: 'tcp',
  typed_config: typed('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', {
    stat_prefix: 'tcp',
    cluster: 'c0',
    access_log: [fileLog(places, log)],
  }),
});

function scenario({
  name,
  config = {},
  filters = [filter(config)],
  chains = { all: {} },
  network = [],
  ...row
}: Row): Scenario {
  return {
    feature: 'PROXY protocol from clients',
    name,
    stats,
    backends: ['echo'],
    bootstrap: (places) =>
      bootstrap(
        places,
        [
          {
            ...listener(places, 0, []),
            listener_filters: filters,
            filter_chains: Object.entries(chains).map(([key, match]) => ({
              name: key,
              filters: [...network, tcp(places, row.log)],
              filter_chain_match: match,
            })),
            ...row.listener,
          },
        ],
        [cluster(places, 0)],
      ),
    cases: row.cases,
  };
}

const PAYLOAD = 'hello';
/** Sends a header and what follows, which a backend sends back; or the connection ends without that. */
function sends(name: string, header: Buffer | string, payload = PAYLOAD, more: Partial<Case> = {}): Case {
  const send = (typeof header === 'string' ? header : header.toString('latin1')) + payload;
  // Envoy may see an end before it reads what came before it.
  const answer = payload === '' ? { sleep: 40 } : { awaitBytes: payload.length };
  const steps = [{ send }, answer, { do: 'halfClose' }, { sleep: 50 }] as const;
  return { name, tcp: true, timeoutMs: 200, steps, ...more };
}
/** The close of what is answered by nobody races with the client's own. */
const closes: Partial<Case> = { without: ['fate'] };
const v1 = (name: string, line: string, more?: Partial<Case>): Case => sends(name, `${line}\r\n`, PAYLOAD, more);
const v2 = (name: string, parts: V2Parts, more?: Partial<Case>): Case => sends(name, proxyHeader(parts), PAYLOAD, more);
const split = (name: string, header: Buffer | string): Case => ({
  name,
  tcp: true,
  steps: [
    { sendSplit: (typeof header === 'string' ? header : header.toString('latin1')) + PAYLOAD },
    { awaitBytes: PAYLOAD.length },
    { do: 'halfClose' },
    { sleep: 50 },
  ],
});
const pieces = (name: string, ...parts: readonly string[]): Case => ({
  name,
  tcp: true,
  timeoutMs: 200,
  steps: [
    ...parts.flatMap((send) => [{ send }, { sleep: 30 }]),
    { awaitBytes: PAYLOAD.length },
    { do: 'halfClose' },
    { sleep: 50 },
  ],
});

const V4 = 'PROXY TCP4 10.1.2.3 10.4.5.6 1111 2222';
const V6 = 'PROXY TCP6 2001:db8::1 2001:db8::2 1111 2222';

const lines: readonly Case[] = [
  v1('IPv4', V4),
  v1('IPv6', V6),
  v1('IPv6 in full', 'PROXY TCP6 2001:0DB8:0:0:0:0:0:1 2001:db8:0000::2 1 65535'),
  v1('mapped IPv4', 'PROXY TCP6 ::ffff:10.1.2.3 ::ffff:10.4.5.6 1111 2222'),
  v1('unknown', 'PROXY UNKNOWN'),
  v1('unknown with addresses', 'PROXY UNKNOWN ffff::1 ffff::2 1 2'),
  v1('unknown with nonsense', 'PROXY UNKNOWN \x01\x02 abc'),
  v1('unknown glued to more', 'PROXY UNKNOWNS'),
  v1('of lower case', 'proxy tcp4 10.1.2.3 10.4.5.6 1111 2222'),
  v1('family of lower case', 'PROXY tcp4 10.1.2.3 10.4.5.6 1111 2222'),
  v1('of UDP', 'PROXY UDP4 10.1.2.3 10.4.5.6 1111 2222'),
  v1('two spaces', 'PROXY TCP4  10.1.2.3 10.4.5.6 1111 2222'),
  v1('two spaces after the word', 'PROXY  TCP4 10.1.2.3 10.4.5.6 1111 2222'),
  v1('space before the end', `${V4} `),
  v1('tab before the end', `${V4}\t`),
  v1('tabs between', 'PROXY TCP4\t10.1.2.3\t10.4.5.6\t1111\t2222'),
  v1('a bare CR before the end', `${V4}\r`),
  v1('no addresses', 'PROXY TCP4'),
  v1('no ports', 'PROXY TCP4 10.1.2.3 10.4.5.6'),
  v1('one port', 'PROXY TCP4 10.1.2.3 10.4.5.6 1111'),
  v1('three ports', `${V4} 3333`),
  v1('nothing but the word', 'PROXY'),
  v1('nothing but the word and a space', 'PROXY '),
  v1('port 0', 'PROXY TCP4 10.1.2.3 10.4.5.6 0 0'),
  v1('port 65535', 'PROXY TCP4 10.1.2.3 10.4.5.6 65535 65535'),
  v1('port 65536', 'PROXY TCP4 10.1.2.3 10.4.5.6 65536 2222'),
  v1('port of a destination too large', 'PROXY TCP4 10.1.2.3 10.4.5.6 1111 99999'),
  v1('negative port', 'PROXY TCP4 10.1.2.3 10.4.5.6 -1 2222'),
  v1('port with a plus', 'PROXY TCP4 10.1.2.3 10.4.5.6 +1111 2222'),
  v1('port with zeros', 'PROXY TCP4 10.1.2.3 10.4.5.6 001111 2222'),
  v1('port of letters', 'PROXY TCP4 10.1.2.3 10.4.5.6 http 2222'),
  v1('hexadecimal port', 'PROXY TCP4 10.1.2.3 10.4.5.6 0x10 2222'),
  v1('port with a tab', 'PROXY TCP4 10.1.2.3 10.4.5.6 \t1111 2222'),
  v1('port with a vertical tab', 'PROXY TCP4 10.1.2.3 10.4.5.6 \v1111\f 2222'),
  v1('address with leading zeros', 'PROXY TCP4 010.001.002.003 10.4.5.6 1111 2222'),
  v1('address of three parts', 'PROXY TCP4 10.1.2 10.4.5.6 1111 2222'),
  v1('address out of range', 'PROXY TCP4 10.1.2.256 10.4.5.6 1111 2222'),
  v1('IPv6 addresses as IPv4', 'PROXY TCP4 ::1 ::2 1111 2222'),
  v1('IPv6 addresses in brackets as IPv4', 'PROXY TCP4 [::1] [::2] 1111 2222'),
  v1('IPv4 addresses as IPv6', 'PROXY TCP6 10.1.2.3 10.4.5.6 1111 2222'),
  v1('IPv6 addresses in brackets', 'PROXY TCP6 [2001:db8::1] [2001:db8::2] 1111 2222'),
  v1('a bracket within', 'PROXY TCP6 2001:db8::1]:80 2001:db8::2 1111 2222'),
  v1('IPv6 address with a scope', 'PROXY TCP6 fe80::1%1 2001:db8::2 1111 2222', { difference: 'proxy-protocol-scope' }),
  v1('IPv6 address with the scope of an interface', 'PROXY TCP6 fe80::1%lo 2001:db8::2 1111 2222', {
    difference: 'proxy-protocol-scope',
  }),
  v1('IPv6 address with two double colons', 'PROXY TCP6 2001::db8::1 2001:db8::2 1111 2222'),
  v1('IPv6 address too long', 'PROXY TCP6 1:2:3:4:5:6:7:8:9 2001:db8::2 1111 2222'),
  v1('a colon in an IPv4 address', 'PROXY TCP4 10.1.2.3:5 10.4.5.6 1111 2222'),
  v1('a name', 'PROXY TCP4 localhost 10.4.5.6 1111 2222'),
  v1('any address as source', 'PROXY TCP4 0.0.0.0 10.4.5.6 1111 2222'),
  v1('any address as destination', 'PROXY TCP4 10.1.2.3 0.0.0.0 1111 2222'),
  v1('broadcast as source', 'PROXY TCP4 255.255.255.255 10.4.5.6 1111 2222'),
  v1('multicast as source', 'PROXY TCP4 224.0.0.1 10.4.5.6 1111 2222'),
  v1('last multicast as destination', 'PROXY TCP4 10.1.2.3 239.255.255.255 1111 2222'),
  v1('reserved address', 'PROXY TCP4 240.0.0.1 10.4.5.6 1111 2222'),
  v1('loopback', 'PROXY TCP4 127.0.0.1 127.0.0.2 1111 2222'),
  v1('any IPv6 address', 'PROXY TCP6 :: 2001:db8::2 1111 2222'),
  v1('multicast IPv6 address', 'PROXY TCP6 ff02::1 2001:db8::2 1111 2222'),
  v1('mapped any address', 'PROXY TCP6 ::ffff:0.0.0.0 2001:db8::2 1111 2222'),
  sends('without the end of the line', V4, '', closes),
  sends('with LF alone', `${V4}\n`, PAYLOAD, closes),
  sends('with LF alone, then CRLF', `${V4}\n`, 'hello\r\n'),
  sends('with CR alone', `${V4}\r`, PAYLOAD, closes),
  sends('of 107 bytes', `PROXY UNKNOWN ${'x'.repeat(107 - 16)}\r\n`),
  sends('of 108 bytes', `PROXY UNKNOWN ${'x'.repeat(108 - 16)}\r\n`),
  sends('of 109 bytes', `PROXY UNKNOWN ${'x'.repeat(109 - 16)}\r\n`, PAYLOAD, closes),
  sends('of 300 bytes', `PROXY UNKNOWN ${'x'.repeat(300 - 16)}\r\n`, PAYLOAD, closes),
  sends('twice', `${V4}\r\n${V6}\r\n`),
  sends('nothing behind', `${V4}\r\n`, ''),
  split('every byte in a packet of its own', `${V4}\r\n`),
  pieces('in two pieces', V4.slice(0, 20), `${V4.slice(20)}\r\n${PAYLOAD}`),
  pieces('CR and LF apart', `${V4}\r`, `\n${PAYLOAD}`),
  pieces('cut short', 'PROXY TCP4 10.'),
];

const others: readonly Case[] = [
  sends('HTTP', 'GET / HTTP/1.1\r\nhost: a\r\n\r\n', ''),
  sends('fewer than 16 bytes', 'GET / HT', ''),
  sends('15 bytes', '123456789012345', ''),
  sends('16 bytes', '1234567890123456', ''),
  sends('a line of fewer than 16 bytes', 'hello\r\n', ''),
  sends('PROXY in fewer than 16 bytes', 'PROXY TC\r\n', ''),
  sends('an empty line', '\r\n', ''),
  sends('two empty lines', '\r\n\r\n', ''),
  sends('an empty line and 16 bytes', '\r\n1234567890123456', ''),
  sends('an empty line and a line', '\r\nabc\r\n', ''),
  sends('PROXYTCP4', 'PROXYTCP4 10.1.2.3 10.4.5.6 1111 2222\r\n', ''),
  sends('white space before', ` ${V4}\r\n`, ''),
  sends('noise', Buffer.from([0xff, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]), ''),
  { name: 'nothing', tcp: true, steps: [{ sleep: 40 }, { do: 'halfClose' }, { sleep: 50 }] },
  { name: 'nothing, reset', tcp: true, steps: [{ sleep: 40 }, { do: 'reset' }, { sleep: 50 }], without: ['fate'] },
  {
    name: 'half a header, then the end',
    tcp: true,
    steps: [{ send: 'PROXY TCP4' }, { sleep: 40 }, { do: 'halfClose' }, { sleep: 50 }],
  },
];

const binary: readonly Case[] = [
  v2('IPv4', {}),
  v2('IPv6', { source: '2001:db8::1' }),
  v2('mapped IPv4', { source: '::ffff:10.1.2.3', destination: '::ffff:10.4.5.6' }),
  v2('IPv4 over UDP', { family: 0x12 }),
  v2('IPv6 over UDP', { family: 0x22, source: '2001:db8::1' }),
  v2('IPv4 over nothing known', { family: 0x10 }),
  v2('IPv4 over the next transport', { family: 0x13 }),
  v2('no family', { family: 0 }),
  v2('no family, no addresses', { family: 0, body: Buffer.alloc(0) }),
  v2('no family, TCP', { family: 0x01 }),
  v2('Unix sockets', { family: 0x31, body: Buffer.alloc(216, 'a') }),
  v2('the next family', { family: 0x41 }),
  v2('LOCAL without addresses', { command: 0, family: 0, body: Buffer.alloc(0) }),
  v2('LOCAL with addresses', { command: 0 }),
  v2('LOCAL of a broken family', { command: 0, family: 0xff, body: Buffer.alloc(3) }),
  v2('LOCAL with 300 bytes', { command: 0, body: Buffer.alloc(300, 'x') }),
  v2('LOCAL with 65535 bytes', { command: 0, body: Buffer.alloc(65_535, 'x') }),
  v2('command 2', { command: 2 }),
  v2('command 15', { command: 15 }),
  v2('version 0', { version: 0 }),
  v2('version 1', { version: 1 }),
  v2('version 3', { version: 3 }),
  v2('LOCAL of version 1', { version: 1, command: 0 }),
  v2('a length of 0', { length: 0 }),
  v2('a length of 11', { length: 11 }),
  v2('a length of 13', { length: 13 }),
  v2('a length of 14', { length: 14 }),
  v2('a length of 35 for IPv6', { source: '2001:db8::1', length: 35 }),
  v2('IPv4 addresses for IPv6', { family: 0x21 }),
  v2('IPv6 addresses for IPv4', { family: 0x11, source: '2001:db8::1' }),
  v2('a length beyond what comes', { length: 200 }, closes),
  v2('the largest length', { length: 65_535 }, closes),
  v2('any address as source', { source: '0.0.0.0' }),
  v2('any address as destination', { destination: '0.0.0.0' }),
  v2('broadcast as source', { source: '255.255.255.255' }),
  v2('multicast as destination', { destination: '224.1.2.3' }),
  v2('any IPv6 address', { source: '::', destination: '2001:db8::2' }),
  v2('multicast IPv6 address', { source: 'ff00::1', destination: '2001:db8::2' }),
  v2('ports of 0', { sourcePort: 0, destinationPort: 0 }),
  v2('large ports', { sourcePort: 65_535, destinationPort: 65_535 }),
  v2('the address of the listener itself', { destination: '127.0.0.1' }),
  sends('twice', Buffer.concat([proxyHeader(), proxyHeader({ source: '10.9.9.9' })])),
  sends('nothing behind', proxyHeader(), ''),
  sends('the signature alone', proxyHeader().subarray(0, 12), ''),
  sends('15 bytes', proxyHeader().subarray(0, 15), ''),
  sends('16 bytes of LOCAL', proxyHeader({ command: 0, body: Buffer.alloc(0) }), ''),
  sends('27 bytes', proxyHeader().subarray(0, 27), ''),
  sends(
    'a broken signature',
    Buffer.concat([proxyHeader().subarray(0, 11), Buffer.from('x'), proxyHeader().subarray(12)]),
  ),
  split('every byte in a packet of its own', proxyHeader({ source: '2001:db8::1', tlvs: [[2, 'abc']] })),
  pieces(
    'in two pieces',
    proxyHeader().toString('latin1').slice(0, 14),
    proxyHeader().toString('latin1').slice(14) + PAYLOAD,
  ),
  pieces(
    'TLVs apart',
    proxyHeader({ tlvs: [[1, 'abc']] })
      .toString('latin1')
      .slice(0, 28),
    proxyHeader({ tlvs: [[1, 'abc']] })
      .toString('latin1')
      .slice(28) + PAYLOAD,
  ),
];

const present = (tlv_type: number, key: string, more: Json = {}): Json => ({
  tlv_type,
  on_tlv_present: { key, ...more },
});
const rules = [
  present(0x01, 'alpn'),
  present(0x02, 'key'),
  present(0xea, 'key', { metadata_namespace: 'other' }),
  present(0xee, 'binary', { value_string_encoding: 'BASE64' }),
  present(0xef, 'plain', { value_string_encoding: 'SANITIZED_UTF8' }),
];
const tlvCases: readonly Case[] = [
  v2('none', {}),
  v2('one that is asked for', { tlvs: [[0x02, 'abc']] }),
  v2('one that is not', { tlvs: [[0x03, 'abc']] }),
  v2('several', {
    tlvs: [
      [0x01, 'h2'],
      [0x03, 'x'],
      [0x02, 'abc'],
      [0xea, 'vpce'],
    ],
  }),
  v2('the same twice', {
    tlvs: [
      [0x02, 'abc'],
      [0x02, 'def'],
    ],
  }),
  v2('an empty one', { tlvs: [[0x02, '']] }),
  v2('an empty one and another', {
    tlvs: [
      [0x02, ''],
      [0x01, 'h2'],
    ],
  }),
  v2('empty ones alone, many', { tlvs: Array.from({ length: 50 }, () => [0x04, ''] as const) }),
  v2('no UTF-8', { tlvs: [[0x02, Buffer.from([0x61, 0xff, 0xfe, 0x62])]] }),
  v2('UTF-8', { tlvs: [[0x02, Buffer.from('é€😀')]] }),
  v2('UTF-8 cut short', { tlvs: [[0x02, Buffer.from('a€').subarray(0, 3)]] }),
  v2('UTF-8 too long for what it is', { tlvs: [[0x02, Buffer.from([0x61, 0xc0, 0x80, 0x62])]] }),
  v2('a surrogate', { tlvs: [[0x02, Buffer.from([0x61, 0xed, 0xa0, 0x80, 0x62])]] }),
  v2('beyond Unicode', { tlvs: [[0x02, Buffer.from([0x61, 0xf4, 0x90, 0x80, 0x80, 0x62])]] }),
  v2('a zero', { tlvs: [[0x02, 'a\0b']] }),
  v2('base64', { tlvs: [[0xee, Buffer.from([0, 0xff, 0x10, 0x80])]] }),
  v2('base64 of nothing', { tlvs: [[0xee, '']] }),
  v2('sanitized by name', { tlvs: [[0xef, Buffer.from([0x61, 0xff])]] }),
  v2('of UDP', { family: 0x12, tlvs: [[0x02, 'abc']] }),
  v2('of IPv6', { source: '2001:db8::1', tlvs: [[0x02, 'abc']] }),
  v2('of LOCAL', { command: 0, tlvs: [[0x02, 'abc']] }),
  v2('of LOCAL, broken', { command: 0, body: Buffer.from([2, 0]) }),
  v2('a long one', { tlvs: [[0x02, 'a'.repeat(3000)]] }, { without: ['log'] }),
  v2('the longest', { tlvs: [[0x04, 'a'.repeat(65_535 - 12 - 3)]] }),
  v2('a type alone', { body: Buffer.concat([proxyHeader().subarray(16), Buffer.from([2])]) }),
  v2('a type and half a length', { body: Buffer.concat([proxyHeader().subarray(16), Buffer.from([2, 0])]) }),
  v2('a type and a length of 0', { body: Buffer.concat([proxyHeader().subarray(16), Buffer.from([2, 0, 0])]) }),
  v2('a type and a length of 1', { body: Buffer.concat([proxyHeader().subarray(16), Buffer.from([2, 0, 1])]) }),
  v2('a length beyond the header', {
    tlvs: [[0x02, 'abc']],
    body: Buffer.concat([proxyHeader().subarray(16), Buffer.from([1, 0, 9, 65])]),
  }),
  v2('a good one and a broken one', {
    body: Buffer.concat([proxyHeader().subarray(16), Buffer.from([2, 0, 1, 65, 2, 0])]),
  }),
  v1('none in version 1', V4),
];

/** Keys of filter state come in the order of Envoy's hash table. */
const inAnyOrder = (one: Case): Case => (/several|and another/.test(one.name) ? { ...one, without: ['log'] } : one);

const withoutHeader: readonly Case[] = [
  ...others,
  sends('the first letters of PROXY', 'PRO', ''),
  sends('a word that begins like PROXY', 'PROXIMITY', ''),
  sends('a line that begins with PROXY', 'PROXY x\r\n', ''),
  v1('version 1', V4),
  v2('version 2', {}),
  v2('version 2, broken', { version: 3 }),
  v1('version 1, broken', 'PROXY TCP4 10.1.2.3'),
];
const versions: readonly Case[] = [
  v1('version 1', V4),
  v2('version 2', {}),
  v1('version 1, broken', 'PROXY TCP4 x'),
  v2('version 2, broken', { version: 3 }),
  sends('neither', 'GET / HTTP/1.1\r\n\r\n', ''),
];

const chains: Readonly<Record<string, Json>> = {
  port: { destination_port: 4444 },
  destination: { prefix_ranges: [{ address_prefix: '10.7.0.0', prefix_len: 16 }] },
  source: { source_prefix_ranges: [{ address_prefix: '10.8.0.0', prefix_len: 16 }] },
  sourcePort: { source_ports: [5555] },
  local: { source_type: 'SAME_IP_OR_LOOPBACK' },
  direct: { direct_source_prefix_ranges: [{ address_prefix: '127.0.0.0', prefix_len: 8 }] },
};
const chainCases: readonly Case[] = [
  v2('by the port of the destination', { destinationPort: 4444 }),
  v2('by the destination', { destination: '10.7.1.2' }),
  v2('by the source', { source: '10.8.1.2' }),
  v2('by the port of the source', { sourcePort: 5555 }),
  v2('by the same address', { source: '10.4.5.6' }),
  v2('by loopback', { source: '127.0.0.1' }),
  v2('by the peer', {}),
  v2('by the peer of LOCAL', { command: 0 }),
];
const rbac = (principal: Json, key = 'principals'): Json => ({
  name: 'rbac',
  typed_config: typed('envoy.extensions.filters.network.rbac.v3.RBAC', {
    stat_prefix: 'in.',
    rules: {
      policies: {
        p: { permissions: [{ any: true }], principals: [{ any: true }], [key]: [principal] },
      },
    },
  }),
});
const metadataIs = (value: string): Json => ({
  metadata: { filter: NAMESPACE, path: [{ key: 'key' }], value: { string_match: { exact: value } } },
});

const refused = (name: string, config: Json): Scenario => ({
  ...scenario({ name: `configuration: ${name}`, config, cases: [] }),
  validateOnly: true,
});

const http = (name: string, more: Json, cases: readonly Case[], config: Json = {}): Scenario => ({
  feature: 'PROXY protocol from clients',
  name,
  stats,
  bootstrap: (places) =>
    bootstrap(
      places,
      [
        {
          ...listener(places, 0, [
            manager(places, {
              access_log: [fileLog(places, format)],
              route_config: routeConfig([toCluster()]),
              ...more,
            }),
          ]),
          listener_filters: [filter({ rules, ...config })],
        },
      ],
      [cluster(places, 0)],
    ),
  cases,
});
const get = 'GET /x HTTP/1.1\r\nhost: a.b\r\n\r\n';
const request = (name: string, header: Buffer | string, text = get, responses = 1): Case => ({
  name,
  requests: [(typeof header === 'string' ? header : header.toString('latin1')) + text],
  responses,
});
const httpCases: readonly Case[] = [
  request('version 1', `${V4}\r\n`),
  request(
    'version 2',
    proxyHeader({
      tlvs: [
        [0x02, 'abc'],
        [0xea, 'v'],
      ],
    }),
  ),
  request('IPv6', `${V6}\r\n`),
  request('two requests', `${V4}\r\n`, get + get, 2),
  request('LOCAL', proxyHeader({ command: 0 })),
  request('loopback as source', proxyHeader({ source: '127.0.0.1' })),
  request('forwarded for somebody', `${V4}\r\n`, 'GET /x HTTP/1.1\r\nhost: a.b\r\nx-forwarded-for: 10.7.7.7\r\n\r\n'),
  request('no header', '', get),
];

export const scenarios: readonly Scenario[] = [
  scenario({ name: 'version 1', cases: lines }),
  scenario({ name: 'version 2', cases: binary }),
  scenario({ name: 'what is none', cases: others }),
  scenario({ name: 'TLVs', config: { rules }, cases: tlvCases }),
  scenario({
    name: 'TLVs in filter state',
    config: { rules, tlv_location: 'FILTER_STATE' },
    cases: tlvCases.slice(0, 21).map(inAnyOrder),
  }),
  http('HTTP with TLVs in filter state', {}, httpCases.slice(0, 3), { tlv_location: 'FILTER_STATE' }),
  scenario({
    name: 'rules of one type, the last holds',
    config: { rules: [present(2, 'first'), present(2, 'second')] },
    cases: [v2('it is there', { tlvs: [[2, 'abc']] })],
  }),
  scenario({
    name: 'a rule without a place',
    config: { rules: [{ tlv_type: 2 }] },
    cases: [v2('it is there', { tlvs: [[2, 'abc']] })],
  }),
  scenario({ name: 'passing TLVs through', config: { pass_through_tlvs: {} }, cases: tlvCases.slice(0, 9) }),
  scenario({ name: 'no header needed', config: { allow_requests_without_proxy_protocol: true }, cases: withoutHeader }),
  scenario({ name: 'without version 1', config: { disallowed_versions: ['V1'] }, cases: versions }),
  scenario({ name: 'without version 2', config: { disallowed_versions: ['V2'] }, cases: versions }),
  scenario({
    name: 'without version 1, no header needed',
    config: { disallowed_versions: ['V1'], allow_requests_without_proxy_protocol: true },
    cases: versions,
  }),
  scenario({
    name: 'without version 2, no header needed',
    config: { disallowed_versions: ['V2'], allow_requests_without_proxy_protocol: true },
    cases: versions,
  }),
  scenario({ name: 'statistics with a prefix', config: { stat_prefix: 'edge' }, cases: versions }),
  scenario({ name: 'statistics with a prefix of dots', config: { stat_prefix: 'a.b.' }, cases: versions }),
  scenario({ name: 'filter chains', chains, cases: chainCases }),
  scenario({
    name: 'HTTP inspector behind it',
    filters: [filter(), httpInspector],
    chains: { http: { application_protocols: ['http/1.1'] }, raw: {} },
    cases: [
      sends('HTTP', `${V4}\r\nGET / HTTP/1.1\r\n\r\n`, ''),
      sends('no HTTP', `${V4}\r\n\xff\x01`, ''),
      v2('with version 2', {}),
      pieces('the request later', `${V4}\r\n`, 'GET / HTTP/1.1\r\n\r\n'),
    ],
  }),
  scenario({
    name: 'TLS inspector before it',
    filters: [tlsInspector, filter()],
    cases: [v1('version 1', V4), v2('version 2', {})],
  }),
  scenario({
    name: 'twice',
    filters: [filter(), filter()],
    cases: [
      sends('two headers', `${V4}\r\n`, `${V6}\r\nhello`),
      v1('one header', V4, closes),
      sends('two of version 2', Buffer.concat([proxyHeader(), proxyHeader({ source: '10.9.9.9' })])),
    ],
  }),
  scenario({
    name: 'a time-out',
    listener: { listener_filters_timeout: '0.1s' },
    cases: [{ name: 'half a header', tcp: true, steps: [{ send: 'PROXY TC' }, { sleep: 300 }], ...closes }],
  }),
  scenario({
    name: 'a time-out that goes on',
    listener: { listener_filters_timeout: '0.1s', continue_on_listener_filters_timeout: true },
    cases: [
      {
        name: 'half a header',
        tcp: true,
        steps: [{ send: 'PROXY TC' }, { awaitBytes: 8 }, { do: 'halfClose' }, { sleep: 50 }],
      },
    ],
  }),
  scenario({
    name: 'RBAC by source',
    network: [rbac({ remote_ip: { address_prefix: '10.1.0.0', prefix_len: 16 } })],
    cases: [v2('allowed', {}), v2('denied', { source: '10.2.0.1' }, closes)],
  }),
  scenario({
    name: 'RBAC by peer',
    network: [rbac({ direct_remote_ip: { address_prefix: '127.0.0.0', prefix_len: 8 } })],
    cases: [v2('allowed', {})],
  }),
  scenario({
    name: 'RBAC by destination',
    network: [rbac({ destination_port: 2222 }, 'permissions')],
    cases: [v2('allowed', {}), v2('denied', { destinationPort: 1 }, closes)],
  }),
  scenario({
    name: 'RBAC by metadata',
    config: { rules },
    network: [rbac(metadataIs('abc'))],
    cases: [v2('allowed', { tlvs: [[2, 'abc']] }), v2('denied', { tlvs: [[2, 'x']] }, closes)],
  }),
  http('HTTP', {}, httpCases),
  http('HTTP at the edge', { use_remote_address: true }, httpCases),
  http('HTTP with the port', { append_x_forwarded_port: true }, httpCases.slice(0, 2)),
  refused('both versions disallowed', { disallowed_versions: ['V1', 'V2'] }),
  refused('a version twice', { disallowed_versions: ['V1', 'V1'] }),
  refused('a type of 256', { rules: [present(256, 'a')] }),
  refused('a type of 255', { rules: [present(255, 'a')] }),
  refused('no key', { rules: [present(1, '')] }),
  refused('no type', { rules: [{ on_tlv_present: { key: 'a' } }] }),
  refused('an unknown encoding', { rules: [present(1, 'a', { value_string_encoding: 'HEX' })] }),
  refused('an unknown place', { tlv_location: 'ELSEWHERE' }),
  refused('an unknown version', { disallowed_versions: ['V3'] }),
  refused('passing a type of 256', { pass_through_tlvs: { match_type: 'INCLUDE', tlv_type: [256] } }),
  refused('passing nothing', { pass_through_tlvs: { match_type: 'INCLUDE' } }),
  refused('an unknown match of types', { pass_through_tlvs: { match_type: 'EXCLUDE' } }),
];
