import type { Formatter } from '../format/substitution.ts';
import type { HeaderMap } from '../http/headers.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import type { CustomTag } from './custom-tags.ts';
import type { Span } from './span.ts';
import { type TagOptions, tagRequest } from './tags.ts';
import type { SpanPart, Tracer } from './tracer.ts';

export interface TraceOptions extends TagOptions {
  /** Each attempt has a span of its own, whatever the router says. */
  readonly upstreamSpans: boolean;
  /** The next server is told whose work the request is. */
  readonly propagates: boolean;
}

/** The span of a request while it runs, and what comes of it at its end. */
export class RequestTrace {
  readonly span: Span;
  readonly options: TraceOptions;
  readonly #tracer: Tracer;
  readonly customTags: readonly CustomTag[];
  /** What spans of attempts are called; undefined: as Envoy calls them. */
  readonly upstreamName: Formatter | undefined;

  constructor(
    span: Span,
    tracer: Tracer,
    options: TraceOptions,
    customTags: readonly CustomTag[],
    upstreamName: Formatter | undefined,
  ) {
    this.span = span;
    this.#tracer = tracer;
    this.options = options;
    this.customTags = customTags;
    this.upstreamName = upstreamName;
  }

  /** Tells the server that a request goes to; `span`: that of the attempt. */
  tell(headers: HeaderMap, span: Span = this.span): void {
    if (this.options.propagates) this.#tracer.tell(headers, span);
  }

  /** Tells a server that the proxy asks on behalf of the request, whatever is told to the next server. */
  tellCall(headers: HeaderMap, span: Span): void {
    this.#tracer.tell(headers, span);
  }

  /** Begins the span of a call on behalf of the request; `recorded`: where the request's is. `startTime`: milliseconds since the epoch. */
  call(name: string, startTime: number, recorded: boolean): Span {
    const span = this.child(name, startTime, 'call');
    span.sampled &&= recorded;
    return span;
  }

  /** Begins the span of a part of the work; `startTime`: milliseconds since the epoch. */
  child(name: string, startTime: number, part: SpanPart): Span {
    return this.#tracer.child(this.span, name, startTime, part);
  }

  /** The id of the request's span for access logs, in hexadecimal; undefined where the tracer does not say it. */
  get loggedSpanId(): string | undefined {
    return this.#tracer.namesSpans ? this.span.spanId : undefined;
  }

  /** The request is over. */
  end(info: StreamInfo): void {
    if (this.span.sampled) tagRequest(this.span, info, this.options, this.customTags);
    this.finish(this.span, timeOf(info, info.responseEndAt));
  }

  /** A span has ended at a time in milliseconds since the epoch. */
  finish(span: Span, time: number): void {
    if (!span.sampled) return;
    span.endTime = time;
    this.#tracer.finish(span);
  }
}

/** Milliseconds since the epoch of a point of monotonic time. */
export function timeOf(info: StreamInfo, at: number): number {
  return info.startTime + at - info.startedAt;
}
