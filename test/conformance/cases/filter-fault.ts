import { fileLog, router, simple, typed } from '../config.ts';
import type { Case, Json, Request, Scenario } from '../types.ts';

const TYPE = 'envoy.extensions.filters.http.fault.v3.HTTPFault';
const format = '%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% m=%DYNAMIC_METADATA(fault:k)%\n';
const always: Json = { percentage: { numerator: 100 } };

interface Row {
  readonly name: string;
  readonly config: Json;
  readonly route?: Json;
  readonly requests: Readonly<Record<string, Request>>;
}

const abort = (more: Json): Json => ({ abort: { ...always, ...more } });
const delay = (more: Json): Json => ({ delay: { ...always, ...more } });
const rate = (more: Json): Json => ({ response_rate_limit: { ...always, ...more } });
const h = (headers: Readonly<Record<string, string>>): Request => ({ headers });
const grpc: Request = { method: 'POST', headers: { 'content-type': 'application/grpc' } };
const kinds: Row['requests'] = { GET: {}, HEAD: { method: 'HEAD' }, POST: { method: 'POST', body: 'x' }, gRPC: grpc };

const rows: readonly Row[] = [
  { name: 'nothing', config: {}, requests: { GET: {} } },
  { name: 'abort', config: abort({ http_status: 503 }), requests: kinds },
  ...[200, 404, 429, 599].map(
    (http_status): Row => ({
      name: `abort with ${http_status}`,
      config: abort({ http_status }),
      requests: { GET: {}, gRPC: grpc },
    }),
  ),
  { name: 'abort without a percentage', config: { abort: { http_status: 503 } }, requests: { GET: {} } },
  {
    name: 'abort at 0 %',
    config: { abort: { http_status: 503, percentage: { numerator: 0 } } },
    requests: { GET: {} },
  },
  {
    name: 'abort at a million of a million',
    config: { abort: { http_status: 503, percentage: { numerator: 1_000_000, denominator: 'MILLION' } } },
    requests: { GET: {} },
  },
  {
    name: 'abort with a body',
    config: abort({ http_status: 503, response_body: 'broken on purpose' }),
    requests: { GET: {}, gRPC: grpc },
  },
  ...[0, 5, 14].map(
    (grpc_status): Row => ({
      name: `abort with gRPC ${grpc_status}`,
      config: abort({ grpc_status }),
      requests: { GET: {}, gRPC: grpc },
    }),
  ),
  {
    name: 'abort by header',
    config: abort({ header_abort: {} }),
    requests: {
      none: {},
      '404': h({ 'x-envoy-fault-abort-request': '404' }),
      '199': h({ 'x-envoy-fault-abort-request': '199' }),
      '600': h({ 'x-envoy-fault-abort-request': '600' }),
      text: h({ 'x-envoy-fault-abort-request': 'x' }),
      grpc: { ...grpc, headers: { 'content-type': 'application/grpc', 'x-envoy-fault-abort-grpc-request': '5' } },
      'grpc for others': h({ 'x-envoy-fault-abort-grpc-request': '5' }),
      both: h({ 'x-envoy-fault-abort-request': '404', 'x-envoy-fault-abort-grpc-request': '5' }),
      'at 0 %': h({ 'x-envoy-fault-abort-request': '404', 'x-envoy-fault-abort-request-percentage': '0' }),
      'at 100 %': h({ 'x-envoy-fault-abort-request': '404', 'x-envoy-fault-abort-request-percentage': '100' }),
      'at 500 %': h({ 'x-envoy-fault-abort-request': '404', 'x-envoy-fault-abort-request-percentage': '500' }),
      'at x %': h({ 'x-envoy-fault-abort-request': '404', 'x-envoy-fault-abort-request-percentage': 'x' }),
    },
  },
  {
    name: 'abort by header, not allowed',
    config: { abort: { header_abort: {}, percentage: { numerator: 0 } } },
    requests: { asked: h({ 'x-envoy-fault-abort-request': '404', 'x-envoy-fault-abort-request-percentage': '100' }) },
  },
  {
    name: 'delay',
    config: delay({ fixed_delay: '0.02s' }),
    requests: {
      GET: {},
      POST: { method: 'POST', body: 'hello' },
      'POST with chunks': { method: 'POST', body: 'hello', chunked: true },
    },
  },
  { name: 'delay without a percentage', config: { delay: { fixed_delay: '0.02s' } }, requests: { GET: {} } },
  { name: 'delay shorter than a millisecond', config: delay({ fixed_delay: '0.0001s' }), requests: { GET: {} } },
  {
    name: 'delay by header',
    config: delay({ header_delay: {} }),
    requests: {
      none: {},
      '20': h({ 'x-envoy-fault-delay-request': '20' }),
      '0': h({ 'x-envoy-fault-delay-request': '0' }),
      text: h({ 'x-envoy-fault-delay-request': 'x' }),
      'at 0 %': h({ 'x-envoy-fault-delay-request': '20', 'x-envoy-fault-delay-request-percentage': '0' }),
    },
  },
  {
    name: 'delay and abort',
    config: { ...delay({ fixed_delay: '0.02s' }), ...abort({ http_status: 503 }) },
    requests: { GET: {}, POST: { method: 'POST', body: 'hello' } },
  },
  {
    name: 'rate',
    config: rate({ fixed_limit: { limit_kbps: 1024 } }),
    requests: { GET: {}, HEAD: { method: 'HEAD' } },
  },
  {
    name: 'rate and abort',
    config: { ...rate({ fixed_limit: { limit_kbps: 1 } }), ...abort({ http_status: 503 }) },
    requests: { GET: {} },
  },
  {
    name: 'rate by header',
    config: rate({ header_limit: {} }),
    requests: {
      none: {},
      '1024': h({ 'x-envoy-fault-throughput-response': '1024' }),
      '0': h({ 'x-envoy-fault-throughput-response': '0' }),
    },
  },
  {
    name: 'another cluster',
    config: { ...abort({ http_status: 503 }), upstream_cluster: 'other' },
    requests: { GET: {} },
  },
  { name: 'this cluster', config: { ...abort({ http_status: 503 }), upstream_cluster: 'c0' }, requests: { GET: {} } },
  {
    name: 'this cluster, of a direct response',
    config: { ...abort({ http_status: 503 }), upstream_cluster: 'c0' },
    route: { direct_response: { status: 200 } },
    requests: { GET: {} },
  },
  {
    name: 'abort before a direct response',
    config: abort({ http_status: 503 }),
    route: { direct_response: { status: 200 } },
    requests: { GET: {} },
  },
  {
    name: 'headers',
    config: {
      ...abort({ http_status: 503 }),
      headers: [
        { name: 'x-a', string_match: { exact: '1' } },
        { name: 'x-b', present_match: true },
      ],
    },
    requests: { one: h({ 'x-a': '1' }), both: h({ 'x-a': '1', 'x-b': '' }) },
  },
  {
    name: 'nodes',
    config: { ...abort({ http_status: 503 }), downstream_nodes: ['n1', 'n2'] },
    requests: {
      none: {},
      another: h({ 'x-envoy-downstream-service-node': 'n3' }),
      one: h({ 'x-envoy-downstream-service-node': 'n2' }),
    },
  },
  {
    name: 'a downstream cluster',
    config: abort({ http_status: 503 }),
    requests: { counted: h({ 'x-envoy-downstream-service-cluster': 'dc' }) },
  },
  {
    name: 'a downstream cluster that is not counted',
    config: { ...abort({ http_status: 503 }), disable_downstream_cluster_stats: true },
    requests: { GET: h({ 'x-envoy-downstream-service-cluster': 'dc' }) },
  },
  {
    name: 'a downstream cluster, delayed',
    config: delay({ fixed_delay: '0.01s' }),
    requests: { counted: h({ 'x-envoy-downstream-service-cluster': 'dc' }) },
  },
  {
    name: 'a downstream cluster with a runtime of its own',
    config: abort({ http_status: 503 }),
    requests: { off: h({ 'x-envoy-downstream-service-cluster': 'quiet' }) },
  },
  {
    name: 'no active faults allowed',
    config: { ...abort({ http_status: 503 }), max_active_faults: 0 },
    requests: { GET: {} },
  },
  {
    name: 'no active delays allowed',
    config: { ...delay({ fixed_delay: '0.02s' }), max_active_faults: 0 },
    requests: { GET: {} },
  },
  { name: 'metadata', config: { ...abort({ http_status: 503 }), filter_metadata: { k: 'v' } }, requests: { GET: {} } },
  {
    name: 'metadata of a delay',
    config: { ...delay({ fixed_delay: '0.01s' }), filter_metadata: { k: 'v' } },
    requests: { GET: {} },
  },
  {
    name: 'metadata of no fault',
    config: { abort: { http_status: 503, percentage: { numerator: 0 } }, filter_metadata: { k: 'v' } },
    requests: { GET: {} },
  },
  {
    name: 'abort percentage by runtime',
    config: { ...abort({ http_status: 503 }), abort_percent_runtime: 'f.off' },
    requests: { GET: {} },
  },
  {
    name: 'abort status by runtime',
    config: { ...abort({ http_status: 503 }), abort_http_status_runtime: 'f.status' },
    requests: { GET: {} },
  },
  {
    name: 'abort gRPC status by runtime',
    config: { ...abort({ grpc_status: 5 }), abort_grpc_status_runtime: 'f.grpc' },
    requests: { gRPC: grpc },
  },
  {
    name: 'delay percentage by runtime',
    config: { ...delay({ fixed_delay: '0.02s' }), delay_percent_runtime: 'f.off' },
    requests: { GET: {} },
  },
  {
    name: 'delay time by runtime',
    config: { ...delay({ fixed_delay: '60s' }), delay_duration_runtime: 'f.time' },
    requests: { GET: {} },
  },
  {
    name: 'active faults by runtime',
    config: { ...abort({ http_status: 503 }), max_active_faults_runtime: 'f.off' },
    requests: { GET: {} },
  },
];

