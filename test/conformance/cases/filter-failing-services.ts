import { bootstrap, cluster, fileLog, listener, manager, routeConfig, router, toCluster, typed } from '../config.ts';
import { http2 } from '../http2.ts';
import type { Behaviour, Case, Fields, Http2HostStep, Json, Places, Scenario } from '../types.ts';

/** Servers that filters ask, failing in every way there is: the request ends in time, and as the failure mode says. */

const FILTERS = 'envoy.extensions.filters.http';
const format = '%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%\n';
/** What a filter waits for its server, and longer than that. */
const WAIT = '0.25s';
const LATE_MS = 400;

/** Backends: 1 speaks HTTP/2, 2 bytes as they are, 3 is not there. Their clusters for filters that ask over HTTP/2 are `g1`..., and `c1`... else. */
type Server = 1 | 2 | 3;
const servers: readonly Server[] = [1, 2, 3];

interface Row {
  readonly name: string;
  readonly server: Server;
  readonly behaviour?: Behaviour;
}

const GRPC: Fields = [
  [':status', '200'],
  ['content-type', 'application/grpc'],
];
const framed = (message: string, length = message.length, flag = 0): string => {
  const head = Buffer.alloc(5, flag);
  head.writeUInt32BE(length, 1);
  return head.toString('latin1') + message;
};
const steps = (...list: readonly Http2HostStep[]): Behaviour => ({ http2: list, atHead: true });
const status = (code: string, ...more: Fields): Http2HostStep => ({
  head: [['grpc-status', code], ...more],
  end: true,
});
const head: Http2HostStep = { head: GRPC };
const part = (data: string): Http2HostStep => ({ data, end: false });
const lie = (name: string, ...list: readonly Http2HostStep[]): Row => ({ name, server: 1, behaviour: steps(...list) });
const bytes = (name: string, behaviour: Behaviour): Row => ({ name, server: 2, behaviour });

const grpcRows: readonly Row[] = [
  lie('late', { sleep: LATE_MS }, head, part(framed('')), status('0')),
  { name: 'silent', server: 1, behaviour: 'hang' },
  lie('silent after the head', head),
  lie('silent within a message', head, part(framed('ab', 9))),
  lie('silent before the status', head, part(framed('\x0a\x02'.slice(0, 1), 2))),
  lie('closed', { close: 'close' }),
  lie('reset', { close: 'reset' }),
  lie('closed after the head', head, { sleep: 5 }, { close: 'close' }),
  lie('closed within a message', head, part(framed('ab', 9)), { sleep: 5 }, { close: 'close' }),
  lie('a reset stream', { reset: 8 }),
  lie('a reset stream within a message', head, part(framed('ab', 9)), { reset: 2 }),
  lie('going away', { goaway: 0, last: 0 }, { close: 'close' }),
  lie(
    'another content-type',
    {
      head: [
        [':status', '200'],
        ['content-type', 'text/html'],
      ],
    },
    { data: '<html>' },
  ),
  lie('503', { head: [[':status', '503']], end: true }),
  lie(
    '404 with words',
    {
      head: [
        [':status', '404'],
        ['content-type', 'text/plain'],
      ],
    },
    { data: 'not here' },
  ),
  lie('trailers alone', { head: [...GRPC, ['grpc-status', '13'], ['grpc-message', 'no']], end: true }),
  lie('trailers alone that say OK', { head: [...GRPC, ['grpc-status', '0']], end: true }),
  lie('trailers that say OK without a message', head, status('0')),
  lie('a message and an error', head, part(framed('')), status('14', ['grpc-message', 'no'])),
  lie('a status that is none', head, status('x')),
  lie('an end without a status', { head: GRPC, end: true }),
  lie('a message of garbage', head, part(framed('\xff\xff\xff\xff')), status('0')),
  lie('a message of another flag', head, part(framed('', 0, 7)), status('0')),
  lie('a message that claims to be compressed', head, part(framed('\x1f\x8b\x08', 3, 1)), status('0')),
  lie('an endless message', head, part(framed('x'.repeat(60_000), 0x7fff_ffff))),
  lie('frames that are none', { raw: 'ffffff'.repeat(20) }),
  lie('a header block that is none', { raw: '0000040104000000 01ffffffff'.replace(' ', '') }),
  bytes('silent, no HTTP/2', 'hang'),
  bytes('closed, no HTTP/2', { end: 'close' }),
  bytes('reset, no HTTP/2', { end: 'reset' }),
  bytes('HTTP/1.1', { raw: 'HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n' }),
  bytes('garbage', { raw: '\x00\x01\x02 hello'.repeat(30) }),
  { name: 'nobody', server: 3 },
];

