import {
  type HttpEvent,
  type RequestVerdict,
  type TlsEvent,
  timestampNs,
  type WireTimestamp,
} from '../model/flow/index.ts';

/** `envoy.data.accesslog.v3.HTTPAccessLogEntry` as protobuf decodes it; only what flows need. */
export interface HttpAccessLogEntry {
  readonly common_properties?: CommonProperties | null;
  readonly protocol_version?: number;
  readonly request?: {
    readonly request_method?: number;
    readonly scheme?: string;
    readonly authority?: string;
    readonly path?: string;
    readonly original_path?: string;
    readonly request_id?: string;
    readonly user_agent?: string;
    readonly referer?: string;
    readonly forwarded_for?: string;
    readonly request_headers?: Readonly<Record<string, string>>;
  } | null;
  readonly response?: {
    readonly response_code?: { readonly value?: number } | null;
    readonly response_headers?: Readonly<Record<string, string>>;
  } | null;
}

/** `envoy.data.accesslog.v3.TCPAccessLogEntry`; only what flows need. */
export interface TcpAccessLogEntry {
  readonly common_properties?: CommonProperties | null;
}

interface CommonProperties {
  readonly downstream_remote_address?: EnvoyAddress | null;
  readonly downstream_local_address?: EnvoyAddress | null;
  readonly upstream_remote_address?: EnvoyAddress | null;
  readonly tls_properties?: { readonly tls_sni_hostname?: string } | null;
  readonly start_time?: WireTimestamp | null;
  readonly upstream_cluster?: string;
  readonly route_name?: string;
  readonly time_to_last_downstream_tx_byte?: WireTimestamp | null;
  readonly duration?: WireTimestamp | null;
  readonly metadata?: { readonly filter_metadata?: Readonly<Record<string, Struct>> } | null;
}

/** `google.protobuf.Struct`, whose texts alone are read. */
interface Struct {
  readonly fields?: Readonly<Record<string, { readonly stringValue?: string }>>;
}

interface EnvoyAddress {
  readonly socket_address?: { readonly address?: string; readonly port_value?: number } | null;
}

