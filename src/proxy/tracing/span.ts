import type { TraceContext } from './trace-context.ts';

export type TagValue = string | number | boolean | { readonly integer: number };

/** What a tag says, for who takes nothing but text. */
export function textOfTag(value: TagValue): string {
  return String(typeof value === 'object' ? value.integer : value);
}

export type SpanKind = 'server' | 'client';

/** What a span begins with; times in milliseconds since the epoch. */
interface SpanStart {
  readonly name: string;
  readonly kind: SpanKind;
  readonly startTime: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
  /** The parent is another proxy's or program's. */
  readonly remote: boolean;
}

/** UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS. */
const GRPC_FAULTS: ReadonlySet<string> = new Set(['2', '4', '12', '13', '14', '15']);

/** A piece of work in a trace. */
export class Span implements TraceContext {
  name: string;
  readonly kind: SpanKind;
  readonly startTime: number;
  endTime = 0;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty: it is the first of its trace. */
  readonly parentId: string;
  readonly remote: boolean;
  sampled = false;
  traceState = '';
  /** The next server is told of it in the single header of B3. */
  singleHeader = false;
  /** In the order in which they were first set. */
  readonly tags = new Map<string, TagValue>();
  readonly events: { readonly name: string; readonly time: number }[] = [];
  /** Undefined: nothing was said of it. */
  status: 'unset' | 'error' | undefined = undefined;

  constructor({ name, kind, startTime, traceId, spanId, parentId, remote }: SpanStart) {
    this.name = name;
    this.kind = kind;
    this.startTime = startTime;
    this.traceId = traceId;
    this.spanId = spanId;
    this.parentId = parentId;
    this.remote = remote;
  }

  /** A client's view of a status of 400 or more, and a server's of 500 or more, make the span one that failed. */
  setStatusCode(status: number): void {
    this.tags.set('http.status_code', String(status));
    if (status >= (this.kind === 'client' ? 400 : 500)) this.status = 'error';
  }

  /** A client's view of any status but OK, and a server's of those that are its own fault, make the span one that failed. */
  setGrpcStatus(status: string, message: string | undefined): void {
    this.tags.set('grpc.status_code', status);
    if (message !== undefined) this.tags.set('grpc.message', message);
    const ownFault = GRPC_FAULTS.has(status);
    if (ownFault) this.tags.set('error', 'true');
    this.status = ownFault || (this.kind === 'client' && status !== '0') ? 'error' : 'unset';
  }
}
