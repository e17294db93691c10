import type { Issue } from '../../base/index.ts';
import type { ClusterManager } from '../cluster/manager.ts';
import type { JsonObject } from '../config/fields.ts';
import { routeTableContext } from '../http/route-context.ts';
import { compileRouteTable, type RouteTable, type RouteTableContext } from '../route/table.ts';
import type { Runtime } from '../runtime/runtime.ts';

/** Discovered route tables by name. */
export class RouteStore {
  readonly #tables = new Map<string, { readonly table: RouteTable; readonly json: JsonObject }>();
  readonly #context: RouteTableContext;

  constructor(clusters: ClusterManager, runtime: Runtime) {
    this.#context = routeTableContext(clusters, runtime, false);
  }

  get(name: string): RouteTable | undefined {
    return this.#tables.get(name)?.table;
  }

  put(json: JsonObject): readonly Issue[] {
    const issues: Issue[] = [];
    const table = compileRouteTable(json, '', issues, this.#context);
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
