import { type Flow, type HttpEvent, type HttpHeader, TrafficDirection, Verdict } from '../../model/flow/index.ts';
import {
  type Attributes,
  deniedBy,
  networkType,
  sideAttributes,
  textAttribute,
  type Workload,
  workloadOf,
} from './attributes.ts';
import { parseTraceParent, type TraceParent } from './trace-parent.ts';
import { urlAttributes } from './url.ts';

/** A proxied request as a span; identifiers of its own are given later. */
export interface RequestSpan {
  readonly workload: Workload;
  readonly name: string;
  /** Of the side at which the data plane saw the request. */
  readonly kind: 'client' | 'server';
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly parent: TraceParent | undefined;
  readonly attributes: Attributes;
  /** Why it is an error; undefined when it is none. */
  readonly error: string | undefined;
}

const knownMethods = new Set(['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE']);
const denied = 403;

/**
 * The span of an HTTP request from its event and the flow of the request, which has names, policies, and URL and headers as redacted. As the conventions for HTTP have it, a
 * client's span fails from 400 on and a server's from 500 on; a request that a policy refused fails on both and names the policies.
 */
export function requestSpan(event: HttpEvent, request: Flow): RequestSpan {
  const kind = request.traffic_direction === TrafficDirection.INGRESS ? 'server' : 'client';
  const isDenied = request.verdict === Verdict.DROPPED;
  const status = event.status || (isDenied ? denied : 0);
  const error = errorOf(request, kind, status);
  const method = knownMethods.has(event.method) ? event.method : 'HTTP';
  const headers = request.l7?.http?.headers ?? [];
  return {
    workload: workloadOf(kind === 'client' ? request.source : request.destination),
    name: method,
    kind,
    startNs: event.startNs,
    endNs: event.startNs + event.latencyNs,
    parent: parseTraceParent(headerOf(event.requestHeaders, 'traceparent')),
    attributes: {
      ...methodAttributes(event.method),
      ...urlAttributes(request.l7?.http?.url ?? ''),
      ...(status > 0 && { 'http.response.status_code': status }),
      ...(error !== undefined && { 'error.type': isDenied ? 'policy_denied' : String(status || '_OTHER') }),
      'network.protocol.name': 'http',
      'network.protocol.version': event.protocol.replace(/^HTTP\//, ''),
      'network.transport': 'tcp',
      ...networkType(request),
      'network.peer.address': kind === 'client' ? event.destination.address : event.source.address,
      'network.peer.port': kind === 'client' ? event.destination.port : event.source.port,
      'client.address': event.source.address,
      'client.port': event.source.port,
      ...textAttribute('user_agent.original', headerOf(headers, 'user-agent')),
      ...textAttribute('http.request.header.x-request-id', headerOf(headers, 'x-request-id')),
      ...sideAttributes(request, 'source'),
      ...sideAttributes(request, 'destination'),
      'cilium.verdict': isDenied ? 'DROPPED' : 'FORWARDED',
      ...(isDenied && { 'cilium.policy.denied_by': deniedBy(request) }),
    },
    error,
  };
}

function errorOf(request: Flow, kind: RequestSpan['kind'], status: number): string | undefined {
  if (request.verdict === Verdict.DROPPED) {
    const policies = deniedBy(request);
    return policies.length > 0 ? `denied by ${policies.join(', ')}` : 'denied: no policy allows it';
  }
  if (status === 0) return 'no response';
  return status >= (kind === 'client' ? 400 : 500) ? `HTTP ${status}` : undefined;
}

function methodAttributes(method: string): Attributes {
  if (knownMethods.has(method)) return { 'http.request.method': method };
  return { 'http.request.method': '_OTHER', ...textAttribute('http.request.method_original', method) };
}

function headerOf(headers: readonly HttpHeader[], name: string): string | undefined {
  return headers.find(({ key }) => key?.toLowerCase() === name)?.value;
}
