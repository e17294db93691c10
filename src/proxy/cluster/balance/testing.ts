import { StreamInfo } from '../../http/stream-info.ts';
import { PlainContext } from '../context.ts';
import { type EndpointConfig, Host, localityOf } from '../host.ts';
import { type HostSet, type HostSetOptions, PLAIN_SET, partitionHosts } from '../host-set.ts';
import type { BalancerEnvironment, LoadBalancer } from './balancer.ts';
import { BalancerStats } from './stats.ts';

const PEER = { address: '10.0.0.1', port: 1 };

export const plainContext = new PlainContext(new StreamInfo({ remote: PEER, directRemote: PEER, local: PEER }));

/** A repeatable random source. */
export function seeded(seed = 1): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 0x1_0000_0000;
  };
}

export function environment(more: Partial<BalancerEnvironment> = {}): BalancerEnvironment {
  return {
    random: seeded(),
    now: () => 1000,
    stats: new BalancerStats(),
    ownStats: (kind) => kind.create(),
    panicThreshold: 50,
    localSet: () => undefined,
    activeRequests: () => 0,
    ...more,
  };
}

export type HostSpec = Partial<EndpointConfig> & { readonly zone?: string };

/** Hosts `10.0.0.1:80`, `10.0.0.2:80`, ... unless they have an address of their own. */
export function makeHosts(specs: readonly HostSpec[], base = 0): readonly Host[] {
  return specs.map(({ zone, ...spec }, index) => {
    const address = { kind: 'socket', host: `10.0.0.${base + index + 1}`, port: 80 } as const;
    return new Host({ address, ...(zone === undefined ? {} : { locality: localityOf('', zone, '') }), ...spec });
  });
}

export function makeSet(hosts: readonly Host[], options: Partial<HostSetOptions> = {}, priority = 0): HostSet {
  return partitionHosts(priority, hosts, { ...PLAIN_SET, ...options });
}

/** Shares of `picks` picks by host name. */
export function shares(balancer: LoadBalancer, picks = 8000, context = plainContext): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let count = 0; count < picks; count++) {
    const name = balancer.choose(context)?.name ?? 'none';
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, count / picks]));
}
