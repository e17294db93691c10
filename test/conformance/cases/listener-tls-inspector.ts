import {
  alpnExtension,
  clientHello,
  type HelloParts,
  helloMessage,
  inRecords,
  prefixed,
  serverNameExtension,
} from '../../../src/proxy/testing/client-hello.ts';
import { bootstrap, cluster, fileLog, listener, typed } from '../config.ts';
import type { Case, Json, Places, Scenario } from '../types.ts';

const format =
  '%FILTER_CHAIN_NAME% %REQUESTED_SERVER_NAME% %REQUESTED_SERVER_NAME(HOST_FIRST)% %RESPONSE_FLAGS% %CONNECTION_TERMINATION_DETAILS% %BYTES_RECEIVED% %BYTES_SENT%\n';
const stats = [
  /^tls_inspector\.(?!bytes_processed)/,
  /^http_inspector\./,
  /^listener\.127\..*(no_filter_chain_match|downstream_pre_cx_timeout|downstream_listener_filter_[a-z_]+)$/,
  /rbac/,
];

const tlsInspector = (config: Json = {}): Json => ({
  name: 'envoy.filters.listener.tls_inspector',
  typed_config: typed('envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector', config),
});
const httpInspector: Json = {
  name: 'envoy.filters.listener.http_inspector',
  typed_config: typed('envoy.extensions.filters.listener.http_inspector.v3.HttpInspector'),
};

/** Sends everything on to a backend that sends it back. */
function chain(places: Places, name: string, match: Json | undefined, filters: readonly Json[]): Json {
  return {
    name,
    filters: [
      ...filters,
      {
        name: 'tcp',
        typed_config: typed('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', {
          stat_prefix: 'tcp',
          cluster: 'c0',
          access_log: [fileLog(places, format)],
        }),
      },
    ],
    ...(match ? { filter_chain_match: match } : {}),
  };
}

interface Row {
  readonly name: string;
  readonly inspectors?: readonly Json[];
  readonly chains?: Readonly<Record<string, Json>>;
  readonly fallback?: boolean;
  readonly filters?: readonly Json[];
  readonly listener?: Json;
  readonly cases: readonly Case[];
}

function scenario(row: Row): Scenario {
  const { name, inspectors = [tlsInspector()], chains = { all: {} }, filters = [] } = row;
  return {
    feature: 'TLS inspector',
    name,
    stats,
    backends: ['echo'],
    bootstrap: (places) =>
      bootstrap(
        places,
        [
          {
            ...listener(places, 0, []),
            listener_filters: inspectors,
            filter_chains: Object.entries(chains).map(([key, match]) => chain(places, key, match, filters)),
            ...(row.fallback ? { default_filter_chain: chain(places, 'fallback', undefined, filters) } : {}),
            ...row.listener,
          },
        ],
        [cluster(places, 0)],
      ),
    cases: row.cases,
  };
}

/** The bytes come back, or the connection ends without any. */
function sends(name: string, bytes: Buffer, more: Partial<Case> = {}): Case {
  const send = bytes.toString('latin1');
  const steps = [{ send }, { awaitBytes: bytes.length }, { do: 'halfClose' }, { sleep: 50 }] as const;
  return { name, tcp: true, timeoutMs: 300, steps, ...more };
}

const hello = (name: string, parts: HelloParts, more?: Partial<Case>): Case => sends(name, clientHello(parts), more);
/** The close races with the client's bytes. */
const closes: Partial<Case> = { without: ['fate'] };
const split = (name: string, bytes: Buffer): Case => ({
  name,
  tcp: true,
  steps: [{ sendSplit: bytes.toString('latin1') }, { awaitBytes: bytes.length }, { do: 'halfClose' }, { sleep: 50 }],
});

const supports = (name: string, versions: readonly number[], version = 0x0303): Case => {
  const list = Buffer.from(versions.flatMap((one) => [one >> 8, one & 0xff]));
  return hello(`supports ${name}`, { serverName: 'a.b', version, extensions: [[43, prefixed(1, list)]] });
};

const padded = (length: number): Buffer => {
  const bare = helloMessage({ serverName: 'a.b', extensions: [[21, Buffer.alloc(0)]] }).length;
  return helloMessage({ serverName: 'a.b', extensions: [[21, Buffer.alloc(length - bare)]] });
};
const empty = inRecords(Buffer.alloc(1), 1).subarray(0, 3);
const emptyRecords = (count: number): Buffer =>
  Buffer.concat(Array.from({ length: count }, () => Buffer.concat([empty, Buffer.alloc(2)])));

