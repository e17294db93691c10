import type { HeaderMap } from '../http/headers.ts';

/** Whose work a request is part of, as W3C's trace context says it. */
export interface TraceContext {
  /** 32 hexadecimal digits, as they came. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  readonly sampled: boolean;
  /** Empty when there is none. */
  readonly traceState: string;
}

const TRACE_PARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/i;
const ONLY_ZEROS = /^0+$/;

/** Reads `traceparent` and `tracestate` as Envoy does: the first line of one and all of the other, in any version of the same form; `'invalid'`: it is there and says nothing. */
export function readTraceContext(headers: HeaderMap): TraceContext | 'invalid' | undefined {
  const parent = headers.get('traceparent');
  if (parent === undefined) return undefined;
  const [, traceId = '', spanId = '', flags = ''] = TRACE_PARENT.exec(parent) ?? [];
  if (traceId === '' || ONLY_ZEROS.test(traceId) || ONLY_ZEROS.test(spanId)) return 'invalid';
  const sampled = (Number.parseInt(flags, 16) & 1) === 1;
  return {
    traceId: traceId.toLowerCase(),
    spanId: spanId.toLowerCase(),
    sampled,
    traceState: headers.joined('tracestate') ?? '',
  };
}

/** Says it to the next server; a `tracestate` without anything in it, too, is said. */
export function writeTraceContext(headers: HeaderMap, context: TraceContext): void {
  writeTraceParent(headers, context);
  headers.replace('tracestate', context.traceState);
}

/** Says to the next server whose work it is, and nothing else. */
export function writeTraceParent(
  headers: HeaderMap,
  { traceId, spanId, sampled }: Pick<TraceContext, 'traceId' | 'spanId' | 'sampled'>,
): void {
  headers.replace('traceparent', `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`);
}
