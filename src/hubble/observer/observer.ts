import { assert, type Result } from '../../base/index.ts';
import {
  type AgentEvent,
  type Flow,
  type GetAgentEventsRequest,
  type GetAgentEventsResponse,
  type GetFlowsRequest,
  type GetNamespacesResponse,
  type LostEvent,
  type ServerStatusResponse,
  toTimestamp,
} from '../../model/flow/index.ts';
import { type ExportReader, type ExportSelection, openExport } from '../exporter/events.ts';
import { createNamespaceLog } from './namespaces.ts';
import { type EventReader, type FlowMessage, openFlowReader, openReader } from './reader.ts';
import type { RpcError } from './rpc-error.ts';
import { createEventStore, type EventStore } from './store.ts';

export interface ObserverOptions {
  /** `node` or `cluster/node`. */
  readonly nodeName: string;
  readonly version: string;
  /** Entries of the ring; default 4095 as `hubble-event-buffer-capacity`. */
  readonly capacity?: number;
  /** Nanoseconds since the epoch. */
  readonly now: () => bigint;
}

/** A node's flows: pushed by the agent, read by any number of streams. */
export interface Observer {
  readonly nodeName: string;
  readonly push: (flow: Flow) => void;
  readonly pushAgentEvent: (event: AgentEvent) => void;
  /** Tells every reader that events were lost before they reached the ring. */
  readonly pushLost: (lost: LostEvent) => void;
  readonly getFlows: (request: GetFlowsRequest) => Result<EventReader<FlowMessage>, RpcError>;
  readonly getAgentEvents: (request: GetAgentEventsRequest) => Result<EventReader<GetAgentEventsResponse>, RpcError>;
  /** Lines of what happens from now on; the error says which filter or mask cannot be used. */
  readonly exportLines: (selection: ExportSelection) => Result<ExportReader, string>;
  /** Nothing here makes debug events, so the stream ends at once, or waits when it follows. */
  readonly getDebugEvents: (request: GetAgentEventsRequest) => Result<EventReader<object>, RpcError>;
  readonly status: () => ServerStatusResponse;
  readonly namespaces: () => GetNamespacesResponse;
}

const defaultCapacity = 4095;

/** A new observer with an empty ring. Its memory is bounded by the ring's capacity and the number of streams. */
export function createObserver(options: ObserverOptions): Observer {
  const { nodeName, version, now, capacity = defaultCapacity } = options;
  assert(capacity > 0 && capacity <= 65535, 'ring capacity is between 1 and 65535');
  const store = createEventStore(capacity);
  const surroundings = { store, nodeName, now };
  const namespaces = createNamespaceLog();
  const startedNs = now();
  return {
    nodeName,
    push(flow) {
      const nowNs = now();
      const nowSeconds = secondsOf(nowNs);
      store.pushFlow(flow, nowNs);
      namespaces.see(flow.source, nowSeconds);
      namespaces.see(flow.destination, nowSeconds);
    },
    pushAgentEvent: (event) => store.push({ kind: 'agent-event', timeNs: now(), event }),
    pushLost: (lost) => store.push({ kind: 'lost', timeNs: now(), lost }),
    getFlows: (request) => openFlowReader(request, surroundings),
    getAgentEvents: (request) =>
      openReader(request, surroundings, {
        wanted: (entry) => entry.kind === 'agent-event',
        message: (entry): GetAgentEventsResponse => ({
          ...(entry.kind === 'agent-event' && { agent_event: entry.event }),
          node_name: nodeName,
          time: toTimestamp(entry.timeNs),
        }),
      }),
    getDebugEvents: (request) => openReader(request, surroundings, { wanted: () => false, message: () => ({}) }),
    exportLines: (selection) => openExport(selection, surroundings),
    status: () => ({
      num_flows: store.ring.size,
      max_flows: capacity,
      seen_flows: store.seenFlows(),
      uptime_ns: Number(now() - startedNs),
      version,
      flows_rate: flowsRate(store, now()),
    }),
    namespaces: () => ({ namespaces: namespaces.list(secondsOf(now())) }),
  };
}

function secondsOf(ns: bigint): number {
  return Math.floor(Number(ns) / 1e9);
}

const minuteNs = 60_000_000_000n;

/** Flows a second over the last minute, or over what the ring spans of it. */
function flowsRate({ ring }: EventStore, nowNs: bigint): number {
  let count = 0;
  let oldestNs = nowNs;
  for (let sequence = ring.nextSequence - 1; sequence >= ring.oldestSequence; sequence--) {
    const entry = ring.at(sequence);
    if (entry?.kind !== 'flow') continue;
    if (nowNs - entry.timeNs > minuteNs) return count / 60;
    if (entry.timeNs < oldestNs) oldestNs = entry.timeNs;
    count++;
  }
  const spanNs = nowNs - oldestNs;
  return spanNs <= 0n ? 0 : count / (Number(spanNs) / 1e9);
}