const shapes: readonly Case[] = [
  hello('name and protocols', { serverName: 'a.example.com', protocols: ['h2', 'http/1.1'] }),
  hello('upper case', { serverName: 'A.Example.COM' }),
  hello('no name', {}),
  hello('no extensions', { bare: true }),
  split('every byte in a packet of its own', clientHello({ serverName: 'a.example.com' })),
  sends('a record for every byte', inRecords(helloMessage({ serverName: 'a.example.com' }), 1)),
  sends('records of seven bytes', inRecords(helloMessage({ serverName: 'a.example.com' }), 7)),
  sends('an empty record first', Buffer.concat([emptyRecords(1), clientHello({ serverName: 'a.b' })])),
  sends('many empty records', Buffer.concat([emptyRecords(33), clientHello({ serverName: 'a.b' })])),
  sends(
    'a record more behind it',
    Buffer.concat([clientHello({ serverName: 'a.b' }), inRecords(Buffer.from('x'), 9, 20)]),
  ),
  sends('records of TLS 1.2', inRecords(helloMessage({ serverName: 'a.b' }), 16_384, 22, 0x0303)),
  sends('records of another major version', inRecords(helloMessage({ serverName: 'a.b' }), 16_384, 22, 0x0401)),
  hello('the version of SSL 3', { serverName: 'a.b', version: 0x0300 }),
  hello('the version of TLS 1.0', { serverName: 'a.b', version: 0x0301 }),
  hello('an odd version', { serverName: 'a.b', version: 0x0909 }),
  hello('the version of SSL 2', { serverName: 'a.b', version: 0x0002 }),
  hello('the version of TLS 1.3', { serverName: 'a.b', version: 0x0304 }),
  hello('the version above it', { serverName: 'a.b', version: 0x0305 }),
  hello('the version of DTLS', { serverName: 'a.b', version: 0xfefd }),
  supports('TLS 1.3', [0x0304]),
  supports('SSL 3', [0x0300]),
  supports('TLS 1.0', [0x0301]),
  supports('nothing known', [0x7a7a, 0x0305]),
  supports('nothing', []),
  supports('TLS 1.3, under an odd version', [0x0304], 0x0909),
  supports('TLS 1.3, under the version of SSL 3', [0x0304], 0x0300),
  hello('supported versions cut short', { serverName: 'a.b', extensions: [[43, Buffer.from([4, 3, 4])]] }),
];

const faults: readonly Case[] = [
  sends('HTTP', Buffer.from('GET / HTTP/1.1\r\nhost: a\r\n\r\n')),
  sends('noise', Buffer.from([0xff, 0, 1, 2, 3, 4, 5, 6])),
  sends('an alert', Buffer.from([21, 3, 1, 0, 2, 2, 40])),
  sends('application data', inRecords(Buffer.from('hello'), 9, 23)),
  hello('another message', { type: 2 }),
  hello('a long session', { serverName: 'a.b', sessionId: Buffer.alloc(33) }),
  hello('no ciphers', { serverName: 'a.b', ciphers: Buffer.alloc(0) }),
  hello('an odd number of bytes of ciphers', { serverName: 'a.b', ciphers: Buffer.alloc(3) }),
  hello('no compressions', { serverName: 'a.b', compressions: Buffer.alloc(0) }),
  hello('bytes behind the extensions', { serverName: 'a.b', trailer: Buffer.from([0]) }),
  hello('an empty name', { serverName: '' }),
  hello('a name of 255 bytes', { serverName: 'a'.repeat(255) }),
  hello('a name of 256 bytes', { serverName: 'a'.repeat(256) }),
  hello('a name with a zero', { serverName: 'a\0b' }),
  hello('two names', { extensions: [[0, serverNameExtension([0, 'a'], [0, 'b'])]] }),
  hello('a name of another type', { extensions: [[0, serverNameExtension([1, 'a'])]] }),
  hello('the name twice', { serverName: 'a.b', extensions: [[0, serverNameExtension([0, 'c.d'])]] }),
  hello('a name cut short', { extensions: [[0, Buffer.from([0, 9, 0])]] }),
  hello('protocols with an empty one', { serverName: 'a.b', extensions: [[16, alpnExtension(['h2', ''])]] }),
  hello('protocols cut short', { serverName: 'a.b', extensions: [[16, Buffer.from([0, 5, 2, 104])]] }),
  sends('a record too long', Buffer.from([22, 3, 1, 0x50, 0, 1, 0, 0, 0])),
  sends('a message too long', inRecords(Buffer.from([1, 0, 0x40, 1, 0, 0]), 99)),
  sends('the longest hello', inRecords(padded(16_384 - 5)), closes),
  sends('one byte longer', inRecords(padded(16_384 - 4)), closes),
  sends('over two records', inRecords(padded(16_384 - 10), 9000), closes),
];

