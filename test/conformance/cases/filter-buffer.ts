import { router, simple, typed } from '../config.ts';
import type { Case, Json, Request, Scenario } from '../types.ts';

const TYPE = 'envoy.extensions.filters.http.buffer.v3.Buffer';
const PER_ROUTE = 'envoy.extensions.filters.http.buffer.v3.BufferPerRoute';
const feature = 'buffer filter';
const stats = [/^http\.in\.downstream_rq_too_large$/];

const buffer = (max: unknown = 10, name = 'buffer'): Json => ({
  name,
  typed_config: typed(TYPE, { max_request_bytes: max }),
});
const post = (size: number, more: Request = {}): Request => ({ method: 'POST', body: 'a'.repeat(size), ...more });
const chunked = (size: number): Request => post(size, { chunked: true });
const from = (path: string, request: Request): Request => ({ ...request, path });

const bodies: Readonly<Record<string, Request>> = {
  'without a body': {},
  'empty body': post(0),
  'one byte': post(1),
  'one less than the limit': post(9),
  'as much as the limit': post(10),
  'one more than the limit': post(11),
  'far more than the limit': post(20_000),
  'chunked and empty': chunked(0),
  'chunked below the limit': chunked(9),
  'chunked up to the limit': chunked(10),
  'chunked above the limit': chunked(11),
  'HEAD with too long a body': post(11, { method: 'HEAD' }),
  'gRPC with too long a body': post(11, { headers: { 'content-type': 'application/grpc' } }),
};
const few = ['without a body', 'as much as the limit', 'one more than the limit', 'chunked up to the limit'];

const each = (path: string, names: readonly string[]): readonly Case[] =>
  names.map((what) => ({ name: `${path}: ${what}`, requests: [from(path, bodies[what] ?? {})] }));

const raw = (...parts: readonly string[]): Case['steps'] => parts.flatMap((send) => [{ send }, { sleep: 60 }]);
const head = 'POST / HTTP/1.1\r\nhost: a\r\n';

const pieces: readonly Case[] = [
  {
    name: 'in pieces',
    steps: [...(raw(`${head}content-length: 6\r\n\r\n`, 'abc', 'def') ?? []), { awaitResponses: 1 }],
  },
  {
    name: 'chunks in pieces',
    steps: [
      ...(raw(`${head}transfer-encoding: chunked\r\n\r\n`, '3\r\nabc\r\n', '3\r\ndef\r\n', '0\r\n\r\n') ?? []),
      { awaitResponses: 1 },
    ],
  },
  {
    name: 'too long before its end',
    steps: [...(raw(`${head}content-length: 20\r\n\r\n`, 'abcdefghijk') ?? []), { awaitResponses: 1 }],
  },
  {
    name: 'expects 100-continue',
    steps: [...(raw(`${head}content-length: 3\r\nexpect: 100-continue\r\n\r\n`, 'abc') ?? []), { awaitResponses: 1 }],
  },
  {
    name: 'trailers',
    steps: [
      ...(raw(`${head}transfer-encoding: chunked\r\ntrailer: x-t\r\n\r\n`, '3\r\nabc\r\n0\r\nx-t: 1\r\n\r\n') ?? []),
      { awaitResponses: 1 },
    ],
  },
  { name: 'a request after one that was kept', requests: [chunked(3), {}, post(3)] },
  { name: 'a request after one that was refused', requests: [post(11), {}] },
  {
    name: 'the client leaves before the end',
    steps: [...(raw(`${head}content-length: 6\r\n\r\n`, 'abc') ?? []), { do: 'close' }, { sleep: 100 }],
  },
];

const per = (config: Json): Json => ({ typed_per_filter_config: { buffer: typed(PER_ROUTE, config) } });
const forward = (prefix: string, more: Json = {}): Json => ({ match: { prefix }, route: { cluster: 'c0' }, ...more });

const plain: Scenario = {
  feature,
  name: 'limit',
  stats,
  bootstrap: (places) => simple(places, { manager: { http_filters: [buffer(), router()] } }),
  cases: [...each('/', Object.keys(bodies)), ...pieces],
};

const routes: Scenario = {
  feature,
  name: 'routes',
  stats,
  bootstrap: (places) =>
    simple(places, {
      manager: {
        http_filters: [buffer(), router()],
        route_config: {
          name: 'routes',
          virtual_hosts: [
            {
              name: 'all',
              domains: ['*'],
              ...per({ buffer: { max_request_bytes: 5 } }),
              routes: [
                forward('/off', per({ disabled: true })),
                forward('/more', per({ buffer: { max_request_bytes: 20 } })),
                forward('/less', per({ buffer: { max_request_bytes: 1 } })),
                forward('/disabled', {
                  typed_per_filter_config: { buffer: typed('envoy.config.route.v3.FilterConfig', { disabled: true }) },
                }),
                { match: { prefix: '/direct' }, direct_response: { status: 200, body: { inline_string: 'hi' } } },
                forward('/'),
              ],
            },
          ],
        },
      },
    }),
  cases: ['/off', '/more', '/less', '/disabled', '/direct', '/host'].flatMap((path) =>
    each(path, [...few, 'one byte', 'chunked above the limit']),
  ),
};

const listenerLimit: Scenario = {
  feature,
  name: 'beside the limit of the listener',
  stats,
  bootstrap: (places) =>
    simple(places, {
      listener: { per_connection_buffer_limit_bytes: 1024 },
      manager: { http_filters: [buffer(4096), router()] },
    }),
  cases: [1024, 1025, 4096, 4097].map((size) => ({ name: `${size} bytes`, requests: [post(size)] })),
};

const two: Scenario = {
  feature,
  name: 'two of them',
  stats,
  bootstrap: (places) => simple(places, { manager: { http_filters: [buffer(20, 'a'), buffer(5, 'b'), router()] } }),
  cases: [5, 6, 20, 21].map((size) => ({ name: `${size} bytes`, requests: [post(size), chunked(size)] })),
};

const refusal = (name: string, filter: Json, route: Json = {}): Scenario => ({
  feature,
  name: `refused: ${name}`,
  validateOnly: true,
  bootstrap: (places) =>
    simple(places, { routes: [forward('/', route)], manager: { http_filters: [filter, router()] } }),
  cases: [],
});

export const scenarios: readonly Scenario[] = [
  plain,
  routes,
  listenerLimit,
  two,
  refusal('no limit', { name: 'buffer', typed_config: typed(TYPE) }),
  refusal('a limit of 0', buffer(0)),
  refusal('a limit of a negative number', buffer(-1)),
  refusal('the largest limit', buffer(4_294_967_295)),
  refusal('a route that says nothing', buffer(), per({})),
  refusal('a route that is not disabled', buffer(), per({ disabled: false })),
  refusal('a route with a limit of 0', buffer(), per({ buffer: { max_request_bytes: 0 } })),
  refusal('a route without a limit', buffer(), per({ buffer: {} })),
  refusal('a route with the filter itself', buffer(), {
    typed_per_filter_config: { buffer: typed(TYPE, { max_request_bytes: 1 }) },
  }),
];
