import { assert, Ring } from '../../base/index.ts';
import {
  type AgentEvent,
  decodeMessage,
  type EncodedMessage,
  type Flow,
  type GetFlowsResponse,
  type LostEvent,
  timestampNs,
} from '../../model/flow/index.ts';
import { encodeFlowResponse } from './encode.ts';

/** A flow as an object, as its response in protobuf, or both; see `flowOf` and `encodedResponse`. */
export interface FlowEntry {
  readonly kind: 'flow';
  readonly sequence: number;
  readonly timeNs: bigint;
  flow: Flow | undefined;
  encoded: EncodedMessage | undefined;
}

/** One thing that happened on the node, in the order in which it was told. */
export type Entry =
  | FlowEntry
  | { readonly kind: 'agent-event'; readonly timeNs: bigint; readonly event: AgentEvent }
  | { readonly kind: 'lost'; readonly timeNs: bigint; readonly lost: LostEvent };

/** The ring of a node's events and those who wait for the next one. */
export interface EventStore {
  readonly ring: Ring<Entry>;
  /** Flows ever pushed. */
  readonly seenFlows: () => number;
  readonly pushFlow: (flow: Flow, nowNs: bigint) => void;
  readonly push: (entry: Exclude<Entry, FlowEntry>) => void;
  /** The flow's response in protobuf, made once for all readers without a field mask. */
  readonly encodedResponse: (entry: FlowEntry) => EncodedMessage;
  /** Resolves after the next push, or at once when the signal is aborted. */
  readonly nextPush: (signal: AbortSignal) => Promise<void>;
}

/**
 * A ring of `capacity` entries. Waiters are woken together once per turn of the event loop, so that a burst of packets
 * costs each follower one wake-up.
 */
export function createEventStore(capacity: number): EventStore {
  const ring = new Ring<Entry>(capacity);
  const waiters = new Set<() => void>();
  let seen = 0;
  let turning = false;
  /** What came before the turn before: every follower that keeps up has had it. */
  let aged = 0;
  let pushedBefore = 0;
  const age = (): void => {
    for (; aged < pushedBefore; aged++) letGo(ring.at(aged));
    pushedBefore = ring.nextSequence;
  };
  const turn = (): void => {
    turning = false;
    age();
    const woken = [...waiters];
    waiters.clear();
    for (const resume of woken) resume();
  };
  const push = (entry: Entry): void => {
    ring.push(entry);
    if (turning) return;
    turning = true;
    setImmediate(turn);
  };
  return {
    ring,
    seenFlows: () => seen,
    push,
    pushFlow(flow, nowNs) {
      seen++;
      const sequence = ring.nextSequence;
      const timeNs = flow.time ? timestampNs(flow.time) : nowNs;
      push({ kind: 'flow', sequence, timeNs, flow, encoded: undefined });
    },
    encodedResponse(entry) {
      entry.encoded ??= encodeFlowResponse(flowOf(entry));
      if (entry.sequence < aged) letGo(entry);
      return entry.encoded;
    },
    nextPush: (signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const resume = (): void => {
          signal.removeEventListener('abort', stop);
          resolve();
        };
        const stop = (): void => {
          waiters.delete(resume);
          resolve();
        };
        waiters.add(resume);
        signal.addEventListener('abort', stop, { once: true });
      }),
  };
}

/**
 * Leaves the flow in protobuf alone, where it is that already. Objects that live as long as a full ring are what a garbage collector is worst at: each is
 * moved, then moved again, and dies.
 */
function letGo(entry: Entry | undefined): void {
  if (entry?.kind === 'flow' && entry.encoded) entry.flow = undefined;
}

/** The entry's flow, read from its protobuf where that is all that is left. */
export function flowOf({ flow, encoded }: FlowEntry): Flow {
  if (flow) return flow;
  assert(encoded, 'a flow is there as an object or in protobuf');
  return decodeMessage<GetFlowsResponse>('observer.GetFlowsResponse', encoded.bytes).flow ?? {};
}