const prefixOf = (index: number): string => `/${String(index).padStart(3, '0')}`;
const stats = [/^http\.in\.fault\./];

const table: Scenario = {
  feature: 'fault filter',
  name: 'faults',
  stats,
  bootstrap: (places) => ({
    ...simple(places, {
      routes: rows.map(({ config, route }, index) => ({
        match: { prefix: prefixOf(index) },
        ...(route ?? { route: { cluster: 'c0' } }),
        typed_per_filter_config: { fault: typed(TYPE, config) },
      })),
      manager: {
        access_log: [fileLog(places, format)],
        http_filters: [{ name: 'fault', typed_config: typed(TYPE, {}) }, router()],
      },
    }),
    layered_runtime: {
      layers: [
        {
          name: 'base',
          static_layer: { f: { off: 0, status: 418, grpc: 7, time: 10 }, 'fault.http.quiet.abort.abort_percent': 0 },
        },
      ],
    },
  }),
  cases: rows.flatMap(({ name, requests }, index) =>
    Object.entries(requests).map(
      ([what, request]): Case => ({ name: `${name}: ${what}`, requests: [{ ...request, path: prefixOf(index) }] }),
    ),
  ),
};

const chain = (name: string, config: Json, cases: Scenario['cases'], routes?: readonly Json[]): Scenario => ({
  feature: 'fault filter',
  name,
  stats,
  bootstrap: (places) =>
    simple(places, {
      ...(routes ? { routes } : {}),
      manager: {
        access_log: [fileLog(places, format)],
        http_filters: [{ name: 'fault', typed_config: typed(TYPE, config) }, router()],
      },
    }),
  cases,
});

