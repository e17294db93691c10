import { WireWriter } from '../accesslog/wire.ts';
import { ownAddress } from '../filter/async/own-address.ts';
import { type Span, textOfTag } from './span.ts';

/** Who sends spans to Zipkin. */
export interface ZipkinProxy {
  /** The name of its service; empty when it has none. */
  readonly service: string;
  /** Spans of servers may be their clients' as well, and say so. */
  readonly shared: boolean;
}

/** When the work was done, as Zipkin's first version said it; Envoy still does. */
const ENDS = { server: 'ss', client: 'cr' } as const;
const KINDS = { client: 1, server: 2 } as const;
/** Number of `spans` in `ListOfSpans`. */
const SPANS = 1;

/** Text whose characters are bytes; where these are no UTF-8 they are replaced. */
const textOf = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8');
const microseconds = (milliseconds: number): number => Math.round(milliseconds * 1000);
/** What took less than one counts as one, as Zipkin's format asks. */
const durationOf = ({ startTime, endTime }: Span): number => Math.max(1, microseconds(endTime - startTime));

/** Tags without a value are none. */
function tagsOf(span: Span): readonly (readonly [string, string])[] {
  return [...span.tags].flatMap(([name, value]) => {
    const text = textOfTag(value);
    return name === '' || text === '' ? [] : [[name, text] as const];
  });
}

function annotationsOf({ kind, events, endTime }: Span): readonly { readonly name: string; readonly time: number }[] {
  return [...events, { name: ENDS[kind], time: endTime }];
}

/** A span as JSON of Zipkin's second version. */
export function spanJson(span: Span, { service, shared }: ZipkinProxy): Buffer {
  const { traceId, spanId, parentId, kind, startTime } = span;
  const name = textOf(span.name);
  const tags = Object.fromEntries(tagsOf(span).map(([key, value]) => [textOf(key), textOf(value)]));
  const json = {
    traceId,
    ...(parentId === '' ? {} : { parentId }),
    id: spanId,
    kind: kind === 'server' ? 'SERVER' : 'CLIENT',
    ...(name === '' ? {} : { name }),
    timestamp: microseconds(startTime),
    duration: durationOf(span),
    localEndpoint: { ipv4: ownAddress(), port: 0, ...(service === '' ? {} : { serviceName: service }) },
    ...(kind === 'server' && shared ? { shared } : {}),
    annotations: annotationsOf(span).map(({ name: value, time }) => ({ timestamp: microseconds(time), value })),
    ...(span.tags.size === 0 ? {} : { tags }),
  };
  return Buffer.from(JSON.stringify(json));
}

/** Spans in JSON as the list that is sent. */
export function joinJson(spans: readonly Buffer[]): Buffer {
  return Buffer.from(`[${spans.map((span) => span.toString('utf8')).join(',')}]`);
}

const writer = new WireWriter();

/** A span as field `spans` of Zipkin's `ListOfSpans`, copied. */
export function spanProto(span: Span, { service, shared }: ZipkinProxy): Buffer {
  const { traceId, spanId, parentId, kind, startTime } = span;
  writer.length = 0;
  const start = writer.begin(SPANS);
  writer.hex(1, traceId);
  if (parentId !== '') writer.hex(2, parentId);
  writer.hex(3, spanId);
  writer.integer(4, KINDS[kind]);
  writer.bytesText(5, span.name);
  writer.fixed64(6, microseconds(startTime));
  writer.integer(7, durationOf(span));
  const endpoint = writer.begin(8);
  writer.nonEmpty(1, service);
  writer.hex(2, Buffer.from(ownAddress().split('.').map(Number)).toString('hex'));
  writer.end(endpoint);
  for (const { name, time } of annotationsOf(span)) {
    const annotation = writer.begin(10);
    writer.fixed64(1, microseconds(time));
    writer.string(2, name);
    writer.end(annotation);
  }
  for (const [name, value] of tagsOf(span)) {
    const entry = writer.begin(11);
    writer.bytesText(1, name);
    writer.bytesText(2, value);
    writer.end(entry);
  }
  if (kind === 'server' && shared) writer.integer(13, 1);
  writer.end(start);
  return Buffer.from(writer.bytes.subarray(0, writer.length));
}
