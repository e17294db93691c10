import type { Issue } from '../../base/index.ts';
import { isObject, type JsonObject } from '../config/fields.ts';
import type { HttpFilter } from '../filter/filter.ts';
import { type ChainPlace, compileFilter, type DiscoverFilter } from '../filter/table.ts';

/** Discovered HTTP filters (ECDS) by name. A new version is in force for the next request; connections do not notice. */
export class FilterStore {
  readonly #filters = new Map<string, { readonly filter: HttpFilter; readonly json: JsonObject }>();
  readonly #upstream = new Set<string>();

  /** Gives places to the filter chains of one side. */
  discover(place: ChainPlace): DiscoverFilter {
    const filters = this.#filters;
    return (name, { fallback }) => {
      if (place === 'upstream') this.#upstream.add(name);
      return {
        get filter() {
          return filters.get(name)?.filter ?? fallback;
        },
      };
    };
  }

  has(name: string): boolean {
    return this.#filters.has(name);
  }

  /** Names that clusters have asked for. */
  upstreamNames(): readonly string[] {
    return [...this.#upstream];
  }

  put(json: JsonObject): readonly Issue[] {
    const issues: Issue[] = [];
    const name = String(json['name'] ?? '');
    const config = json['typed_config'];
    if (!isObject(config)) return [{ path: 'typed_config', message: 'value is required' }];
    const place: ChainPlace = this.#upstream.has(name) ? 'upstream' : 'downstream';
    const filter = compileFilter(config, 'typed_config', issues, place);
    if (filter && issues.length === 0) this.#filters.set(name, { filter, json });
    return issues;
  }

  remove(name: string): void {
    this.#filters.delete(name);
  }

  dump(): readonly JsonObject[] {
    return [...this.#filters.values()].map(({ json }) => json);
  }
}
