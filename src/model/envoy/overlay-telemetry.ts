import type { OverlayField } from './overlay.ts';
import type { OverlayMessage } from './overlay-messages.ts';

const bool = 'google.protobuf.BoolValue';
const core = 'envoy.config.core.v3';
const tracer = 'envoy.config.trace.v3.OpenTelemetryConfig';
const zipkin = 'envoy.config.trace.v3.ZipkinConfig';
const manager = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';

/** What tracing has gained: as in the descriptors of the 1.40 binary. */
export const telemetryFields: readonly OverlayField[] = [
  { message: tracer, field: 'max_cache_size', number: 6, type: 'google.protobuf.UInt32Value' },
  { message: tracer, field: 'set_telemetry_sdk_resource_attributes', number: 7, type: bool },
  { message: tracer, field: 'set_service_name_resource_attribute', number: 8, type: bool },
  { message: tracer, field: 'set_instrumentation_scope', number: 9, type: bool },
  { message: tracer, field: 'exporter', number: 10, type: `${core}.TypedExtensionConfig` },
  { message: zipkin, field: 'trace_context_option', number: 8, type: `${zipkin}.TraceContextOption` },
  { message: zipkin, field: 'collector_service', number: 9, type: `${core}.HttpService` },
  {
    message: `${core}.HttpService`,
    field: 'formatters',
    number: 3,
    type: `${core}.TypedExtensionConfig`,
    repeated: true,
  },
  { message: `${manager}.Tracing`, field: 'no_context_propagation', number: 13, type: 'bool' },
  {
    message: 'envoy.type.tracing.v3.CustomTag',
    field: 'value_type',
    number: 7,
    type: 'envoy.type.tracing.v3.CustomTag.ValueType',
  },
];

const samplers = 'envoy.extensions.tracers.opentelemetry.samplers.v3';
const logs = 'envoy.extensions.access_loggers.open_telemetry.v3';
const otlp = 'opentelemetry.proto.common.v1';

/** Messages of tracing, and of OpenTelemetry's access logs, which the published files lack or cannot be read without OpenTelemetry's own. */
export const telemetryMessages: readonly OverlayMessage[] = [
  {
    parent: 'envoy.type.tracing.v3.CustomTag',
    definition: 'enum ValueType { UNSPECIFIED = 0; STRING = 1; INT = 2; DOUBLE = 3; BOOL = 4; }',
  },
  {
    parent: zipkin,
    definition: 'enum TraceContextOption { USE_B3 = 0; USE_B3_WITH_W3C_PROPAGATION = 1; }',
  },
  {
    parent: samplers,
    needs: [`${core}.TypedExtensionConfig`, 'envoy.type.v3.FractionalPercent'],
    definition: `
      message ParentBasedSamplerConfig {
        ${core}.TypedExtensionConfig wrapped_sampler = 1;
      }
      message TraceIdRatioBasedSamplerConfig {
        envoy.type.v3.FractionalPercent sampling_percentage = 1;
      }`,
  },
  {
    parent: logs,
    needs: [
      'envoy.extensions.access_loggers.grpc.v3.CommonGrpcAccessLogConfig',
      `${core}.GrpcService`,
      `${core}.HttpService`,
      `${core}.TypedExtensionConfig`,
      'envoy.type.tracing.v3.CustomTag',
      `${otlp}.AnyValue`,
    ],
    definition: `
      message OpenTelemetryAccessLogConfig {
        envoy.extensions.access_loggers.grpc.v3.CommonGrpcAccessLogConfig common_config = 1;
        ${core}.HttpService http_service = 8;
        ${core}.GrpcService grpc_service = 9;
        bool disable_builtin_labels = 5;
        ${otlp}.KeyValueList resource_attributes = 4;
        repeated ${core}.TypedExtensionConfig resource_detectors = 15;
        ${otlp}.AnyValue body = 2;
        ${otlp}.KeyValueList attributes = 3;
        string stat_prefix = 6;
        repeated ${core}.TypedExtensionConfig formatters = 7;
        string log_name = 10;
        google.protobuf.Duration buffer_flush_interval = 11;
        google.protobuf.UInt32Value buffer_size_bytes = 12;
        repeated string filter_state_objects_to_log = 13;
        repeated envoy.type.tracing.v3.CustomTag custom_tags = 14;
      }`,
  },
  {
    parent: otlp,
    definition: `
      message AnyValue {
        oneof value {
          string string_value = 1;
          bool bool_value = 2;
          int64 int_value = 3;
          double double_value = 4;
          ${otlp}.ArrayValue array_value = 5;
          ${otlp}.KeyValueList kvlist_value = 6;
          bytes bytes_value = 7;
        }
      }
      message ArrayValue { repeated ${otlp}.AnyValue values = 1; }
      message KeyValueList { repeated ${otlp}.KeyValue values = 1; }
      message KeyValue {
        string key = 1;
        ${otlp}.AnyValue value = 2;
      }`,
  },
];
