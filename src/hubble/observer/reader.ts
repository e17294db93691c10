import { setImmediate as nextTurn } from 'node:timers/promises';
import { fail, ok, type Result } from '../../base/index.ts';
import {
  type EncodedMessage,
  type Flow,
  type GetFlowsRequest,
  type GetFlowsResponse,
  type LostEvent,
  LostEventSource,
  timestampNs,
  toBigint,
  toTimestamp,
  type Uint64,
  type WireTimestamp,
} from '../../model/flow/index.ts';
import { compileSelection } from '../filter/compile.ts';
import { compileFieldMask } from './field-mask.ts';
import { bareError, invalidArgument, type RpcError } from './rpc-error.ts';
import { type Entry, type EventStore, flowOf } from './store.ts';

/** Reads a stream piece by piece: `next` until it gives undefined, then `wait` unless `finished`; what else the process does has its turn meanwhile. */
export interface EventReader<T> {
  readonly next: () => T | undefined;
  readonly finished: () => boolean;
  readonly wait: (signal: AbortSignal) => Promise<void>;
}

export type FlowMessage = GetFlowsResponse | EncodedMessage;

export interface ReaderSurroundings {
  readonly store: EventStore;
  readonly nodeName: string;
  /** Nanoseconds since the epoch. */
  readonly now: () => bigint;
}

/** What every reading request can say about its part of the ring. */
interface RangeRequest {
  readonly number?: Uint64;
  readonly first?: boolean;
  readonly follow?: boolean;
  readonly since?: WireTimestamp | null;
  readonly until?: WireTimestamp | null;
}

const lostInterval = 1_000_000_000n;
/** Flows that are looked at in one go: to read one from its protobuf takes some 30 µs, and DNS questions wait for the same thread. */
const flowsAtOnce = 100;

/** Opens a GetFlows stream; the error is what the caller gets instead of one. */
export function openFlowReader(
  request: GetFlowsRequest,
  surroundings: ReaderSurroundings,
): Result<EventReader<FlowMessage>, RpcError> {
  const selection = compileSelection(request.whitelist ?? [], request.blacklist ?? []);
  if (!selection.ok) return fail(bareError(selection.error));
  const paths = request.field_mask?.paths ?? [];
  const mask = paths.length === 0 ? undefined : compileFieldMask(paths);
  if (mask && !mask.ok) return fail(bareError(mask.error));
  const maskFlow = mask?.value;
  return openReader(request, surroundings, {
    wanted: (entry) => entry.kind === 'flow' && selection.value(flowOf(entry)),
    message: (entry): FlowMessage =>
      entry.kind === 'flow' && maskFlow ? maskedResponse(maskFlow(flowOf(entry))) : responseOf(entry, surroundings),
    lost: (lost, timeNs): FlowMessage => lostResponse(lost, timeNs, surroundings.nodeName),
    atOnce: flowsAtOnce,
  });
}

function maskedResponse(flow: Flow): GetFlowsResponse {
  return { flow, ...(flow.node_name && { node_name: flow.node_name }), ...(flow.time && { time: flow.time }) };
}

function responseOf(entry: Entry, { store, nodeName }: ReaderSurroundings): FlowMessage {
  if (entry.kind === 'flow') return store.encodedResponse(entry);
  return { node_name: nodeName, time: toTimestamp(entry.timeNs) };
}

function lostResponse(lost: LostEvent, timeNs: bigint, nodeName: string): GetFlowsResponse {
  return { lost_events: lost, node_name: nodeName, time: toTimestamp(timeNs) };
}

/** What a kind of stream takes from the ring and how it says it. */
export interface StreamKind<T> {
  readonly wanted: (entry: Entry) => boolean;
  readonly message: (entry: Entry) => T;
  /** Absent: the stream has no way to tell of loss. */
  readonly lost?: (lost: LostEvent, timeNs: bigint) => T;
  /** Entries that are looked at before `next` gives undefined, so that others have their turn; absent: all. */
  readonly atOnce?: number;
}

interface Loss {
  count: number;
  firstNs: bigint;
  lastNs: bigint;
}

/**
 * Reads the ring from where the request starts. What is overwritten before it is read becomes a lost event, at most one a
 * second, and the reading goes on; a reader never holds more than its position. Lost events ignore filter, range and count.
 */
