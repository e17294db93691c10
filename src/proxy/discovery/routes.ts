import type { Issue } from '../../base/index.ts';
import type { JsonObject } from '../config/fields.ts';
import { readRouteFilters } from '../filter/table.ts';
import { compileRouteTable, type RouteTable } from '../route/table.ts';

/** Discovered route tables by name. */
export class RouteStore {
  readonly #tables = new Map<string, { readonly table: RouteTable; readonly json: JsonObject }>();

  get(name: string): RouteTable | undefined {
    return this.#tables.get(name)?.table;
  }

  put(json: JsonObject): readonly Issue[] {
    const issues: Issue[] = [];
    const table = compileRouteTable(json, '', issues, readRouteFilters);
    if (issues.length === 0) this.#tables.set(table.name, { table, json });
    return issues;
  }

  remove(name: string): void {
    this.#tables.delete(name);
  }

  names(): readonly string[] {
    return [...this.#tables.keys()];
  }

  dump(): readonly JsonObject[] {
    return [...this.#tables.values()].map(({ json }) => json);
  }
}
