import type { Fields } from '../config/fields.ts';
import type { Decorator, RouteTracing } from '../route/tracing.ts';
import { randomNumber } from '../runtime/read.ts';
import type { Fraction, Runtime } from '../runtime/runtime.ts';
import { type CustomTag, readCustomTag } from '../tracing/custom-tags.ts';
import { readOperation, type SpanNames } from '../tracing/operation.ts';
import { RequestTrace, type TraceOptions } from '../tracing/request-trace.ts';
import type { Span } from '../tracing/span.ts';
import { readTracer, type Tracer } from '../tracing/tracer.ts';
import type { RequestHead, ResponseHead } from './head.ts';
import type { HttpManagerContext } from './manager.ts';
import type { RequestIdOptions } from './request-id.ts';
import type { HttpStats } from './stats.ts';
import type { StreamInfo } from './stream-info.ts';

/** `HttpConnectionManager.Tracing`, compiled. Without a tracer request ids are marked all the same with the reason why they would be traced. */
export interface TracingOptions extends SpanNames, TraceOptions {
  readonly client: Fraction;
  readonly random: Fraction;
  readonly overall: Fraction;
  readonly custom: readonly CustomTag[];
  readonly tracer: Tracer | undefined;
  /** Requests leave the own host: what is known of them is told to the next server and not to who asked. */
  readonly egress: boolean;
  readonly node: string;
  readonly zone: string;
  readonly runtime: Runtime;
}

/** Why a request is traced. */
export type TraceReason = 'none' | 'client' | 'service' | 'sampled';

/** Position of the character that says why a UUID is traced. */
const REASON_AT = 14;
const MARKS: Readonly<Record<TraceReason, string>> = { none: '4', sampled: '9', service: 'a', client: 'b' };

/** A request that may be traced. */
export type TracedStream = StreamInfo & {
  readonly head: RequestHead;
  readonly route: { readonly tracing: RouteTracing | undefined; readonly decorator: Decorator | undefined } | undefined;
};

/** Decides whether a request is traced and marks its id, as Envoy's `mutateTracingRequestHeader`. */
export function decideTrace(stream: TracedStream, options: TracingOptions, ids: RequestIdOptions): void {
  if (!ids.decidesSampling) {
    stream.traceReason = 'sampled';
    return;
  }
  const { requestId: id, head } = stream;
  const number = idNumber(id);
  // What is no UUID stays as it is.
  if (number < 0) return;
  const random = number % 10_000;
  const shares = stream.route?.tracing ?? options;
  const before = id.charAt(REASON_AT);
  const reason = markedReason(before) ?? newReason(head, random, options.runtime, shares);
  if (reason === 'none') return;
  stream.traceReason = hits(options.runtime, 'global_enabled', shares.overall, random) ? reason : 'none';
  const mark = MARKS[stream.traceReason];
  if (mark === before || !ids.packTraceReason) return;
  stream.requestId = `${id.slice(0, REASON_AT)}${mark}${id.slice(REASON_AT + 1)}`;
  head.headers.set('x-request-id', stream.requestId);
}

type Shares = Pick<TracingOptions, 'client' | 'random' | 'overall'>;

function markedReason(mark: string): TraceReason | undefined {
  return (['sampled', 'service', 'client'] as const).find((reason) => MARKS[reason] === mark);
}

function newReason(
  { headers }: RequestHead,
  random: number,
  runtime: Runtime,
  { client, random: share }: Shares,
): TraceReason {
  if (headers.has('x-client-trace-id') && hits(runtime, 'client_enabled', client, randomNumber())) return 'client';
  if (headers.has('x-envoy-force-trace')) return 'service';
  return hits(runtime, 'random_sampling', share, random) ? 'sampled' : 'none';
}

function hits(runtime: Runtime, key: string, fallback: Fraction, random: number): boolean {
  const { numerator, denominator } = runtime.fraction(`tracing.${key}`, fallback);
  return random % denominator < numerator;
}

/** The first eight hexadecimal digits of a UUID; -1 when the text is none. */
function idNumber(id: string): number {
  if (id.length !== 36) return -1;
  let value = 0;
  for (let at = 0; at < 8; at++) {
    const digit = Number.parseInt(id.charAt(at), 16);
    if (Number.isNaN(digit)) return -1;
    value = value * 16 + digit;
  }
  return value;
}

const OPERATION = 'x-envoy-decorator-operation';

