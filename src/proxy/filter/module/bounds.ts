import { getHeapStatistics } from 'node:v8';

/** How long loops and functions of modules may go on without a pause. */
const MOST_MS = 1_000;
/** How much memory may become used meanwhile. */
const MOST_BYTES = 268_435_456;

/** Passes between two looks. */
const PASSES = 100;
/** What takes longer than that is watched closely; less than that passed between two looks at work that belongs together. */
const LONG_MS = 10;

/**
 * The bounds of what a thread's modules compute. `boundSource` has each pass through a loop or into a function count `left` down, and look
 * when it was 0.
 */
export const bounds = { left: PASSES, look };

let startedAt = 0;
let lookedAt = 0;
let watched = false;
let bytesBefore = 0;

/** A hook is called: what others computed before it is none of its business. */
export function beginCall(): void {
  startedAt = 0;
}

/** Throws a RangeError when a bound is reached, then at each pass until the next call or turn of the event loop. */
function look(): void {
  const time = performance.now();
  const since = time - lookedAt;
  lookedAt = time;
  bounds.left = since > LONG_MS ? 0 : PASSES;
  if (startedAt === 0) {
    startedAt = time;
    watched = false;
  } else if (!watched) {
    if (time - startedAt > LONG_MS) watch(time);
  } else if (time - startedAt > MOST_MS) {
    give(`it computes for more than ${MOST_MS / 1000} s without a pause`);
  } else if (usedBytes() - bytesBefore > MOST_BYTES) {
    give(`it takes more than ${MOST_BYTES / 1_048_576} MiB of memory without a pause`);
  }
}

/** Only what goes on from now on in this turn of the event loop counts: what is not a hook may have begun long before. */
function watch(time: number): void {
  watched = true;
  startedAt = time;
  bytesBefore = usedBytes();
  setImmediate(beginCall);
}

function give(reason: string): never {
  bounds.left = 0;
  throw new RangeError(reason);
}

function usedBytes(): number {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
  return heap + external;
}
