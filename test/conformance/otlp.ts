import protobuf from 'protobufjs';
import type { JsonObject } from '../../src/model/envoy/index.ts';

/** OpenTelemetry's own messages (opentelemetry-proto 1.x) as far as proxies send them. */
const schema = `
  syntax = "proto3";
  message ExportTraceServiceRequest { repeated ResourceSpans resource_spans = 1; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; string schema_url = 3; }
  message ScopeSpans { InstrumentationScope scope = 1; repeated Span spans = 2; string schema_url = 3; }
  message Span {
    bytes trace_id = 1;
    bytes span_id = 2;
    string trace_state = 3;
    bytes parent_span_id = 4;
    fixed32 flags = 16;
    string name = 5;
    SpanKind kind = 6;
    fixed64 start_time_unix_nano = 7;
    fixed64 end_time_unix_nano = 8;
    repeated KeyValue attributes = 9;
    uint32 dropped_attributes_count = 10;
    repeated Event events = 11;
    Status status = 15;
  }
  message Event { fixed64 time_unix_nano = 1; string name = 2; repeated KeyValue attributes = 3; }
  enum SpanKind { UNSPECIFIED = 0; INTERNAL = 1; SERVER = 2; CLIENT = 3; PRODUCER = 4; CONSUMER = 5; }
  message Status { string message = 2; StatusCode code = 3; }
  enum StatusCode { UNSET = 0; OK = 1; ERROR = 2; }
  message ExportLogsServiceRequest { repeated ResourceLogs resource_logs = 1; }
  message ResourceLogs { Resource resource = 1; repeated ScopeLogs scope_logs = 2; string schema_url = 3; }
  message ScopeLogs { InstrumentationScope scope = 1; repeated LogRecord log_records = 2; string schema_url = 3; }
  message LogRecord {
    fixed64 time_unix_nano = 1;
    fixed64 observed_time_unix_nano = 11;
    uint32 severity_number = 2;
    string severity_text = 3;
    AnyValue body = 5;
    repeated KeyValue attributes = 6;
    uint32 dropped_attributes_count = 7;
    fixed32 flags = 8;
    bytes trace_id = 9;
    bytes span_id = 10;
    string event_name = 12;
  }
  message Resource { repeated KeyValue attributes = 1; uint32 dropped_attributes_count = 2; }
  message InstrumentationScope { string name = 1; string version = 2; repeated KeyValue attributes = 3; }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message AnyValue {
    oneof value {
      string string_value = 1;
      bool bool_value = 2;
      int64 int_value = 3;
      double double_value = 4;
      ArrayValue array_value = 5;
      KeyValueList kvlist_value = 6;
      bytes bytes_value = 7;
    }
  }
  message ArrayValue { repeated AnyValue values = 1; }
  message KeyValueList { repeated KeyValue values = 1; }
`;
const { root } = protobuf.parse(schema, { keepCase: true });

/** Paths of OTLP over gRPC and HTTP, and what is sent to them. */
const exports: readonly (readonly [RegExp, string])[] = [
  [/TraceService\/Export$|\/v1\/traces$/, 'ExportTraceServiceRequest'],
  [/LogsService\/Export$|\/v1\/logs$/, 'ExportLogsServiceRequest'],
];

/** What was exported to a path, its ids in hexadecimal and attributes one line each; undefined: nothing is exported there. */
export function decodeExport(path: string, bytes: Uint8Array): JsonObject | undefined {
  const name = exports.find(([pattern]) => pattern.test(path))?.[1];
  if (name === undefined) return undefined;
  const type = root.lookupType(name);
  const options = { longs: String, enums: String, bytes: String, defaults: false, oneofs: false };
  return plain(type.toObject(type.decode(bytes), options)) as JsonObject;
}

function plain(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return key === 'attributes' ? attributes(value) : value.map((one) => plain(one));
  if (typeof value !== 'object' || value === null) {
    return /_id$/.test(key) ? Buffer.from(String(value), 'base64').toString('hex') : value;
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, /time_unix_nano$/.test(name) ? 'TIME' : plain(inner, name)]),
  );
}

/** In their order, which is how they were set; those of a resource have none. */
function attributes(list: readonly unknown[]): readonly string[] {
  const lines = attributeLines(list);
  return lines.some((line) => /^(?:service\.name|telemetry\.sdk)/.test(line)) ? lines.toSorted() : lines;
}

function attributeLines(list: readonly unknown[]): readonly string[] {
  return list.map((one) => {
    const { key, value = {} } = one as { key: string; value?: Record<string, unknown> };
    const [[kind, inner] = ['nothing', '']] = Object.entries(value);
    return `${key}: ${kind === 'string_value' ? inner : `${kind} ${JSON.stringify(inner)}`}`;
  });
}
