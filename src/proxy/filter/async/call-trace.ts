import type { HeaderMap } from '../../http/headers.ts';
import type { StreamInfo } from '../../http/stream-info.ts';
import { now } from '../../time/clock.ts';
import { type RequestTrace, timeOf } from '../../tracing/request-trace.ts';
import type { Span } from '../../tracing/span.ts';

/** Tags of a span, by name. */
export type SpanTags = Span['tags'];

/** How a call stands in the trace of the request on whose behalf it is made; a call without has no span. */
export interface CallTracing<Answer> {
  /** What the span is called; undefined: as Envoy names it. */
  readonly name?: string;
  /** The span is recorded where the request's is. Whatever this says, the server is told of it. */
  readonly recorded: boolean;
  /** Tags the span with what the answer says. */
  readonly tag?: (tags: SpanTags, answer: Answer) => void;
}

export interface TracedTarget {
  readonly service: { readonly cluster: string; readonly authority: string };
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly parent: StreamInfo;
}

/** Begins the span of a call of gRPC; undefined: the request has none. */
export function traceGrpc(target: TracedTarget, recorded: boolean): GrpcTrace | undefined {
  const { trace } = target.parent;
  return trace && new GrpcTrace(trace, target, recorded);
}

/** The span of a call of gRPC, as Envoy's client makes it. */
export class GrpcTrace {
  readonly span: Span;
  readonly #trace: RequestTrace;
  readonly #info: StreamInfo;
  #ended = false;

  constructor(trace: RequestTrace, { service, path, parent }: TracedTarget, recorded: boolean) {
    this.#trace = trace;
    this.#info = parent;
    const name = `async ${path.slice(1).replace('/', '.')} egress`;
    this.span = trace.call(name, timeOf(parent, now()), recorded);
    this.span.tags.set('upstream_cluster', service.cluster);
    this.span.tags.set('upstream_address', service.authority);
    this.span.tags.set('component', 'proxy');
  }

  tell(headers: HeaderMap): void {
    this.#trace.tellCall(headers, this.span);
  }

  /** The call has ended with a status of gRPC's; `answered`: and with what was asked for. */
  tagStatus(status: number, answered: boolean): void {
    this.span.setGrpcStatus(String(status), undefined);
    if (status !== 0 || !answered) this.span.tags.set('error', 'true');
  }

  /** It is given up, where it has not ended. */
  cancel(): void {
    if (this.#ended) return;
    this.span.tags.set('status', 'canceled');
    this.finish();
  }

  finish(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#trace.finish(this.span, timeOf(this.#info, now()));
  }
}
