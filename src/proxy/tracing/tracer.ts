import { type Fields, isObject, typeName } from '../config/fields.ts';
import type { Calls } from '../filter/async/calls.ts';
import type { HeaderMap } from '../http/headers.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { StatsScope } from '../stats/store.ts';
import { Collector, type CollectorService, readGrpcCollector, readHttpCollector } from './collector.ts';
import { readResource } from './resource.ts';
import { readSampler } from './sampler.ts';
import { Span, type SpanKind } from './span.ts';
import { createSpanSink, SPAN_STATS } from './span-sink.ts';
import { readTraceContext } from './trace-context.ts';

/** Makes the spans of a connection manager's requests, and takes them when they are done. */
export interface Tracer {
  /** `decided`: the connection manager wants it recorded; then the sampler decides, or the request's own context. Undefined: the request's own context cannot be understood, and nothing is told of it. */
  start(name: string, kind: SpanKind, startTime: number, headers: HeaderMap, decided: boolean): Span | undefined;
  /** Takes a span that has ended. */
  finish(span: Span): void;
}

export interface TracerContext {
  readonly calls: Calls;
  readonly runtime: Runtime;
  readonly stats: StatsScope;
}

const OPEN_TELEMETRY = 'envoy.config.trace.v3.OpenTelemetryConfig';
const EXPORT = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';

/** Reads an `envoy.config.trace.v3.Tracing.Http`; undefined where it is refused. */
export function readTracer(fields: Fields, context: TracerContext): Tracer | undefined {
  fields.required('name');
  const config = fields.raw('typed_config');
  const type = isObject(config) ? typeName(config) : '';
  if (type === OPEN_TELEMETRY) return fields.message('typed_config', (inner) => readOpenTelemetry(inner, context));
  fields.problem('typed_config', `tracer ${JSON.stringify(type)} is not supported by ciliate-proxy`, OPEN_TELEMETRY);
  return undefined;
}

function readOpenTelemetry(fields: Fields, { calls, runtime, stats }: TracerContext): Tracer | undefined {
  const service = readCollector(fields);
  const sampler = fields.message('sampler', readSampler);
  const options = {
    resource: readResource(fields),
    scope: fields.boolean('set_instrumentation_scope') ?? true,
    mostWaiting: fields.number('max_cache_size') ?? 1024,
    runtime,
    stats: stats.get(SPAN_STATS, 'tracing.opentelemetry.'),
  };
  if (!service) return undefined;
  const finish = createSpanSink({ ...options, collector: new Collector(service, calls, EXPORT) });
  return {
    start: (name, kind, startTime, headers, decided) => {
      const parent = readTraceContext(headers);
      if (parent === 'invalid') return undefined;
      const span = new Span({ name, kind, startTime, parent, remote: true });
      span.sampled = decided && (sampler ? sampler(span.traceId, parent) : parent?.sampled !== false);
      span.traceState = parent?.traceState ?? '';
      return span;
    },
    finish,
  };
}

function readCollector(fields: Fields): CollectorService | undefined {
  const set = ['grpc_service', 'http_service', 'exporter'].filter((key) => fields.has(key));
  if (fields.has('exporter'))
    fields.problem('exporter', 'is not supported by ciliate-proxy', 'grpc_service, http_service');
  if (set.length !== 1) {
    fields.problem('', 'OpenTelemetry Tracer must have exactly one of gRPC, HTTP, or custom exporter configured.');
  }
  return (
    fields.message('grpc_service', readGrpcCollector) ??
    fields.message('http_service', (inner) => readHttpCollector(inner, 'spans'))
  );
}
