import { enumName, type Flow, TrafficDirection, timestampNs, Verdict } from '../../model/flow/index.ts';
import { noColours } from '../printer/colour.ts';
import { hostTexts, summaryText, typeText, verdictText } from '../printer/flow-text.ts';
import {
  type Attributes,
  deniedBy,
  networkType,
  policyNames,
  sideAttributes,
  type Workload,
  workloadOf,
} from './attributes.ts';
import { parseTraceParent, type TraceParent } from './trace-parent.ts';
import { urlAttributes, withoutSignatures } from './url.ts';

/** A flow as a log record. */
export interface FlowRecord {
  readonly workload: Workload;
  readonly timeNs: bigint;
  readonly severity: 'INFO' | 'WARN' | 'ERROR';
  /** One line for people, as `hubble observe` prints it without time and identities. */
  readonly body: string;
  /** The span that asked, of an HTTP request that named one. */
  readonly parent: TraceParent | undefined;
  readonly attributes: Attributes;
}

/** The record of one flow: who asked whom, what became of it, and by which policies. */
export function flowRecord(flow: Flow): FlowRecord {
  const l7 = flow.l7;
  const transport = Object.entries(flow.l4 ?? {}).find(([, fields]) => fields)?.[0];
  const direction = flow.traffic_direction ? enumName('flow.TrafficDirection', flow.traffic_direction) : undefined;
  const reason = flow.drop_reason_desc ? enumName('flow.DropReason', flow.drop_reason_desc) : undefined;
  const allowedBy = policyNames([...(flow.egress_allowed_by ?? []), ...(flow.ingress_allowed_by ?? [])]);
  const refusedBy = deniedBy(flow);
  return {
    workload: workloadOf(isSeenAtDestination(flow) ? flow.destination : flow.source),
    timeNs: flow.time ? timestampNs(flow.time) : 0n,
    severity: severityOf(flow),
    body: bodyOf(flow),
    parent: parseTraceParent(l7?.http?.headers?.find(({ key }) => key?.toLowerCase() === 'traceparent')?.value),
    attributes: {
      'cilium.flow.uuid': flow.uuid ?? '',
      'cilium.flow.type': typeText(flow).trim(),
      'cilium.verdict': enumName('flow.Verdict', flow.verdict ?? 0) ?? String(flow.verdict),
      ...(direction !== undefined && { 'cilium.traffic_direction': direction.toLowerCase() }),
      ...(flow.is_reply && { 'cilium.is_reply': flow.is_reply.value ? 'true' : 'false' }),
      ...(reason !== undefined && { 'cilium.drop_reason': reason }),
      ...(allowedBy.length > 0 && { 'cilium.policy.allowed_by': allowedBy }),
      ...(refusedBy.length > 0 && { 'cilium.policy.denied_by': refusedBy }),
      ...(transport !== undefined && { 'network.transport': transport.toLowerCase() }),
      ...networkType(flow),
      ...sideAttributes(flow, 'source'),
      ...sideAttributes(flow, 'destination'),
      ...layer7Attributes(flow),
    },
  };
}

/** An answer that is of ingress was sent by the endpoint that was asked. */
function isSeenAtDestination(flow: Flow): boolean {
  return (flow.traffic_direction === TrafficDirection.INGRESS) !== (flow.is_reply?.value === true);
}

function severityOf({ verdict }: Flow): FlowRecord['severity'] {
  if (verdict === Verdict.ERROR) return 'ERROR';
  return verdict === Verdict.DROPPED || verdict === Verdict.AUDIT ? 'WARN' : 'INFO';
}

function bodyOf(flow: Flow): string {
  const { source, destination } = hostTexts(flow, true, noColours);
  const [from, to] = flow.is_reply?.value ? [destination, source] : [source, destination];
  const arrow = !flow.is_reply ? '<>' : flow.is_reply.value ? '<-' : '->';
  const what = [from, arrow, to, typeText(flow), verdictText(flow, false, noColours)].join(' ');
  return `${what} (${withoutSignatures(summaryText(flow, noColours))})`;
}

function layer7Attributes({ l7 }: Flow): Attributes {
  const { http, dns } = l7 ?? {};
  return {
    ...(http?.method && { 'http.request.method': http.method }),
    ...(http?.url && { 'url.full': urlAttributes(http.url)['url.full'] ?? '' }),
    ...(http?.code && { 'http.response.status_code': http.code }),
    ...(dns?.query && { 'dns.question.name': dns.query }),
  };
}
