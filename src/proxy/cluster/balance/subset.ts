import { isObject } from '../../config/fields.ts';
import type { Hash64 } from '../../hash/xxhash64.ts';
import { mergeCriteria } from '../../route/metadata-match.ts';
import type { LoadBalancerContext, MetadataCriterion } from '../context.ts';
import type { Host } from '../host.ts';
import { type HostSet, narrowSet } from '../host-set.ts';
import type { BalancerEnvironment, LoadBalancer } from './balancer.ts';
import { hasLabels, labelCombinations, onlyNamed } from './criteria.ts';
import type { SubsetPolicy, SubsetSelector } from './policy.ts';
import { SUBSET_STATS, type SubsetStats } from './stats.ts';
import { findNode, growNode, newNode, pruneSubsets, type SubsetNode, selectorFinder } from './subset-tree.ts';

const FALLBACK_LIST = 'fallback_list';

/** Hosts that belong together. */
interface Subset {
  readonly balancer: LoadBalancer | undefined;
  /** Members by priority while an update is worked out. */
  members: Set<Host>;
  /** The one host of a subset without a balancer. */
  single: Host | undefined;
  active: boolean;
}

/** Envoy's subset load balancer: looks for the subset that the criteria of a request name and falls back as the policy says. */
export class SubsetBalancer implements LoadBalancer {
  readonly #policy: SubsetPolicy;
  readonly #environment: BalancerEnvironment;
  readonly #own: SubsetStats;
  readonly #create: () => LoadBalancer;
  readonly #root: SubsetNode<Subset> = newNode();
  /** All hosts, and those of the default subset, where the policy can ask for them. */
  readonly #any: LoadBalancer | undefined;
  readonly #default: LoadBalancer | undefined;
  readonly #fallback: LoadBalancer | undefined;
  readonly #selectorOf: (criteria: readonly MetadataCriterion[]) => SubsetSelector | undefined;
  /** Subsets by the list of criteria that led to them, since the last update. */
  #found = new WeakMap<readonly MetadataCriterion[], Subset>();

