export interface BatchOptions<T> {
  /** Sends some; rejects when they did not arrive. Never called twice at once. */
  readonly send: (items: readonly T[]) => Promise<void>;
  /** Items that there was no room for, or that could not be sent, and why. */
  readonly onLost: (count: number, reason: string) => void;
  readonly mostWaiting: number;
  readonly mostAtOnce: number;
  /** How long items gather before they are sent. */
  readonly gatherMs: number;
}

export interface Batches<T> {
  /** Whether another item would be kept. When not, it is counted as lost, so ask before making it. */
  refuses(): boolean;
  add(item: T): void;
  /** Sends what waits, for at most so long. */
  close(timeoutMs: number): Promise<void>;
}

/** A bounded queue to a receiver that may be slow or away: it is sent in batches, and what is too much is counted and let go. */
export function createBatches<T>({ send, onLost, mostWaiting, mostAtOnce, gatherMs }: BatchOptions<T>): Batches<T> {
  let waiting: T[] = [];
  let sending: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  const sendAll = async (): Promise<void> => {
    while (waiting.length > 0) {
      const items = waiting.slice(0, mostAtOnce);
      waiting = waiting.slice(mostAtOnce);
      await send(items).catch((error: Error) => onLost(items.length, error.message));
      // What is less than a batch may gather again.
      if (waiting.length < mostAtOnce) break;
    }
  };
  const start = (): void => {
    clearTimeout(timer);
    timer = undefined;
    sending ??= sendAll().finally(() => {
      sending = undefined;
      if (waiting.length > 0) schedule();
    });
  };
  const schedule = (): void => {
    timer ??= setTimeout(start, gatherMs).unref();
  };
  return {
    refuses: () => {
      if (waiting.length < mostWaiting) return false;
      onLost(1, 'the receiver is too slow or away');
      return true;
    },
    add(item) {
      waiting.push(item);
      if (waiting.length >= mostAtOnce && !sending) start();
      else if (!sending) schedule();
    },
    async close(timeoutMs) {
      const late = Promise.withResolvers<void>();
      const limit = setTimeout(late.resolve, timeoutMs);
      const finish = async (): Promise<void> => {
        await sending;
        start();
        await sending;
      };
      await Promise.race([finish(), late.promise]);
      clearTimeout(limit);
      clearTimeout(timer);
    },
  };
}
