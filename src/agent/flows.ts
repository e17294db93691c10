import { randomUUID } from 'node:crypto';
import { buildFlow, createObserver, type FlowLookups, type Observer } from '../hubble/index.ts';
import {
  type DnsEvent,
  type HttpEvent,
  LostEventSource,
  type PacketEvent,
  type TlsEvent,
} from '../model/flow/index.ts';

export interface FlowSink {
  readonly observer: Observer;
  /** Turns an event into flows with what is known now. Events before the first look-ups are dropped and counted as lost. */
  push(event: PacketEvent | HttpEvent | DnsEvent | TlsEvent): void;
  lost(count: number): void;
  use(lookups: FlowLookups): void;
}

/** Nanoseconds since the epoch; as fine as the platform's clock. */
function nowNs(): bigint {
  return BigInt(Math.round((performance.timeOrigin + performance.now()) * 1_000)) * 1_000n;
}

/** The node's observer and the way of events into it. */
export function createFlowSink(nodeName: string, version: string): FlowSink {
  const observer = createObserver({ nodeName, version, now: nowNs });
  let current: FlowLookups | undefined;
  const lost = (count: number): void => {
    observer.pushLost({ source: LostEventSource.OBSERVER_EVENTS_QUEUE, num_events_lost: count });
  };
  return {
    observer,
    push: (event) => {
      if (!current) return lost(1);
      for (const flow of buildFlow(event, current, randomUUID)) observer.push(flow);
    },
    lost,
    use: (lookups) => {
      current = lookups;
    },
  };
}
