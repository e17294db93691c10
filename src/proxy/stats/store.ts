import { flushHistograms, isUsed, readStats, resetCounters, type Sample, type StatsKind } from './kind.ts';

interface Entry {
  readonly kind: StatsKind<object>;
  readonly prefix: string;
  readonly object: object;
  /** Fields that were ever other than 0. */
  readonly used: Set<string>;
  holders: number;
}

/** Takes stats objects for as long as something counts in them. */
export interface StatsScope {
  /**
   * The stats under a prefix such as `cluster.c.`. Whoever asks for the same kind and prefix counts in the same object, and a
   * successor goes on where its predecessor stands, as long as one of them holds it: then the numbers are gone.
   */
  get<T extends object>(kind: StatsKind<T>, prefix: string): T;
  /** Lets go of all that came through this scope. */
  close(): void;
}

/** All stats of one worker. */
export class StatsStore {
  readonly #entries = new Map<StatsKind<object>, Map<string, Entry>>();
  readonly #refresh = new Set<() => void>();

  scope(): StatsScope {
    const held = new Set<Entry>();
    return {
      get: (kind, prefix) => {
        const entry = this.#entry(kind, prefix);
        // Some ask again for each request.
        if (!held.has(entry)) {
          held.add(entry);
          entry.holders++;
        }
        return entry.object as ReturnType<typeof kind.create>;
      },
      close: () => {
        for (const entry of held) this.#release(entry);
        held.clear();
      },
    };
  }

  /** Called before values are read, to bring gauges up to date that nobody counts. */
  beforeRead(refresh: () => void): void {
    this.#refresh.add(refresh);
  }

  /** `usedOnly`: without what has never counted or moved. */
  read(usedOnly = false): Sample[] {
    for (const refresh of this.#refresh) refresh();
    const out: Sample[] = [];
    for (const entry of this.#all()) readStats(entry.kind, entry.prefix, entry.object, entry.used, out);
    return usedOnly ? out.filter(isUsed) : out;
  }

  resetCounters(): void {
    this.read();
    for (const { kind, object } of this.#all()) resetCounters(kind, object);
  }

  /** Ends an interval of the histograms. */
  flush(): void {
    for (const { kind, object } of this.#all()) flushHistograms(kind, object);
  }

  *#all(): Generator<Entry> {
    for (const entries of this.#entries.values()) yield* entries.values();
  }

  #entry<T extends object>(kind: StatsKind<T>, prefix: string): Entry {
    let entries = this.#entries.get(kind as StatsKind<object>);
    if (!entries) {
      entries = new Map();
      this.#entries.set(kind as StatsKind<object>, entries);
    }
    let entry = entries.get(prefix);
    if (!entry) {
      entry = { kind: kind as StatsKind<object>, prefix, object: kind.create(), used: new Set(), holders: 0 };
      entries.set(prefix, entry);
    }
    return entry;
  }

  #release(entry: Entry): void {
    if (--entry.holders > 0) return;
    this.#entries.get(entry.kind)?.delete(entry.prefix);
  }
}

/** A stat name's part out of free text: Envoy keeps colons out of names. */
export function sanitizeStatName(name: string): string {
  return name.replaceAll('://', '_').replaceAll(':/', '_').replaceAll(/[:\0]/g, '_');
}
