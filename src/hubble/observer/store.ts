import { Ring } from '../../base/index.ts';
import {
  type AgentEvent,
  type EncodedMessage,
  type Flow,
  type LostEvent,
  timestampNs,
} from '../../model/flow/index.ts';
import { encodeFlowResponse } from './encode.ts';

/** One thing that happened on the node, in the order in which it was told. */
export type Entry =
  | { readonly kind: 'flow'; readonly timeNs: bigint; readonly flow: Flow; encoded: EncodedMessage | undefined }
  | { readonly kind: 'agent-event'; readonly timeNs: bigint; readonly event: AgentEvent }
  | { readonly kind: 'lost'; readonly timeNs: bigint; readonly lost: LostEvent };

/** The ring of a node's events and those who wait for the next one. */
export interface EventStore {
  readonly ring: Ring<Entry>;
  /** Flows ever pushed. */
  readonly seenFlows: () => number;
  readonly pushFlow: (flow: Flow, nowNs: bigint) => void;
  readonly push: (entry: Entry) => void;
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
  let waking = false;
  const wake = (): void => {
    waking = false;
    const woken = [...waiters];
    waiters.clear();
    for (const resume of woken) resume();
  };
  const push = (entry: Entry): void => {
    ring.push(entry);
    if (waking || waiters.size === 0) return;
    waking = true;
    setImmediate(wake);
  };
  return {
    ring,
    seenFlows: () => seen,
    push,
    pushFlow(flow, nowNs) {
      seen++;
      push({ kind: 'flow', timeNs: flow.time ? timestampNs(flow.time) : nowNs, flow, encoded: undefined });
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

/** The flow's response in protobuf, made once for all readers without a field mask. */
export function encodedResponse(entry: Extract<Entry, { kind: 'flow' }>): EncodedMessage {
  entry.encoded ??= encodeFlowResponse(entry.flow);
  return entry.encoded;
}
