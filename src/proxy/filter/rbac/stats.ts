import { counter, type StatsKind, statsKind } from '../../stats/kind.ts';
import type { StatsScope } from '../../stats/store.ts';
import type { FilterContext } from '../context.ts';
import type { Verdict } from './engine.ts';

class RuleStats {
  allowed = 0;
  denied = 0;
}

const RULES = statsKind(RuleStats, { allowed: counter('allowed'), denied: counter('denied') });
const SHADOW_RULES = statsKind(RuleStats, { allowed: counter('shadow_allowed'), denied: counter('shadow_denied') });

class PolicyStats {
  count = 0;
}

/** Envoy makes a policy's counters one by one, each when it first counts. */
const policyKind = (name: string): StatsKind<PolicyStats> => statsKind(PolicyStats, { count: counter(name) });
const POLICY = { allowed: policyKind('allowed'), denied: policyKind('denied') } as const;
const SHADOW_POLICY = { allowed: policyKind('shadow_allowed'), denied: policyKind('shadow_denied') } as const;

/** Counts the verdicts of one engine, and of each of its policies where `track` says so. */
export class VerdictCounter {
  readonly #stats: RuleStats;
  readonly #scope: StatsScope;
  readonly #prefix: string;
  readonly #kinds: typeof POLICY;
  readonly #policies = new Map<string, PolicyStats>();

  constructor(scope: StatsScope, prefix: string, shadow: boolean) {
    this.#scope = scope;
    this.#prefix = prefix;
    this.#kinds = shadow ? SHADOW_POLICY : POLICY;
    this.#stats = scope.get(shadow ? SHADOW_RULES : RULES, prefix);
  }

  count({ allowed, policy }: Verdict, track: boolean): void {
    if (allowed) this.#stats.allowed++;
    else this.#stats.denied++;
    if (!track || policy === undefined) return;
    const result = allowed ? 'allowed' : 'denied';
    const key = `${result}.${policy}`;
    let stats = this.#policies.get(key);
    if (!stats) {
      stats = this.#scope.get(this.#kinds[result], `${this.#prefix}policy.${policy}.`);
      this.#policies.set(key, stats);
    }
    stats.count++;
  }
}

/** Envoy's names: `<prefix of the chain>rbac.[<prefix of the rules>.]allowed`. */
export function verdictCounter({ stats, statPrefix }: FilterContext, prefix: string, shadow: boolean): VerdictCounter {
  const own = prefix === '' || prefix.endsWith('.') ? prefix : `${prefix}.`;
  return new VerdictCounter(stats, `${statPrefix}rbac.${own}`, shadow);
}
