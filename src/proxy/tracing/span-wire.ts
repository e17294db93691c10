import { type OtlpEntry, putEntry, putResource, putScope } from '../accesslog/otlp.ts';
import { WireWriter } from '../accesslog/wire.ts';
import { versionText } from '../server/version.ts';
import type { Attributes } from './resource.ts';
import type { Span } from './span.ts';

/** Bits of `Span.flags`: it is sampled, whether its parent is elsewhere is known, and it is. */
const SAMPLED = 0x01;
const REMOTE_KNOWN = 0x100;
const REMOTE = 0x200;
const KINDS = { server: 2, client: 3 } as const;
const STATUS_ERROR = 2;
/** Number of `spans` in `ScopeSpans`. */
const SPANS = 2;

const writer = new WireWriter();

/** A span as field `spans` of OpenTelemetry's `ScopeSpans`, copied. */
export function encodeSpan(span: Span): Buffer {
  writer.length = 0;
  const start = writer.begin(SPANS);
  writer.hex(1, span.traceId);
  writer.hex(2, span.spanId);
  writer.nonEmpty(3, span.traceState);
  if (span.parentId !== '') writer.hex(4, span.parentId);
  writer.bytesText(5, span.name);
  writer.integer(6, KINDS[span.kind]);
  writer.fixedTime(7, span.startTime);
  writer.fixedTime(8, span.endTime);
  for (const tag of span.tags) putEntry(writer, 9, tag);
  for (const { name, time } of span.events) putEvent(name, time);
  if (span.status) putStatus(span.status);
  writer.fixed32(16, (span.sampled ? SAMPLED : 0) | REMOTE_KNOWN | (span.remote ? REMOTE : 0));
  writer.end(start);
  return Buffer.from(writer.bytes.subarray(0, writer.length));
}

function putEvent(name: string, time: number): void {
  const start = writer.begin(11);
  writer.fixedTime(1, time);
  writer.string(2, name);
  writer.end(start);
}

function putStatus(status: 'unset' | 'error'): void {
  const start = writer.begin(15);
  if (status === 'error') writer.integer(3, STATUS_ERROR);
  writer.end(start);
}

/** Spans of one resource as an `ExportTraceServiceRequest`. `scope`: they say what made them. */
export function encodeExport(resource: Attributes, scope: boolean, spans: readonly Buffer[]): Buffer {
  const out = new WireWriter(1024 + spans.reduce((sum, { length }) => sum + length, 0));
  const all = out.begin(1);
  putResource(out, 1, [...resource] satisfies OtlpEntry[]);
  const group = out.begin(2);
  if (scope) putScope(out, 1, 'envoy', versionText);
  for (const span of spans) out.append(span);
  out.end(group);
  out.end(all);
  return Buffer.from(out.bytes.subarray(0, out.length));
}