export function openReader<T>(
  request: RangeRequest,
  { store, now }: ReaderSurroundings,
  kind: StreamKind<T>,
): Result<EventReader<T>, RpcError> {
  const follow = request.follow ?? false;
  if (request.first && follow) return fail(invalidArgument('first cannot be specified with follow'));
  const range = rangeOf(request);
  const { ring } = store;
  // Times are looked at first: filters read the whole flow.
  const wanted = (entry: Entry): boolean => range.holds(entry.timeNs, follow) && kind.wanted(entry);
  const { atOnce = Number.POSITIVE_INFINITY } = kind;
  let looked = 0;
  const search = searchStart(store, request, range, wanted);
  let position = 0;
  let remaining = !follow && range.number > 0n ? range.number : undefined;
  let ended = false;
  let loss: Loss | undefined;
  let lossToldNs = 0n;

  const tellLoss = (): T | undefined => {
    if (!loss || !kind.lost) return undefined;
    const { count, firstNs, lastNs } = loss;
    loss = undefined;
    lossToldNs = now();
    const span = count > 1 ? { first: toTimestamp(firstNs), last: toTimestamp(lastNs) } : {};
    return kind.lost({ source: LostEventSource.HUBBLE_RING_BUFFER, num_events_lost: count, ...span }, lossToldNs);
  };
  const noteLoss = (): void => {
    const timeNs = now();
    const count = ring.oldestSequence - position;
    loss = { count: (loss?.count ?? 0) + count, firstNs: loss?.firstNs ?? timeNs, lastNs: timeNs };
    position = ring.oldestSequence;
  };
  const findStart = (): boolean => {
    while (looked++ < atOnce) {
      const { done, value } = search.next();
      if (!done) continue;
      position = value;
      return true;
    }
    return false;
  };
  let started = findStart();
  const next = (): T | undefined => {
    started ||= findStart();
    while (started && !ended && position < ring.nextSequence) {
      if (position < ring.oldestSequence) noteLoss();
      if (loss && now() - lossToldNs >= lostInterval) return tellLoss();
      if (looked++ >= atOnce) return undefined;
      const entry = ring.at(position++);
      if (!entry) continue;
      if (entry.kind === 'lost' && kind.lost) return kind.lost(entry.lost, entry.timeNs);
      if (follow && range.isAfter(entry.timeNs) && kind.wanted(entry)) ended = true;
      else if (wanted(entry)) {
        if (remaining !== undefined && --remaining === 0n) ended = true;
        return kind.message(entry);
      }
    }
    return tellLoss();
  };
  return ok({
    next,
    finished: () => ended || (!follow && started && position >= ring.nextSequence),
    wait: (signal) => {
      looked = 0;
      return started && position >= ring.nextSequence ? store.nextPush(signal) : nextTurn();
    },
  });
}

interface Range {
  readonly number: bigint;
  readonly sinceNs: bigint | undefined;
  readonly isAfter: (timeNs: bigint) => boolean;
  /** Both ends included; a follower looks at the end itself. */
  readonly holds: (timeNs: bigint, follow: boolean) => boolean;
}

function rangeOf(request: RangeRequest): Range {
  const sinceNs = request.since ? timestampNs(request.since) : undefined;
  const untilNs = request.until ? timestampNs(request.until) : undefined;
  const isAfter = (timeNs: bigint): boolean => untilNs !== undefined && timeNs > untilNs;
  return {
    number: toBigint(request.number),
    sinceNs,
    isAfter,
    holds: (timeNs, follow) => (sinceNs === undefined || timeNs >= sinceNs) && (follow || !isAfter(timeNs)),
  };
}

/**
 * Looks for the sequence number where reading starts, an entry at a time. Flows arrive nearly in time order, so times are tested one by one,
 * not searched.
 */
function* searchStart(
  { ring }: EventStore,
  request: RangeRequest,
  range: Range,
  wanted: (entry: Entry) => boolean,
): Generator<undefined, number> {
  if (request.first || range.sinceNs !== undefined) return ring.oldestSequence;
  if (range.number === 0n) return request.follow ? ring.nextSequence : ring.oldestSequence;
  let missing = range.number;
  for (let sequence = ring.nextSequence - 1; sequence >= ring.oldestSequence; sequence--) {
    const entry = ring.at(sequence);
    if (entry && wanted(entry) && --missing === 0n) return sequence;
    yield;
  }
  return ring.oldestSequence;
}
