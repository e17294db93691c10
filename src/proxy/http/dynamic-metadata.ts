import type { JsonObject, JsonValue } from '../config/fields.ts';

/** What filters note about a request, by namespace and key. There are few entries, so they stand in lists and are looked for in order. */
export class DynamicMetadata {
  readonly #namespaces: string[] = [];
  readonly #keys: string[] = [];
  readonly #values: JsonValue[] = [];

  set(namespace: string, key: string, value: JsonValue): void {
    const known = this.#find(namespace, key);
    if (known >= 0) {
      this.#values[known] = value;
      return;
    }
    this.#namespaces.push(namespace);
    this.#keys.push(key);
    this.#values.push(value);
  }

  /** The value at a path of keys; the whole namespace for an empty path. */
  get(namespace: string, path: readonly string[]): JsonValue | undefined {
    const [first, ...rest] = path;
    if (first === undefined) return this.#namespaces.includes(namespace) ? this.all()[namespace] : undefined;
    const at = this.#find(namespace, first);
    let value = at < 0 ? undefined : this.#values[at];
    for (const key of rest) {
      value =
        typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject)[key] : undefined;
    }
    return value;
  }

  all(): JsonObject {
    const out: Record<string, Record<string, JsonValue>> = {};
    for (let at = 0; at < this.#keys.length; at++) {
      const namespace = this.#namespaces[at] as string;
      const values = out[namespace] ?? {};
      values[this.#keys[at] as string] = this.#values[at] as JsonValue;
      out[namespace] = values;
    }
    return out;
  }

  #find(namespace: string, key: string): number {
    const keys = this.#keys;
    for (let at = 0; at < keys.length; at++) if (keys[at] === key && this.#namespaces[at] === namespace) return at;
    return -1;
  }
}