  /** `create` makes a balancer of the inner policy. */
  constructor(policy: SubsetPolicy, environment: BalancerEnvironment, create: () => LoadBalancer) {
    this.#policy = policy;
    this.#environment = environment;
    this.#own = environment.ownStats(SUBSET_STATS, '');
    this.#create = create;
    const uses = (name: 'ANY_ENDPOINT' | 'DEFAULT_SUBSET'): boolean =>
      policy.fallback === name || policy.selectors.some(({ fallback }) => fallback === name);
    this.#any = uses('ANY_ENDPOINT') || policy.panicModeAny ? create() : undefined;
    this.#default = uses('DEFAULT_SUBSET') ? create() : undefined;
    this.#fallback = { NO_FALLBACK: undefined, ANY_ENDPOINT: this.#any, DEFAULT_SUBSET: this.#default }[
      policy.fallback
    ];
    this.#selectorOf = selectorFinder(policy.selectors);
  }

  update(sets: readonly HostSet[]): void {
    const { defaultSubset, listAsAny, localityWeights } = this.#policy;
    const hosts = sets.flatMap((set) => set.hosts);
    const narrowed = (members: ReadonlySet<Host>): readonly HostSet[] =>
      sets.map((set) => narrowSet(set, members, localityWeights));
    this.#found = new WeakMap();
    this.#any?.update(narrowed(new Set(hosts)));
    this.#default?.update(narrowed(new Set(hosts.filter((host) => hasLabels(host, defaultSubset, listAsAny)))));
    pruneSubsets(this.#root, (subset) => {
      subset.members = new Set();
      subset.single = undefined;
      return true;
    });
    this.#assign(hosts);
    const { stats } = this.#environment;
    pruneSubsets(this.#root, (subset) => {
      subset.active = subset.members.size > 0;
      subset.balancer?.update(narrowed(subset.members));
      if (!subset.active) {
        stats.subsetsActive--;
        stats.subsetsRemoved++;
      }
      return subset.active;
    });
  }

  choose(context: LoadBalancerContext): Host | undefined {
    const criteria = context.metadataMatch;
    const list = this.#policy.fallbackList ? criteria?.find(({ name }) => name === FALLBACK_LIST) : undefined;
    if (!criteria || !list) return this.#chooseOnce(context);
    const rest = criteria.filter((one) => one !== list);
    const overrides = Array.isArray(list.value) ? list.value : [];
    if (overrides.length === 0) return this.#chooseOnce(new NarrowedContext(context, rest));
    for (const override of overrides) {
      const own = Object.entries(isObject(override) ? override : {}).map(([name, value]) => ({ name, value }));
      const merged = mergeCriteria(rest, own) ?? [];
      const host = this.#chooseOnce(new NarrowedContext(context, merged));
      if (host) return host;
    }
    return undefined;
  }

  #chooseOnce(given: LoadBalancerContext): Host | undefined {
    const context = this.#policy.allowRedundantKeys ? this.#withoutRedundantKeys(given) : given;
    const { stats } = this.#environment;
    const { metadataMatch: criteria } = context;
    if (criteria) {
      const subset = this.#subsetOf(criteria);
      if (subset) {
        stats.subsetsSelected++;
        return subset.balancer ? subset.balancer.choose(context) : subset.single;
      }
      const selector = this.#selectorOf(criteria);
      if (selector && selector.fallback !== 'NOT_DEFINED') return this.#fallBack(selector, context, criteria);
    }
    if (!this.#fallback) return undefined;
    const host = this.#fallback.choose(given);
    if (host) {
      stats.subsetsFallback++;
      return host;
    }
    const last = this.#policy.panicModeAny ? this.#any?.choose(given) : undefined;
    if (last) stats.subsetsFallbackPanic++;
    return last;
  }

  #subsetOf(criteria: readonly MetadataCriterion[]): Subset | undefined {
    let subset = this.#found.get(criteria);
    if (!subset) {
      subset = findNode(this.#root, criteria)?.subset;
      if (subset) this.#found.set(criteria, subset);
    }
    return subset;
  }

  #fallBack(
    { fallback, fallbackKeys }: SubsetSelector,
    context: LoadBalancerContext,
    criteria: readonly MetadataCriterion[],
  ): Host | undefined {
    switch (fallback) {
      case 'ANY_ENDPOINT':
        return this.#any?.choose(context);
      case 'DEFAULT_SUBSET':
        return this.#default?.choose(context);
      case 'KEYS_SUBSET':
        return this.#chooseOnce(new NarrowedContext(context, onlyNamed(criteria, fallbackKeys)));
      default:
        return undefined;
    }
  }

  /** The context with the criteria of the first selector that they suffice for. */
  #withoutRedundantKeys(context: LoadBalancerContext): LoadBalancerContext {
    const { metadataMatch: criteria } = context;
    if (!criteria) return context;
    for (const { keys } of this.#policy.selectors) {
      const named = onlyNamed(criteria, keys);
      if (named.length !== keys.length) continue;
      return named.length === criteria.length ? context : new NarrowedContext(context, named);
    }
    return context;
  }

  #assign(hosts: readonly Host[]): void {
    let duplicates = 0;
    for (const host of hosts) {
      for (const { keys, singleHost } of this.#policy.selectors) {
        for (const values of labelCombinations(host, keys, this.#policy.listAsAny)) {
          const subset = this.#subsetAt(growNode(this.#root, keys, values), singleHost);
          if (!subset.balancer && subset.single) {
            duplicates++;
            continue;
          }
          subset.single = host;
          subset.members.add(host);
        }
      }
    }
    this.#own.singleHostDuplicate = duplicates;
  }

  #subsetAt(node: SubsetNode<Subset>, singleHost: boolean): Subset {
    if (node.subset) return node.subset;
    const { stats } = this.#environment;
    stats.subsetsActive++;
    stats.subsetsCreated++;
    const balancer = singleHost ? undefined : this.#create();
    node.subset = { balancer, members: new Set(), single: undefined, active: true };
    return node.subset;
  }
}

/** A context with other criteria. */
class NarrowedContext implements LoadBalancerContext {
  readonly #inner: LoadBalancerContext;
  readonly metadataMatch: readonly MetadataCriterion[];

  constructor(inner: LoadBalancerContext, metadataMatch: readonly MetadataCriterion[]) {
    this.#inner = inner;
    this.metadataMatch = metadataMatch;
  }

  get info(): LoadBalancerContext['info'] {
    return this.#inner.info;
  }

  get retry(): LoadBalancerContext['retry'] {
    return this.#inner.retry;
  }

  hash(): Hash64 | undefined {
    return this.#inner.hash();
  }
}
