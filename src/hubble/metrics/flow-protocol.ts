import { type Flow, MessageType } from '../../model/flow/index.ts';

const packetTypes: ReadonlySet<number> = new Set([
  MessageType.DROP,
  MessageType.TRACE,
  MessageType.POLICY_VERDICT,
  MessageType.CAPTURE,
]);
const transports = ['TCP', 'UDP', 'ICMPv4', 'ICMPv6', 'SCTP', 'VRRP', 'IGMP'] as const;

/** The protocol that describes a flow best (`FlowProtocol` of `pkg/hubble/api/v1`). */
export function flowProtocol({ event_type: event, l4, l7 }: Flow): string {
  const type = event?.type ?? 0;
  if (type === MessageType.L7) return l7?.dns ? 'DNS' : l7?.http ? 'HTTP' : l7?.kafka ? 'Kafka' : 'Unknown L7';
  if (!packetTypes.has(type)) return 'Unknown flow';
  return transports.find((name) => l4?.[name]) ?? 'Unknown L4';
}
