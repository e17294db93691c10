import { execFileSync } from 'node:child_process';
import { addresses, planned } from './world.ts';

/** The proxy's own connections carry this mark, as `original_src` of the plan's listeners has it. */
const ownMark = '0xb00';

/**
 * Makes the namespace that this process is alone in a node with its pods: all addresses are its own, and what a plan redirects goes to the
 * plan's listeners, keeping both addresses.
 */
export function setUpNetwork(): void {
  const ip = (...words: readonly string[]): void => {
    execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'pipe'] });
  };
  ip('link', 'set', 'lo', 'up');
  for (const [place, address] of Object.entries(addresses)) {
    if (place !== 'service') ip('addr', 'add', `${address}/32`, 'dev', 'lo');
  }
  ip('route', 'add', 'local', planned.datapath.serviceCidr, 'dev', 'lo');
  execFileSync('nft', ['-f', '-'], { input: redirects() });
}

function redirects(): string {
  const { policy, serviceRedirects } = planned.datapath;
  const to = (port: number | undefined): string => `tproxy ip to 127.0.0.1:${port} accept`;
  const services = serviceRedirects.map(({ address, port, proxyPort }) => {
    return `ip daddr ${address} tcp dport ${port} ${to(proxyPort)}`;
  });
  // Egress goes first: the listener that it leads to asks the ingress rules of backends on its node, too.
  const policies = (['egress', 'ingress'] as const).flatMap((direction) => {
    const entries = policy.filter((entry) => entry.action === 'redirect' && entry.direction === direction);
    return entries.map(({ endpoint, port, proxyPort }) => {
      return `ip ${direction === 'egress' ? 'saddr' : 'daddr'} ${endpoint} tcp dport ${port} ${to(proxyPort)}`;
    });
  });
  return `table ip flows {
    chain pre { type filter hook prerouting priority mangle; policy accept;
      meta mark & 0xf00 == ${ownMark} accept
      ${[...new Set([...services, ...policies])].join('\n')}
    }
  }`;
}
