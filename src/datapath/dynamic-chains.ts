import { toProxyMark } from './marks.ts';
import { logStatement } from './skeleton-trace.ts';

/** Rules of every chain that some element names, derived from the chain's name. */
export function dynamicChains(
  sets: ReadonlyMap<string, ReadonlyMap<string, string>>,
): ReadonlyMap<string, readonly string[]> {
  const chains = new Map<string, readonly string[]>();
  for (const elements of sets.values()) {
    for (const value of elements.values()) {
      if (!value.startsWith('goto ')) continue;
      const name = value.slice('goto '.length);
      if (!chains.has(name)) chains.set(name, rulesOf(name));
    }
  }
  return chains;
}

function rulesOf(name: string): readonly string[] {
  const [kind, number = '', direction = '', matchType = ''] = name.split('_');
  return kind === 'pick' ? pickRules(number) : redirectRules(number, direction, matchType);
}

/** Chooses one of `count` backends with equal chance; a new backend needs an element, not a rule. */
function pickRules(count: string): readonly string[] {
  return [
    `ct mark set numgen random mod ${count}`,
    'meta l4proto { tcp, udp, sctp } dnat ip to ip daddr . meta l4proto . th dport . ct mark map @backends',
  ];
}

/**
 * Hands the packet to the proxy's socket with source and destination untouched. When nothing listens there the TPROXY
 * rule does not match, and what follows drops.
 */
function redirectRules(port: string, direction: string, matchType: string): readonly string[] {
  const enforced = direction === 'egress' ? 'ip saddr @egress_enforced' : 'ip daddr @ingress_enforced';
  const tproxy = `tproxy ip to 127.0.0.1:${port} meta mark set 0x${toProxyMark.toString(16)}`;
  const verdict = logStatement(`verdict redirected ${direction} ${matchType} ${port}`);
  return [
    'meta mark set 0',
    `meta l4proto tcp ${tproxy} ct state new ${enforced} ${verdict}`,
    `meta l4proto udp ${tproxy} ct state new ${enforced} ${verdict}`,
    `meta mark & 0xf00 == 0x${toProxyMark.toString(16)} accept`,
    `goto ${direction}_drop_no_listener`,
  ];
}
