import type { CodeCounts } from './codes.ts';
import type { Histogram, HistogramCounts } from './histogram.ts';

/** One value under its full name. Values of several workers are added, except where the first worker speaks for all. */
export type Sample =
  | {
      readonly type: 'counter' | 'gauge';
      readonly name: string;
      readonly value: number;
      /** Whether the value was ever other than its first. */
      readonly used: boolean;
      readonly shared?: boolean;
    }
  | { readonly type: 'text'; readonly name: string; readonly value: string }
  | {
      readonly type: 'histogram';
      readonly name: string;
      readonly unit: HistogramUnit;
      readonly value: HistogramCounts;
    };

export type HistogramUnit = 'ms' | 'bytes' | 'none' | 'percent';

interface CounterSpec {
  readonly type: 'counter';
  readonly names: readonly string[];
  /** Every worker counts the same. */
  readonly shared: boolean;
}
interface GaugeSpec {
  readonly type: 'gauge';
  readonly names: readonly string[];
  /** The value is the same in every worker and must not be added up. */
  readonly shared: boolean;
  /** It counts as used when this field is not 0 or false; empty: from the start. */
  readonly usedWith?: string;
}
interface TextSpec {
  readonly type: 'text';
  readonly name: string;
}
interface CodesSpec {
  readonly type: 'codes';
  readonly expand: (codes: CodeCounts) => readonly (readonly [string, number])[];
}
interface HistogramSpec {
  readonly type: 'histogram';
  readonly names: readonly string[];
  readonly unit: HistogramUnit;
  /** Envoy makes it with its first value. */
  readonly lazy: boolean;
}

type SpecOf<V> = V extends number
  ? CounterSpec | GaugeSpec
  : V extends string
    ? TextSpec
    : V extends CodeCounts
      ? CodesSpec
      : V extends Histogram
        ? HistogramSpec
        : never;

/** Names every counting field of a stats class. */
export type SpecTable<T> = {
  readonly [K in keyof T as T[K] extends number | string | CodeCounts | Histogram ? K : never]: SpecOf<T[K]>;
};

/** A counter; several names show the same number. */
export const counter = (...names: readonly [string, ...string[]]): CounterSpec => ({
  type: 'counter',
  names,
  shared: false,
});
/** A counter of what happens once in the process, though every worker takes part in it. */
export const sharedCounter = (...names: readonly [string, ...string[]]): CounterSpec => ({
  type: 'counter',
  names,
  shared: true,
});
export const gauge = (...names: readonly [string, ...string[]]): GaugeSpec => ({ type: 'gauge', names, shared: false });
/** A gauge that says the same in every worker, such as the number of hosts. */
export const sharedGauge = (...names: readonly [string, ...string[]]): GaugeSpec => ({
  type: 'gauge',
  names,
  shared: true,
});
/** A gauge that is used as soon as another field of its class is: it may be back at 0 when somebody looks. */
export const usedWith = (field: string, spec: GaugeSpec): GaugeSpec => ({ ...spec, usedWith: field });
/** A gauge that is set from the start. */
export const alwaysUsed = (spec: GaugeSpec): GaugeSpec => ({ ...spec, usedWith: '' });
export const text = (name: string): TextSpec => ({ type: 'text', name });
export const histogram = (unit: HistogramUnit, ...names: readonly [string, ...string[]]): HistogramSpec => ({
  type: 'histogram',
  names,
  unit,
  lazy: false,
});
export const lazyHistogram = (unit: HistogramUnit, ...names: readonly [string, ...string[]]): HistogramSpec => ({
  type: 'histogram',
  names,
  unit,
  lazy: true,
});

/** Codes under a prefix as Envoy's response code stats: classes and codes appear when they first occur. */
export const codes = (prefix: string): CodesSpec => ({
  type: 'codes',
  expand: (counts) => (counts.used ? occurred(prefix, counts) : []),
});

/** The same, with a sum that is there from the start. */
export const completedCodes = (prefix: string): CodesSpec => ({
  type: 'codes',
  expand: (counts) => (counts.used ? occurred(prefix, counts) : [[`${prefix}completed`, 0]]),
});

