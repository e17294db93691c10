import type { Sample } from '../stats/kind.ts';
import type { StatsAnswer } from './messages.ts';

/** Statistics of the process before: its counters stay when it is gone, its gauges go with it. */
export class ImportedStats {
  #counters: ReadonlyMap<string, number> = new Map();
  #gauges: ReadonlyMap<string, number> = new Map();

  /** What it has told last; undefined: it is gone. */
  take(answer: StatsAnswer | undefined): void {
    if (answer) this.#counters = new Map(answer.counters);
    this.#gauges = new Map(answer?.gauges);
  }

  /** Connections that it still has. */
  get connections(): number {
    let sum = 0;
    for (const [name, value] of this.#gauges)
      if (/^listener\..*\.downstream_cx_active$/.test(name) && !name.includes('.worker_')) sum += value;
    return sum;
  }

  addTo(samples: readonly Sample[]): readonly Sample[] {
    if (this.#counters.size + this.#gauges.size === 0) return samples;
    const known = new Set(samples.map(({ name }) => name));
    const sums = samples.map((sample) => {
      if (sample.type !== 'counter' && sample.type !== 'gauge') return sample;
      const more = (sample.type === 'counter' ? this.#counters : this.#gauges).get(sample.name) ?? 0;
      return more === 0 ? sample : { ...sample, value: sample.value + more, used: true };
    });
    const gone = [...this.#counters].filter(([name]) => !known.has(name));
    return [...sums, ...gone.map(([name, value]) => ({ type: 'counter', name, value, used: true }) as const)];
  }

  /** An operator has set the counters to 0. */
  reset(): void {
    this.#counters = new Map();
  }
}

/** What a successor is told. */
export function exportStats(samples: readonly Sample[]): StatsAnswer {
  const counters: (readonly [string, number])[] = [];
  const gauges: (readonly [string, number])[] = [];
  for (const sample of samples) {
    if (sample.type === 'counter' && sample.value !== 0) counters.push([sample.name, sample.value]);
    else if (sample.type === 'gauge' && sample.value !== 0 && !sample.shared) gauges.push([sample.name, sample.value]);
  }
  return { counters, gauges };
}
