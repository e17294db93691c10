import {
  type Endpoint,
  enumName,
  type Flow,
  type FlowPolicy,
  L7FlowType,
  MessageType,
  type NamespacedService,
  TrafficDirection,
  toBigint,
  Verdict,
} from '../../model/flow/index.ts';
import { dropReasonText } from '../names/drop-reasons.ts';
import { matchTypeText, sockPointText, tracePoints } from '../names/event-types.ts';
import { reservedIdentityName } from '../names/identities.ts';
import { type Colourer, terminalSafe } from './colour.ts';

/** One end of a flow as printed: names or address, and the port in place. */
export interface HostTexts {
  readonly source: string;
  readonly destination: string;
}

/** Source and destination as `ns/pod:port`, `ns/service:port`, `name,name:port` or `address:port`; MACs without IP layer. */
export function hostTexts(flow: Flow, ipTranslation: boolean, colours: Colourer): HostTexts {
  if (!flow.IP) {
    const { source = '', destination = '' } = flow.ethernet ?? {};
    return { source: colours.host(terminalSafe(source)), destination: colours.host(terminalSafe(destination)) };
  }
  const ports = flow.l4?.TCP ?? flow.l4?.UDP ?? flow.l4?.SCTP;
  const text = (
    ip: string | undefined,
    endpoint: Endpoint | null | undefined,
    service: NamespacedService | null | undefined,
    names: readonly string[] | undefined,
    port: number | undefined,
  ): string => {
    const host = ipTranslation ? hostName(ip ?? '', endpoint, service, names ?? []) : (ip ?? '');
    return withPort(terminalSafe(host), port ?? 0, colours);
  };
  return {
    source: text(flow.IP.source, flow.source, flow.source_service, flow.source_names, ports?.source_port),
    destination: text(
      flow.IP.destination,
      flow.destination,
      flow.destination_service,
      flow.destination_names,
      ports?.destination_port,
    ),
  };
}

function hostName(
  ip: string,
  endpoint: Endpoint | null | undefined,
  service: NamespacedService | null | undefined,
  names: readonly string[],
): string {
  const namespace = service?.namespace || endpoint?.namespace || '';
  const name = endpoint?.pod_name || service?.name || '';
  if (name !== '') return namespace === '' ? name : `${namespace}/${name}`;
  return names.length > 0 ? names.join(',') : ip;
}

function withPort(host: string, port: number, colours: Colourer): string {
  if (port === 0) return colours.host(host);
  const bracketed = host.includes(':') || host.includes('%') ? `[${host}]` : host;
  return colours.host(`${bracketed}:${colours.port(String(port))}`);
}

/** `(world)` or `(ID:1234)`. */
export function identityText(endpoint: Endpoint | null | undefined, colours: Colourer): string {
  const identity = endpoint?.identity ?? 0;
  return colours.identity(`(${reservedIdentityName(identity) ?? `ID:${identity}`})`);
}

/** What kind of event the flow is, for instance `to-endpoint`, `http-request`, `Policy denied`. */
export function typeText(flow: Flow): string {
  if (flow.l7) return layer7TypeText(flow);
  const type = flow.event_type?.type ?? 0;
  const subType = flow.event_type?.sub_type ?? 0;
  switch (type) {
    case MessageType.TRACE:
      return tracePoints[subType] ?? String(subType);
    case MessageType.DROP:
      return dropReasonText(subType);
    case MessageType.POLICY_VERDICT:
      return `policy-verdict:${matchTypeText(flow.policy_match_type ?? 0)} ${directionName(flow)}`;
    case MessageType.CAPTURE:
      return enumName('flow.DebugCapturePoint', flow.debug_capture_point ?? 0) ?? String(flow.debug_capture_point);
    case MessageType.TRACE_SOCK:
      return sockPointText(flow.sock_xlate_point ?? 0);
    default:
      return 'UNKNOWN';
  }
}

const layer7Words: Readonly<Record<number, string>> = {
  [L7FlowType.REQUEST]: 'request',
  [L7FlowType.RESPONSE]: 'response',
  [L7FlowType.SAMPLE]: 'sample',
};

function layer7TypeText({ l7 }: Flow): string {
  const word = layer7Words[l7?.type ?? 0] ?? 'unknown';
  if (l7?.http) return `http-${word}`;
  return l7?.dns ? `dns-${word} ${terminalSafe(l7.dns.observation_source ?? '')}` : `l7-${word}`;
}

function directionName(flow: Flow): string {
  return enumName('flow.TrafficDirection', flow.traffic_direction ?? 0) ?? String(flow.traffic_direction);
}

/** The verdict's name, in words of a judgement for policy verdicts, with the deciding policies when asked. */
export function verdictText(flow: Flow, policyNames: boolean, colours: Colourer): string {
  const verdict = flow.verdict ?? 0;
  const name = enumName('flow.Verdict', verdict) ?? String(verdict);
  if (flow.event_type?.type !== MessageType.POLICY_VERDICT) return colours.verdict(name, name);
  const word = judgement(verdict, name);
  const by = policyNames ? decidingPolicies(flow, verdict) : '';
  return colours.verdict(word, `${word}${by}`);
}

function judgement(verdict: number, name: string): string {
  switch (verdict) {
    case Verdict.FORWARDED:
    case Verdict.REDIRECTED:
      return 'ALLOWED';
    case Verdict.DROPPED:
    case Verdict.ERROR:
      return 'DENIED';
    case Verdict.AUDIT:
      return 'AUDITED';
    default:
      return name;
  }
}

function decidingPolicies(flow: Flow, verdict: number): string {
  const allowed = verdict === Verdict.FORWARDED || verdict === Verdict.REDIRECTED;
  const egress = flow.traffic_direction === TrafficDirection.EGRESS;
  const policies: readonly FlowPolicy[] =
    (egress
      ? allowed
        ? flow.egress_allowed_by
        : flow.egress_denied_by
      : allowed
        ? flow.ingress_allowed_by
        : flow.ingress_denied_by) ?? [];
  const named = policies.filter(({ name, kind }) => name && kind).map(({ name, kind }) => `${name} (${kind})`);
  return named.length === 0 ? '' : ` BY ${terminalSafe(named.join(', '))}`;
}

/** The summary with trace id and authentication around it. */
export function summaryText(flow: Flow, colours: Colourer): string {
  const traceId = toBigint(flow.ip_trace_id?.trace_id);
  const prefix = traceId === 0n ? '' : `IP Trace ID: ${traceId}; `;
  const auth = flow.auth_type ?? 0;
  const authName = enumName('flow.AuthType', auth) ?? String(auth);
  const suffix = auth === 0 ? '' : `; Auth: ${colours.auth(authName, authName)}`;
  return `${prefix}${terminalSafe(flow.Summary ?? '')}${suffix}`;
}
