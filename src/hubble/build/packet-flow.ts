import {
  type Flow,
  FlowType,
  type Layer4,
  MessageType,
  type PacketEvent,
  TraceReason,
  toTimestamp,
  Verdict,
} from '../../model/flow/index.ts';
import { tracePoints } from '../names/event-types.ts';
import { directionNumber, type FlowLookups, lookUpSide, policyFields, sideFields } from './lookups.ts';
import { parsePacket } from './packet.ts';

const toEndpoint = 101;
const policyDenied = 133;

const traceReasons = {
  new: TraceReason.NEW,
  established: TraceReason.ESTABLISHED,
  related: TraceReason.RELATED,
  reply: TraceReason.REPLY,
} as const;

const policyVerdicts = {
  allowed: Verdict.FORWARDED,
  denied: Verdict.DROPPED,
  redirected: Verdict.REDIRECTED,
  audited: Verdict.AUDIT,
} as const;

/** Parts of many flows, which share them: a flow is never changed, and a full ring holds thousands. */
const isReply: Partial<Flow> = { is_reply: { value: true }, reply: true };
const isNoReply: Partial<Flow> = { is_reply: { value: false } };
const traceTypes = tracePoints.map((_, subType) => ({
  type: MessageType.TRACE,
  ...(subType > 0 && { sub_type: subType }),
}));

/** The flow of one packet; none when the packet has no IP header. */
export function packetFlow(event: PacketEvent, lookups: FlowLookups, uuid: string): Flow | undefined {
  const packet = parsePacket(event.packet);
  if (!packet) return undefined;
  const source = { address: packet.ip.source ?? '', port: packet.sourcePort };
  const destination = { address: packet.ip.destination ?? '', port: packet.destinationPort };
  return {
    time: toTimestamp(event.timeNs),
    uuid,
    ...(event.sourceMac !== undefined && { ethernet: { source: event.sourceMac } }),
    IP: packet.ip,
    ...(packet.l4 && { l4: packet.l4 }),
    ...sideFields(lookUpSide(lookups, source, destination), lookUpSide(lookups, destination, source)),
    Type: FlowType.L3_L4,
    node_name: lookups.nodeName,
    ...(event.interfaceName !== undefined && { interface: { name: event.interfaceName } }),
    ...(event.proxyPort !== undefined && { proxy_port: event.proxyPort }),
    ...kindFields(event, lookups, { from: source, to: destination, protocol: protocolOf(packet.l4) }),
    Summary: packet.summary,
  };
}

type Ends = Pick<Parameters<typeof policyFields>[2], 'from' | 'to' | 'protocol'>;

function protocolOf(l4: Layer4 | undefined): Ends['protocol'] {
  if (l4?.TCP) return 'tcp';
  if (l4?.UDP) return 'udp';
  if (l4?.SCTP) return 'sctp';
  return l4?.ICMPv4 ? 'icmp' : undefined;
}

function kindFields(event: PacketEvent, lookups: FlowLookups, ends: Ends): Partial<Flow> {
  switch (event.kind) {
    case 'trace':
      return traceFields(event);
    case 'drop':
      return dropFields(event, lookups, ends);
    case 'policy-verdict':
      return policyVerdictFields(event, lookups, ends);
  }
}

/** The direction of a trace is that of its connection: an answer that an endpoint sends belongs to ingress. */
function traceFields(event: PacketEvent): Partial<Flow> {
  const subType = Math.max(0, tracePoints.indexOf(event.point ?? 'to-endpoint'));
  const reason = event.connection ?? (event.reply ? 'reply' : undefined);
  const direction = event.reply && event.direction ? opposite(event.direction) : event.direction;
  return {
    verdict: Verdict.FORWARDED,
    event_type: traceTypes[subType] ?? { type: MessageType.TRACE },
    trace_observation_point: subType === 0 ? toEndpoint : subType,
    ...(reason && { trace_reason: traceReasons[reason] }),
    ...(direction && { traffic_direction: directionNumber(direction) }),
    ...(event.reply !== undefined && (event.reply ? isReply : isNoReply)),
  };
}

function opposite(direction: 'ingress' | 'egress'): 'ingress' | 'egress' {
  return direction === 'egress' ? 'ingress' : 'egress';
}

function dropFields(event: PacketEvent, lookups: FlowLookups, ends: Ends): Partial<Flow> {
  const reason = event.dropReason ?? policyDenied;
  return {
    verdict: Verdict.DROPPED,
    drop_reason: reason,
    drop_reason_desc: reason,
    event_type: { type: MessageType.DROP, sub_type: reason },
    ...(event.direction && {
      traffic_direction: directionNumber(event.direction),
      ...policyFields(lookups, event.direction, { denied: true, rules: event.rules ?? [], ...ends }),
    }),
  };
}

function policyVerdictFields(event: PacketEvent, lookups: FlowLookups, ends: Ends): Partial<Flow> {
  const verdict = event.verdict ?? 'denied';
  const denied = verdict === 'denied';
  const reason = event.dropReason ?? policyDenied;
  return {
    verdict: policyVerdicts[verdict],
    ...(denied ? { drop_reason: reason, drop_reason_desc: reason } : { is_reply: { value: false } }),
    event_type: { type: MessageType.POLICY_VERDICT },
    ...(event.matchType !== undefined && { policy_match_type: event.matchType }),
    ...(event.direction && {
      traffic_direction: directionNumber(event.direction),
      ...policyFields(lookups, event.direction, {
        denied: denied || verdict === 'audited',
        rules: event.rules ?? [],
        ...ends,
      }),
    }),
  };
}
