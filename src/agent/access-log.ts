import type { HttpEvent, RequestVerdict, TlsEvent } from '../model/flow/index.ts';

/** `envoy.data.accesslog.v3.HTTPAccessLogEntry` as protobuf JSON with original field names; only what flows need. */
export interface HttpAccessLogEntry {
  readonly common_properties?: CommonProperties;
  readonly protocol_version?: string;
  readonly request?: {
    readonly request_method?: string;
    readonly scheme?: string;
    readonly authority?: string;
    readonly path?: string;
    readonly request_id?: string;
    readonly user_agent?: string;
    readonly request_headers?: Readonly<Record<string, string>>;
  };
  readonly response?: { readonly response_code?: number; readonly response_code_details?: string };
}

/** `envoy.data.accesslog.v3.TCPAccessLogEntry`; only what flows need. */
export interface TcpAccessLogEntry {
  readonly common_properties?: CommonProperties;
}

interface CommonProperties {
  readonly downstream_remote_address?: EnvoyAddress;
  readonly downstream_local_address?: EnvoyAddress;
  readonly upstream_remote_address?: EnvoyAddress;
  readonly tls_properties?: { readonly tls_sni_hostname?: string };
  readonly connection_termination_details?: string;
  readonly start_time?: string;
  readonly time_to_last_downstream_tx_byte?: string;
  readonly duration?: string;
  readonly metadata?: { readonly filter_metadata?: Readonly<Record<string, Readonly<Record<string, unknown>>>> };
}

interface EnvoyAddress {
  readonly socket_address?: { readonly address?: string; readonly port_value?: number };
}

const rbacFilter = 'envoy.filters.http.rbac';
const networkRbacFilter = 'envoy.filters.network.rbac';
const protocols: Readonly<Record<string, string>> = {
  HTTP10: 'HTTP/1.0',
  HTTP11: 'HTTP/1.1',
  HTTP2: 'HTTP/2',
  HTTP3: 'HTTP/3',
};

/**
 * The HTTP event behind one access log entry.
 * `logName` is what the plan gave the listener's access logger: `egress:LISTENER` or `ingress:LISTENER`.
 * Undefined when the entry has no client address, which only a request that never was one lacks.
 */
export function httpEventOf(logName: string, entry: HttpAccessLogEntry): HttpEvent | undefined {
  const { common_properties: common = {}, request = {}, response = {} } = entry;
  const source = addressOf(common.downstream_remote_address);
  const frontend = addressOf(common.downstream_local_address);
  const destination = addressOf(common.upstream_remote_address) ?? frontend;
  if (!source || !destination) return undefined;
  const direction = logName.startsWith('ingress:') ? 'ingress' : 'egress';
  const redirected = frontend && (frontend.address !== destination.address || frontend.port !== destination.port);
  return {
    kind: 'http',
    direction,
    startNs: timestampNs(common.start_time),
    latencyNs: durationNs(common.time_to_last_downstream_tx_byte ?? common.duration),
    source,
    destination,
    ...(redirected && { frontend }),
    method: request.request_method ?? '',
    url: `${request.scheme ?? 'http'}://${request.authority ?? ''}${request.path ?? ''}`,
    protocol: protocols[entry.protocol_version ?? ''] ?? 'HTTP/1.1',
    requestHeaders: headersOf(request),
    status: response.response_code ?? 0,
    verdicts: verdictsOf(common.metadata?.filter_metadata?.[rbacFilter] ?? {}),
  };
}

/** The refusal behind an entry of a listener for server names; undefined where the connection was let through. */
export function tlsEventOf({ common_properties: common = {} }: TcpAccessLogEntry): TlsEvent | undefined {
  const source = addressOf(common.downstream_remote_address);
  const destination = addressOf(common.downstream_local_address);
  const verdicts = common.metadata?.filter_metadata?.[networkRbacFilter] ?? {};
  const refused = (['egress', 'ingress'] as const).find((one) => verdicts[`${one}_shadow_engine_result`] === 'denied');
  if (!source || !destination || !refused) return undefined;
  const serverName = common.tls_properties?.tls_sni_hostname ?? '';
  return { kind: 'tls', direction: refused, startNs: timestampNs(common.start_time), source, destination, serverName };
}

/** What the RBAC filters decided. Those for the backend's ingress rules write their keys with the prefix `ingress_`. */
function verdictsOf(metadata: Readonly<Record<string, unknown>>): HttpEvent['verdicts'] {
  const of = (prefix: string): RequestVerdict | undefined => {
    const result = metadata[`${prefix}enforced_engine_result`];
    if (typeof result !== 'string') return undefined;
    const rule = metadata[`${prefix}enforced_effective_policy_id`];
    return { denied: result === 'denied', rules: typeof rule === 'string' && rule !== '' ? [rule] : [] };
  };
  const [egress, ingress] = [of(''), of('ingress_')];
  return { ...(egress && { egress }), ...(ingress && { ingress }) };
}

function addressOf(address: EnvoyAddress | undefined): { readonly address: string; readonly port: number } | undefined {
  const socket = address?.socket_address;
  return socket?.address === undefined ? undefined : { address: socket.address, port: socket.port_value ?? 0 };
}

function headersOf(
  request: NonNullable<HttpAccessLogEntry['request']>,
): readonly { readonly key: string; readonly value: string }[] {
  const headers = { ...request.request_headers };
  if (request.user_agent) headers['user-agent'] ??= request.user_agent;
  if (request.request_id) headers['x-request-id'] ??= request.request_id;
  return Object.entries(headers)
    .map(([key, value]) => ({ key: canonical(key), value }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** Header names as Go's `http.CanonicalHeaderKey` writes them, which is how Hubble prints them. */
function canonical(name: string): string {
  return name.toLowerCase().replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
}

/** RFC 3339 with up to nine fraction digits to nanoseconds since the epoch. */
function timestampNs(text: string | undefined): bigint {
  if (text === undefined) return 0n;
  const [, whole = '', fraction = ''] = /^([^.Z]+)(?:\.(\d{1,9}))?Z$/.exec(text) ?? [];
  const milliseconds = Date.parse(`${whole}Z`);
  return Number.isNaN(milliseconds) ? 0n : BigInt(milliseconds) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}

/** Protobuf JSON duration (`0.002941s`) to nanoseconds. */
function durationNs(text: string | undefined): bigint {
  const [, seconds = '0', fraction = ''] = /^(\d+)(?:\.(\d{1,9}))?s$/.exec(text ?? '') ?? [];
  return BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'));
}