const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n';
const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';
const httpRows: readonly Row[] = [
  bytes('late', { raw: [{ raw: '', afterMs: LATE_MS }, { raw: `${ok}ok` }] }),
  bytes('silent', 'hang'),
  bytes('silent within the head', { raw: ok.slice(0, -2) }),
  bytes('silent within the body', { raw: `${ok}o` }),
  bytes('silent within a chunk', { raw: `${chunked}5\r\nab` }),
  bytes('closed', { end: 'close' }),
  bytes('reset', { end: 'reset' }),
  bytes('closed within the head', { raw: ok.slice(0, -2), afterwards: 'close' }),
  bytes('closed within the body', { raw: `${ok}o`, afterwards: 'close' }),
  bytes('closed within a chunk', { raw: `${chunked}5\r\nab`, afterwards: 'close' }),
  bytes('garbage', { raw: '\x00\x01\x02 hello'.repeat(30) }),
  bytes('a chunk that is none', { raw: `${chunked}zz\r\n` }),
  bytes('a length that is none', { raw: 'HTTP/1.1 200 OK\r\ncontent-length: 1x\r\n\r\n' }),
  bytes('an endless body', {
    raw: `HTTP/1.1 200 OK\r\ncontent-length: 999999999999\r\n\r\n${'x'.repeat(60_000)}`,
  }),
  bytes('an endless head', { raw: `HTTP/1.1 200 OK\r\nx: ${'x'.repeat(100_000)}` }),
  bytes('500', { raw: 'HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n' }),
  { name: 'nobody', server: 3 },
];

interface Asking {
  readonly name: string;
  readonly rows: readonly Row[];
  /** The filter that asks a cluster; `open`: a failure lets the request pass. */
  readonly filter: (cluster: string, open: boolean) => Json;
  readonly action?: Json;
  /** Names of differences by those of cases. */
  readonly different?: Readonly<Record<string, string>>;
}

const service = (cluster: string, more: Json = {}): Json => ({ envoy_grpc: { cluster_name: cluster }, ...more });

const asking: readonly Asking[] = [
  {
    name: 'ext_authz over gRPC',
    rows: grpcRows,
    filter: (name, open) =>
      typed(`${FILTERS}.ext_authz.v3.ExtAuthz`, {
        grpc_service: service(`g${name}`, { timeout: WAIT }),
        failure_mode_allow: open,
      }),
  },
  {
    name: 'ext_authz over HTTP',
    rows: httpRows,
    filter: (name, open) =>
      typed(`${FILTERS}.ext_authz.v3.ExtAuthz`, {
        http_service: { server_uri: { uri: 'http://auth.test', cluster: `c${name}`, timeout: WAIT } },
        failure_mode_allow: open,
      }),
  },
  {
    name: 'rate limits',
    rows: grpcRows,
    action: { rate_limits: [{ actions: [{ generic_key: { descriptor_value: 'v' } }] }] },
    filter: (name, open) =>
      typed(`${FILTERS}.ratelimit.v3.RateLimit`, {
        domain: 'd',
        timeout: WAIT,
        failure_mode_deny: !open,
        rate_limit_service: { transport_api_version: 'V3', grpc_service: service(`g${name}`) },
      }),
  },
  {
    name: 'ext_proc',
    rows: grpcRows,
    different: { 'an endless message, refused': 'service-message-limit' },
    filter: (name, open) =>
      typed(`${FILTERS}.ext_proc.v3.ExternalProcessor`, {
        grpc_service: service(`g${name}`),
        message_timeout: WAIT,
        failure_mode_allow: open,
        processing_mode: { response_header_mode: 'SKIP' },
      }),
  },
];

const modes = [false, true] as const;
const clusters = (places: Places): readonly Json[] => [
  cluster(places, 0),
  ...servers.map((one) => cluster(places, one)),
  ...servers.map((one) => ({ ...cluster(places, one, [one], http2()), name: `g${one}` })),
];

const scenario = ({ name, rows, filter, action, different = {} }: Asking): Scenario => ({
  feature: 'failing services',
  name,
  // Of connections that break off under way, and of what a host saw of them, nothing is the same twice.
  stats: false,
  backends: ['http', 'http2', 'http', 'closed'],
  bootstrap: (places) => {
    const listeners = modes.flatMap((open, mode) =>
      servers.map((one, at) =>
        listener(places, mode * servers.length + at, [
          manager(places, {
            access_log: [fileLog(places, format)],
            route_config: routeConfig([toCluster('c0', action)]),
            http_filters: [{ name: 'asks', typed_config: filter(String(one), open) }, router()],
          }),
        ]),
      ),
    );
    return bootstrap(places, listeners, clusters(places));
  },
  cases: modes.flatMap((open, mode) =>
    rows.map((row): Case => {
      const caseName = `${row.name}, ${open ? 'let pass' : 'refused'}`;
      const difference = different[caseName];
      return {
        name: caseName,
        requests: [{}],
        listener: mode * servers.length + servers.indexOf(row.server),
        backends: row.behaviour ? { [row.server]: [row.behaviour] } : {},
        without: ['backends'],
        ...(difference === undefined ? {} : { difference }),
      };
    }),
  ),
});

export const scenarios: readonly Scenario[] = asking.map(scenario);
