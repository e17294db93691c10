import { bootstrap, cluster, endpoint, fileLog, listener, manager, routeConfig, toCluster, typed } from './config.ts';
import type { Case, Json, Places, Scenario } from './types.ts';

/** Builders for cases about tracing: many connection managers in one bootstrap, each on a listener of its own. */

export interface TracingRow extends Partial<Omit<Case, 'name' | 'listener'>> {
  readonly name: string;
  /** `HttpConnectionManager.Tracing` beside the provider. */
  readonly tracing?: Json;
  /** The tracer's configuration; default: spans go to the gRPC server. `null`: there is no provider. */
  readonly tracer?: Json | null;
  /** A Zipkin tracer's configuration instead. */
  readonly zipkin?: Json;
  /** An OpenTelemetry access log; with it there is a tracer only where `tracing` is set. */
  readonly log?: Json;
  /** The log's filter. */
  readonly filter?: Json;
  readonly routes?: readonly Json[];
  readonly route?: Json;
  readonly level?: Json;
  readonly manager?: Json;
  readonly listener?: Json;
}

const ABOUT_PROXY: ReadonlySet<string> = new Set(
  'tracing tracer zipkin log filter routes route level manager listener'.split(' '),
);
const HTTP2 = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/** The collector that is backend 1 (gRPC) or 2 (HTTP); nobody listens at backend 3. */
export const GRPC: Json = { grpc_service: { envoy_grpc: { cluster_name: 'collector' }, timeout: '1s' } };
export const HTTP: Json = {
  http_service: { http_uri: { uri: 'http://collector.test/v1/traces', cluster: 'c2', timeout: '1s' } },
};

export const provider = (tracer: Json): Json => ({
  provider: {
    name: 'envoy.tracers.opentelemetry',
    typed_config: typed('envoy.config.trace.v3.OpenTelemetryConfig', tracer),
  },
});

export const zipkinProvider = (tracer: Json): Json => ({
  provider: { name: 'envoy.tracers.zipkin', typed_config: typed('envoy.config.trace.v3.ZipkinConfig', tracer) },
});

const grpcCluster = (places: Places, name: string, backend: number): Json => ({
  name,
  connect_timeout: '1s',
  typed_extension_protocol_options: {
    [HTTP2]: typed(HTTP2, { explicit_http_config: { http2_protocol_options: {} } }),
  },
  load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [endpoint(places, backend)] }] },
});

export const tracingClusters = (places: Places): readonly Json[] => [
  cluster(places, 0, [0], { metadata: { filter_metadata: { tags: { of: 'cluster' } } } }),
  grpcCluster(places, 'collector', 1),
  cluster(places, 2, [2]),
  cluster(places, 3, [3]),
  grpcCluster(places, 'down', 3),
];

/** Every span is sent on its own. */
const AT_ONCE: Json = {
  layered_runtime: {
    layers: [
      {
        name: 'static',
        static_layer: { 'tracing.opentelemetry.min_flush_spans': 1, 'tracing.zipkin.min_flush_spans': 1 },
      },
    ],
  },
};

const log = '%REQ(:METHOD)% %REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS%\ntrace=%TRACE_ID% span=%SPAN_ID%\n';

export function tracingScenario(
  about: Pick<Scenario, 'feature' | 'name' | 'stats'>,
  rows: readonly TracingRow[],
  more: Json = AT_ONCE,
): Scenario {
  return {
    ...about,
    backends: ['http', 'grpc', 'http', 'closed'],
    bootstrap: (places) =>
      bootstrap(
        places,
        rows.map((row, index) => listenerOf(places, row, index)),
        tracingClusters(places),
        { node: { id: 'conformance', cluster: 'conformance', locality: { zone: 'here' } }, ...more },
      ),
    cases: rows.map((row, index): Case => {
      const play = Object.entries(row).filter(([key]) => !ABOUT_PROXY.has(key));
      return {
        name: row.name,
        ...(row.steps ? {} : { requests: [{}] }),
        // Spans are on their way when the client has its answer.
        settleMs: 60,
        sideBySide: true,
        ...Object.fromEntries(play),
        listener: index,
      };
    }),
  };
}

export const openTelemetryLog = (config: Json, filter?: Json): Json => ({
  name: 'envoy.access_loggers.open_telemetry',
  ...(filter ? { filter } : {}),
  typed_config: typed('envoy.extensions.access_loggers.open_telemetry.v3.OpenTelemetryAccessLogConfig', config),
});

function listenerOf(places: Places, row: TracingRow, index: number): Json {
  const tracer = row.zipkin ? zipkinProvider(row.zipkin) : row.tracer === null ? {} : provider(row.tracer ?? GRPC);
  const routes = row.routes ?? [{ ...toCluster('c0', row.route), ...row.level }];
  const hcm = manager(places, {
    access_log: [fileLog(places, log), ...(row.log ? [openTelemetryLog(row.log, row.filter)] : [])],
    route_config: routeConfig(routes),
    ...(row.log && !row.tracing ? {} : { tracing: { ...tracer, ...row.tracing } }),
    ...row.manager,
  });
  return listener(places, index, [hcm], row.listener);
}
