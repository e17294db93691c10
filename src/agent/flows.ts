import { randomUUID } from 'node:crypto';
import {
  buildFlow,
  createObserver,
  type FlowLookups,
  fullRedaction,
  type Observer,
  type Redaction,
} from '../hubble/index.ts';
import {
  AgentEventType,
  type DnsEvent,
  type Flow,
  type HttpEvent,
  LostEventSource,
  type PacketEvent,
  type TlsEvent,
  toTimestamp,
} from '../model/flow/index.ts';
import type { HubbleMetrics } from './hubble-metrics.ts';

export interface FlowSink {
  readonly observer: Observer;
  /** Turns an event into flows with what is known now. Events before the first look-ups are dropped and counted as lost. */
  push(event: FlowEvent): void;
  lost(count: number): void;
  use(lookups: FlowLookups): void;
  /** What is kept out of flows from now on; all that can be before the first call. */
  redact(redaction: Redaction): void;
  /** Hands each event and its flows to another one, too; to nobody without. It must be quick and not throw. */
  tap(listener: FlowListener | undefined): void;
}

export type FlowEvent = PacketEvent | HttpEvent | DnsEvent | TlsEvent;
export type FlowListener = (event: FlowEvent, flows: readonly Flow[]) => void;

export interface FlowSinkOptions {
  /** `cluster/node`. */
  readonly nodeName: string;
  readonly version: string;
  readonly metrics: Pick<HubbleMetrics, 'observe' | 'lost'>;
}

/** Nanoseconds since the epoch; as fine as the platform's clock. */
function nowNs(): bigint {
  return BigInt(Math.round((performance.timeOrigin + performance.now()) * 1_000)) * 1_000n;
}

/** Followers hear of loss at most so often, as `hubble-lost-event-send-interval` has it. */
const lostIntervalMs = 1_000;

/** The node's observer and the way of events into it. */
export function createFlowSink({ nodeName, version, metrics }: FlowSinkOptions): FlowSink {
  const observer = createObserver({ nodeName, version, now: nowNs });
  observer.pushAgentEvent({ type: AgentEventType.AGENT_STARTED, agent_start: { time: toTimestamp(nowNs()) } });
  let current: FlowLookups | undefined;
  let redaction = fullRedaction;
  let listener: FlowListener | undefined;
  const tellLost = collectLoss((count, firstNs, lastNs) => {
    const span = count > 1 ? { first: toTimestamp(firstNs), last: toTimestamp(lastNs) } : {};
    observer.pushLost({ source: LostEventSource.OBSERVER_EVENTS_QUEUE, num_events_lost: count, ...span });
  });
  const lost = (count: number): void => {
    tellLost(count);
    metrics.lost(count);
  };
  return {
    observer,
    push: (event) => {
      if (!current) return lost(1);
      const flows = buildFlow(event, current, randomUUID, redaction);
      for (const flow of flows) {
        observer.push(flow);
        metrics.observe(flow);
      }
      listener?.(event, flows);
    },
    lost,
    use: (lookups) => {
      current = lookups;
    },
    redact: (next) => {
      redaction = next;
    },
    tap: (next) => {
      listener = next;
    },
  };
}

/** Tells the first loss at once and what follows within the interval together at its end, so that loss does not crowd flows out of the ring. */
function collectLoss(tell: (count: number, firstNs: bigint, lastNs: bigint) => void): (count: number) => void {
  let untold = 0;
  let firstNs = 0n;
  let lastNs = 0n;
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    timer = undefined;
    if (untold === 0) return;
    tell(untold, firstNs, lastNs);
    untold = 0;
    timer = setTimeout(flush, lostIntervalMs).unref();
  };
  return (count) => {
    if (count === 0) return;
    lastNs = nowNs();
    if (untold === 0) firstNs = lastNs;
    untold += count;
    if (!timer) flush();
  };
}
