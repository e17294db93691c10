import { compileDnsPattern, normalizeDnsName } from '../../base/index.ts';
import type { DnsPlan, DnsRule, Identity } from '../node-plan.ts';

export interface DnsQuestion {
  /** Address of the asking endpoint. */
  readonly client: string;
  /** Identity and port of the server it asks. */
  readonly serverIdentity: Identity;
  readonly serverPort: number;
  readonly protocol: 'tcp' | 'udp';
  readonly name: string;
}

export interface DnsVerdict {
  readonly allowed: boolean;
  /** Keys of `NodePlan.rules` that allow; empty when none does. */
  readonly rules: readonly string[];
}

const byPlan = new WeakMap<DnsPlan, ReadonlyMap<string, readonly DnsRule[]>>();

/** Whether one of the endpoint's rules allows this name at this server. What no rule allows is denied. The query type does not matter. */
export function dnsVerdict(
  plan: DnsPlan,
  { client, serverIdentity, serverPort, protocol, name }: DnsQuestion,
): DnsVerdict {
  const rules = (rulesByEndpoint(plan).get(client) ?? [])
    .filter((rule) => rule.protocol === protocol && rule.port === serverPort)
    .filter((rule) => rule.peer === 0 || rule.peer === serverIdentity)
    .filter((rule) => rule.names.some((wanted) => matches(wanted, name)))
    .map((rule) => rule.rule);
  return { allowed: rules.length > 0, rules: [...new Set(rules)] };
}

function matches({ matchName, matchPattern }: DnsRule['names'][number], name: string): boolean {
  if (matchName !== undefined && normalizeDnsName(matchName) === normalizeDnsName(name)) return true;
  return matchPattern !== undefined && compileDnsPattern(matchPattern)(name);
}

function rulesByEndpoint(plan: DnsPlan): ReadonlyMap<string, readonly DnsRule[]> {
  const known = byPlan.get(plan);
  if (known) return known;
  const grouped = new Map<string, DnsRule[]>();
  for (const rule of plan.rules) {
    const list = grouped.get(rule.endpoint);
    if (list) list.push(rule);
    else grouped.set(rule.endpoint, [rule]);
  }
  byPlan.set(plan, grouped);
  return grouped;
}
