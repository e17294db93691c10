import { simple, typed } from '../config.ts';
import { GRPC, HTTP, provider, type TracingRow, tracingClusters, tracingScenario } from '../tracing.ts';
import type { Json, Scenario } from '../types.ts';

const PACKAGE = 'envoy.extensions.tracers.opentelemetry';
const extension = (type: string, config: Json = {}): Json => ({
  name: 'it',
  typed_config: typed(`${PACKAGE}.${type}`, config),
});
const ALWAYS = extension('samplers.v3.AlwaysOnSamplerConfig');
const ratio = (percentage: Json): Json =>
  extension('samplers.v3.TraceIdRatioBasedSamplerConfig', { sampling_percentage: percentage });
const parentBased = (wrapped: Json): Json =>
  extension('samplers.v3.ParentBasedSamplerConfig', { wrapped_sampler: wrapped });
const fixed = (attributes: Json): Json =>
  extension('resource_detectors.v3.StaticConfigResourceDetectorConfig', { attributes });

const parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const asked = (traceparent: string): Pick<TracingRow, 'requests'> => ({
  requests: [{ headers: { traceparent, tracestate: 'a=b' } }],
});
const unsampled = parent.replace(/1$/, '0');
const none: Json = { random_sampling: { value: 0 } };
const sampled = (sampler: Json): Json => ({ ...GRPC, sampler });

/** A trace whose number is chosen: its first eight bytes, and its last. */
const numbered = (first: string, last: string): string =>
  `00-${first.padEnd(16, '0')}${last.padStart(16, '0')}-b7ad6b7169203331-01`;

const samplers: readonly TracingRow[] = [
  { name: 'always', tracer: sampled(ALWAYS), tracing: none },
  { name: 'always, with a parent that is not', tracer: sampled(ALWAYS), tracing: none, ...asked(unsampled) },
  { name: 'by the parent, without one', tracer: sampled(parentBased(ALWAYS)), tracing: none },
  {
    name: 'by the parent, which is',
    tracer: sampled(parentBased(ratio({ numerator: 0 }))),
    tracing: none,
    ...asked(parent),
  },
  { name: 'by the parent, which is not', tracer: sampled(parentBased(ALWAYS)), ...asked(unsampled) },
  { name: 'none by number', tracer: sampled(ratio({ numerator: 0 })) },
  { name: 'all by number', tracer: sampled(ratio({ numerator: 100 })), tracing: none },
  { name: 'all by number, with a parent that is not', tracer: sampled(ratio({ numerator: 100 })), ...asked(unsampled) },
  { name: 'none without a number', tracer: sampled(extension('samplers.v3.TraceIdRatioBasedSamplerConfig')) },
  ...[
    ['01', ''],
    ['64', ''],
    ['00000001', ''],
    ['0000000000000001', ''],
    ['00000000000000ff', '1'],
    ['ff', '1'],
    ['ffffffffffffffff', '1'],
    ['7fffffffffffffff', '1'],
    ['80', '1'],
    ['1', '33'],
  ].map(([first = '', last = '']) => ({
    name: `half, ${first} ${last}`,
    tracer: sampled(ratio({ numerator: 50 })),
    ...asked(numbered(first, last)),
  })),
  {
    name: 'a millionth',
    tracer: sampled(ratio({ numerator: 1, denominator: 'MILLION' })),
    ...asked(numbered('01', '')),
  },
];

const resources: readonly TracingRow[] = [
  { name: 'fixed attributes', tracer: { ...GRPC, resource_detectors: [fixed({ region: 'caf\u00e9', zone: 'z' })] } },
  { name: 'a later one', tracer: { ...GRPC, resource_detectors: [fixed({ a: '1', b: '1' }), fixed({ b: '2' })] } },
  {
    name: 'a name of the service',
    tracer: { ...GRPC, service_name: 'shop', resource_detectors: [fixed({ 'service.name': 'detected' })] },
  },
  { name: 'a detected name', tracer: { ...GRPC, resource_detectors: [fixed({ 'service.name': 'detected' })] } },
  { name: 'without a library', tracer: { ...GRPC, set_telemetry_sdk_resource_attributes: false } },
  { name: 'without a name', tracer: { ...GRPC, set_service_name_resource_attribute: false } },
  { name: 'without a scope', tracer: { ...GRPC, set_instrumentation_scope: false } },
];

