import type { NodeName } from '../config/bootstrap.ts';
import type { Fields } from '../config/fields.ts';
import type { Calls } from '../filter/async/calls.ts';
import { type MoreCommands, readFormatters } from '../format/formatters.ts';
import { compileFormat } from '../format/substitution.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { counter, statsKind } from '../stats/kind.ts';
import type { StatsScope } from '../stats/store.ts';
import { Batch } from '../tracing/batch.ts';
import { Collector, type CollectorService, readGrpcCollector, readHttpCollector } from '../tracing/collector.ts';
import { bytesOf, type CustomTag, readCustomTag } from '../tracing/custom-tags.ts';
import { readDetectors } from '../tracing/resource.ts';
import { textOfTag } from '../tracing/span.ts';
import { type OtlpEntry, type OtlpValue, putEntry, putResource, putValue } from './otlp.ts';
import { WireWriter } from './wire.ts';

/** What OpenTelemetry's access logs need from the rest of the proxy. */
export interface OpenTelemetryLogContext {
  readonly calls: Calls;
  readonly node: NodeName;
  readonly stats: StatsScope;
}

/** What they count, under `access_logs.open_telemetry_access_log.` and the prefix of each. */
class RecordStats {
  written = 0;
  dropped = 0;
}

const RECORD_STATS = statsKind(RecordStats, {
  written: counter('logs_written'),
  dropped: counter('logs_dropped'),
});

const EXPORT = '/opentelemetry.proto.collector.logs.v1.LogsService/Export';
/** Records, and bytes of them, that wait for others; beyond either the next are dropped. */
const MOST_WAITING = 8192;
const MOST_WAITING_BYTES = 1024 * 1024;
/** Number of `log_records` in `ScopeLogs`. */
const LOG_RECORDS = 2;

/** Reads an `envoy.extensions.access_loggers.open_telemetry.v3.OpenTelemetryAccessLogConfig`. */
export function readOpenTelemetryLog(fields: Fields, context: OpenTelemetryLogContext): (info: StreamInfo) => void {
  // Requests leave no filter state.
  fields.ignore('filter_state_objects_to_log');
  const common = fields.message('common_config', readCommon);
  const service = readService(fields, common?.service);
  const logName = fields.text('log_name') || (common?.logName ?? '');
  const resource = readResource(fields, logName, context.node);
  const bufferBytes = fields.number('buffer_size_bytes') ?? common?.bufferBytes ?? 16_384;
  const waitMs = fields.duration('buffer_flush_interval') ?? common?.waitMs ?? 1000;
  const record = readRecord(fields);
  const prefix = fields.text('stat_prefix').replace(/\.$/, '');
  const stats = context.stats.get(RECORD_STATS, `access_logs.open_telemetry_access_log.${prefix && `${prefix}.`}`);
  if (!service) return () => undefined;
  const collector = new Collector(service, context.calls, EXPORT);
  const batch = new Batch({
    isFull: (_, bytes) => bytes >= bufferBytes,
    waitMs: () => waitMs,
    mostCount: MOST_WAITING,
    mostBytes: Math.max(MOST_WAITING_BYTES, bufferBytes),
    send: (records) => {
      const told = (taken: boolean): void => {
        if (taken) stats.written += records.length;
        else stats.dropped += records.length;
      };
      if (!collector.send(encodeExport(resource, records), (delivery) => told(delivery === 'taken'))) told(false);
    },
  });
  return (info) => {
    if (batch.refuses) stats.dropped++;
    else batch.add(encodeRecord(record, info));
  };
}

interface Common {
  readonly service: CollectorService | undefined;
  readonly logName: string;
  readonly bufferBytes: number | undefined;
  readonly waitMs: number | undefined;
}

function readCommon(fields: Fields): Common {
  fields.choice('transport_api_version', ['AUTO', 'V3']);
  return {
    service: fields.message('grpc_service', readGrpcCollector),
    logName: fields.text('log_name'),
    bufferBytes: fields.number('buffer_size_bytes'),
    waitMs: fields.duration('buffer_flush_interval'),
  };
}

function readService(fields: Fields, common: CollectorService | undefined): CollectorService | undefined {
  const services = [
    common,
    fields.message('grpc_service', readGrpcCollector),
    fields.message('http_service', readHttpCollector),
  ].filter((one) => one !== undefined);
  if (services.length > 1)
    fields.problem('', `OpenTelemetry access logger can only have one transport configured.${ONE}`);
  else if (services.length === 0) {
    fields.problem('', `OpenTelemetry access logger requires a transport.${ONE}`);
  }
  return services[0];
}

const ONE = ' Specify exactly one of: grpc_service, http_service, or common_config.grpc_service.';

