import type { ResetReason } from '../../cluster/reset.ts';
import { formatAddress } from '../../config/address.ts';
import type { ResponseHead } from '../../http/head.ts';
import type { HeaderMap } from '../../http/headers.ts';
import { FLAG_TEXTS, flagsText, type StreamInfo } from '../../http/stream-info.ts';
import { now } from '../../time/clock.ts';
import { type RequestTrace, timeOf } from '../../tracing/request-trace.ts';
import type { Span } from '../../tracing/span.ts';
import { addUpstreamEvents, tagCustom, tagGrpcResponse, tagOutcome } from '../../tracing/tags.ts';
import type { SpanPart } from '../../tracing/tracer.ts';
import { RESET_FLAGS } from './replies.ts';

/** Begins the span of an attempt where it is to have one; `always`: the router says so. */
export function traceAttempt(trace: RequestTrace, info: StreamInfo, always: boolean): AttemptTrace | undefined {
  if (!always && !trace.options.upstreamSpans) return undefined;
  const name = trace.upstreamName?.(info) || `router ${info.observedCluster || info.clusterName} egress`;
  const attempt = new AttemptTrace(trace, name, info, 'attempt');
  if (info.attempts > 1) attempt.span.tags.set('retry.count', String(info.attempts - 1));
  return attempt;
}

/** Begins the span of a copy of a request; `sampled`: whether it is recorded, where that is not as for the request. */
export function traceMirror(trace: RequestTrace, info: StreamInfo, sampled: boolean | undefined): AttemptTrace {
  const mirror = new AttemptTrace(trace, 'mirror', info, 'call');
  mirror.span.sampled = sampled ?? mirror.span.sampled;
  return mirror;
}

/** Begins the span of a request of the proxy's own on behalf of another; `recorded`: where that one's is. */
export function traceOwnRequest(
  trace: RequestTrace,
  parent: StreamInfo,
  name: string,
  recorded: boolean,
): AttemptTrace {
  const call = new AttemptTrace(trace, name, parent, 'call');
  call.span.sampled &&= recorded;
  return call;
}

/** The span of a request to one host, with what is known of it at its end. */
export class AttemptTrace {
  readonly span: Span;
  connected = false;
  /** 0 until there is a response. */
  #status = 0;
  #flags = '-';
  readonly #trace: RequestTrace;
  readonly #part: SpanPart;

  constructor(trace: RequestTrace, name: string, info: StreamInfo, part: SpanPart) {
    this.#trace = trace;
    this.#part = part;
    this.span = trace.child(name, timeOf(info, now()), part);
  }

  responded({ status, headers }: ResponseHead): void {
    this.#status = status;
    tagGrpcResponse(this.span, headers, undefined);
  }

  reset(reason: ResetReason): void {
    this.span.tags.set('error', 'true');
    this.span.tags.set('error.reason', reason);
    this.#flags = FLAG_TEXTS.find(([bit]) => bit === RESET_FLAGS[reason])?.[1] ?? '-';
  }

  timedOut(): void {
    this.#flags = 'UT';
  }

  cancelled(): void {
    this.span.tags.set('canceled', 'true');
  }

  /** Tells the server that is asked on behalf of the request. */
  tell(headers: HeaderMap): void {
    this.#trace.tellCall(headers, this.span);
  }

  /** There is no answer, or not all of it. */
  broken(): void {
    this.span.tags.set('error.reason', 'Reset');
  }

  /** What a request led to that the proxy sent itself. */
  endCall(info: StreamInfo, status: number): void {
    this.connected = true;
    this.#status = status;
    this.#flags = flagsText(info, false);
    this.end(info);
  }

  end(info: StreamInfo): void {
    const { span } = this;
    if (span.sampled) {
      span.tags.set('http.protocol', this.connected ? info.upstreamProtocol : '-');
      tagHost(span, info);
      tagOutcome(span, info, this.#status, this.#flags);
      if (this.#part === 'attempt') {
        if (this.#trace.options.verbose) addUpstreamEvents(span, info);
        tagCustom(span, info, this.#trace.customTags);
      }
    }
    this.#trace.finish(span, timeOf(info, now()));
  }
}

function tagHost({ tags }: Span, { upstreamHost }: StreamInfo): void {
  if (!upstreamHost) return;
  const address = formatAddress(upstreamHost.address);
  tags.set('upstream_address', address);
  tags.set('peer.address', address);
}
