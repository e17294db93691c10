import type { Fields } from '../../config/fields.ts';
import { readStringMatcher, type StringTest } from '../../match/strings.ts';
import { type HeaderMutation, readHeaderOption, readMutation } from '../../route/mutation.ts';
import { readPayload } from './payload.ts';

/** A compiled `envoy.config.core.v3.HealthCheck`; times in milliseconds. */
export interface HealthCheckConfig {
  readonly timeout: number;
  readonly interval: number;
  readonly initialJitter: number;
  readonly jitter: number;
  readonly jitterPercent: number;
  readonly unhealthyThreshold: number;
  readonly healthyThreshold: number;
  readonly reuseConnection: boolean;
  /** Intervals while the cluster has had no traffic. */
  readonly noTrafficInterval: number;
  readonly noTrafficHealthyInterval: number;
  readonly unhealthyInterval: number;
  /** Intervals while a change of health is being confirmed. */
  readonly unhealthyEdgeInterval: number;
  readonly healthyEdgeInterval: number;
  readonly check: HttpCheckConfig | TcpCheckConfig | GrpcCheckConfig;
}

/** Status codes from `from` up to but not including `to`. */
export interface StatusRange {
  readonly from: number;
  readonly to: number;
}

export interface HttpCheckConfig {
  readonly kind: 'http';
  /** Empty: the cluster's name. */
  readonly host: string;
  readonly path: string;
  readonly method: string;
  readonly send: Buffer | undefined;
  readonly receive: readonly Buffer[];
  /** Bytes of a response that are looked at; 0 for all. */
  readonly bufferSize: number;
  readonly mutation: HeaderMutation | undefined;
  readonly expected: readonly StatusRange[];
  readonly retriable: readonly StatusRange[];
  readonly serviceName: StringTest | undefined;
}

export interface GrpcCheckConfig {
  readonly kind: 'grpc';
  /** Empty: the server as a whole. */
  readonly service: string;
  /** Empty: the cluster's name. */
  readonly authority: string;
  readonly metadata: HeaderMutation | undefined;
}

export interface TcpCheckConfig {
  readonly kind: 'tcp';
  readonly send: Buffer | undefined;
  readonly receive: readonly Buffer[];
}

/** `http2`: hosts of the cluster speak it. */
export function readHealthChecks(fields: Fields, http2: boolean): HealthCheckConfig | undefined {
  const found = fields.list('health_checks', readHealthCheck);
  if (found.length > 1) fields.problem('health_checks', `found ${found.length}`, 'one');
  if (found[0]?.check.kind === 'grpc' && !http2) {
    fields.problem('health_checks', 'cluster must support HTTP/2 for gRPC healthchecking');
  }
  return found[0];
}

function readHealthCheck(fields: Fields): HealthCheckConfig {
  const time = (key: string, fallback: number): number => fields.duration(key) ?? fallback;
  const interval = time('interval', 0);
  const noTrafficInterval = time('no_traffic_interval', 60_000);
  const unhealthyInterval = time('unhealthy_interval', interval);
  // Envoy does nothing with the port; failures are logged only where there is an event log.
  fields.ignore('alt_port', 'always_log_health_check_failures', 'always_log_health_check_success');
  return {
    timeout: time('timeout', 0),
    interval,
    initialJitter: time('initial_jitter', 0),
    jitter: time('interval_jitter', 0),
    jitterPercent: fields.number('interval_jitter_percent') ?? 0,
    unhealthyThreshold: fields.number('unhealthy_threshold') ?? 0,
    healthyThreshold: fields.number('healthy_threshold') ?? 0,
    reuseConnection: fields.boolean('reuse_connection') ?? true,
    noTrafficInterval,
    noTrafficHealthyInterval: time('no_traffic_healthy_interval', noTrafficInterval),
    unhealthyInterval,
    unhealthyEdgeInterval: time('unhealthy_edge_interval', unhealthyInterval),
    healthyEdgeInterval: time('healthy_edge_interval', interval),
    check: readCheck(fields),
  };
}

const NO_CHECK: TcpCheckConfig = { kind: 'tcp', send: undefined, receive: [] };

function readCheck(fields: Fields): HealthCheckConfig['check'] {
  switch (fields.oneOf('health_checker', ['http_health_check', 'tcp_health_check', 'grpc_health_check'])) {
    case 'http_health_check':
      return fields.message('http_health_check', readHttpCheck) ?? NO_CHECK;
    case 'tcp_health_check':
      return fields.message('tcp_health_check', readTcpCheck) ?? NO_CHECK;
    case 'grpc_health_check':
      return fields.message('grpc_health_check', readGrpcCheck) ?? NO_CHECK;
    default:
      return NO_CHECK;
  }
}

function readGrpcCheck(fields: Fields): GrpcCheckConfig {
  const add = fields
    .list('initial_metadata', (option) => readHeaderOption(option, 'request'))
    .filter((one) => one !== undefined);
  return {
    kind: 'grpc',
    service: fields.text('service_name'),
    authority: fields.text('authority'),
    metadata: add.length > 0 ? { add, remove: [] } : undefined,
  };
}

function readTcpCheck(fields: Fields): TcpCheckConfig {
  return {
    kind: 'tcp',
    send: fields.message('send', readPayload),
    receive: fields.list('receive', readPayload),
  };
}

const BODYLESS = ['GET', 'HEAD', 'DELETE', 'TRACE'];

function readHttpCheck(fields: Fields): HttpCheckConfig {
  fields.choice('codec_client_type', ['HTTP1']);
  const method = fields.choice('method', [
    'METHOD_UNSPECIFIED',
    'GET',
    'HEAD',
    'POST',
    'PUT',
    'DELETE',
    'OPTIONS',
    'TRACE',
    'PATCH',
  ]);
  const verb = method === 'METHOD_UNSPECIFIED' ? 'GET' : method;
  const send = fields.message('send', readPayload);
  if (send && BODYLESS.includes(verb))
    fields.problem('send', `cannot be sent with ${verb}`, 'POST, PUT, PATCH, OPTIONS');
  const receive = fields.list('receive', readPayload);
  const bufferSize = fields.number('response_buffer_size') ?? 1024;
  const expectedLength = receive.reduce((sum, { length }) => sum + length, 0);
  if (bufferSize > 0 && expectedLength > bufferSize) {
    fields.problem('receive', `has ${expectedLength} bytes, more than response_buffer_size (${bufferSize})`);
  }
  const expected = fields.list('expected_statuses', readStatusRange);
  return {
    kind: 'http',
    host: fields.text('host'),
    path: fields.required('path'),
    method: verb,
    send,
    receive,
    bufferSize,
    mutation: readMutation(fields, 'request'),
    expected: expected.length > 0 ? expected : [{ from: 200, to: 201 }],
    retriable: fields.list('retriable_statuses', readStatusRange),
    serviceName: fields.message('service_name_matcher', readStringMatcher),
  };
}

function readStatusRange(fields: Fields): StatusRange {
  const from = fields.number('start') ?? 0;
  const to = fields.number('end') ?? 0;
  if (from >= to || from < 100 || to > 600) fields.problem('', `found [${from}, ${to})`, 'a range within [100, 600)');
  return { from, to };
}
