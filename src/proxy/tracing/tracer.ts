import type { NodeName } from '../config/bootstrap.ts';
import { type Fields, isObject, typeName } from '../config/fields.ts';
import type { Calls } from '../filter/async/calls.ts';
import type { HeaderMap } from '../http/headers.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { StatsScope } from '../stats/store.ts';
import { OPEN_TELEMETRY, readOpenTelemetry } from './open-telemetry.ts';
import type { Span } from './span.ts';
import { readZipkin, ZIPKIN } from './zipkin.ts';

/** A request whose span begins. */
export interface TracedRequest {
  readonly authority: string;
  readonly headers: HeaderMap;
  /** Milliseconds since the epoch. */
  readonly startTime: number;
  /** The connection manager wants it recorded; how much that counts is up to the tracer. */
  readonly decided: boolean;
}

/** What a part of a request's work is: it goes to a host by the router, or the proxy asks another server on its behalf. */
export type SpanPart = 'attempt' | 'call';

/** Makes the spans of a connection manager's requests, and takes them when they are done. */
export interface Tracer {
  /** Undefined: the request's own context cannot be understood, and nothing is told of it. */
  start(request: TracedRequest): Span | undefined;
  /** Begins the span of a part of the work, at a time in milliseconds since the epoch. */
  child(parent: Span, name: string, startTime: number, part: SpanPart): Span;
  /** Tells the server that a request goes to whose work it is. */
  tell(headers: HeaderMap, span: Span): void;
  /** Takes a span that has ended. */
  finish(span: Span): void;
  /** Access logs may name its spans. */
  readonly namesSpans: boolean;
}

export interface TracerContext {
  readonly calls: Calls;
  readonly hasCluster: (name: string) => boolean;
  readonly node: NodeName;
  readonly runtime: Runtime;
  readonly stats: StatsScope;
  /** Requests leave the own host. */
  readonly egress: boolean;
  /** Each attempt has a span of its own. */
  readonly upstreamSpans: boolean;
}

/** Reads an `envoy.config.trace.v3.Tracing.Http`; undefined where it is refused. */
export function readTracer(fields: Fields, context: TracerContext): Tracer | undefined {
  fields.required('name');
  const config = fields.raw('typed_config');
  const type = isObject(config) ? typeName(config) : '';
  if (type === OPEN_TELEMETRY) return fields.message('typed_config', (inner) => readOpenTelemetry(inner, context));
  if (type === ZIPKIN) return fields.message('typed_config', (inner) => readZipkin(inner, context));
  fields.problem(
    'typed_config',
    `tracer ${JSON.stringify(type)} is not supported by ciliate-proxy`,
    `${OPEN_TELEMETRY}, ${ZIPKIN}`,
  );
  return undefined;
}
