import { now } from '../time/clock.ts';

/** As much as a round of the ring receives, and room for heads. */
const SIZE = 2_097_152;
/** After so long without a message, in milliseconds, the next one does not wait for others. */
const QUIET_MS = 0.05;
/** So much is written without waiting for the end of the event loop's turn, to keep memory hot and answers early. */
const FLUSH_BYTES = 524_288;
const FLUSH_MESSAGES = 64;
/** Arenas kept for later; more than one is in use only while slow peers hold them. */
const SPARE_LIMIT = 8;

/** A buffer in which messages are composed one after the other. */
export class Arena {
  readonly bytes: Buffer;
  /** Where the next message begins. */
  at = 0;
  /** Writes that still need the bytes. */
  pins = 0;
  /** Where the bytes are in memory, once somebody asked for that; else 0. */
  address = 0;

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size);
  }
}

/** What writes messages out. It pins the arena for as long as it needs the bytes afterwards. */
export interface Sender {
  writeOut(arena: Arena, start: number, stop: number): void;
}

/**
 * Messages are not written one by one but together, when all events at hand have been worked on: a write wakes the process on the
 * other side, and waking one that sleeps costs more than everything else about a small message, where one that is awake takes the next
 * ones for nothing.
 */
let arena = new Arena(SIZE);
const spare: Arena[] = [];
const senders: Sender[] = [];
const starts: number[] = [];
const stops: number[] = [];
let count = 0;
let scheduled = false;
let held = false;
let gathering = false;
let postedAt = 0;
let flushed: (() => void) | undefined;

/** While held nothing is sent before somebody calls `flush`, which whoever holds it does soon. */
export function holdOutbox(hold: boolean): void {
  held = hold;
}

/** Messages wait for the end of this turn of the event loop, however quiet it was: others are read one by one in the same turn. */
export function gatherOutbox(): void {
  gathering = true;
}

/** Has `listener` called after messages were written out. */
export function onFlush(listener: (() => void) | undefined): void {
  flushed = listener;
}

/** An arena with at least so many bytes free from `at`. What is composed there is posted before the next call, or it is lost. */
export function takeArena(bytes: number): Arena {
  if (bytes > SIZE) return new Arena(bytes);
  if (arena.at + bytes > SIZE) flush();
  return arena;
}

/** Sends what was composed in the arena from `at` to `stop`, after all that the sender posted before. */
export function post(sender: Sender, from: Arena, stop: number): void {
  const start = from.at;
  const time = now();
  const quiet = count === 0 && !held && !gathering && time - postedAt > QUIET_MS;
  postedAt = time;
  if (quiet || from !== arena) {
    flush();
    sender.writeOut(from, start, stop);
    flush();
    return;
  }
  arena.at = stop;
  if (count > 0 && senders[count - 1] === sender) {
    stops[count - 1] = stop;
  } else {
    senders[count] = sender;
    starts[count] = start;
    stops[count++] = stop;
  }
  if (held) return;
  if (count >= FLUSH_MESSAGES || stop >= FLUSH_BYTES) {
    flush();
  } else if (!scheduled) {
    scheduled = true;
    setImmediate(flushScheduled);
  }
}

function flushScheduled(): void {
  scheduled = false;
  gathering = false;
  flush();
}

/** Writes everything out now. */
export function flush(): void {
  const messages = count;
  count = 0;
  for (let at = 0; at < messages; at++) {
    (senders[at] as Sender).writeOut(arena, starts[at] as number, stops[at] as number);
  }
  if (arena.pins > 0) arena = spare.pop() ?? new Arena(SIZE);
  arena.at = 0;
  flushed?.();
}

/** Where messages are encrypted to; pinned once for itself. */
let sealing: Arena | undefined;

/** An arena with at least so many bytes free from `at`, for what is written out at once: who does moves `at` on. */
export function sealingArena(bytes: number): Arena {
  if (bytes > SIZE) return new Arena(bytes);
  if (sealing?.pins === 1) sealing.at = 0;
  if (!sealing || sealing.at + bytes > SIZE) {
    const before = sealing;
    sealing = spare.pop() ?? new Arena(SIZE);
    sealing.at = 0;
    sealing.pins = 1;
    if (before) releaseArena(before);
  }
  return sealing;
}

export function releaseArena(used: Arena): void {
  used.pins--;
  if (used.pins === 0 && used !== arena && used.bytes.length === SIZE && spare.length < SPARE_LIMIT) spare.push(used);
}
