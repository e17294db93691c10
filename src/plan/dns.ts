import type { PolicyFilter } from '../policy/index.ts';
import type { EndpointGroup } from './endpoint-groups.ts';
import type { DnsPlan, DnsRule } from './node-plan.ts';

const everyName = [{ matchPattern: '*' }];

/** Whether any local endpoint has its DNS queries redirected. */
export function redirectsDns(groups: readonly EndpointGroup[]): boolean {
  return groups.some(({ policy }) => policy.filters.some(isDnsFilter));
}

/**
 * What the redirected endpoints may ask. A plain allow of the same port and protocol lets every name pass there, as does a
 * direction in which the endpoint is not isolated. An allow of more than this port (by Layer 3 alone, by a range) does not: Cilium's
 * DNS proxy knows the rules of the redirected port only (`CheckAllowed` of `pkg/fqdn/dnsproxy`).
 */
export function dnsPlan(groups: readonly EndpointGroup[], proxyPort: number): DnsPlan {
  const rules = groups.flatMap(({ pods, policy }) => {
    const shapes = ruleShapes(policy.filters, policy.enforceEgress);
    return pods.flatMap(({ address }) => shapes.map((shape) => ({ endpoint: address, ...shape })));
  });
  rules.sort((a, b) => (a.endpoint === b.endpoint ? 0 : a.endpoint < b.endpoint ? -1 : 1));
  return { proxyPort: rules.length === 0 ? 0 : proxyPort, rules };
}

function isDnsFilter(filter: PolicyFilter): boolean {
  return filter.direction === 'egress' && filter.action === 'allow' && filter.dns !== undefined;
}

type RuleShape = Omit<DnsRule, 'endpoint'>;

function ruleShapes(filters: readonly PolicyFilter[], enforced: boolean): readonly RuleShape[] {
  const redirects = filters.filter(isDnsFilter);
  if (redirects.length === 0) return [];
  const shapes = new Map<string, RuleShape>();
  const add = (shape: RuleShape) => shapes.set(JSON.stringify(shape), shape);
  const allows = filters.filter(({ direction, action, dns }) => direction === 'egress' && action === 'allow' && !dns);
  for (const redirect of redirects) {
    const where = { protocol: redirect.protocol === 'tcp' ? 'tcp' : 'udp', port: redirect.port } as const;
    for (const peer of redirect.peers) {
      for (const { key, rule } of redirect.dns ?? []) {
        const { matchName, matchPattern } = rule;
        const name = {
          ...(matchName !== undefined && { matchName }),
          ...(matchPattern !== undefined && { matchPattern }),
        };
        add({ peer, ...where, names: [name], rule: key });
      }
      if (!enforced) add({ peer, ...where, names: everyName, rule: redirect.rule });
    }
    for (const allow of allows.filter((candidate) => isSamePort(candidate, redirect))) {
      for (const peer of allow.peers) add({ peer, ...where, names: everyName, rule: allow.rule });
    }
  }
  return [...shapes.values()].sort((a, b) => a.peer - b.peer || a.port - b.port || (a.rule < b.rule ? -1 : 1));
}

function isSamePort(allow: PolicyFilter, redirect: PolicyFilter): boolean {
  if (allow.http || allow.serverNames || allow.listener || allow.protocol !== redirect.protocol) return false;
  return allow.port === redirect.port && allow.portEnd === redirect.portEnd;
}
