import { toCluster } from '../config.ts';
import type { Behaviour, Case, Json, Scenario, Step } from '../types.ts';
import { type Variant, variants } from '../variants.ts';

const get = (headers = '', path = '/'): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${headers}\r\n`;
const post = (body: string, length = body.length, path = '/'): string =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n${body}`;
const grpc = (headers = '', path = '/'): string =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\n${headers}\r\n`;
const steps = (name: string, list: readonly (string | Step)[], more: Partial<Case> = {}): Case => ({
  name,
  steps: list.map((one): Step => (typeof one === 'string' ? { send: one } : one)),
  without: ['backends'],
  ...more,
});
const sleep = (milliseconds: number): Step => ({ sleep: milliseconds });
const hang = { 0: ['hang'] } as const;
const piece = (raw: string, afterMs = 0): { raw: string; afterMs: number } => ({ raw, afterMs });
const head = 'HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n';
const slowBody: Readonly<Record<number, readonly Behaviour[]>> = {
  0: [{ raw: [piece(`${head}a`), piece('b', 200), piece('c', 200), piece('def', 200)] }],
};
const stalled: Readonly<Record<number, readonly Behaviour[]>> = { 0: [{ raw: `${head}abc` }] };
const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

const slow: readonly Case[] = [
  steps('the backend does not answer', [get()], { backends: hang }),
  steps('the body does not come', [post('hello', 10)]),
  steps('half a head', ['GET / HT']),
  steps('half a head after a request', [get(), { awaitResponses: 1 }, 'GET / HT'], { responses: 2 }),
  steps('a response in pieces', [get()], { backends: slowBody }),
  steps('a response that stalls', [get()], { backends: stalled }),
  steps('gRPC', [grpc()], { backends: hang }),
  steps('HEAD', [`HEAD / HTTP/1.1\r\nHost: a\r\n\r\n`], { methods: ['HEAD'], backends: hang }),
  steps('a body in pieces', [post('he', 6), sleep(200), 'll', sleep(200), 'o!']),
];
const fast = { delayed_close_timeout: '0.1s' };

const managers: readonly Variant[] = [
  { name: 'stream idle', manager: { ...fast, stream_idle_timeout: '0.3s' }, cases: slow },
  {
    name: 'request',
    manager: { ...fast, request_timeout: '0.3s' },
    cases: [
      ...slow.filter(({ name }) => !/gRPC|HEAD|not answer/.test(name)),
      steps(
        'a response that begins first',
        ['POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc', sleep(500), 'defghi', sleep(60)],
        { backends: { 0: [{ early: 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc' }] }, responses: 0 },
      ),
    ],
  },
  {
    name: 'request headers',
    manager: { ...fast, request_headers_timeout: '0.5s' },
    cases: [
      ...slow.filter(({ name }) => /half|body does not/.test(name)),
      steps('in time', ['GET / HT', sleep(50), 'TP/1.1\r\nHost: a\r\n\r\n']),
    ].filter(({ name }) => !/body does not/.test(name)),
  },
  {
    name: 'stream duration',
    manager: { ...fast, common_http_protocol_options: { max_stream_duration: '0.3s' } },
    cases: slow.filter(({ name }) => !/response in pieces/.test(name)),
  },
];

const action = (config: Json): readonly Json[] => [toCluster('c0', config)];
const routes: readonly Variant[] = [
  {
    name: 'route idle',
    manager: fast,
    routes: action({ idle_timeout: '0.3s' }),
    cases: slow.filter(({ name }) => !/half/.test(name)),
  },
  {
    name: 'route never idle',
    manager: { ...fast, stream_idle_timeout: '0.1s' },
    routes: action({ idle_timeout: '0s' }),
    cases: [steps('late', [get()], { backends: { 0: [{ raw: [piece(ok, 300)] }] } })],
  },
  {
    name: 'route duration',
    manager: fast,
    routes: action({ max_stream_duration: { max_stream_duration: '0.3s' } }),
    cases: slow.filter(({ name }) => !/half|response in pieces/.test(name)),
  },
  {
    name: 'route without the duration of the connection manager',
    manager: { ...fast, common_http_protocol_options: { max_stream_duration: '0.1s' } },
    routes: action({ max_stream_duration: { max_stream_duration: '0s' } }),
    cases: [steps('late', [get()], { backends: { 0: [{ raw: [piece(ok, 300)] }] } })],
  },
  {
    name: 'a duration says there is no route timeout',
    manager: fast,
    routes: action({ timeout: '0.1s', max_stream_duration: { max_stream_duration: '5s' } }),
    cases: [steps('late', [get()], { backends: { 0: [{ raw: [piece(ok, 300)] }] }, without: [] })],
  },
  {
    name: 'grpc-timeout',
    manager: fast,
    routes: action({ max_stream_duration: { grpc_timeout_header_max: '0.2s' } }),
    cases: [
      steps('none', [grpc()], { backends: { 0: [{ raw: ok }] }, without: [] }),
      steps('shorter', [grpc('grpc-timeout: 100m\r\n')], { backends: hang, without: [] }),
      steps('longer', [grpc('grpc-timeout: 5S\r\n')], { backends: hang, without: [] }),
      steps('broken', [grpc('grpc-timeout: x\r\n')], { backends: { 0: [{ raw: ok }] }, without: [] }),
      steps('of no gRPC', [get('grpc-timeout: 100m\r\n')], { backends: hang, without: [] }),
    ],
  },
  {
    name: 'grpc-timeout as it comes, less an offset',
    manager: fast,
    routes: action({ max_stream_duration: { grpc_timeout_header_max: '0s', grpc_timeout_header_offset: '0.1s' } }),
    cases: [
      steps('longer than the offset', [grpc('grpc-timeout: 250m\r\n')], { backends: hang, without: [] }),
      // There is a connection for it: one could not be made in that time.
      steps('shorter', [get(), { awaitResponses: 1 }, grpc('grpc-timeout: 50m\r\n')], {
        backends: { 0: [{ raw: ok }, 'hang'] },
        responses: 2,
        without: ['backends', 'log'],
      }),
    ],
  },
  {
    name: 'grpc-timeout without a limit for it',
    manager: fast,
    routes: action({ max_stream_duration: { max_stream_duration: '0.3s' } }),
    cases: [steps('shorter', [grpc('grpc-timeout: 100m\r\n')], { backends: hang, without: [] })],
  },
];

export const scenarios: readonly Scenario[] = [
  variants('timeouts', 'connection manager', managers),
  variants('timeouts', 'routes', routes),
];
