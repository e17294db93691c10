import { typed } from '../config.ts';
import type { Case, Json, Scenario } from '../types.ts';
import { type Variant, variants } from '../variants.ts';

const edge = { use_remote_address: true };
const own = { internal_address_config: { cidr_ranges: [{ address_prefix: '127.0.0.0', prefix_len: 8 }] } };
const idOf = (reason: string): string => `12345678-1234-${reason}234-8234-123456789012`;
const one = (name: string, headers: Readonly<Record<string, string>>, more: Partial<Case> = {}): Case => ({
  name,
  requests: [{ headers }],
  ...more,
});
const usual: readonly Case[] = [
  one('none', {}),
  one('a UUID', { 'X-Request-Id': idOf('4') }),
  one('a word', { 'X-Request-Id': 'word' }),
  one('empty', { 'X-Request-Id': '' }),
];

const answers: readonly Case[] = [
  one('given', { 'X-Request-Id': idOf('4') }),
  one('made', {}),
  one(
    'the backend has one too',
    { 'X-Request-Id': idOf('4') },
    {
      backends: { 0: [{ raw: 'HTTP/1.1 200 OK\r\nx-request-id: up\r\ncontent-length: 0\r\n\r\n' }] },
    },
  ),
  { name: 'local reply', requests: [{ path: '/none', headers: { 'X-Request-Id': idOf('4') } }] },
  { name: 'refused early', requests: [{ path: '/#', headers: { 'X-Request-Id': idOf('4') } }] },
  { name: 'refused early without one', requests: [{ path: '/#' }] },
];
const routes = [{ match: { path: '/' }, route: { cluster: 'c0' } }];

const options: readonly Variant[] = [
  { name: 'by default', cases: usual },
  { name: 'at the edge', manager: edge, cases: usual },
  { name: 'kept at the edge', manager: { ...edge, preserve_external_request_id: true }, cases: usual },
  { name: 'internal at the edge', manager: { ...edge, ...own }, cases: usual },
  { name: 'none made', manager: { generate_request_id: false }, cases: usual },
  { name: 'none made at the edge', manager: { generate_request_id: false, ...edge }, cases: usual },
  { name: 'in responses', manager: { always_set_request_id_in_response: true }, routes, cases: answers },
  {
    name: 'in responses, none made',
    manager: { always_set_request_id_in_response: true, generate_request_id: false },
    routes,
    cases: answers,
  },
  {
    name: 'forced by an internal request',
    manager: { ...edge, ...own },
    routes,
    cases: [
      one('with an id', { 'x-envoy-force-trace': '1', 'X-Request-Id': idOf('4') }),
      one('without', { 'x-envoy-force-trace': '1' }),
    ],
  },
  {
    name: 'not forced by an external one',
    cases: [one('with an id', { 'x-envoy-force-trace': '1', 'X-Request-Id': idOf('4') })],
  },
];

const percent = (value: number): Json => ({ value });
const ids: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ['no id', {}],
  ...['4', '9', 'a', 'b', 'c'].map((reason) => [`reason ${reason}`, { 'X-Request-Id': idOf(reason) }] as const),
  ['a word', { 'X-Request-Id': 'word' }],
  ['a short one', { 'X-Request-Id': '12345678-1234-4' }],
  ['no number', { 'X-Request-Id': idOf('4').replace('1234', 'xyzw') }],
];
const marks = (forced: boolean): readonly Case[] =>
  ids.flatMap(([name, id]) => [
    one(name, id),
    one(`${name} from a tracing client`, { ...id, 'x-client-trace-id': 'q' }),
    ...(forced ? [one(`${name} forced`, { ...id, 'x-envoy-force-trace': '1', 'X-Forwarded-For': '127.0.0.1' })] : []),
  ]);
const uuid = (config: Json): Json => ({
  request_id_extension: { typed_config: typed('envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig', config) },
});

const tracing: readonly Variant[] = [
  { name: 'all sampled', manager: { tracing: {} }, cases: marks(false) },
  { name: 'none sampled at random', manager: { ...own, tracing: { random_sampling: percent(0) } }, cases: marks(true) },
  { name: 'none at all', manager: { ...own, tracing: { overall_sampling: percent(0) } }, cases: marks(true) },
  {
    name: 'none for clients',
    manager: { tracing: { client_sampling: percent(0), random_sampling: percent(0) } },
    cases: [one('tracing client', { 'x-client-trace-id': 'q' })],
  },
  {
    name: 'half by id',
    manager: { tracing: { random_sampling: percent(50) } },
    cases: ['00000000', '00001387', '00001388', '0000270f', '00002710', 'ffffffff'].map((start) =>
      one(start, { 'X-Request-Id': `${start}-1234-4234-8234-123456789012` }),
    ),
  },
  {
    name: 'a hundredth of a percent by id',
    manager: { tracing: { random_sampling: percent(0.01) } },
    cases: ['00000000', '00000001', '00002710'].map((start) =>
      one(start, { 'X-Request-Id': `${start}-1234-4234-8234-123456789012` }),
    ),
  },
  {
    name: 'half over all by id',
    manager: { tracing: { overall_sampling: percent(50) } },
    cases: ['00000031', '00000032', '00000064'].map((start) =>
      one(start, { 'X-Request-Id': `${start}-1234-4234-8234-123456789012` }),
    ),
  },
  { name: 'reason not packed', manager: { tracing: {}, ...uuid({ pack_trace_reason: false }) }, cases: marks(false) },
  {
    name: 'not by id',
    manager: { tracing: {}, ...uuid({ use_request_id_for_trace_sampling: false }) },
    cases: marks(false),
  },
  { name: 'UUIDs without tracing', manager: uuid({}), cases: [one('sampled', { 'X-Request-Id': idOf('9') })] },
];

const log = '%RESPONSE_CODE% %RESPONSE_CODE_DETAILS%\n';

export const scenarios: readonly Scenario[] = [
  variants('request ids', 'options', options, { log }),
  variants('request ids', 'trace reasons', tracing, { log }),
  variants('request ids', 'by runtime', [{ name: 'none sampled', manager: { tracing: {} }, cases: marks(false) }], {
    log,
    bootstrap: { layered_runtime: { layers: [{ name: 'static', static_layer: { 'tracing.random_sampling': 0 } }] } },
  }),
];
