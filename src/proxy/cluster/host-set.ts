import type { Host, Locality } from './host.ts';

/** The hosts of one locality within a priority. */
export interface LocalityHosts {
  readonly locality: Locality;
  /** `LocalityLbEndpoints.load_balancing_weight`; 0 when it has none. */
  readonly weight: number;
  readonly hosts: readonly Host[];
  readonly healthy: readonly Host[];
  readonly degraded: readonly Host[];
  readonly excluded: readonly Host[];
}

/** What a load balancer knows of the hosts of one priority. A value: health and membership changes make a new one. */
export interface HostSet {
  readonly priority: number;
  readonly hosts: readonly Host[];
  readonly healthy: readonly Host[];
  readonly degraded: readonly Host[];
  readonly excluded: readonly Host[];
  /** The proxy's own locality first when it has hosts here, then by `Locality.key`: Envoy's order, which zone aware routing needs to be stable. */
  readonly localities: readonly LocalityHosts[];
  readonly hasLocal: boolean;
  /** Whether the weights of the localities mean anything; without them localities are not told apart. */
  readonly localityWeighted: boolean;
  /** Percent; 140 unless the assignment says otherwise. */
  readonly overprovisioning: number;
  readonly weightedHealth: boolean;
}

export interface HostSetOptions {
  /** By `Locality.key`. */
  readonly localityWeights: ReadonlyMap<string, number>;
  readonly overprovisioning: number;
  readonly weightedHealth: boolean;
  /** `Locality.key` of the proxy's own locality. */
  readonly local: string | undefined;
}

export const DEFAULT_OVERPROVISIONING = 140;
export const PLAIN_SET: HostSetOptions = {
  localityWeights: new Map(),
  overprovisioning: DEFAULT_OVERPROVISIONING,
  weightedHealth: false,
  local: undefined,
};

const NONE: readonly Host[] = [];

export function partitionHosts(priority: number, hosts: readonly Host[], options: HostSetOptions): HostSet {
  const { overprovisioning, weightedHealth, local } = options;
  const groups = groupByLocality(hosts, local);
  const localities = groups.map((group): LocalityHosts => {
    const { locality } = group[0] as Host;
    const weight = options.localityWeights.get(locality.key) ?? 0;
    return { locality, weight, hosts: group, ...byHealth(group) };
  });
  const [only] = localities;
  const split = localities.length === 1 && only ? only : byHealth(hosts);
  const { healthy, degraded, excluded } = split;
  const hasLocal = local !== undefined && only?.locality.key === local;
  const part = { priority, hosts, healthy, degraded, excluded, localities, hasLocal };
  return { ...part, localityWeighted: true, overprovisioning, weightedHealth };
}

/** What a set was made with. */
export function optionsOf(set: HostSet, local: string | undefined): HostSetOptions {
  const localityWeights = new Map(set.localities.map(({ locality, weight }) => [locality.key, weight]));
  return { localityWeights, overprovisioning: set.overprovisioning, weightedHealth: set.weightedHealth, local };
}

/** The same hosts after the health of some changed. */
export function refreshHealth(set: HostSet): HostSet {
  const localities = set.localities.map((one) => ({ ...one, ...byHealth(one.hosts) }));
  const [only] = localities;
  const { healthy, degraded, excluded } = localities.length === 1 && only ? only : byHealth(set.hosts);
  return { ...set, healthy, degraded, excluded, localities };
}

function groupByLocality(hosts: readonly Host[], local: string | undefined): readonly (readonly Host[])[] {
  const [first] = hosts;
  if (!first) return [];
  if (hosts.every((host) => host.locality.key === first.locality.key)) return [hosts];
  const groups = new Map<string, Host[]>();
  for (const host of hosts) {
    const group = groups.get(host.locality.key);
    if (group) group.push(host);
    else groups.set(host.locality.key, [host]);
  }
  const rank = (key: string): number => (key === local ? 0 : 1);
  return [...groups]
    .sort(([left], [right]) => rank(left) - rank(right) || (left < right ? -1 : 1))
    .map(([, group]) => group);
}

function byHealth(hosts: readonly Host[]): Pick<HostSet, 'healthy' | 'degraded' | 'excluded'> {
  if (hosts.every((host) => host.flags === 0)) return { healthy: hosts, degraded: NONE, excluded: NONE };
  return {
    healthy: hosts.filter((host) => host.health === 'healthy'),
    degraded: hosts.filter((host) => host.health === 'degraded'),
    excluded: hosts.filter((host) => host.excluded),
  };
}

/**
 * The part of a set that a subset of the hosts makes up. Localities keep their places, also without hosts; scaled weights go down
 * with the number of hosts that are left.
 */
export function narrowSet(set: HostSet, kept: ReadonlySet<Host>, weights: 'none' | 'same' | 'scaled'): HostSet {
  const among = (hosts: readonly Host[]): readonly Host[] => hosts.filter((host) => kept.has(host));
  const parts = (of: Pick<HostSet, 'hosts' | 'healthy' | 'degraded' | 'excluded'>) => ({
    hosts: among(of.hosts),
    healthy: among(of.healthy),
    degraded: among(of.degraded),
    excluded: among(of.excluded),
  });
  const localities = set.localities.map((one): LocalityHosts => {
    const narrowed = { ...one, ...parts(one) };
    if (weights !== 'scaled') return narrowed;
    const share = one.hosts.length === 0 ? 0 : (one.weight * narrowed.hosts.length) / one.hosts.length;
    return { ...narrowed, weight: Math.round(share) };
  });
  return { ...set, ...parts(set), localities, localityWeighted: weights !== 'none' };
}
