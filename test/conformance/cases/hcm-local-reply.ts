import { cluster, toCluster } from '../config.ts';
import type { Case, Json, Request, Scenario } from '../types.ts';
import { type Variant, variants } from '../variants.ts';

const direct = (path: string, status: number, body = ''): Json => ({
  match: { path },
  direct_response: { status, ...(body === '' ? {} : { body: { inline_string: body } }) },
});
const routes: readonly Json[] = [
  direct('/empty', 404),
  direct('/text', 404, 'not here'),
  direct('/error', 500, 'a "quoted" text\nwith lines %'),
  direct('/ok', 200, 'fine'),
  { match: { path: '/redirect' }, redirect: { path_redirect: '/there' } },
  toCluster('c1', {}, { path: '/refused' }),
  toCluster('c2', {}, { path: '/nobody' }),
  toCluster('c0', { timeout: '0.1s' }, { path: '/slow' }),
  toCluster('c0', {}, { path: '/' }),
];

const at = (path: string, request: Request = {}): Case => ({ name: path, requests: [{ path, ...request }] });
const grpc = (path: string, more: Readonly<Record<string, string>> = {}): Case => ({
  name: `${path} of gRPC`,
  requests: [{ method: 'POST', path, headers: { 'content-type': 'application/grpc', 'content-length': '0', ...more } }],
});
const usual: readonly Case[] = [
  at('/'),
  at('/empty'),
  at('/text'),
  at('/error'),
  at('/ok'),
  at('/redirect'),
  at('/refused'),
  at('/nobody'),
  at('/none'),
  at('/#'),
  { name: 'unreadable', requests: ['GET\r\n\r\n'] },
  { name: 'HEAD', requests: [{ method: 'HEAD', path: '/text' }] },
  grpc('/text'),
  grpc('/empty'),
];

const equals = (value: number, op = 'EQ'): Json => ({
  status_code_filter: { comparison: { op, value: { default_value: value, runtime_key: 'none' } } },
});
const replies = (config: Json): Json => ({ local_reply_config: config });
const mappers = (...list: readonly Json[]): Json => replies({ mappers: list });
const header = (key: string, value: string, more: Json = {}): Json => ({ header: { key, value }, ...more });

const mapped: readonly Variant[] = [
  { name: 'as they are', cases: [...usual, { ...at('/slow'), backends: { 0: ['hang'] } }] },
  { name: 'status', manager: mappers({ filter: equals(404), status_code: 410 }), cases: usual },
  { name: 'status to one that closes', manager: mappers({ filter: equals(404), status_code: 400 }), cases: usual },
  {
    name: 'body',
    manager: mappers({ filter: equals(404), body: { inline_string: 'instead' } }),
    cases: usual,
  },
  {
    name: 'the first that fits',
    manager: mappers(
      { filter: equals(404), status_code: 450 },
      { filter: equals(400, 'GE'), status_code: 451, body: { inline_string: 'second' } },
    ),
    cases: usual,
  },
  {
    name: 'headers',
    manager: mappers({
      filter: equals(400, 'GE'),
      headers_to_add: [
        header('x-new', 'v'),
        header('x-code', '%RESPONSE_CODE%'),
        header('x-flags', '%RESPONSE_FLAGS%'),
        header('x-details', '%RESPONSE_CODE_DETAILS%'),
        header('content-type', 'text/x', { append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' }),
      ],
    }),
    cases: usual,
  },
  {
    name: 'text format',
    manager: replies({
      body_format: { text_format: '%LOCAL_REPLY_BODY%|%RESPONSE_CODE%|%REQ(:path)%|%RESPONSE_FLAGS%' },
    }),
    cases: usual,
  },
  {
    name: 'text format with a type',
    manager: replies({
      body_format: {
        text_format_source: { inline_string: '<p>%LOCAL_REPLY_BODY%</p>' },
        content_type: 'text/html; charset=UTF-8',
      },
    }),
    cases: usual,
  },
  {
    name: 'JSON format',
    manager: replies({
      body_format: {
        json_format: { text: '%LOCAL_REPLY_BODY%', status: '%RESPONSE_CODE%', inner: { path: '%REQ(:path)%' } },
      },
    }),
    cases: usual,
  },
  {
    name: 'mapper with a format',
    manager: replies({
      mappers: [
        {
          filter: equals(404),
          status_code: 451,
          body: { inline_string: 'own' },
          body_format_override: { text_format: '[%LOCAL_REPLY_BODY%] %RESPONSE_CODE%' },
        },
        { filter: equals(500), status_code: 599 },
      ],
      body_format: { text_format: '(%LOCAL_REPLY_BODY%) %RESPONSE_CODE%' },
    }),
    cases: usual,
  },
  {
    name: 'an empty format',
    manager: replies({ body_format: { text_format: '%REQ(x-none)%' } }),
    cases: [at('/text'), at('/empty')],
  },
  {
    name: 'by flag',
    manager: mappers({ filter: { response_flag_filter: { flags: ['UF', 'NR'] } }, status_code: 550 }),
    cases: [at('/refused'), at('/none'), at('/text')],
  },
  {
    name: 'by header',
    manager: mappers({
      filter: { header_filter: { header: { name: 'x-kind', string_match: { exact: 'a' } } } },
      status_code: 555,
    }),
    cases: [at('/text', { headers: { 'x-kind': 'a' } }), at('/text'), at('/', { headers: { 'x-kind': 'a' } })].map(
      (one, index) => ({ ...one, name: `${one.name} ${index}` }),
    ),
  },
  {
    name: 'by and, or',
    manager: mappers({
      filter: { and_filter: { filters: [equals(404), { or_filter: { filters: [equals(404), equals(500)] } }] } },
      status_code: 444,
    }),
    cases: [at('/text'), at('/error')],
  },
  {
    name: 'with headers of the route',
    virtualHost: {
      response_headers_to_add: [header('x-route', '%RESPONSE_CODE%'), header('x-body', '%LOCAL_REPLY_BODY%')],
      response_headers_to_remove: ['server'],
    },
    manager: mappers({ filter: equals(404), status_code: 410, headers_to_add: [header('x-mapper', 'm')] }),
    cases: usual,
  },
];

const codes: readonly Variant[] = [
  {
    name: 'gRPC statuses',
    routes: [200, 400, 401, 403, 404, 409, 429, 499, 500, 501, 502, 503, 504].map((status) =>
      direct(`/${status}`, status, 'why: é%\n'),
    ),
    cases: [
      ...[200, 400, 401, 403, 404, 409, 429, 499, 500, 501, 502, 503, 504].map((status) => grpc(`/${status}`)),
      { ...grpc('/404', { 'content-type': 'application/grpc+proto' }), name: 'with a suffix' },
      { ...grpc('/404', { 'content-type': 'application/grpc-web' }), name: 'web is none' },
      { ...grpc('/404', { 'content-type': 'application/grpcx' }), name: 'a longer word is none' },
      { ...grpc('/404', { 'content-type': 'application/grpc; charset=utf-8' }), name: 'with a parameter' },
      { ...grpc('/404', { 'content-type': 'Application/Grpc' }), name: 'in capitals' },
    ],
  },
];

export const scenarios: readonly Scenario[] = [
  variants(
    'local replies',
    'mapping',
    mapped.map((variant) => ({ routes, ...variant })),
    {
      backends: ['http', 'closed', 'closed'],
      clusters: (places) => [cluster(places, 0), cluster(places, 1), cluster(places, 2, [])],
    },
  ),
  variants('local replies', 'gRPC', codes),
];
