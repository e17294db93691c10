import { type Fields, isObject, typeName } from '../config/fields.ts';
import { readFormatString, readJsonFormat, readText } from '../format/format-string.ts';
import type { Appender } from '../format/line.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { LogFiles } from './file.ts';
import { readStreamFilter } from './filter.ts';
import type { GrpcLogs } from './grpc.ts';
import { type OpenTelemetryLogContext, readOpenTelemetryLog } from './open-telemetry.ts';

/** Takes note of a request or connection that ended. */
export type AccessLog = (info: StreamInfo) => void;
/** Reads a listener's or filter's `access_log`. */
export type AccessLogReader = (fields: Fields) => readonly AccessLog[];

const FILE = 'envoy.extensions.access_loggers.file.v3.FileAccessLog';
const STDOUT = 'envoy.extensions.access_loggers.stream.v3.StdoutAccessLog';
const STDERR = 'envoy.extensions.access_loggers.stream.v3.StderrAccessLog';
const HTTP_GRPC = 'envoy.extensions.access_loggers.grpc.v3.HttpGrpcAccessLogConfig';
const OPEN_TELEMETRY = 'envoy.extensions.access_loggers.open_telemetry.v3.OpenTelemetryAccessLogConfig';
const TCP_GRPC = 'envoy.extensions.access_loggers.grpc.v3.TcpGrpcAccessLogConfig';

/** Envoy's default line. */
const DEFAULT_FORMAT =
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% ' +
  '%BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" ' +
  '"%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%"\n';

/** Where entries may go, and what filters of logs ask. */
export interface AccessLogContext {
  readonly grpc: GrpcLogs;
  readonly files: LogFiles;
  readonly openTelemetry: OpenTelemetryLogContext;
  readonly runtime: Runtime;
}

export function accessLogReader(context: AccessLogContext): AccessLogReader {
  return (fields) =>
    fields
      .list('access_log', (log) => readAccessLog(log, context))
      .filter((one): one is AccessLog => one !== undefined);
}

function readAccessLog(fields: Fields, context: AccessLogContext): AccessLog | undefined {
  fields.ignore('name');
  const test = fields.message('filter', (inner) => readStreamFilter(inner, context.runtime));
  const config = fields.raw('typed_config');
  const type = isObject(config) ? typeName(config) : '';
  const write = fields.message('typed_config', (inner) => readSink(inner, type, context));
  if (!write) {
    if (config === undefined) fields.problem('typed_config', 'value is required', SINKS);
    return undefined;
  }
  return test ? (info) => (test(info) ? write(info) : undefined) : write;
}

const SINKS = [FILE, STDOUT, STDERR, HTTP_GRPC, TCP_GRPC, OPEN_TELEMETRY].join(', ');

function readSink(
  fields: Fields,
  type: string,
  { grpc, files, openTelemetry }: AccessLogContext,
): AccessLog | undefined {
  switch (type) {
    case FILE:
      return lineLog(fields, files, fields.required('path'));
    case STDOUT:
      return lineLog(fields, files, '/dev/stdout');
    case STDERR:
      return lineLog(fields, files, '/dev/stderr');
    case HTTP_GRPC:
      return grpc.read(fields, 'http');
    case TCP_GRPC:
      return grpc.read(fields, 'tcp');
    case OPEN_TELEMETRY:
      return readOpenTelemetryLog(fields, openTelemetry);
    default:
      fields.ignore(...Object.keys(fields.json));
      fields.problem('@type', `access log ${JSON.stringify(type)} is not supported by ciliate-proxy`, SINKS);
      return undefined;
  }
}

function lineLog(fields: Fields, files: LogFiles, path: string): AccessLog | undefined {
  const append = readLine(fields);
  if (path === '') return undefined;
  const opened = files.open(path);
  if (!opened.ok) {
    fields.problem(fields.has('path') ? 'path' : '', opened.error);
    return undefined;
  }
  const file = opened.value;
  return (info) => file.write(append, info);
}

function readLine(fields: Fields): Appender {
  const structured = fields.message('log_format', readFormatString);
  if (structured) return structured.append;
  for (const key of ['json_format', 'typed_json_format'])
    if (fields.has(key)) return readJsonFormat(fields, key, false);
  const format = fields.text('format');
  return readText(fields, 'format', format === '' ? DEFAULT_FORMAT : format, false);
}