/** Who the proxy is: the labels that Envoy makes, detected attributes and those of the configuration. */
function readResource(fields: Fields, logName: string, node: NodeName): readonly OtlpEntry[] {
  const labels: readonly OtlpEntry[] = fields.flag('disable_builtin_labels')
    ? []
    : [
        ['log_name', bytesOf(logName)],
        ['zone_name', bytesOf(node.locality?.zone ?? '')],
        ['cluster_name', bytesOf(node.cluster)],
        ['node_name', bytesOf(node.id)],
      ];
  const detected = readDetectors(fields).flatMap((attributes) => [...attributes]);
  const own = fields.message('resource_attributes', (list) => list.list('values', readFixedEntry)) ?? [];
  return [...labels, ...detected, ...own];
}

/** A `KeyValue` whose value is taken as it stands. */
function readFixedEntry(fields: Fields): OtlpEntry {
  return [bytesOf(fields.text('key')), fields.message('value', readFixedValue)];
}

function readFixedValue(fields: Fields): OtlpValue | undefined {
  const kinds = ['string_value', 'bool_value', 'int_value', 'double_value', 'array_value', 'kvlist_value'] as const;
  switch (fields.oneOf('value', kinds)) {
    case 'string_value':
      return bytesOf(fields.text('string_value'));
    case 'bool_value':
      return fields.flag('bool_value');
    case 'int_value':
      return { integer: fields.number('int_value') ?? 0 };
    case 'double_value':
      return fields.number('double_value') ?? 0;
    case 'array_value':
      return {
        list: (fields.message('array_value', (array) => array.list('values', readFixedValue)) ?? []).filter(
          (value) => value !== undefined,
        ),
      };
    case 'kvlist_value':
      return { entries: fields.message('kvlist_value', (list) => list.list('values', readFixedEntry)) ?? [] };
    default:
      return undefined;
  }
}

type ValueOf = (info: StreamInfo) => OtlpValue;
type EntryOf = (info: StreamInfo) => OtlpEntry;

interface RecordFormat {
  readonly body: ValueOf | undefined;
  readonly attributes: readonly EntryOf[];
  readonly custom: readonly CustomTag[];
}

function readRecord(fields: Fields): RecordFormat {
  const more = readFormatters(fields);
  const entry = (one: Fields): EntryOf => readEntry(one, more);
  return {
    body: fields.message('body', (value) => readValue(value, more)),
    attributes: fields.message('attributes', (list) => list.list('values', entry)) ?? [],
    custom: fields.list('custom_tags', readCustomTag),
  };
}

function readEntry(fields: Fields, more: MoreCommands): EntryOf {
  const key = bytesOf(fields.text('key'));
  const value = fields.message('value', (inner) => readValue(inner, more));
  if (!value) fields.problem('value', 'value is required', KINDS.join(', '));
  return (info) => [key, value?.(info)];
}

const KINDS = ['string_value', 'array_value', 'kvlist_value'] as const;

/** Texts are formats; numbers and their like are not taken, as by Envoy. */
function readValue(fields: Fields, more: MoreCommands): ValueOf {
  switch (fields.oneOf('value', KINDS)) {
    case 'string_value': {
      const format = compileFormat(bytesOf(fields.text('string_value')), '-', more);
      if (format.ok) return format.value;
      fields.problem('string_value', format.error);
      return () => '';
    }
    case 'array_value': {
      const values =
        fields.message('array_value', (array) => array.list('values', (one) => readValue(one, more))) ?? [];
      return (info) => ({ list: values.map((value) => value(info)) });
    }
    case 'kvlist_value': {
      const entries =
        fields.message('kvlist_value', (list) => list.list('values', (one) => readEntry(one, more))) ?? [];
      return (info) => ({ entries: entries.map((entry) => entry(info)) });
    }
    default:
      return () => '';
  }
}

const writer = new WireWriter();

/** A `LogRecord` as field `log_records`, copied. */
function encodeRecord({ body, attributes, custom }: RecordFormat, info: StreamInfo): Buffer {
  writer.length = 0;
  const start = writer.begin(LOG_RECORDS);
  writer.fixedTime(1, info.startTime);
  if (body) putValue(writer, 5, body(info));
  for (const attribute of attributes) putEntry(writer, 6, attribute(info));
  for (const { name, value } of custom) {
    const found = value(info);
    // Of whatever type it is in spans.
    if (found !== undefined) putEntry(writer, 6, [name, textOfTag(found)]);
  }
  const span = info.trace?.span;
  if (span) {
    writer.hex(9, span.traceId);
    writer.hex(10, span.spanId);
  }
  writer.end(start);
  return Buffer.from(writer.bytes.subarray(0, writer.length));
}

/** Records of one resource as an `ExportLogsServiceRequest`. */
function encodeExport(resource: readonly OtlpEntry[], records: readonly Buffer[]): Buffer {
  const out = new WireWriter(1024 + records.reduce((sum, { length }) => sum + length, 0));
  const all = out.begin(1);
  putResource(out, 1, resource);
  const group = out.begin(2);
  for (const record of records) out.append(record);
  out.end(group);
  out.end(all);
  return Buffer.from(out.bytes.subarray(0, out.length));
}
