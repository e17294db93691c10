import type { Envelope } from './envelope.ts';

/** Merges streams that are each nearly in time order. Pure but for the times that are handed in (milliseconds). */
export interface Merger<Source> {
  /** Waits for `holdMs` from `nowMs` on for older responses of other sources. */
  readonly add: (source: Source, envelope: Envelope, nowMs: number, holdMs: number) => void;
  /** A source that will send more; it holds the merge back until it has. */
  readonly open: (source: Source) => void;
  readonly end: (source: Source) => void;
  /** The next response in time order, or undefined while an older one may still come. */
  readonly take: (nowMs: number) => Envelope | undefined;
  /** When `take` will give something even if nothing more arrives; undefined when nothing is held. */
  readonly dueMs: () => number | undefined;
  /** Responses held of a source. */
  readonly held: (source: Source) => number;
  readonly size: () => number;
}

export interface MergeOptions {
  /** How many responses of every source to see before giving the oldest. */
  readonly depth: number;
}

interface Item<Source> {
  readonly source: Source;
  readonly envelope: Envelope;
  readonly sequence: number;
  readonly dueMs: number;
}

/** The oldest response is given once every open source has `depth` waiting, or once it is due. */
export function createMerger<Source>({ depth }: MergeOptions): Merger<Source> {
  const heap: Item<Source>[] = [];
  const counts = new Map<Source, number>();
  const openSources = new Set<Source>();
  let shallow = 0;
  let sequence = 0;
  const isShallow = (source: Source): boolean => openSources.has(source) && (counts.get(source) ?? 0) < depth;
  const change = (source: Source, by: number): void => {
    if (isShallow(source)) shallow--;
    const count = (counts.get(source) ?? 0) + by;
    if (count === 0) counts.delete(source);
    else counts.set(source, count);
    if (isShallow(source)) shallow++;
  };
  return {
    open(source) {
      if (openSources.has(source)) return;
      openSources.add(source);
      if (isShallow(source)) shallow++;
    },
    end(source) {
      if (isShallow(source)) shallow--;
      openSources.delete(source);
    },
    add(source, envelope, nowMs, holdMs) {
      pushHeap(heap, { source, envelope, sequence: sequence++, dueMs: nowMs + holdMs });
      change(source, 1);
    },
    take(nowMs) {
      const top = heap[0];
      if (!top || (shallow > 0 && nowMs < top.dueMs)) return undefined;
      popHeap(heap);
      change(top.source, -1);
      return top.envelope;
    },
    dueMs: () => heap[0]?.dueMs,
    held: (source) => counts.get(source) ?? 0,
    size: () => heap.length,
  };
}

function isBefore<S>(a: Item<S>, b: Item<S>): boolean {
  const { timeNs } = a.envelope;
  return timeNs < b.envelope.timeNs || (timeNs === b.envelope.timeNs && a.sequence < b.sequence);
}

function pushHeap<S>(heap: Item<S>[], item: Item<S>): void {
  let index = heap.length;
  heap.push(item);
  while (index > 0) {
    const parent = (index - 1) >> 1;
    const above = heap[parent];
    if (!above || !isBefore(item, above)) break;
    heap[index] = above;
    index = parent;
  }
  heap[index] = item;
}

function popHeap<S>(heap: Item<S>[]): void {
  const last = heap.pop();
  if (!last || heap.length === 0) return;
  let index = 0;
  for (;;) {
    const left = heap[2 * index + 1];
    const right = heap[2 * index + 2];
    const smaller = right && left && isBefore(right, left) ? right : left;
    if (!smaller || !isBefore(smaller, last)) break;
    heap[index] = smaller;
    index = smaller === left ? 2 * index + 1 : 2 * index + 2;
  }
  heap[index] = last;
}
