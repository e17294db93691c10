import { dropFilePages, trimHeap } from '../../sys/index.ts';

/** How long after the start loading is over, in milliseconds. */
const SETTLE_MS = 500;
const CHECK_MS = 2000;
/** Growth that is worth looking for what of it was freed again. */
const GROWTH_BYTES = 4 * 1024 * 1024;
/** A heap of more bytes holds what was configured: to go through it would stop the proxy for long and give little back. */
const SMALL_HEAP = 64 * 1024 * 1024;

/** Gives back the memory that only the start needed, and from then on what compiling hot code took: the C library alone would keep it. */
export function keepMemorySmall(): void {
  // Where there is no /proc to read, memory is kept and everything works.
  setTimeout(() => void forgetStart().then(watch, watch), SETTLE_MS).unref();
}

/** V8 and the C library would keep for later what reading types and configuration needed, once. */
async function forgetStart(): Promise<void> {
  if (process.memoryUsage().heapUsed <= SMALL_HEAP)
    globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  await trimHeap();
  await dropFilePages();
}

function watch(): void {
  let least = process.memoryUsage.rss();
  const check = async (): Promise<void> => {
    const now = process.memoryUsage.rss();
    if (now - least < GROWTH_BYTES) {
      least = Math.min(least, now);
      return;
    }
    await trimHeap();
    await dropFilePages();
    least = process.memoryUsage.rss();
  };
  setInterval(() => void check(), CHECK_MS).unref();
}
