import {
  type DnsEvent,
  type Flow,
  type FlowDns,
  FlowType,
  IpVersion,
  L7FlowType,
  MessageType,
  toTimestamp,
  Verdict,
} from '../../model/flow/index.ts';
import { directionNumber, type FlowLookups, lookUpSide, policyFields, sideFields } from './lookups.ts';

const rcodes: Readonly<Record<number, string>> = {
  0: 'No Error',
  1: 'Format Error',
  2: 'Server Failure',
  3: 'Non-Existent Domain',
  4: 'Not Implemented',
  5: 'Query Refused',
  6: 'Name Exists when it should not',
  7: 'RR Set Exists when it should not',
  8: 'RR Set that should exist does not',
  9: 'Server Not Authoritative for zone',
  10: 'Name not contained in zone',
};

/** TTL that Hubble shows for an answer without records. */
const noTtl = 4_294_967_295;

/** The flow of one DNS question or answer that passed the proxy. */
export function dnsFlow(event: DnsEvent, lookups: FlowLookups, uuid: string): Flow {
  const reply = event.type === 'response';
  const [from, to] = reply ? [event.server, event.client] : [event.client, event.server];
  const dns = dnsRecord(event);
  return {
    time: toTimestamp(event.timeNs),
    uuid,
    verdict: event.denied ? Verdict.DROPPED : Verdict.FORWARDED,
    IP: {
      source: from.address,
      destination: to.address,
      ipVersion: from.address.includes(':') ? IpVersion.IPv6 : IpVersion.IPv4,
    },
    l4: {
      [event.transport === 'tcp' ? 'TCP' : 'UDP']: { source_port: from.port, destination_port: to.port },
    },
    ...sideFields(lookUpSide(lookups, from, to), lookUpSide(lookups, to, from)),
    Type: FlowType.L7,
    node_name: lookups.nodeName,
    l7: {
      type: reply ? L7FlowType.RESPONSE : L7FlowType.REQUEST,
      ...(reply && event.latencyNs !== undefined && { latency_ns: Number(event.latencyNs) }),
      dns,
    },
    ...(reply && { reply: true }),
    event_type: { type: MessageType.L7 },
    traffic_direction: directionNumber('egress'),
    is_reply: { value: reply },
    ...policyFields(lookups, 'egress', {
      denied: event.denied,
      rules: event.rules,
      from: event.client,
      to: event.server,
      protocol: event.transport,
    }),
    Summary: dnsSummary(event, dns),
  };
}

function dnsRecord(event: DnsEvent): FlowDns {
  const answered = event.type === 'response';
  const ttl = answered ? (event.ttl ?? noTtl) : 0;
  return {
    query: event.query,
    ...(event.addresses && event.addresses.length > 0 && { ips: [...event.addresses] }),
    ...(ttl > 0 && { ttl }),
    ...(event.cnames && event.cnames.length > 0 && { cnames: [...event.cnames] }),
    observation_source: 'proxy',
    ...(answered && event.rcode && { rcode: event.rcode }),
    qtypes: [...event.queryTypes],
    ...(event.answerTypes && event.answerTypes.length > 0 && { rrtypes: [...event.answerTypes] }),
  };
}

function dnsSummary(event: DnsEvent, dns: FlowDns): string {
  const types = event.queryTypes.join(',');
  if (event.type === 'request') return `DNS Query ${event.query} ${types}`;
  return `DNS Answer ${answerText(dns)} TTL: ${dns.ttl ?? 0} (Proxy ${event.query} ${types})`;
}

function answerText({ rcode = 0, ips = [], cnames = [] }: FlowDns): string {
  if (rcode !== 0) return `RCode: ${rcodes[rcode] ?? rcode}`;
  const parts = [
    ...(ips.length > 0 ? [`"${ips.join(',')}"`] : []),
    ...(cnames.length > 0 ? [`CNAMEs: "${cnames.join(',')}"`] : []),
  ];
  return parts.join(' ');
}
