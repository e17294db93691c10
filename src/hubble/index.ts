export { buildFlow } from './build/flow.ts';
export type { FlowLookups } from './build/lookups.ts';
export { fullRedaction, type Redaction } from './build/redact.ts';
export { readRedaction } from './build/redaction-settings.ts';
export {
  type ClientTls,
  createHubbleClient,
  HubbleCallError,
  type HubbleClient,
  type HubbleClientOptions,
  type ResponseStream,
} from './client/client.ts';
export { type Exporter, type LineSink, startExporter } from './exporter/exporter.ts';
export { createRotatingFile } from './exporter/rotating-file.ts';
export { type ExporterSettings, readFlowLogs, readStaticExporter, standardOutput } from './exporter/settings.ts';
export { compileSelection } from './filter/compile.ts';
export { compileTextHint, type TextHint } from './filter/text-hint.ts';
export { FlagFault } from './flags/fault.ts';
export {
  createFilterBuilder,
  type FilterBuilder,
  type Filters,
  filterFlags,
  invalidArgument,
} from './flags/filter-flags.ts';
export { readFilterText } from './flags/filter-text.ts';
export { readMetrics } from './metrics/config.ts';
export { createFlowMetrics, type FlowMetrics } from './metrics/registry.ts';
export { dropReasonText } from './names/drop-reasons.ts';

export { compileFieldMask } from './observer/field-mask.ts';
export { createObserver, type Observer, type ObserverOptions } from './observer/observer.ts';
export type { EventReader } from './observer/reader.ts';
export { createPrinter, type Printed, type Printer, type PrinterOptions } from './printer/printer.ts';
export { layoutTable } from './printer/tabwriter.ts';
export { timeFormatNames } from './printer/time-format.ts';
export type { PoolTls } from './relay/pool.ts';
export { createRelay, type Relay, type RelayOptions } from './relay/relay.ts';
export { createConnectionGuard, type ServerSecurity } from './server/guard.ts';
export { type GrpcServing, type ServePlace, serveGrpc } from './server/serve.ts';
export {
  type GrpcService,
  observerServices,
  type Peer,
  type PeerSource,
} from './server/services.ts';
export { type Attributes, resourceAttributes, type Workload } from './telemetry/attributes.ts';
export { type FlowRecord, flowRecord } from './telemetry/log-record.ts';
export { readTelemetry, type TelemetrySettings } from './telemetry/settings.ts';
export { type RequestSpan, requestSpan } from './telemetry/span.ts';
export { openTlsFiles, type TlsFilesOptions } from './tls/material.ts';
export { hubbleServerName } from './tls/server-name.ts';
export {
  type RelayTls,
  readMetricsTls,
  readNodeTls,
  readRelayTls,
  type ServerTlsFiles,
  type TlsFiles,
} from './tls/settings.ts';