const exporters: readonly TracingRow[] = [
  {
    name: 'a path',
    tracer: { http_service: { http_uri: { uri: 'https://collector.test:4318/a/b?c', cluster: 'c2', timeout: '2s' } } },
  },
  { name: 'no path', tracer: { http_service: { http_uri: { uri: 'collector.test', cluster: 'c2', timeout: '2s' } } } },
  {
    name: 'headers',
    tracer: {
      http_service: {
        http_uri: { uri: 'http://collector.test/v1/traces', cluster: 'c2', timeout: '0s' },
        request_headers_to_add: [
          { header: { key: 'Authorization', value: 'Bearer x' } },
          { header: { key: 'user-agent', value: 'mine' } },
        ],
      },
    },
  },
  {
    name: 'headers that stand twice',
    tracer: {
      http_service: {
        http_uri: { uri: 'http://collector.test/v1/traces', cluster: 'c2', timeout: '1s' },
        request_headers_to_add: [
          { header: { key: 'x-a', value: '1' } },
          { header: { key: 'x-b', value: '1' } },
          { header: { key: 'x-a', value: '2' } },
          { header: { key: 'x-b', value: '2' }, append_action: 'ADD_IF_ABSENT' },
          { header: { key: 'content-type', value: 'application/x-protobuf; a=b' } },
        ],
      },
    },
  },
  {
    name: 'an answer with 503',
    tracer: HTTP,
    backends: { 2: [{ raw: 'HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n' }] },
  },
  { name: 'a collector that hangs', tracer: HTTP, backends: { 2: ['hang'] } },
  {
    name: 'metadata',
    tracer: {
      grpc_service: {
        envoy_grpc: { cluster_name: 'collector', authority: 'otel.test' },
        initial_metadata: [{ key: 'x-token', value: 'abc' }],
      },
    },
  },
  { name: 'a call that fails', backends: { 1: [{ status: 13 }] } },
  { name: 'nobody listens, over gRPC', tracer: { grpc_service: { envoy_grpc: { cluster_name: 'down' } } } },
  {
    name: 'nobody listens, over HTTP',
    tracer: { http_service: { http_uri: { uri: 'http://a/v1/traces', cluster: 'c3', timeout: '1s' } } },
  },
];

const batched: readonly TracingRow[] = [
  { name: 'three at a time', requests: [{}, {}, {}] },
  { name: 'the rest after a while', requests: [{}, {}], settleMs: 400 },
];

const refusal = (name: string, tracing: Json, difference?: string): Scenario => ({
  feature: 'tracing',
  name: `refused: ${name}`,
  validateOnly: true,
  bootstrap: (places) => simple(places, { manager: { tracing }, clusters: tracingClusters(places) }),
  cases: difference ? [{ name: '', difference }] : [],
});
const tracer = (name: string, config: Json, difference?: string): Scenario =>
  refusal(name, provider(config), difference);
const uri = (more: Json): Json => ({
  http_service: { http_uri: { uri: 'http://a/', cluster: 'c2', timeout: '1s', ...more } },
});

const refusals: readonly Scenario[] = [
  tracer('neither gRPC nor HTTP', {}),
  tracer('gRPC and HTTP', { ...GRPC, ...HTTP }),
  tracer('a cluster that there is not', { grpc_service: { envoy_grpc: { cluster_name: 'gone' } } }),
  tracer('an HTTP cluster that there is not', uri({ cluster: 'gone' })),
  tracer('no URI', { http_service: {} }, 'filter-mistakes'),
  tracer('an empty URI', uri({ uri: '' })),
  tracer('no cluster', uri({ cluster: '' })),
  tracer('no timeout', { http_service: { http_uri: { uri: 'http://a/', cluster: 'c2' } } }),
  tracer('a sampler within itself that is none', { ...GRPC, sampler: parentBased({ name: 'it' }) }),
  tracer('a sampler without one within', { ...GRPC, sampler: extension('samplers.v3.ParentBasedSamplerConfig') }),
  refusal('a provider without a configuration', { provider: { name: 'envoy.tracers.opentelemetry' } }),
  refusal('a provider without a name', {
    provider: { name: '', typed_config: typed('envoy.config.trace.v3.OpenTelemetryConfig', GRPC) },
  }),
  refusal('a tag without a name', { custom_tags: [{ tag: '', literal: { value: 'a' } }] }),
  refusal('a tag without a value', { custom_tags: [{ tag: 'a' }] }),
  refusal('a tag with an empty literal', { custom_tags: [{ tag: 'a', literal: {} }] }),
  refusal('a tag of a header that is none', { custom_tags: [{ tag: 'a', request_header: { name: 'a\n' } }] }),
  refusal('a tag with a format that is none', { custom_tags: [{ tag: 'a', value: '%NOTHING%' }] }),
  refusal(
    'a tag of metadata without a kind',
    {
      custom_tags: [{ tag: 'a', metadata: { metadata_key: { key: 'a', path: [{ key: 'b' }] } } }],
    },
    'filter-mistakes',
  ),
  refusal('a tag of metadata without a key', { custom_tags: [{ tag: 'a', metadata: { kind: { route: {} } } }] }),
  refusal('a tag of metadata without a path', {
    custom_tags: [{ tag: 'a', metadata: { kind: { route: {} }, metadata_key: { key: 'a' } } }],
  }),
  refusal('an operation that is none', { operation: '%NOTHING%' }),
];

const stats = [/tracing\.(?!opentelemetry\.timer)/, /cluster\.(?:collector|c2|down|c3)\.upstream_rq_(?:\d|timeout)/];
export const scenarios: readonly Scenario[] = [
  tracingScenario({ feature: 'tracing', name: 'samplers', stats }, samplers),
  tracingScenario({ feature: 'tracing', name: 'resources', stats }, resources),
  tracingScenario({ feature: 'tracing', name: 'exporters', stats }, exporters),
  tracingScenario({ feature: 'tracing', name: 'batches', stats }, batched, {
    layered_runtime: {
      layers: [
        {
          name: 'static',
          static_layer: { 'tracing.opentelemetry.min_flush_spans': 3, 'tracing.opentelemetry.flush_interval_ms': 250 },
        },
      ],
    },
  }),
  ...refusals,
];
