import protobuf from 'protobufjs';

/** The part of OTLP 1.x (opentelemetry-proto) that the tests look at, by the numbers of its specification. */
const schema = {
  ExportTraceServiceRequest: { resourceSpans: ['repeated', 'ResourceSpans', 1] },
  ResourceSpans: { resource: ['', 'Resource', 1], scopeSpans: ['repeated', 'ScopeSpans', 2] },
  ScopeSpans: { scope: ['', 'Scope', 1], spans: ['repeated', 'Span', 2] },
  ExportLogsServiceRequest: { resourceLogs: ['repeated', 'ResourceLogs', 1] },
  ResourceLogs: { resource: ['', 'Resource', 1], scopeLogs: ['repeated', 'ScopeLogs', 2] },
  ScopeLogs: { scope: ['', 'Scope', 1], logRecords: ['repeated', 'LogRecord', 2] },
  Resource: { attributes: ['repeated', 'KeyValue', 1] },
  Scope: { name: ['', 'string', 1], version: ['', 'string', 2] },
  Span: {
    traceId: ['', 'bytes', 1],
    spanId: ['', 'bytes', 2],
    parentSpanId: ['', 'bytes', 4],
    name: ['', 'string', 5],
    kind: ['', 'uint32', 6],
    startTimeUnixNano: ['', 'fixed64', 7],
    endTimeUnixNano: ['', 'fixed64', 8],
    attributes: ['repeated', 'KeyValue', 9],
    status: ['', 'Status', 15],
  },
  Status: { message: ['', 'string', 2], code: ['', 'uint32', 3] },
  LogRecord: {
    timeUnixNano: ['', 'fixed64', 1],
    severityNumber: ['', 'uint32', 2],
    severityText: ['', 'string', 3],
    body: ['', 'AnyValue', 5],
    attributes: ['repeated', 'KeyValue', 6],
    traceId: ['', 'bytes', 9],
    spanId: ['', 'bytes', 10],
    eventName: ['', 'string', 12],
  },
  KeyValue: { key: ['', 'string', 1], value: ['', 'AnyValue', 2] },
  AnyValue: {
    stringValue: ['', 'string', 1],
    boolValue: ['', 'bool', 2],
    intValue: ['', 'int64', 3],
    doubleValue: ['', 'double', 4],
    arrayValue: ['', 'ArrayValue', 5],
  },
  ArrayValue: { values: ['repeated', 'AnyValue', 1] },
} as const;

const root = new protobuf.Root();
for (const [name, fields] of Object.entries(schema)) {
  const type = new protobuf.Type(name);
  for (const [field, [rule, kind, number]] of Object.entries(fields)) {
    type.add(new protobuf.Field(field, number, kind, rule === '' ? undefined : rule));
  }
  root.add(type);
}
root.resolveAll();

type Values = Readonly<Record<string, unknown>>;

export interface ReceivedSpan {
  readonly resource: Values;
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly startNs: string;
  readonly endNs: string;
  readonly status: { readonly code?: number; readonly message?: string };
  readonly attributes: Values;
}

export interface ReceivedRecord {
  readonly resource: Values;
  readonly timeNs: string;
  readonly severity: string;
  readonly body: unknown;
  readonly eventName: string;
  readonly traceId: string;
  readonly attributes: Values;
}

/** The spans of a body that was posted to `/v1/traces`. */
export function decodeSpans(body: Uint8Array): ReceivedSpan[] {
  const { resourceSpans } = decode<{ resourceSpans: Decoded[] }>('ExportTraceServiceRequest', body);
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    (scopeSpans as Decoded[]).flatMap(({ spans }) =>
      (spans as Decoded[]).map((span) => ({
        resource: valuesOf(resource),
        name: String(span['name']),
        kind: Number(span['kind']),
        traceId: hex(span['traceId']),
        spanId: hex(span['spanId']),
        parentSpanId: hex(span['parentSpanId']),
        startNs: String(span['startTimeUnixNano']),
        endNs: String(span['endTimeUnixNano']),
        status: (span['status'] ?? {}) as ReceivedSpan['status'],
        attributes: valuesOf(span),
      })),
    ),
  );
}

/** The log records of a body that was posted to `/v1/logs`. */
export function decodeRecords(body: Uint8Array): ReceivedRecord[] {
  const { resourceLogs } = decode<{ resourceLogs: Decoded[] }>('ExportLogsServiceRequest', body);
  return resourceLogs.flatMap(({ resource, scopeLogs }) =>
    (scopeLogs as Decoded[]).flatMap(({ logRecords }) =>
      (logRecords as Decoded[]).map((record) => ({
        resource: valuesOf(resource),
        timeNs: String(record['timeUnixNano']),
        severity: String(record['severityText']),
        body: plainValue(record['body'] as Decoded),
        eventName: String(record['eventName']),
        traceId: hex(record['traceId']),
        attributes: valuesOf(record),
      })),
    ),
  );
}

type Decoded = Record<string, unknown>;

function decode<T>(name: string, body: Uint8Array): T {
  const type = root.lookupType(name);
  return type.toObject(type.decode(body), { longs: String, arrays: true }) as T;
}

function hex(bytes: unknown): string {
  return Buffer.from((bytes ?? []) as Uint8Array).toString('hex');
}

function valuesOf(holder: unknown): Values {
  const { attributes = [] } = (holder ?? {}) as { attributes?: Decoded[] };
  return Object.fromEntries(attributes.map(({ key, value }) => [String(key), plainValue(value as Decoded)]));
}

function plainValue(value: Decoded | undefined): unknown {
  const array = value?.['arrayValue'] as { values: Decoded[] } | undefined;
  if (array) return array.values.map(plainValue);
  if (value?.['intValue'] !== undefined) return Number(value['intValue']);
  return value?.['stringValue'] ?? value?.['doubleValue'] ?? value?.['boolValue'];
}
