import type { Runtime } from '../runtime/runtime.ts';
import { counter, statsKind } from '../stats/kind.ts';
import { Batch } from './batch.ts';
import type { Collector } from './collector.ts';
import type { Attributes } from './resource.ts';
import type { Span } from './span.ts';
import { encodeExport, encodeSpan } from './span-wire.ts';

/** What tracers count, under `tracing.opentelemetry.`. */
class SpanStats {
  dropped = 0;
  sent = 0;
  timerFlushed = 0;
}

export const SPAN_STATS = statsKind(SpanStats, {
  dropped: counter('spans_dropped'),
  sent: counter('spans_sent'),
  timerFlushed: counter('timer_flushed'),
});

export interface SpanSinkOptions {
  readonly collector: Collector;
  readonly resource: Attributes;
  /** What is sent says what made it. */
  readonly scope: boolean;
  /** Spans that wait for others; with more the next are dropped. */
  readonly mostWaiting: number;
  readonly runtime: Runtime;
  readonly stats: SpanStats;
}

/** Bytes of spans that wait for others. */
const MOST_WAITING_BYTES = 1024 * 1024;

/**
 * Takes the spans of one tracer and sends them several at a time: `tracing.opentelemetry.min_flush_spans` (5) of the runtime, or what there is after
 * `tracing.opentelemetry.flush_interval_ms` (5000). Spans that there is no room for are dropped and counted.
 */
export function createSpanSink(options: SpanSinkOptions): (span: Span) => void {
  const { collector, resource, scope, runtime, stats } = options;
  const batch = new Batch({
    isFull: (count) => count >= runtime.integer('tracing.opentelemetry.min_flush_spans', 5),
    waitMs: () => runtime.integer('tracing.opentelemetry.flush_interval_ms', 5000),
    mostCount: options.mostWaiting,
    mostBytes: MOST_WAITING_BYTES,
    onTimer: () => {
      stats.timerFlushed++;
    },
    send: (spans) => {
      if (collector.send(encodeExport(resource, scope, spans), () => undefined)) stats.sent += spans.length;
      else stats.dropped += spans.length;
    },
  });
  return (span) => {
    if (batch.refuses) stats.dropped++;
    else batch.add(encodeSpan(span));
  };
}
