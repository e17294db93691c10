import type { ClientReadableStream, ServiceError } from '@grpc/grpc-js';
import {
  type GetAgentEventsRequest,
  type GetFlowsRequest,
  type GetFlowsResponse,
  NodeState,
  toNumber,
  toTimestamp,
} from '../../model/flow/index.ts';
import type { EventReader, FlowMessage } from '../observer/reader.ts';
import type { Envelope } from './envelope.ts';
import { createMerger } from './merge.ts';
import type { PeerConnection } from './pool.ts';

export interface RelaySurroundings {
  /** The relay's own name, in node status events. */
  readonly nodeName: string;
  readonly connections: () => readonly PeerConnection[];
  /** Nanoseconds since the epoch. */
  readonly now: () => bigint;
}

const depthMax = 100;
/** How long a live flow waits for older ones of other nodes. */
const followHoldMs = 25;
/** The age at which it has waited long enough: nodes have told of what happened by then, the data plane's log of 20 ms included. */
const followAgeMs = 30;
const replayHoldMs = 1000;
const connectWaitMs = 500;
const relistMs = 500;
const errorWindowMs = 10_000;

interface Attached {
  readonly call: ClientReadableStream<Envelope>;
  paused: boolean;
}

/** What is read of every node. */
interface Reading<Request> {
  readonly open: (peer: PeerConnection, request: Request) => ClientReadableStream<Envelope>;
  /** Whether responses can hold the state of nodes. */
  readonly tellsNodes: boolean;
}

type Selecting = Pick<GetFlowsRequest, 'number' | 'first' | 'follow' | 'since' | 'until'>;

export const flowReading: Reading<GetFlowsRequest> = {
  open: (peer, request) => peer.getFlows(request),
  tellsNodes: true,
};
export const agentEventReading: Reading<GetAgentEventsRequest> = {
  open: (peer, request) => peer.getAgentEvents(request),
  tellsNodes: false,
};

/**
 * Reads the same request from every node and merges by time. First come the node status events: who is connected, who
 * is not. A follower attaches nodes that appear or come back, from the last response seen of them on.
 */
export function openRelayReader<Request extends Selecting>(
  request: Request,
  { nodeName, connections, now }: RelaySurroundings,
  { open, tellsNodes }: Reading<Request>,
): EventReader<FlowMessage> & { readonly close: () => void } {
  const follow = request.follow ?? false;
  const number = toNumber(request.number);
  const depth = number > 0 ? Math.min(depthMax, number) : depthMax;
  const merger = createMerger<string>({ depth });
  const attached = new Map<string, Attached>();
  const lastSeenNs = new Map<string, bigint>();
  const statuses: GetFlowsResponse[] = [];
  const errors = new Map<string, Set<string>>();
  let wake = (): void => {};
  let started = false;
  let closed = false;

  const status = (state: number, names: readonly string[], message = ''): void => {
    if (names.length === 0 || !tellsNodes) return;
    statuses.push({
      node_status: { state_change: state, node_names: [...names], ...(message && { message }) },
      node_name: nodeName,
      time: toTimestamp(now()),
    });
    wake();
  };
  const flushErrors = (): void => {
    for (const [message, names] of errors) status(NodeState.ERROR, [...names].sort(), message);
    errors.clear();
  };
  const detach = (name: string): void => {
    attached.delete(name);
    merger.end(name);
    wake();
  };
  const attach = (peer: PeerConnection): void => {
    const seen = lastSeenNs.get(peer.name);
    const resumed = seen === undefined ? request : { ...request, number: 0, since: toTimestamp(seen + 1n) };
    const call = open(peer, resumed);
    const entry: Attached = { call, paused: false };
    attached.set(peer.name, entry);
    merger.open(peer.name);
    call.on('data', (envelope: Envelope) => {
      merger.add(peer.name, envelope, performance.now(), follow ? liveHoldMs(envelope.timeNs, now()) : replayHoldMs);
      if (envelope.timeNs > (lastSeenNs.get(peer.name) ?? 0n)) lastSeenNs.set(peer.name, envelope.timeNs);
      if (merger.held(peer.name) >= 2 * depthMax) {
        entry.paused = true;
        call.pause();
      }
      wake();
    });
    call.on('error', (error: ServiceError) => {
      if (closed) return;
      const names = errors.get(error.details) ?? new Set();
      errors.set(error.details, names.add(peer.name));
      detach(peer.name);
    });
    call.on('end', () => detach(peer.name));
  };
  const attachReady = (): void => {
    for (const peer of connections()) if (!attached.has(peer.name) && peer.isReady()) attach(peer);
  };
  const timers: NodeJS.Timeout[] = [];
  const start = async (): Promise<void> => {
    const peers = connections();
    const ready = await Promise.all(peers.map((peer) => peer.ready(connectWaitMs)));
    if (closed) return;
    const names = (state: boolean): string[] =>
      peers.filter((_, index) => ready[index] === state).map(({ name }) => name);
    status(NodeState.CONNECTED, names(true));
    status(NodeState.UNAVAILABLE, names(false));
    for (const [index, peer] of peers.entries()) if (ready[index]) attach(peer);
    started = true;
    if (follow) timers.push(setInterval(attachReady, relistMs), setInterval(flushErrors, errorWindowMs));
    wake();
  };
  void start();

  const resumePaused = (): void => {
    for (const [name, entry] of attached) {
      if (!entry.paused || merger.held(name) > depthMax) continue;
      entry.paused = false;
      entry.call.resume();
    }
  };
  const drainedAll = (): boolean => started && !follow && attached.size === 0 && merger.size() === 0;
  return {
    next() {
      const told = statuses.shift();
      if (told) return told;
      const envelope = started ? merger.take(performance.now()) : undefined;
      if (envelope) return envelope.message;
      resumePaused();
      if (drainedAll()) flushErrors();
      return statuses.shift();
    },
    finished: () => drainedAll() && statuses.length === 0 && errors.size === 0,
    wait: (signal) =>
      new Promise((resolve) => {
        const due = started ? merger.dueMs() : undefined;
        const timer = due === undefined ? undefined : setTimeout(() => done(), Math.max(1, due - performance.now()));
        const done = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', done);
          wake = () => {};
          resolve();
        };
        wake = done;
        signal.addEventListener('abort', done, { once: true });
        if (signal.aborted) done();
      }),
    close() {
      closed = true;
      for (const timer of timers) clearInterval(timer);
      for (const { call } of attached.values()) call.cancel();
      attached.clear();
    },
  };
}

/** A node whose clock is ahead makes nobody wait longer; one that is behind, or a response without a time, does not wait at all. */
function liveHoldMs(timeNs: bigint, nowNs: bigint): number {
  return Math.min(followHoldMs, Math.max(0, followAgeMs - Number(nowNs - timeNs) / 1e6));
}
