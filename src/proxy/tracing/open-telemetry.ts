import type { Fields } from '../config/fields.ts';
import { Collector, type CollectorService, readGrpcCollector, readHttpCollector } from './collector.ts';
import { newId } from './ids.ts';
import { readResource } from './resource.ts';
import { readSampler } from './sampler.ts';
import { Span } from './span.ts';
import { createSpanSink, SPAN_STATS } from './span-sink.ts';
import { encodeExport, encodeSpan } from './span-wire.ts';
import { readTraceContext, writeTraceContext } from './trace-context.ts';
import type { Tracer, TracerContext } from './tracer.ts';

/** The type of a tracer of OpenTelemetry. */
export const OPEN_TELEMETRY = 'envoy.config.trace.v3.OpenTelemetryConfig';
const EXPORT = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';

/** Reads an `OpenTelemetryConfig`. A request is recorded where the connection manager wants it, and then the sampler, or without one the request's own context. */
export function readOpenTelemetry(fields: Fields, context: TracerContext): Tracer | undefined {
  const service = readCollector(fields);
  const sampler = fields.message('sampler', readSampler);
  const resource = readResource(fields);
  const scope = fields.boolean('set_instrumentation_scope') ?? true;
  const mostWaiting = fields.number('max_cache_size') ?? 1024;
  if (!service) return undefined;
  const { calls, runtime, egress, upstreamSpans } = context;
  const collector = new Collector(service, calls, EXPORT);
  const stats = context.stats.get(SPAN_STATS, 'tracing.opentelemetry.');
  const finish = createSpanSink({
    settings: 'tracing.opentelemetry',
    runtime,
    mostWaiting,
    encode: encodeSpan,
    send: (spans) => {
      if (collector.send(encodeExport(resource, scope, spans), () => undefined)) stats.sent += spans.length;
      else stats.dropped += spans.length;
    },
    onTimer: () => {
      stats.timerFlushed++;
    },
    onDrop: () => {
      stats.dropped++;
    },
  });
  // With a span for each attempt, this one is about what came in.
  const kind = egress && !upstreamSpans ? 'client' : 'server';
  return {
    start: ({ authority, headers, startTime, decided }) => {
      const parent = readTraceContext(headers);
      if (parent === 'invalid') return undefined;
      const name = egress ? `egress ${authority}` : 'ingress';
      const ids = { traceId: parent?.traceId ?? newId(16), spanId: newId(8), parentId: parent?.spanId ?? '' };
      const span = new Span({ name, kind, startTime, ...ids, remote: parent !== undefined });
      span.sampled = decided && (sampler ? sampler(span.traceId, parent) : parent?.sampled !== false);
      span.traceState = parent?.traceState ?? '';
      return span;
    },
    child: (parent, name, startTime) => {
      const ids = { traceId: parent.traceId, spanId: newId(8), parentId: parent.spanId };
      const span = new Span({ name, kind: 'client', startTime, ...ids, remote: false });
      span.sampled = parent.sampled;
      span.traceState = parent.traceState;
      return span;
    },
    tell: writeTraceContext,
    finish,
    namesSpans: true,
  };
}

function readCollector(fields: Fields): CollectorService | undefined {
  const set = ['grpc_service', 'http_service', 'exporter'].filter((key) => fields.has(key));
  if (fields.has('exporter'))
    fields.problem('exporter', 'is not supported by ciliate-proxy', 'grpc_service, http_service');
  if (set.length !== 1) {
    fields.problem('', 'OpenTelemetry Tracer must have exactly one of gRPC, HTTP, or custom exporter configured.');
  }
  return fields.message('grpc_service', readGrpcCollector) ?? fields.message('http_service', readHttpCollector);
}