export const scenarios: readonly Scenario[] = [
  table,
  chain('faults of a chain', abort({ http_status: 503 }), [{ name: 'aborted', requests: [{}, {}] }]),
  chain(
    'faults without a route',
    abort({ http_status: 418 }),
    [{ name: 'aborted', requests: [{}] }],
    [{ match: { prefix: '/none' }, direct_response: { status: 200 } }],
  ),
  chain('slow responses', rate({ fixed_limit: { limit_kbps: 64 } }), [
    {
      name: 'of 8 KiB',
      requests: [{}],
      backends: { 0: [{ raw: `HTTP/1.1 200 OK\r\ncontent-length: 8192\r\n\r\n${'x'.repeat(8192)}` }] },
    },
    {
      // The sizes of the chunks depend on time.
      name: 'in chunks',
      without: ['bodies'],
      requests: [{}],
      backends: {
        0: [
          {
            raw: `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1000\r\n${'y'.repeat(4096)}\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n`,
          },
        ],
      },
    },
    { name: 'without a body', requests: [{}], backends: { 0: [{ raw: 'HTTP/1.1 204 No Content\r\n\r\n' }] } },
  ]),
  chain('delays that clients do not await', delay({ fixed_delay: '0.2s' }), [
    {
      name: 'the client leaves',
      steps: [{ send: 'GET / HTTP/1.1\r\nhost: a\r\n\r\n' }, { sleep: 40 }, { do: 'close' }],
      responses: 0,
      settleMs: 250,
    },
    {
      name: 'a body meanwhile',
      steps: [{ send: 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\n' }, { sleep: 40 }, { send: 'abcd' }],
    },
    {
      name: 'a body in chunks, then another over the same connections',
      requests: [
        { method: 'POST', body: 'first', chunked: true },
        { method: 'POST', body: 'second', chunked: true },
      ],
    },
  ]),
];