const matches: Readonly<Record<string, Json>> = {
  exact: { server_names: ['a.example.com'] },
  near: { server_names: ['*.example.com'] },
  far: { server_names: ['*.com', 'Upper.Org'] },
  h2: { transport_protocol: 'tls', application_protocols: ['h2'] },
  old: { transport_protocol: 'tls', application_protocols: ['http/1.1'] },
  tls: { transport_protocol: 'tls' },
  raw: { transport_protocol: 'raw_buffer' },
};

const matchCases: readonly Case[] = [
  hello('exact', { serverName: 'A.example.com' }),
  hello('the next suffix', { serverName: 'b.a.example.com' }),
  hello('the suffix itself', { serverName: 'example.com' }),
  hello('case of the configuration', { serverName: 'upper.org' }),
  hello('no name that matches', { serverName: 'a.org' }),
  hello('no name', {}),
  hello('the preferred protocol', { protocols: ['h2', 'http/1.1'] }),
  hello('the other one preferred', { protocols: ['http/1.1', 'h2'] }),
  hello('an unknown protocol', { protocols: ['x'] }),
  sends('plain text', Buffer.from('GET / HTTP/1.1\r\nhost: a\r\n\r\n')),
];

const rbac = (match: Json, action = 'ALLOW'): Json => ({
  name: 'rbac',
  typed_config: typed('envoy.extensions.filters.network.rbac.v3.RBAC', {
    stat_prefix: 'in.',
    rules: {
      action,
      policies: { p: { permissions: [{ requested_server_name: match }], principals: [{ any: true }] } },
    },
  }),
});
const rbacCases: readonly Case[] = [
  hello('the name', { serverName: 'A.example.com' }, closes),
  hello('another', { serverName: 'b.example.com' }, closes),
  hello('none', {}, closes),
  sends('plain text', Buffer.from('GET / HTTP/1.1\r\nhost: a\r\n\r\n'), closes),
];

const silence: Case = { name: 'too few bytes', tcp: true, steps: [{ send: '\x16\x03' }, { sleep: 300 }], ...closes };

export const scenarios: readonly Scenario[] = [
  scenario({ name: 'hellos', cases: shapes }),
  scenario({ name: 'what is none', cases: faults }),
  scenario({
    name: 'what is none, closed',
    inspectors: [tlsInspector({ close_connection_on_client_hello_parsing_errors: true })],
    cases: [faults[0], faults[5], shapes[0]].flatMap((one) => (one ? [{ ...one, ...closes }] : [])),
  }),
  scenario({
    name: 'a limit',
    inspectors: [tlsInspector({ max_client_hello_size: 300, initial_read_buffer_size: 256 })],
    cases: [
      sends('300 bytes', inRecords(padded(295)), closes),
      sends('301 bytes', inRecords(padded(296)), closes),
      sends('plain text beyond it', Buffer.alloc(400, 'a'), closes),
    ],
  }),
  scenario({ name: 'filter chains', chains: matches, cases: matchCases }),
  scenario({ name: 'filter chains without an inspector', inspectors: [], chains: matches, cases: matchCases }),
  scenario({
    name: 'HTTP inspector behind it',
    inspectors: [tlsInspector(), httpInspector],
    chains: { ...matches, http: { application_protocols: ['http/1.1'] } },
    cases: matchCases,
  }),
  scenario({
    name: 'HTTP inspector before it',
    inspectors: [httpInspector, tlsInspector()],
    chains: { ...matches, http: { application_protocols: ['http/1.1'] } },
    cases: matchCases,
  }),
  scenario({ name: 'RBAC by exact name', filters: [rbac({ exact: 'a.example.com' })], cases: rbacCases }),
  scenario({
    name: 'RBAC by expression',
    filters: [rbac({ safe_regex: { regex: '[-a-z0-9_]*[.]example[.]com' } })],
    cases: rbacCases,
  }),
  scenario({ name: 'RBAC that denies no name', filters: [rbac({ exact: '' }, 'DENY')], cases: rbacCases }),
  scenario({ name: 'a time-out', listener: { listener_filters_timeout: '0.1s' }, cases: [silence] }),
  scenario({
    name: 'a time-out that goes on',
    listener: { listener_filters_timeout: '0.1s', continue_on_listener_filters_timeout: true },
    cases: [{ ...silence, steps: [{ send: '\x16\x03' }, { awaitBytes: 2 }, { do: 'halfClose' }, { sleep: 50 }] }],
  }),
];