function occurred(prefix: string, counts: CodeCounts): readonly (readonly [string, number])[] {
  const classes = [1, 2, 3, 4, 5].flatMap((digit) => {
    const count = counts.ofClass(digit);
    return count === undefined ? [] : [[`${prefix}${digit}xx`, count] as const];
  });
  const single = counts.codes().map(([code, count]) => [`${prefix}${code}`, count] as const);
  return [[`${prefix}completed`, counts.completed], ...classes, ...single];
}

/** The five classes and the sum, always there. */
export const codeClasses = (prefix: string): CodesSpec => ({
  type: 'codes',
  expand: (counts) => [
    [`${prefix}completed`, counts.completed],
    ...[1, 2, 3, 4, 5].map((digit) => [`${prefix}${digit}xx`, counts.ofClass(digit) ?? 0] as const),
  ],
});

/** What a stats class is called outside. */
export interface StatsKind<T> {
  readonly create: () => T;
  /** Field by field. */
  readonly fields: readonly (readonly [string, CounterSpec | GaugeSpec | TextSpec | CodesSpec | HistogramSpec])[];
  readonly histograms: readonly string[];
  readonly never: Never;
}

/** What Envoy counts and what cannot happen here, such as HTTP/3; shown at 0. */
export interface Never {
  readonly counters?: readonly string[];
  readonly gauges?: readonly string[];
}

/**
 * Ties a class of plain counting fields to Envoy's names. The hot path increments the fields; names, sums and formats are
 * made when somebody reads.
 */
export function statsKind<T extends object>(create: new () => T, table: SpecTable<T>, never: Never = {}): StatsKind<T> {
  const fields = Object.entries(table) as StatsKind<T>['fields'];
  const histograms = fields.flatMap(([key, spec]) => (spec.type === 'histogram' ? [key] : []));
  return { create: () => new create(), fields, histograms, never };
}

/** Samples of one object under its prefix (`cluster.c.`). `used` remembers which gauges ever moved. */
export function readStats<T extends object>(
  kind: StatsKind<T>,
  prefix: string,
  object: T,
  used: Set<string>,
  out: Sample[],
): void {
  const values = object as Readonly<Record<string, unknown>>;
  for (const [key, spec] of kind.fields) {
    const value = values[key];
    if (spec.type === 'codes') {
      for (const [name, count] of spec.expand(value as CodeCounts)) {
        if (count > 0) used.add(name);
        out.push({ type: 'counter', name: prefix + name, value: count, used: used.has(name) });
      }
    } else if (spec.type === 'histogram') {
      const held = value as Histogram;
      if (spec.lazy && !held.used) continue;
      const counts = held.read();
      for (const name of spec.names) {
        out.push({ type: 'histogram', name: prefix + name, unit: spec.unit, value: counts });
      }
    } else if (spec.type === 'text') out.push({ type: 'text', name: prefix + spec.name, value: value as string });
    else {
      const count = value as number;
      const companion = spec.type === 'gauge' ? spec.usedWith : undefined;
      if (count !== 0 || companion === '' || (companion !== undefined && values[companion])) used.add(key);
      for (const name of spec.names) {
        const sample = { type: spec.type, name: prefix + name, value: count, used: used.has(key) };
        out.push(spec.shared ? { ...sample, shared: true } : sample);
      }
    }
  }
  const { counters = [], gauges = [] } = kind.never;
  for (const name of counters) out.push({ type: 'counter', name: prefix + name, value: 0, used: false });
  for (const name of gauges) out.push({ type: 'gauge', name: prefix + name, value: 0, used: false });
}

/** Whether a sample has ever counted or moved, or says something: what `usedonly` leaves. */
export function isUsed(sample: Sample): boolean {
  if (sample.type === 'text') return sample.value !== '';
  return sample.type === 'histogram' ? sample.value.total.length > 0 : sample.used;
}

/** Sets counters to 0, as `/reset_counters` does; gauges and histograms stay. */
export function resetCounters<T extends object>(kind: StatsKind<T>, object: T): void {
  const values = object as Record<string, unknown>;
  for (const [key, spec] of kind.fields) {
    if (spec.type === 'counter') values[key] = 0;
    else if (spec.type === 'codes') (values[key] as CodeCounts).reset();
  }
}

export function flushHistograms<T extends object>(kind: StatsKind<T>, object: T): void {
  const values = object as Readonly<Record<string, unknown>>;
  for (const key of kind.histograms) (values[key] as Histogram).flush();
}