/** Begins the span of a request whose route is known. */
export function beginTrace(stream: TracedStream, options: TracingOptions): void {
  const { head, route } = stream;
  const span = options.tracer && startSpan(stream, options, options.tracer);
  const operation = route?.tracing?.operation ?? options.operation;
  if (operation) {
    const name = operation(stream);
    if (span && name !== '') span.name = name;
    return;
  }
  const decorated = route?.decorator?.operation ?? '';
  if (span && decorated !== '') span.name = decorated;
  stream.decorates = decorated !== '' && route?.decorator?.propagate === true;
  if (!options.egress) takeOperation(stream, span);
  else if (stream.decorates) head.headers.set(OPERATION, decorated);
}

function startSpan(stream: TracedStream, options: TracingOptions, tracer: Tracer): Span | undefined {
  const { traceReason, head, route } = stream;
  const { authority, headers } = head;
  const span = tracer.start({ authority, headers, startTime: stream.startTime, decided: traceReason !== 'none' });
  if (!span) return undefined;
  span.tags.set('node_id', options.node);
  span.tags.set('zone', options.zone);
  const upstreamName = route?.tracing?.upstreamOperation ?? options.upstreamOperation;
  stream.trace = new RequestTrace(span, tracer, options, customTags(options, route?.tracing), upstreamName);
  return span;
}

/** The request is over. What asked for the proxy's own health is not recorded. */
export function endTrace(stream: StreamInfo): void {
  if (!stream.healthCheck) stream.trace?.end(stream);
}

function count(stats: HttpStats, reason: TraceReason): void {
  if (reason === 'client') stats.tracedByClient++;
  else if (reason === 'service') stats.tracedByService++;
  else if (reason === 'sampled') stats.tracedAtRandom++;
  else stats.notTraced++;
}

/** A route's tags come before those of the same names of the connection manager. */
function customTags(options: TracingOptions, route: RouteTracing | undefined): readonly CustomTag[] {
  if (!route || route.custom.length === 0) return options.custom;
  const own = new Set(route.custom.map(({ name }) => name));
  return [...route.custom, ...options.custom.filter(({ name }) => !own.has(name))];
}

/** Who asks may say what it calls the work. */
function takeOperation(stream: TracedStream, span: Span | undefined): void {
  const asked = stream.head.headers.get(OPERATION);
  if (asked === undefined) return;
  if (asked !== '') {
    if (span) span.name = asked;
    // Who named it need not be told.
    stream.decorates = false;
  }
  stream.head.headers.remove(OPERATION);
}

/** Counts why a request that is answered was traced. Tells who asked what the work is called; or takes the name from who was asked. */
export function traceResponse(
  stream: TracedStream,
  { headers }: ResponseHead,
  { egress }: TracingOptions,
  stats: HttpStats,
): void {
  count(stats, stream.healthCheck ? 'none' : stream.traceReason);
  const decorator = stream.route?.decorator;
  if (!egress) {
    if (decorator && stream.decorates) headers.set(OPERATION, decorator.operation);
    return;
  }
  const told = headers.get(OPERATION);
  if (told === undefined) return;
  if (stream.trace && told !== '') stream.trace.span.name = told;
  headers.remove(OPERATION);
}

/** Reads `HttpConnectionManager.Tracing`. */
export function readTracing(
  fields: Fields,
  context: Pick<HttpManagerContext, 'calls' | 'clusters' | 'egress' | 'node' | 'runtime' | 'stats'>,
): TracingOptions {
  const { clusters, egress, node, runtime } = context;
  const hasCluster = (name: string): boolean => clusters.get(name) !== undefined;
  const upstreamSpans = fields.boolean('spawn_upstream_span') ?? false;
  return {
    client: readPercent(fields, 'client_sampling', 100),
    random: readPercent(fields, 'random_sampling', 10_000),
    overall: readPercent(fields, 'overall_sampling', 10_000),
    maxPath: fields.number('max_path_tag_length') ?? 256,
    verbose: fields.flag('verbose'),
    upstreamSpans,
    propagates: !fields.flag('no_context_propagation'),
    custom: fields.list('custom_tags', readCustomTag),
    operation: readOperation(fields, 'operation'),
    upstreamOperation: readOperation(fields, 'upstream_operation'),
    tracer: fields.message('provider', (inner) => readTracer(inner, { ...context, hasCluster, upstreamSpans })),
    egress,
    node: node.id,
    zone: node.locality?.zone ?? '',
    runtime,
  };
}

function readPercent(fields: Fields, key: string, denominator: number): Fraction {
  const percent = fields.message(key, (inner) => inner.number('value') ?? 0) ?? 100;
  return { numerator: Math.floor((percent * denominator) / 100), denominator };
}
