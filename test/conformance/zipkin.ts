import protobuf from 'protobufjs';
import type { JsonObject, JsonValue } from '../../src/model/envoy/index.ts';

/** Zipkin's own messages (zipkin-api's `zipkin.proto`). */
const schema = `
  syntax = "proto3";
  message ListOfSpans { repeated Span spans = 1; }
  message Span {
    bytes trace_id = 1;
    bytes parent_id = 2;
    bytes id = 3;
    enum Kind { SPAN_KIND_UNSPECIFIED = 0; CLIENT = 1; SERVER = 2; PRODUCER = 3; CONSUMER = 4; }
    Kind kind = 4;
    string name = 5;
    fixed64 timestamp = 6;
    uint64 duration = 7;
    Endpoint local_endpoint = 8;
    Endpoint remote_endpoint = 9;
    repeated Annotation annotations = 10;
    map<string, string> tags = 11;
    bool debug = 12;
    bool shared = 13;
  }
  message Endpoint { string service_name = 1; bytes ipv4 = 2; bytes ipv6 = 3; int32 port = 4; }
  message Annotation { fixed64 timestamp = 1; string value = 2; }
`;
const { root } = protobuf.parse(schema, { keepCase: true });

/** The spans that are sent to a Zipkin collector in JSON or protobuf, with their ids in hexadecimal and without their times; undefined: they are no spans. */
export function decodeSpans(type: string, body: Buffer): JsonObject | undefined {
  const told = type === 'application/json' ? spansOfJson(body) : spansOfProtobuf(body);
  return told && { zipkin: told.map((span) => plain(span, '')) };
}

function spansOfJson(body: Buffer): readonly JsonValue[] | undefined {
  const text = body.toString('utf8');
  return text.startsWith('[{') && text.includes('"traceId"') ? (JSON.parse(text) as readonly JsonValue[]) : undefined;
}

function spansOfProtobuf(body: Buffer): readonly JsonValue[] {
  const type = root.lookupType('ListOfSpans');
  const options = { longs: String, enums: String, bytes: String, defaults: false, oneofs: false };
  return (type.toObject(type.decode(body), options) as { spans: readonly JsonValue[] }).spans;
}

/** How long a span took and when depends on the time of day; that the proxy is on this machine does not. */
function plain(value: JsonValue, key: string): JsonValue {
  if (key === 'timestamp') return /^\d{16}$/.test(String(value)) ? 'TIME' : `no time: ${String(value)}`;
  if (key === 'duration') return /^[1-9]\d*$/.test(String(value)) ? 'DURATION' : `no duration: ${String(value)}`;
  if (/^(?:trace_id|parent_id|id)$/.test(key) && !/^[0-9a-f]+$/.test(String(value))) {
    return `bytes ${Buffer.from(String(value), 'base64').toString('hex')}`;
  }
  if (key === 'ipv4' && !String(value).includes('.')) return [...Buffer.from(String(value), 'base64')].join('.');
  if (Array.isArray(value)) return value.map((one) => plain(one as JsonValue, ''));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, plain(inner, key === 'tags' ? '' : name)]),
  );
}
