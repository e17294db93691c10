import {
  type Flow,
  FlowType,
  IpVersion,
  L7FlowType,
  MessageType,
  type TlsEvent,
  toTimestamp,
  Verdict,
} from '../../model/flow/index.ts';
import { directionNumber, type FlowLookups, lookUpSide, policyFields, sideFields } from './lookups.ts';

/**
 * The flow of a connection that was refused for its server name. As for other records of Cilium's proxy that are neither HTTP nor DNS, the
 * Layer-7 part has a type only, which prints as `l7-request`.
 */
export function tlsFlow(event: TlsEvent, lookups: FlowLookups, uuid: string): Flow {
  const { source, destination, serverName } = event;
  return {
    time: toTimestamp(event.startNs),
    uuid,
    verdict: Verdict.DROPPED,
    IP: {
      source: source.address,
      destination: destination.address,
      ipVersion: source.address.includes(':') ? IpVersion.IPv6 : IpVersion.IPv4,
    },
    l4: { TCP: { source_port: source.port, destination_port: destination.port } },
    ...sideFields(lookUpSide(lookups, source, destination), lookUpSide(lookups, destination, source)),
    Type: FlowType.L7,
    node_name: lookups.nodeName,
    l7: { type: L7FlowType.REQUEST },
    event_type: { type: MessageType.L7 },
    traffic_direction: directionNumber(event.direction),
    is_reply: { value: false },
    ...policyFields(lookups, event.direction, {
      denied: true,
      rules: [],
      from: source,
      to: destination,
      protocol: 'tcp',
    }),
    Summary: serverName === '' ? 'TLS without a server name' : `TLS server name ${serverName}`,
  };
}
