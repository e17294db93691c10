import { isObject, type JsonObject, type JsonValue } from '../config/fields.ts';

export interface Fraction {
  readonly numerator: number;
  readonly denominator: number;
}

export const DENOMINATORS = { HUNDRED: 100, TEN_THOUSAND: 10_000, MILLION: 1_000_000 } as const;

interface Entry {
  readonly text: string;
  readonly number: number | undefined;
  readonly flag: boolean | undefined;
  readonly fraction: Fraction | undefined;
}

export interface RuntimeLayer {
  readonly name: string;
  readonly values: ReadonlyMap<string, JsonValue>;
}

/**
 * Values that override what configuration says, by key, as Envoy's layered runtime: a later layer wins over an earlier one.
 * The hot path asks it again and again, since an operator may change the admin layer.
 */
export class Runtime {
  readonly #layers: readonly RuntimeLayer[];
  readonly #admin = new Map<string, JsonValue>();
  readonly #adminLayer: string | undefined;
  #entries: ReadonlyMap<string, Entry> = new Map();

  /** `adminLayer`: the layer of that name takes what `modify` sets. */
  constructor(layers: readonly RuntimeLayer[] = [], adminLayer?: string) {
    this.#layers = layers;
    this.#adminLayer = adminLayer;
    this.#load();
  }

  get modifiable(): boolean {
    return this.#adminLayer !== undefined;
  }

  /** Names of the layers, the weakest first. */
  get layers(): readonly string[] {
    return this.#layers.map(({ name }) => name);
  }

  /** What each layer says of each key, as text; empty where it says nothing. */
  dump(): ReadonlyMap<string, { readonly layers: readonly string[]; readonly final: string }> {
    const layers = this.#layers.map((layer) => this.#valuesOf(layer));
    const texts = (key: string): readonly string[] =>
      layers.map((values) => (values.has(key) ? textOf(values.get(key) as JsonValue) : ''));
    return new Map([...this.#entries].map(([key, { text }]) => [key, { layers: texts(key), final: text }]));
  }

  /** Sets values of the admin layer; an empty one takes the key out of it. */
  modify(changes: ReadonlyMap<string, string>): void {
    for (const [key, value] of changes) {
      if (value === '') this.#admin.delete(key);
      else this.#admin.set(key, value);
    }
    this.#load();
  }

  /** No key has a value. */
  get empty(): boolean {
    return this.#entries.size === 0;
  }

  integer(key: string, fallback: number): number {
    const number = key === '' ? undefined : this.#entries.get(key)?.number;
    return number !== undefined && Number.isInteger(number) && number >= 0 ? number : fallback;
  }

  double(key: string, fallback: number): number {
    return (key === '' ? undefined : this.#entries.get(key)?.number) ?? fallback;
  }

  flag(key: string, fallback: boolean): boolean {
    return (key === '' ? undefined : this.#entries.get(key)?.flag) ?? fallback;
  }

  /** A share of requests: a fraction, or a whole number of percent. */
  fraction(key: string, fallback: Fraction): Fraction {
    const entry = key === '' ? undefined : this.#entries.get(key);
    if (!entry) return fallback;
    if (entry.fraction) return entry.fraction;
    const percent = this.integer(key, -1);
    return percent < 0 ? fallback : { numerator: Math.min(percent, 100), denominator: 100 };
  }

  #valuesOf(layer: RuntimeLayer): ReadonlyMap<string, JsonValue> {
    return layer.name === this.#adminLayer ? this.#admin : layer.values;
  }

  #load(): void {
    const merged = new Map<string, JsonValue>();
    for (const layer of this.#layers) for (const [key, value] of this.#valuesOf(layer)) merged.set(key, value);
    this.#entries = new Map([...merged].map(([key, value]) => [key, entryOf(value)]));
  }
}

function textOf(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function entryOf(value: JsonValue): Entry {
  const text = textOf(value).trim();
  if (isObject(value)) return { text, number: undefined, flag: undefined, fraction: fractionOf(value) };
  const number = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i.test(text) ? Number(text) : undefined;
  const lower = text.toLowerCase();
  const flag =
    lower === 'true' || lower === 'false' ? lower === 'true' : number === undefined ? undefined : number !== 0;
  return { text, number, flag, fraction: undefined };
}

function fractionOf(value: JsonObject): Fraction | undefined {
  const { numerator = 0, denominator = 'HUNDRED', ...rest } = value;
  const bottom = DENOMINATORS[denominator as keyof typeof DENOMINATORS];
  if (typeof numerator !== 'number' || bottom === undefined || Object.keys(rest).length > 0) return undefined;
  return { numerator, denominator: bottom };
}
