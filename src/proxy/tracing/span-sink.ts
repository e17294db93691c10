import type { Runtime } from '../runtime/runtime.ts';
import { counter, statsKind } from '../stats/kind.ts';
import { Batch } from './batch.ts';
import type { Span } from './span.ts';

/** What tracers of OpenTelemetry count, under `tracing.opentelemetry.`. */
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
  /** Where the runtime says how many spans are sent at a time (`min_flush_spans`, 5) and after how many milliseconds (`flush_interval_ms`, 5000). */
  readonly settings: string;
  readonly runtime: Runtime;
  /** Spans that wait for others; with more the next are dropped. */
  readonly mostWaiting: number;
  readonly encode: (span: Span) => Buffer;
  readonly send: (spans: readonly Buffer[]) => void;
  /** What waits is sent because of the time. */
  readonly onTimer: () => void;
  readonly onDrop: () => void;
}

/** Bytes of spans that wait for others. */
const MOST_WAITING_BYTES = 1024 * 1024;

/** Takes the spans of one tracer and sends them several at a time. Spans that there is no room for are dropped. */
export function createSpanSink(options: SpanSinkOptions): (span: Span) => void {
  const { settings, runtime, encode, send, onTimer, onDrop } = options;
  const batch = new Batch({
    isFull: (count) => count >= runtime.integer(`${settings}.min_flush_spans`, 5),
    waitMs: () => runtime.integer(`${settings}.flush_interval_ms`, 5000),
    mostCount: options.mostWaiting,
    mostBytes: MOST_WAITING_BYTES,
    onTimer,
    send,
  });
  return (span) => {
    if (batch.refuses) onDrop();
    else batch.add(encode(span));
  };
}
