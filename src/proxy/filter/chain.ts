import type { RequestHead, ResponseHead } from '../http/head.ts';
import { FLAG } from '../http/stream-info.ts';
import type { BoundFilter, FilterSlot, HttpFilter, RouteFilter, RouteFilters } from './filter.ts';
import type { HookList } from './pass.ts';

/** A filter chain on one route, by slot; undefined where nothing is to do. */
export interface FilterPlan {
  readonly filters: readonly (BoundFilter | undefined)[];
  /** Set where nothing but the heads of requests is looked at, and by hooks that all requests share: those, if any. */
  readonly headsOnly: HookList<RequestHead> | undefined;
  /** The slots of these. */
  readonly headsOnlyAt: readonly number[];
  /** What is then shown the heads of responses, the last slot first, and the places of these in `response`. */
  readonly headsBack: HookList<ResponseHead>;
  readonly headsBackAt: readonly number[];
  /** A filter makes hooks for each request; the lists below lack them. */
  readonly begins: boolean;
  readonly request: HookList<RequestHead>;
  /** The last slot first. */
  readonly response: HookList<ResponseHead>;
  /** Any of them looks at responses. */
  readonly answers: boolean;
  /** The same filters as another route configures them. Which of them are off stays as it is: that was decided when the request came. */
  on(route: FilterRoute | undefined): readonly (BoundFilter | undefined)[];
}

/** The part of a route that filter chains look at: what its levels say about filters, the most specific first. */
export interface FilterRoute {
  readonly filters: readonly RouteFilters[];
}

const NO_LEVELS: readonly RouteFilters[] = [];
const NO_ROUTE: FilterRoute = { filters: NO_LEVELS };

/** A discovered filter that has not come refuses requests, in its place of the chain. */
const MISSING: BoundFilter = {
  shared: {
    request: {
      head: (stream) => {
        stream.reply({ status: 500, body: '', details: '', flags: FLAG.NO_FILTER_CONFIG });
        return 'stop';
      },
    },
  },
};

/** The filters before the one that ends the chain, bound to each route when the first request for it comes. */
export class FilterChain {
  readonly #slots: readonly FilterSlot[];
  #plans = new WeakMap<FilterRoute, FilterPlan>();
  #plain: FilterPlan | undefined = undefined;
  readonly #discovered: readonly FilterSlot['cell'][];
  #seen: readonly (HttpFilter | undefined)[];

  constructor(slots: readonly FilterSlot[], discovered: readonly FilterSlot['cell'][]) {
    this.#slots = slots;
    this.#discovered = discovered;
    this.#seen = discovered.map(({ filter }) => filter);
  }

  /** How the chain works on a route, or where there is none. */
  plan(route: FilterRoute | undefined): FilterPlan {
    if (this.#discovered.length > 0) this.#refresh();
    if (!route || route.filters.length === 0) {
      this.#plain ??= this.#bind(NO_LEVELS);
      return this.#plain;
    }
    const known = this.#plans.get(route);
    if (known) return known;
    const plan = this.#bind(route.filters);
    this.#plans.set(route, plan);
    return plan;
  }

  #refresh(): void {
    const discovered = this.#discovered;
    for (let at = 0; at < discovered.length; at++) {
      if (discovered[at]?.filter === this.#seen[at]) continue;
      this.#seen = discovered.map(({ filter }) => filter);
      this.#plans = new WeakMap();
      this.#plain = undefined;
      return;
    }
  }

  #bind(levels: readonly RouteFilters[]): FilterPlan {
    const slots = this.#slots.map((slot) => (isOff(slot, levels) ? undefined : slot));
    const filters = slots.map((slot) => slot && bindSlot(slot, levels));
    const back = filters.map((filter) => filter?.earlyResponse).reverse();
    const first = filters.map((filter) => filter?.early ?? filter?.shared?.request);
    return {
      filters,
      headsOnly: filters.every(seesOnlyHeads) ? first.flatMap((hooks) => hooks ?? []) : undefined,
      headsOnlyAt: first.flatMap((hooks, at) => (hooks ? [at] : [])),
      headsBack: back.flatMap((hooks) => hooks ?? []),
      headsBackAt: back.flatMap((hooks, at) => (hooks ? [at] : [])),
      begins: filters.some((filter) => filter?.begin !== undefined),
      request: filters.map((filter) => filter?.shared?.request),
      response: filters.map((filter) => filter?.shared?.response).reverse(),
      answers: filters.some((filter) => filter?.shared?.response !== undefined),
      on: onRoutes(slots),
    };
  }
}

/** Whether a filter does nothing to what comes after the head of a request, or back, unless it says so at that head. */
function seesOnlyHeads(filter: BoundFilter | undefined): boolean {
  if (!filter || filter.early) return true;
  const { shared } = filter;
  return shared !== undefined && !shared.response && Object.keys(shared.request ?? {}).every((key) => key === 'head');
}

/** Binds filters to routes that requests take later, once for each route. */
function onRoutes(slots: readonly (FilterSlot | undefined)[]): FilterPlan['on'] {
  const known = new WeakMap<FilterRoute, readonly (BoundFilter | undefined)[]>();
  return (route = NO_ROUTE) => {
    const filters = known.get(route) ?? slots.map((slot) => slot && bindSlot(slot, route.filters));
    known.set(route, filters);
    return filters;
  };
}

const saidOf = (name: string, levels: readonly RouteFilters[]): readonly RouteFilter[] =>
  levels.flatMap((level) => level.get(name) ?? []);

function isOff({ name, disabled }: FilterSlot, levels: readonly RouteFilters[]): boolean {
  return saidOf(name, levels).find((one) => one.disabled !== undefined)?.disabled ?? disabled;
}

function bindSlot({ name, cell: { filter } }: FilterSlot, levels: readonly RouteFilters[]): BoundFilter | undefined {
  if (!filter) return MISSING;
  return filter.bind(saidOf(name, levels).flatMap(({ type, value }) => (type === filter.type ? [value] : [])));
}
