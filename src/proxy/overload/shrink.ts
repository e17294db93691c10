import { trimHeap } from '../../sys/index.ts';
import type { StatsScope } from '../stats/store.ts';
import type { ActionConfig } from './config.ts';
import { SHRINK_STATS } from './stats.ts';

export interface Shrinking {
  /** Whether memory is to be given back. */
  act(active: boolean): void;
  stop(): void;
}

/** Gives freed memory back to the kernel while `shrink_heap` is active, once in each interval. */
export function startShrinking(actions: readonly ActionConfig[], scope: StatsScope): Shrinking {
  const configured = actions.find(({ shrink }) => shrink !== undefined);
  if (!configured?.shrink) return { act: () => undefined, stop: () => undefined };
  const counts = scope.get(SHRINK_STATS, `overload.${configured.name}.`);
  let active = false;
  const timer = setInterval(() => {
    if (!active) return;
    counts.shrinks++;
    void globalThis.gc?.({ type: 'major', execution: 'async' });
    void trimHeap();
  }, configured.shrink.intervalMs).unref();
  return {
    act: (on) => {
      active = on;
    },
    stop: () => clearInterval(timer),
  };
}
