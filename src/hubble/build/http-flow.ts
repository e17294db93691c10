import {
  type Flow,
  FlowType,
  type HttpEvent,
  type HttpHeader,
  IpVersion,
  L7FlowType,
  type Layer7,
  MessageType,
  type ProxiedRequest,
  toTimestamp,
  Verdict,
} from '../../model/flow/index.ts';
import { parseTraceParent } from '../telemetry/trace-parent.ts';
import { directionNumber, type FlowLookups, lookUpSide, policyFields, type Side, sideFields } from './lookups.ts';
import { type Redaction, redactHeaders, redactUrl } from './redact.ts';

/** The request's flow and, where an answer was sent on, the response's. A denied request has the first alone. */
export function httpFlows(event: HttpEvent, lookups: FlowLookups, uuid: () => string, redaction: Redaction): Flow[] {
  const { egress, ingress } = event.verdicts;
  const denied = egress?.denied === true || ingress?.denied === true;
  const url = redactUrl(event.url, redaction);
  const headers = redactHeaders(event.requestHeaders, redaction);
  const http = { method: event.method, url, protocol: event.protocol };
  const proxied = proxiedRequest(event, redaction);
  const source = lookUpSide(lookups, event.source, event.destination);
  const destination = destinationSide(event, lookups);
  const request: Flow = {
    ...commonFields(event, lookups, { source, destination, reply: false }),
    time: toTimestamp(event.startNs),
    uuid: uuid(),
    verdict: denied ? Verdict.DROPPED : Verdict.FORWARDED,
    l7: layer7(L7FlowType.REQUEST, { http: { ...http, headers } }),
    Summary: `${event.protocol} ${event.method} ${url}`,
    proxied,
  };
  if (denied || event.status === 0) return [request];
  const milliseconds = event.latencyNs / 1_000_000n;
  const response: Flow = {
    ...commonFields(event, lookups, { source: destination, destination: source, reply: true }),
    time: toTimestamp(event.startNs + event.latencyNs),
    uuid: uuid(),
    verdict: Verdict.FORWARDED,
    l7: layer7(L7FlowType.RESPONSE, {
      latency_ns: Number(event.latencyNs),
      http: { code: event.status, ...http, headers: responseHeaders(event, redaction) },
    }),
    Summary: `${event.protocol} ${event.status} ${milliseconds}ms (${event.method} ${url})`,
    proxied,
  };
  return [request, response];
}

function proxiedRequest({ way }: HttpEvent, redaction: Redaction): ProxiedRequest {
  const { listener, route, cluster, originalPath } = way;
  return {
    listener,
    ...(route !== undefined && { route }),
    ...(cluster !== undefined && { cluster }),
    ...(originalPath !== undefined && { original_path: redactUrl(originalPath, redaction) }),
  };
}

function layer7(type: number, rest: Layer7): Layer7 {
  return { type, ...rest };
}

/** The chosen backend under the Service that the client asked for. */
function destinationSide(event: HttpEvent, lookups: FlowLookups): Side {
  const chosen = lookUpSide(lookups, event.destination, event.source);
  const asked = event.frontend && lookups.service(event.frontend.address, event.frontend.port);
  return asked ? { ...chosen, service: asked } : chosen;
}

interface Ends {
  readonly source: Side;
  readonly destination: Side;
  readonly reply: boolean;
}

function commonFields(event: HttpEvent, lookups: FlowLookups, { source, destination, reply }: Ends): Flow {
  const [from, to] = reply ? [event.destination, event.source] : [event.source, event.destination];
  const traceId = traceIdOf(event.requestHeaders);
  const ends = { from: event.source, to: event.destination, protocol: 'tcp' } as const;
  return {
    IP: {
      source: from.address,
      destination: to.address,
      ipVersion: from.address.includes(':') ? IpVersion.IPv6 : IpVersion.IPv4,
    },
    l4: { TCP: { source_port: from.port, destination_port: to.port } },
    ...sideFields(source, destination),
    Type: FlowType.L7,
    node_name: lookups.nodeName,
    ...(reply && { reply: true }),
    event_type: { type: MessageType.L7 },
    traffic_direction: directionNumber(event.direction),
    is_reply: { value: reply },
    ...(traceId !== undefined && { trace_context: { parent: { trace_id: traceId } } }),
    ...(event.verdicts.egress && policyFields(lookups, 'egress', { ...event.verdicts.egress, ...ends })),
    ...(event.verdicts.ingress && policyFields(lookups, 'ingress', { ...event.verdicts.ingress, ...ends })),
  };
}

/** With the identifier of the request, as Cilium has it there, too. */
function responseHeaders(event: HttpEvent, redaction: Redaction): HttpHeader[] {
  const own = event.responseHeaders.filter((header) => !isRequestId(header));
  const all = [...event.requestHeaders.filter(isRequestId), ...own];
  return redactHeaders(all, redaction).sort((a, b) => ((a.key ?? '') < (b.key ?? '') ? -1 : 1));
}

function isRequestId({ key }: HttpHeader): boolean {
  return key?.toLowerCase() === 'x-request-id';
}

function traceIdOf(headers: readonly HttpHeader[]): string | undefined {
  const header = headers.find(({ key }) => key?.toLowerCase() === 'traceparent');
  return parseTraceParent(header?.value)?.traceId;
}
