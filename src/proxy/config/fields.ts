import type { Issue } from '../../base/index.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/envoy/index.ts';

export type { JsonObject, JsonValue };
export { isJsonObject as isObject };

/**
 * Reads one message of a decoded Envoy resource (protobuf JSON, snake_case) field by field.
 * Faults go to `issues` with the path of the field and a fallback comes back, so that one pass finds them all.
 * `finish` reports what nobody asked for: a field that Envoy knows and this proxy does not act on must not be ignored.
 */
export class Fields {
  readonly json: JsonObject;
  readonly path: string;
  readonly issues: Issue[];
  readonly #asked = new Set<string>(['@type']);

  constructor(json: JsonObject, path: string, issues: Issue[]) {
    this.json = json;
    this.path = path;
    this.issues = issues;
  }

  at(key: string): string {
    return this.path === '' ? key : `${this.path}.${key}`;
  }

  problem(key: string, message: string, allowed?: string): void {
    this.issues.push({ path: key === '' ? this.path : this.at(key), message, ...(allowed ? { allowed } : {}) });
  }

  raw(key: string): JsonValue | undefined {
    this.#asked.add(key);
    return this.json[key] ?? undefined;
  }

  has(key: string): boolean {
    return this.raw(key) !== undefined;
  }

  /** Fields without effect on behaviour here, such as names of statistics. */
  ignore(...keys: readonly string[]): void {
    for (const key of keys) this.#asked.add(key);
  }

  /** Refuses fields that must not be set. */
  unsupported(...keys: readonly string[]): void {
    for (const key of keys) if (this.has(key)) this.problem(key, 'is not supported by ciliate-proxy', 'unset');
  }

  string(key: string): string | undefined {
    const value = this.raw(key);
    if (value === undefined) return undefined;
    if (typeof value === 'string') return value;
    this.problem(key, `found ${JSON.stringify(value)}`, 'a string');
    return undefined;
  }

  text(key: string): string {
    return this.string(key) ?? '';
  }

  required(key: string): string {
    const value = this.string(key);
    if (value === undefined || value === '') this.problem(key, 'value is required');
    return value ?? '';
  }

  number(key: string): number | undefined {
    const value = this.raw(key);
    if (value === undefined) return undefined;
    const number = typeof value === 'object' ? Number.NaN : Number(value);
    if (Number.isFinite(number)) return number;
    this.problem(key, `found ${JSON.stringify(value)}`, 'a number');
    return undefined;
  }

  boolean(key: string): boolean | undefined {
    const value = this.raw(key);
    if (value === undefined || typeof value === 'boolean') return value;
    this.problem(key, `found ${JSON.stringify(value)}`, 'true or false');
    return undefined;
  }

  flag(key: string): boolean {
    return this.boolean(key) ?? false;
  }

  /** One of Envoy's enum names; `names[0]` is the default. Names known to Envoy but not listed are refused. */
  choice<T extends string>(key: string, names: readonly [T, ...T[]]): T {
    const value = this.raw(key);
    if (value === undefined || value === 0) return names[0];
    const found = names.find((name) => name === value);
    if (found === undefined) this.problem(key, `${JSON.stringify(value)} is not supported`, names.join(', '));
    return found ?? names[0];
  }

  /** A google.protobuf.Duration in milliseconds. */
  duration(key: string): number | undefined {
    const value = this.raw(key);
    if (value === undefined) return undefined;
    const milliseconds = durationMs(value);
    if (milliseconds !== undefined && milliseconds >= 0) return milliseconds;
    this.problem(key, `found ${JSON.stringify(value)}`, 'a duration such as "1.5s", 0 or more');
    return undefined;
  }

  strings(key: string): readonly string[] {
    return this.items(key).filter((item, index): item is string => {
      if (typeof item === 'string') return true;
      this.problem(`${key}[${index}]`, `found ${JSON.stringify(item)}`, 'a string');
      return false;
    });
  }

  numbers(key: string): readonly number[] {
    return this.items(key).map(Number);
  }

