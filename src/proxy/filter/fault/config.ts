import { type Fields, isObject, type JsonObject } from '../../config/fields.ts';
import { type HeaderTest, readHeaderMatcher } from '../../match/headers.ts';
import { readFraction } from '../../runtime/read.ts';
import type { Fraction } from '../../runtime/runtime.ts';

/** How often a fault happens: the runtime may say otherwise under `key`, a request's header may ask for less. */
export interface FaultShare {
  readonly fraction: Fraction;
  readonly key: string;
  /** Empty: no header may. */
  readonly header: string;
}

export interface DelayConfig {
  readonly share: FaultShare;
  /** Milliseconds; undefined: the request's header says how long. */
  readonly fixed: number | undefined;
}

export interface AbortConfig {
  readonly share: FaultShare;
  /** Undefined both: the request's headers say. */
  readonly httpStatus: number | undefined;
  readonly grpcStatus: number | undefined;
  readonly body: string;
}

export interface RateConfig {
  readonly share: FaultShare;
  /** KiB a second; undefined: the request's header says. */
  readonly fixed: number | undefined;
}

/** A compiled `envoy.extensions.filters.http.fault.v3.HTTPFault`, of a chain or a route. */
export interface FaultConfig {
  readonly delay: DelayConfig | undefined;
  readonly abort: AbortConfig | undefined;
  readonly rate: RateConfig | undefined;
  /** Empty: any. */
  readonly cluster: string;
  readonly headers: readonly HeaderTest[];
  /** Empty: any. */
  readonly nodes: ReadonlySet<string>;
  readonly maxActive: number;
  readonly clusterStats: boolean;
  readonly metadata: JsonObject | undefined;
  readonly keys: {
    readonly delayDuration: string;
    readonly httpStatus: string;
    readonly grpcStatus: string;
    readonly maxActive: string;
  };
}

const NEVER: Fraction = { numerator: 0, denominator: 100 };
const ABORT_BODY = 'fault filter abort';

export function readFault(fields: Fields): FaultConfig {
  const key = (name: string, fallback: string): string => fields.text(name) || `fault.http.${fallback}`;
  const keys = {
    delayPercent: key('delay_percent_runtime', 'delay.fixed_delay_percent'),
    abortPercent: key('abort_percent_runtime', 'abort.abort_percent'),
    ratePercent: key('response_rate_limit_percent_runtime', 'rate_limit.response_percent'),
    delayDuration: key('delay_duration_runtime', 'delay.fixed_duration_ms'),
    httpStatus: key('abort_http_status_runtime', 'abort.http_status'),
    grpcStatus: key('abort_grpc_status_runtime', 'abort.grpc_status'),
    maxActive: key('max_active_faults_runtime', 'max_active_faults'),
  };
  const metadata = fields.raw('filter_metadata');
  return {
    delay: fields.message('delay', (inner) => readDelay(inner, keys.delayPercent)),
    abort: fields.message('abort', (inner) => readAbort(inner, keys.abortPercent)),
    rate: fields.message('response_rate_limit', (inner) => readRate(inner, keys.ratePercent)),
    cluster: fields.text('upstream_cluster'),
    headers: fields.list('headers', readHeaderMatcher),
    nodes: new Set(fields.strings('downstream_nodes')),
    maxActive: fields.number('max_active_faults') ?? Number.POSITIVE_INFINITY,
    clusterStats: !fields.flag('disable_downstream_cluster_stats'),
    metadata: isObject(metadata) && Object.keys(metadata).length > 0 ? metadata : undefined,
    keys,
  };
}

function readShare(fields: Fields, key: string, header: string): FaultShare {
  return { fraction: fields.message('percentage', readFraction) ?? NEVER, key, header };
}

function readDelay(fields: Fields, key: string): DelayConfig {
  if (fields.oneOf('fault_delay_secifier', ['fixed_delay', 'header_delay']) !== 'header_delay') {
    return { share: readShare(fields, key, ''), fixed: Math.trunc(fields.duration('fixed_delay') ?? 0) };
  }
  fields.message('header_delay', () => undefined);
  return { share: readShare(fields, key, 'x-envoy-fault-delay-request-percentage'), fixed: undefined };
}

function readAbort(fields: Fields, key: string): AbortConfig {
  const kind = fields.oneOf('error_type', ['http_status', 'grpc_status', 'header_abort']);
  const body = fields.text('response_body') || ABORT_BODY;
  if (kind !== 'header_abort') {
    const httpStatus = fields.number('http_status');
    const share = readShare(fields, key, '');
    return { share, httpStatus, grpcStatus: fields.number('grpc_status'), body };
  }
  fields.message('header_abort', () => undefined);
  const share = readShare(fields, key, 'x-envoy-fault-abort-request-percentage');
  return { share, httpStatus: undefined, grpcStatus: undefined, body };
}

function readRate(fields: Fields, key: string): RateConfig {
  if (fields.oneOf('limit_type', ['fixed_limit', 'header_limit']) === 'header_limit') {
    fields.message('header_limit', () => undefined);
    return { share: readShare(fields, key, 'x-envoy-fault-throughput-response-percentage'), fixed: undefined };
  }
  const fixed = fields.message('fixed_limit', (inner) => inner.number('limit_kbps')) ?? 1;
  return { share: readShare(fields, key, ''), fixed };
}
