/** One encoded entry of an access log stream. */
export interface LogEntry {
  readonly kind: 'http' | 'tcp';
  /** What the plan gave the listener's logger. */
  readonly logName: string;
  /** An `envoy.data.accesslog.v3` entry; may be part of a larger message. */
  readonly bytes: Uint8Array;
}

export interface EntryQueue {
  /** Takes entries for a later turn of the event loop; those there is no room for are counted as lost and let go. */
  push(entries: readonly LogEntry[]): void;
  /** Whether half of the room is taken. Whoever would lose entries at their source can wait with more of them. */
  filled(): boolean;
}

export interface EntryQueueOptions {
  readonly take: (entry: LogEntry) => void;
  readonly onLost: (count: number) => void;
  /** Called each time that what waited has been taken. */
  readonly onEmpty?: () => void;
}

/** Cilium's bounds for `hubble-event-queue-size`, and of memory. */
const mostEntries = 16_384;
const mostBytes = 16 * 1024 * 1024;
/** Some two milliseconds of work, after which as long is left to policy, DNS and those who read flows. */
const turnEntries = 100;

/** Between the data planes and the flows: gives way to policy, DNS and those who read flows, whatever making flows costs. */
export function createEntryQueue({ take, onLost, onEmpty }: EntryQueueOptions): EntryQueue {
  let waiting: LogEntry[] = [];
  let next = 0;
  let bytes = 0;
  let running = false;
  const turn = (): void => {
    const startedAt = performance.now();
    const end = Math.min(waiting.length, next + turnEntries);
    for (; next < end; next++) {
      const entry = waiting[next] as LogEntry;
      bytes -= entry.bytes.length;
      take(entry);
    }
    running = next < waiting.length;
    if (running) setTimeout(turn, performance.now() - startedAt);
    if (next < waiting.length && next < mostEntries) return;
    waiting = waiting.slice(next);
    next = 0;
    if (waiting.length === 0) onEmpty?.();
  };
  return {
    push(entries) {
      let lost = 0;
      for (const entry of entries) {
        if (waiting.length - next >= mostEntries || bytes + entry.bytes.length > mostBytes) lost++;
        else {
          waiting.push(entry);
          bytes += entry.bytes.length;
        }
      }
      if (lost > 0) onLost(lost);
      if (running || waiting.length === next) return;
      running = true;
      setImmediate(turn);
    },
    filled: () => waiting.length - next >= mostEntries / 2 || bytes >= mostBytes / 2,
  };
}
