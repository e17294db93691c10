import type { DnsEvent, Flow, HttpEvent, PacketEvent, TlsEvent } from '../../model/flow/index.ts';
import { dnsFlow } from './dns-flow.ts';
import { httpFlows } from './http-flow.ts';
import type { FlowLookups } from './lookups.ts';
import { packetFlow } from './packet-flow.ts';
import { defaultRedaction, type Redaction } from './redact.ts';
import { tlsFlow } from './tls-flow.ts';

/**
 * The flows of one event, oldest first: one of a packet (none when it has no IP header), a DNS message or a refused connection, two of an HTTP
 * request that was answered. `uuid` is called once for each flow.
 */
export function buildFlow(
  event: PacketEvent | HttpEvent | DnsEvent | TlsEvent,
  lookups: FlowLookups,
  uuid: () => string,
  redaction: Redaction = defaultRedaction,
): Flow[] {
  switch (event.kind) {
    case 'http':
      return httpFlows(event, lookups, uuid, redaction);
    case 'dns':
      return [dnsFlow(event, lookups, uuid())];
    case 'tls':
      return [tlsFlow(event, lookups, uuid())];
    default: {
      const flow = packetFlow(event, lookups, uuid());
      return flow ? [flow] : [];
    }
  }
}
