import type { Fields } from '../config/fields.ts';
import { counter, statsKind } from '../stats/kind.ts';
import { type B3Ids, readB3, writeB3 } from './b3.ts';
import { Collector, type Delivery } from './collector.ts';
import { newId } from './ids.ts';
import { Span, type SpanKind } from './span.ts';
import { createSpanSink } from './span-sink.ts';
import { readTraceContext, writeTraceParent } from './trace-context.ts';
import type { TracedRequest, Tracer, TracerContext } from './tracer.ts';
import { readZipkinCollector } from './zipkin-collector.ts';
import { joinJson, spanJson, spanProto, type ZipkinProxy } from './zipkin-wire.ts';

/** The type of a tracer of Zipkin. */
export const ZIPKIN = 'envoy.config.trace.v3.ZipkinConfig';

/** What tracers of Zipkin count, under `tracing.zipkin.`; reports are what is sent to the collector at a time. */
class ZipkinStats {
  sent = 0;
  timerFlushed = 0;
  skipped = 0;
  taken = 0;
  refused = 0;
  lost = 0;
}

const ZIPKIN_STATS = statsKind(ZipkinStats, {
  sent: counter('spans_sent'),
  timerFlushed: counter('timer_flushed'),
  skipped: counter('reports_skipped_no_cluster'),
  taken: counter('reports_sent'),
  refused: counter('reports_dropped'),
  lost: counter('reports_failed'),
});

const FORMATS = { HTTP_JSON: 'json', HTTP_PROTO: 'protobuf' } as const;
/** Spans that wait for others where the runtime wants more of them at a time; beyond that the next are dropped. */
const MOST_WAITING = 8192;

/** How a tracer makes its spans. */
interface ZipkinRules {
  /** New traces have ids of 16 bytes. */
  readonly long: boolean;
  /** A server's span is the same as its client's, as Zipkin has it of old. */
  readonly shared: boolean;
  /** The proxy is a server to who asks and a client to who is asked, whichever way its traffic goes. */
  readonly split: boolean;
  readonly egress: boolean;
  /** W3C's context counts where B3's is missing, and is told beside it. */
  readonly w3c: boolean;
}

/** Reads a `ZipkinConfig`. What a request says of itself decides whether it is recorded; else the connection manager does. */
export function readZipkin(fields: Fields, context: TracerContext): Tracer | undefined {
  const format = readFormat(fields);
  const service = readZipkinCollector(fields, context, format);
  const shared = fields.boolean('shared_span_context') ?? true;
  const split = fields.flag('split_spans_for_request') || context.upstreamSpans;
  const contexts = fields.choice('trace_context_option', ['USE_B3', 'USE_B3_WITH_W3C_PROPAGATION']);
  const rules = {
    long: fields.flag('trace_id_128bit'),
    shared,
    split,
    egress: context.egress,
    w3c: contexts === 'USE_B3_WITH_W3C_PROPAGATION',
  };
  if (!service || !format) return undefined;
  const collector = new Collector({ kind: 'http', service }, context.calls, '');
  return {
    start: (request) => start(rules, request),
    child: (parent, name, startTime, part) => {
      const { traceId, spanId, parentId } = parent;
      const kind = part === 'call' ? 'client' : kindOf(rules, true);
      const span = joinSpan(rules, { name, kind, startTime }, { traceId, spanId, parentId });
      span.sampled = parent.sampled;
      span.singleHeader = parent.singleHeader;
      return span;
    },
    tell: (headers, span) => {
      writeB3(headers, span, span.sampled, span.singleHeader);
      if (rules.w3c) writeTraceParent(headers, { ...span, traceId: span.traceId.padStart(32, '0') });
    },
    finish: createSink(context, collector, format, shared),
    namesSpans: false,
  };
}

function readFormat(fields: Fields): 'json' | 'protobuf' | undefined {
  const version = fields.choice('collector_endpoint_version', [
    'DEPRECATED_AND_UNAVAILABLE_DO_NOT_USE',
    'HTTP_JSON',
    'HTTP_PROTO',
    'GRPC',
  ]);
  if (version === 'HTTP_JSON' || version === 'HTTP_PROTO') return FORMATS[version];
  fields.problem(
    'collector_endpoint_version',
    `${version} is not supported by ciliate-proxy`,
    Object.keys(FORMATS).join(', '),
  );
  return undefined;
}

/** What a span is; `part`: of a request's work. */
function kindOf({ split, egress }: ZipkinRules, part: boolean): SpanKind {
  return (split ? part : egress) ? 'client' : 'server';
}

function start(rules: ZipkinRules, { authority: name, headers, startTime, decided }: TracedRequest): Span | undefined {
  const told = readB3(headers);
  if (told === 'invalid') return undefined;
  const kind = kindOf(rules, false);
  const w3c = rules.w3c && !told.ids && !told.single ? readTraceContext(headers) : undefined;
  const other = w3c === 'invalid' ? undefined : w3c;
  const ids = told.ids ?? (other && { ...other, parentId: '' });
  const span = ids ? joinSpan(rules, { name, kind, startTime }, ids) : firstSpan(rules, { name, kind, startTime });
  span.sampled = other ? other.sampled || told.sampled === true : (told.sampled ?? decided);
  span.singleHeader = told.single;
  return span;
}

type Beginning = Pick<Span, 'name' | 'kind' | 'startTime'>;

/** The first span of a trace has its id. */
function firstSpan({ long }: ZipkinRules, beginning: Beginning): Span {
  const spanId = newId(8);
  return new Span({ ...beginning, traceId: long ? newId(8) + spanId : spanId, spanId, parentId: '', remote: false });
}

/** A span in a trace that there is: a server's takes the place of its client's, where they are shared. */
function joinSpan({ shared }: ZipkinRules, beginning: Beginning, { traceId, spanId, parentId }: B3Ids): Span {
  const ids = shared && beginning.kind === 'server' ? { spanId, parentId } : { spanId: newId(8), parentId: spanId };
  return new Span({ ...beginning, traceId, ...ids, remote: false });
}

function createSink(
  { runtime, stats: scope, node }: TracerContext,
  collector: Collector,
  format: 'json' | 'protobuf',
  shared: boolean,
): (span: Span) => void {
  const stats = scope.get(ZIPKIN_STATS, 'tracing.zipkin.');
  const proxy: ZipkinProxy = { service: node.cluster, shared };
  const count = (delivery: Delivery): void => {
    if (delivery === 'taken') stats.taken++;
    else if (delivery === 'refused') stats.refused++;
    else if (delivery === 'lost') stats.lost++;
    else stats.skipped++;
  };
  return createSpanSink({
    settings: 'tracing.zipkin',
    runtime,
    mostWaiting: MOST_WAITING,
    encode: (span) => (format === 'json' ? spanJson(span, proxy) : spanProto(span, proxy)),
    send: (spans) => {
      stats.sent += spans.length;
      // Each is a field of the message that holds them all.
      const message = format === 'json' ? joinJson(spans) : Buffer.concat(spans);
      if (!collector.send(message, count)) count('refused');
    },
    onTimer: () => {
      stats.timerFlushed++;
    },
    onDrop: () => count('refused'),
  });
}
