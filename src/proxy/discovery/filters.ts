import type { Issue } from '../../base/index.ts';
import { isObject, type JsonObject, readMessage, typeName } from '../config/fields.ts';
import type { DiscoveredFilter, FilterSubscription } from '../filter/context.ts';

/** The place of a discovered filter in one chain. */
interface Cell<Filter = unknown> {
  filter: Filter | undefined;
  readonly subscription: FilterSubscription<Filter>;
}

/** Discovered filters (ECDS) by name. A new version is in force for the next request; connections do not notice. */
export class FilterStore {
  readonly #resources = new Map<string, JsonObject>();
  /** Chains own their cells: what no chain has any more is not asked about new versions. */
  readonly #cells = new Map<string, Set<WeakRef<Cell>>>();
  readonly #upstream = new Set<string>();
  /** Names of resources that were refused when they came. */
  readonly #refused = new Set<string>();

  /** Gives places to filter chains; each reads the resource in its own surroundings. */
  readonly discover = <Filter>(name: string, subscription: FilterSubscription<Filter>): DiscoveredFilter<Filter> => {
    if (subscription.place === 'upstream') this.#upstream.add(name);
    const known = this.#resources.get(name);
    const filter = known && compile(known, subscription, []);
    const cell: Cell<Filter> = { filter: filter ?? subscription.fallback, subscription };
    const cells = this.#cells.get(name);
    if (cells) cells.add(new WeakRef(cell));
    else this.#cells.set(name, new Set([new WeakRef(cell)]));
    return cell;
  };

  /** Whether any answer about the name has come. */
  answered(name: string): boolean {
    return this.#resources.has(name) || this.#refused.has(name);
  }

  /** An answer about the name came, and was of no use. */
  refuse(name: string): void {
    this.#refused.add(name);
  }

  /** Names that clusters have asked for. */
  upstreamNames(): readonly string[] {
    return [...this.#upstream];
  }

  /** Takes a resource into force in every chain that asked for it, or in none. */
  put(json: JsonObject): readonly Issue[] {
    const issues: Issue[] = [];
    const name = String(json['name'] ?? '');
    const compiled = this.#live(name).map((cell) => [cell, compile(json, cell.subscription, issues)] as const);
    if (issues.length > 0) {
      this.refuse(name);
      return issues;
    }
    for (const [cell, filter] of compiled) cell.filter = filter;
    this.#resources.set(name, json);
    return issues;
  }

  remove(name: string): void {
    this.#resources.delete(name);
    this.#refused.delete(name);
    for (const cell of this.#live(name)) cell.filter = cell.subscription.fallback;
  }

  dump(): readonly JsonObject[] {
    return [...this.#resources.values()];
  }

  #live(name: string): readonly Cell[] {
    const cells = this.#cells.get(name) ?? new Set();
    return [...cells].flatMap((reference) => {
      const cell = reference.deref();
      if (!cell) cells.delete(reference);
      return cell ?? [];
    });
  }
}

function compile<Filter>(
  json: JsonObject,
  { read, types }: FilterSubscription<Filter>,
  issues: Issue[],
): Filter | undefined {
  const config = json['typed_config'];
  if (isObject(config)) {
    const type = typeName(config);
    if (types.has(type)) return readMessage(config, 'typed_config', issues, read);
    const expected = [...types].join(', ');
    issues.push({ path: 'typed_config.@type', message: `filter config has type ${type}`, allowed: expected });
    return undefined;
  }
  issues.push({ path: 'typed_config', message: 'value is required' });
  return undefined;
}
