import type { Issue } from '../../base/index.ts';
import type { ClusterManager } from '../cluster/manager.ts';
import type { JsonObject } from '../config/fields.ts';
import { routeTableContext } from '../http/route-context.ts';
import { compileRouteTable, type RouteTable, type RouteTableContext } from '../route/table.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { StatsScope, StatsStore } from '../stats/store.ts';

interface Entry {
  readonly table: RouteTable;
  readonly json: JsonObject;
  /** Holds what filters count for its routes. */
  readonly stats: StatsScope;
}

/** Discovered route tables by name. */
export class RouteStore {
  readonly #tables = new Map<string, Entry>();
  /** Names of tables that were refused when they came. */
  readonly #refused = new Set<string>();
  readonly #context: (stats: StatsScope) => RouteTableContext;
  readonly #stats: StatsStore;

  constructor(clusters: ClusterManager, runtime: Runtime, stats: StatsStore) {
    this.#context = (scope) => routeTableContext(clusters, runtime, scope, false);
    this.#stats = stats;
  }

  get(name: string): RouteTable | undefined {
    return this.#tables.get(name)?.table;
  }

  put(json: JsonObject): readonly Issue[] {
    const issues: Issue[] = [];
    const stats = this.#stats.scope();
    const table = compileRouteTable(json, '', issues, this.#context(stats));
    if (issues.length > 0) {
      this.refuse(String(json['name'] ?? ''));
      stats.close();
      return issues;
    }
    this.remove(table.name);
    this.#tables.set(table.name, { table, json, stats });
    return issues;
  }

  /** An answer about the name came, and was of no use. */
  refuse(name: string): void {
    this.#refused.add(name);
  }

  /** Whether any answer about the name has come. */
  answered(name: string): boolean {
    return this.#tables.has(name) || this.#refused.has(name);
  }

  remove(name: string): void {
    this.#refused.delete(name);
    this.#tables.get(name)?.stats.close();
    this.#tables.delete(name);
  }

  names(): readonly string[] {
    return [...this.#tables.keys()];
  }

  dump(): readonly JsonObject[] {
    return [...this.#tables.values()].map(({ json }) => json);
  }
}
