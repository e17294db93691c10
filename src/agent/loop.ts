import { backoffMs, type Logger } from '../base/index.ts';

export interface ReconcileLoop {
  /** Says that something changed; any number of calls lead to one round. */
  wake(): void;
  /** Ends after the round that is under way. */
  stop(): Promise<void>;
}

const retry = { baseMs: 50, maxMs: 5_000 };

/**
 * Runs `round` after each wake, never twice at once. Changes that arrive together are taken together: a round starts `debounceMs` after the first.
 * A round that throws is tried again with back-off; what it had applied stays in force.
 */
export function startLoop(
  round: () => Promise<void>,
  { debounceMs, log }: { debounceMs: number; log: Logger },
): ReconcileLoop {
  let dirty = false;
  let running: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let failures = 0;
  let stopped = false;

  const schedule = (delayMs: number): void => {
    if (stopped || running || timer) return;
    timer = setTimeout(() => {
      timer = undefined;
      running = run().finally(() => {
        running = undefined;
        if (dirty) schedule(failures === 0 ? debounceMs : backoffMs(failures - 1, retry));
      });
    }, delayMs);
  };
  const run = async (): Promise<void> => {
    dirty = false;
    try {
      await round();
      failures = 0;
    } catch (error) {
      failures += 1;
      dirty = true;
      log.error(
        { error: error instanceof Error ? error.message : String(error), failures },
        'round failed; trying again',
      );
    }
  };

  return {
    wake: () => {
      dirty = true;
      schedule(debounceMs);
    },
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