  items(key: string): readonly JsonValue[] {
    const value = this.raw(key);
    if (value === undefined) return [];
    if (Array.isArray(value)) return value;
    this.problem(key, `found ${JSON.stringify(value)}`, 'a list');
    return [];
  }

  /** A sub-message, read by `read` and finished. */
  message<T>(key: string, read: (fields: Fields) => T): T | undefined {
    const value = this.raw(key);
    return value === undefined ? undefined : this.#sub(value, this.at(key), read);
  }

  list<T>(key: string, read: (fields: Fields, index: number) => T): readonly T[] {
    return this.items(key).flatMap((item, index) => {
      const one = this.#sub(item, `${this.at(key)}[${index}]`, (fields) => read(fields, index));
      return one === undefined ? [] : [one];
    });
  }

  /** A map field whose values are messages. */
  map<T>(key: string, read: (fields: Fields, key: string) => T): ReadonlyMap<string, T> {
    const out = new Map<string, T>();
    const value = this.raw(key);
    if (value === undefined) return out;
    if (!isJsonObject(value)) {
      this.problem(key, `found ${JSON.stringify(value)}`, 'an object');
      return out;
    }
    for (const [name, item] of Object.entries(value)) {
      const one = this.#sub(item, `${this.at(key)}[${JSON.stringify(name)}]`, (fields) => read(fields, name));
      if (one !== undefined) out.set(name, one);
    }
    return out;
  }

  /** The field of a oneof that is set. None or a known but unsupported one is a fault that lists what there is. */
  oneOf<T extends string>(what: string, names: readonly T[]): T | undefined {
    const found = names.filter((name) => this.has(name))[0];
    if (found !== undefined) return found;
    const other = this.unread();
    const message =
      other.length > 0 ? `${what}: ${other.join(', ')} is not supported by ciliate-proxy` : `${what} is required`;
    this.issues.push({ path: this.path, message, allowed: names.join(', ') });
    this.ignore(...other);
    return undefined;
  }

  /** Names of set fields that nobody asked for. */
  unread(): readonly string[] {
    return Object.keys(this.json).filter((key) => !this.#asked.has(key) && !isNothing(this.json[key]));
  }

  finish(): void {
    const unread = this.unread();
    if (unread.length === 0) return;
    const allowed = [...this.#asked].filter((key) => key !== '@type').sort();
    for (const key of unread) {
      this.problem(key, 'is known to Envoy but not supported by ciliate-proxy', allowed.join(', '));
    }
  }

  #sub<T>(value: JsonValue, path: string, read: (fields: Fields) => T): T | undefined {
    if (!isJsonObject(value)) {
      this.issues.push({ path, message: `found ${JSON.stringify(value)}`, allowed: 'an object' });
      return undefined;
    }
    const fields = new Fields(value, path, this.issues);
    const result = read(fields);
    fields.finish();
    return result;
  }
}

/** Reads a whole message and finishes it. */
export function readMessage<T>(json: JsonObject, path: string, issues: Issue[], read: (fields: Fields) => T): T {
  const fields = new Fields(json, path, issues);
  const result = read(fields);
  fields.finish();
  return result;
}

/** `envoy.x.y.v3.Z` out of `type.googleapis.com/envoy.x.y.v3.Z`; empty when there is no type. */
export function typeName(json: JsonObject): string {
  const type = json['@type'];
  return typeof type === 'string' ? type.slice(type.lastIndexOf('/') + 1) : '';
}

/** A value that is written and false or zero may differ from what holds without it. */
function isNothing(value: JsonValue | undefined): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
}

function durationMs(value: JsonValue): number | undefined {
  if (typeof value === 'string') {
    const match = /^(-?\d+(?:\.\d{1,9})?)s$/.exec(value);
    return match ? Number(match[1]) * 1000 : undefined;
  }
  if (!isJsonObject(value)) return undefined;
  const milliseconds = Number(value['seconds'] ?? 0) * 1000 + Number(value['nanos'] ?? 0) / 1e6;
  return Number.isFinite(milliseconds) ? milliseconds : undefined;
}
