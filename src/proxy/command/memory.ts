import { dropFilePages, trimHeap } from '../../sys/index.ts';

/** How long after the start loading is over, in milliseconds. */
const SETTLE_MS = 500;
const CHECK_MS = 2000;
/** Growth that is worth looking for what of it was freed again. */
const GROWTH_BYTES = 8 * 1024 * 1024;

/** Gives back the memory that only the start needed, and from then on what compiling hot code took: the C library alone would keep it. */
export function keepMemorySmall(): void {
  setTimeout(() => void forgetStart().then(watch), SETTLE_MS).unref();
}

/** V8 and the C library would keep for later what reading types and configuration needed, once. */
async function forgetStart(): Promise<void> {
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
    least = process.memoryUsage.rss();
  };
  setInterval(() => void check(), CHECK_MS).unref();
}
