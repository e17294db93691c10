import type { JsonObject, JsonValue } from '../../src/model/envoy/index.ts';

/** JSON that takes note of the paths at which somebody looks, such as `filter_chains[0].name`; a look at a name alone is none. */
export function observed(json: JsonObject, seen: Set<string>): JsonObject {
  return watch(json, '', seen) as JsonObject;
}

function watch(value: JsonValue, path: string, seen: Set<string>): JsonValue {
  if (typeof value !== 'object' || value === null) return value;
  const place = (key: string): string =>
    Array.isArray(value) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`;
  return new Proxy(value as JsonObject, {
    get(target, key) {
      const inner = Reflect.get(target, key) as JsonValue | undefined;
      if (typeof key !== 'string' || !Object.hasOwn(target, key) || inner === undefined || key === 'length')
        return inner;
      seen.add(place(key));
      return watch(inner, place(key), seen);
    },
  });
}
