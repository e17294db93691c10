import { backoffMs, type Logger } from '../../base/index.ts';
import type { Clock } from './clock.ts';
import { hasReason, messageOf } from './status-error.ts';

/** Marks keys of one controller as dirty; a key that is dirty already stays so. */
export interface WorkQueue {
  mark(key: string): void;
  /** Marks the key after `ms` milliseconds; of several delays for one key the earliest counts. */
  markAfter(key: string, ms: number): void;
}

export interface ReconcileLoop {
  queue(name: string, reconcile: (key: string) => void): WorkQueue;
  /** Ends the loop; nothing is reconciled afterwards. */
  stop(): void;
}

/** Keys worked off before other work of the process gets a turn. */
const batchSize = 64;
const retry = { baseMs: 10, maxMs: 30_000 };

interface Queue {
  readonly name: string;
  readonly reconcile: (key: string) => void;
  readonly dirty: Set<string>;
  readonly attempts: Map<string, number>;
  readonly delayed: Map<string, { readonly dueAt: number; readonly cancel: () => void }>;
}

/** The one loop in which all controllers reconcile, in bounded batches, one key at a time. */
export function createLoop(clock: Clock, log: Logger): ReconcileLoop {
  const queues: Queue[] = [];
  let cancelTurn: (() => void) | undefined;
  let stopped = false;

  const wake = (): void => {
    if (stopped || cancelTurn) return;
    cancelTurn = clock.after(0, turn);
  };

  const turn = (): void => {
    cancelTurn = undefined;
    let worked = 0;
    // One key of each queue in turn, so that no controller can starve another.
    while (worked < batchSize && queues.some(({ dirty }) => dirty.size > 0)) {
      for (const queue of queues) {
        if (stopped) return;
        if (queue.dirty.size === 0) continue;
        reconcileNext(queue);
        worked++;
      }
    }
    if (worked >= batchSize) wake();
  };

  const reconcileNext = (queue: Queue): void => {
    const [key = ''] = queue.dirty;
    queue.dirty.delete(key);
    try {
      queue.reconcile(key);
      queue.attempts.delete(key);
    } catch (error) {
      const attempt = queue.attempts.get(key) ?? 0;
      queue.attempts.set(key, attempt + 1);
      const level = hasReason(error, 'Conflict', 'NotFound') ? 'debug' : 'warn';
      log[level]({ controller: queue.name, key, attempt, error: messageOf(error) }, 'reconciling failed');
      delay(queue, key, backoffMs(attempt, retry));
    }
  };

  const mark = (queue: Queue, key: string): void => {
    if (stopped) return;
    queue.dirty.add(key);
    wake();
  };

  const delay = (queue: Queue, key: string, ms: number): void => {
    if (stopped) return;
    const dueAt = clock.now() + ms;
    const earlier = queue.delayed.get(key);
    if (earlier && earlier.dueAt <= dueAt) return;
    earlier?.cancel();
    const cancel = clock.after(ms, () => {
      queue.delayed.delete(key);
      mark(queue, key);
    });
    queue.delayed.set(key, { dueAt, cancel });
  };

  return {
    queue(name, reconcile) {
      const queue: Queue = { name, reconcile, dirty: new Set(), attempts: new Map(), delayed: new Map() };
      queues.push(queue);
      return { mark: (key) => mark(queue, key), markAfter: (key, ms) => delay(queue, key, ms) };
    },
    stop() {
      stopped = true;
      cancelTurn?.();
      for (const queue of queues) for (const { cancel } of queue.delayed.values()) cancel();
    },
  };
}