/** Under which RBAC filters of clusters note their verdicts; those of a user's listener have another name. */
const rbacFilter = 'envoy.filters.http.upstream_rbac';
const networkRbacFilter = 'envoy.filters.network.rbac';
/** By the number of `HTTPAccessLogEntry.HTTPVersion`. */
const protocols = ['HTTP/1.1', 'HTTP/1.0', 'HTTP/1.1', 'HTTP/2', 'HTTP/3'];
/** By the number of `envoy.config.core.v3.RequestMethod`; other methods have none and are told like a header. */
const methods = ['', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'];

const methodHeader = ':method';

/**
 * The HTTP event behind one access log entry.
 * `logName` is what the plan gave the listener's access logger: `egress:LISTENER` or `ingress:LISTENER`.
 * Undefined when the entry has no client address, which only a request that never was one lacks.
 */
export function httpEventOf(logName: string, entry: HttpAccessLogEntry): HttpEvent | undefined {
  const common = entry.common_properties ?? {};
  const request = entry.request ?? {};
  const source = addressOf(common.downstream_remote_address);
  const frontend = addressOf(common.downstream_local_address);
  const destination = addressOf(common.upstream_remote_address) ?? frontend;
  if (!source || !destination) return undefined;
  const direction = logName.startsWith('ingress:') ? 'ingress' : 'egress';
  const redirected = frontend && (frontend.address !== destination.address || frontend.port !== destination.port);
  return {
    kind: 'http',
    direction,
    startNs: nanoseconds(common.start_time),
    latencyNs: nanoseconds(common.time_to_last_downstream_tx_byte ?? common.duration),
    source,
    destination,
    ...(redirected && { frontend }),
    method: methods[request.request_method ?? 0] || request.request_headers?.[methodHeader] || '',
    url: `${request.scheme || 'http'}://${request.authority ?? ''}${request.path ?? ''}`,
    protocol: protocols[entry.protocol_version ?? 0] ?? 'HTTP/1.1',
    requestHeaders: requestHeadersOf(request),
    responseHeaders: listOf(entry.response?.response_headers ?? {}),
    status: entry.response?.response_code?.value ?? 0,
    verdicts: verdictsOf(common.metadata?.filter_metadata?.[rbacFilter]),
    way: {
      listener: logName.slice(logName.indexOf(':') + 1),
      ...(common.route_name && { route: common.route_name }),
      ...(common.upstream_cluster && { cluster: common.upstream_cluster }),
      ...(request.original_path && { originalPath: request.original_path }),
    },
  };
}

/** The refusal behind an entry of a listener for server names; undefined where the connection was let through. */
export function tlsEventOf(entry: TcpAccessLogEntry): TlsEvent | undefined {
  const common = entry.common_properties ?? {};
  const source = addressOf(common.downstream_remote_address);
  const destination = addressOf(common.downstream_local_address);
  const verdicts = common.metadata?.filter_metadata?.[networkRbacFilter];
  const refused = (['egress', 'ingress'] as const).find(
    (one) => textOf(verdicts, `${one}_shadow_engine_result`) === 'denied',
  );
  if (!source || !destination || !refused) return undefined;
  const serverName = common.tls_properties?.tls_sni_hostname ?? '';
  return { kind: 'tls', direction: refused, startNs: nanoseconds(common.start_time), source, destination, serverName };
}

/** What the RBAC filters decided. Those for the backend's ingress rules write their keys with the prefix `ingress_`. */
function verdictsOf(metadata: Struct | undefined): HttpEvent['verdicts'] {
  const of = (prefix: string): RequestVerdict | undefined => {
    const result = textOf(metadata, `${prefix}enforced_engine_result`);
    if (result === undefined) return undefined;
    const rule = textOf(metadata, `${prefix}enforced_effective_policy_id`);
    return { denied: result === 'denied', rules: rule === undefined ? [] : [rule] };
  };
  const [egress, ingress] = [of(''), of('ingress_')];
  return { ...(egress && { egress }), ...(ingress && { ingress }) };
}

function textOf(struct: Struct | undefined, key: string): string | undefined {
  // What is no text reads as an empty one.
  return struct?.fields?.[key]?.stringValue || undefined;
}

function addressOf(
  address: EnvoyAddress | null | undefined,
): { readonly address: string; readonly port: number } | undefined {
  const socket = address?.socket_address;
  return !socket?.address ? undefined : { address: socket.address, port: socket.port_value ?? 0 };
}

type Headers = HttpEvent['requestHeaders'];

function requestHeadersOf(request: NonNullable<HttpAccessLogEntry['request']>): Headers {
  // As in Cilium this one is told as the URL's scheme.
  const headers: Record<string, string> = { ...request.request_headers };
  delete headers['x-forwarded-proto'];
  delete headers[methodHeader];
  if (request.user_agent) headers['user-agent'] ??= request.user_agent;
  if (request.referer) headers['referer'] ??= request.referer;
  if (request.forwarded_for) headers['x-forwarded-for'] ??= request.forwarded_for;
  if (request.request_id) headers['x-request-id'] ??= request.request_id;
  return listOf(headers);
}

function listOf(headers: Readonly<Record<string, string>>): Headers {
  return Object.entries(headers)
    .filter(([name, value]) => name !== 'connection' || isUpgrade(value))
    .map(([key, value]) => ({ key: canonical(key), value }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** Whether the connection goes on is no matter of the message, and data planes tell it of different messages. */
function isUpgrade(connection: string): boolean {
  return connection.toLowerCase().includes('upgrade');
}

const canonicalNames = new Map<string, string>();
const mostNames = 1000;

/** Header names as Go's `http.CanonicalHeaderKey` writes them, which is how Hubble prints them. */
function canonical(name: string): string {
  const known = canonicalNames.get(name);
  if (known !== undefined) return known;
  const written = name.toLowerCase().replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
  if (canonicalNames.size < mostNames) canonicalNames.set(name, written);
  return written;
}

/** A Timestamp, or a Duration, which has the same form. */
function nanoseconds(time: WireTimestamp | null | undefined): bigint {
  return time ? timestampNs(time) : 0n;
}
