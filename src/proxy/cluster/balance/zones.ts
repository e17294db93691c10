import type { HostSet, LocalityHosts } from '../host-set.ts';
import type { BalancerEnvironment } from './balancer.ts';
import type { LocalityPolicy } from './policy.ts';

/** How the picks of the first priority spread over zones. */
export type ZoneRouting =
  | { readonly kind: 'none' }
  /** Everything stays in the own zone. */
  | { readonly kind: 'direct' }
  | {
      readonly kind: 'residual';
      /** Ten-thousandths of the picks that stay. */
      readonly local: number;
      /** Running sums of what each locality can take from others. */
      readonly residual: readonly number[];
    };

const NONE: ZoneRouting = { kind: 'none' };
const DIRECT: ZoneRouting = { kind: 'direct' };

/**
 * Envoy's zone aware routing: a zone with at least as large a share of the upstream hosts as of the local cluster keeps its traffic;
 * else as much as it can take stays, and the rest goes where there is capacity left.
 */
export function planZones(
  upstream: HostSet,
  local: HostSet | undefined,
  policy: LocalityPolicy,
  { stats }: BalancerEnvironment,
): ZoneRouting {
  if (!local) return NONE;
  stats.recalculateZoneStructures++;
  const { forceLocalZone } = policy;
  if (upstream.localities.length < 2) return NONE;
  if (local.localities.length < 2 && forceLocalZone === undefined) return NONE;
  if (!local.hasLocal) {
    stats.localClusterNotOk++;
    return NONE;
  }
  if (upstream.healthy.length < policy.minClusterSize) {
    stats.zoneClusterTooSmall++;
    return NONE;
  }
  const shares = zoneShares(upstream, local, policy.byWeight);
  const [own] = shares;
  if (upstream.hasLocal && own) {
    const enough = own.upstream > 0 && own.upstream >= own.local;
    const forced = forceLocalZone !== undefined && (upstream.localities[0]?.healthy.length ?? 0) >= forceLocalZone;
    if (enough || forced) return DIRECT;
  }
  let sum = 0;
  const residual = shares.map((share, index) => {
    const isOwn = index === 0 && upstream.hasLocal;
    if (!isOwn && share.upstream > share.local) sum += share.upstream - share.local;
    return sum;
  });
  const canStay = upstream.hasLocal && own !== undefined && own.local > 0;
  return { kind: 'residual', local: canStay ? Math.floor((own.upstream * 10_000) / own.local) : 0, residual };
}

/** The index of the locality for one pick. */
export function chooseZone(
  routing: Exclude<ZoneRouting, { readonly kind: 'none' }>,
  { random, stats }: BalancerEnvironment,
): number {
  if (routing.kind === 'direct') {
    stats.zoneRoutingAllDirectly++;
    return 0;
  }
  if (Math.floor(random() * 10_000) < routing.local) {
    stats.zoneRoutingSampled++;
    return 0;
  }
  stats.zoneRoutingCrossZone++;
  const { residual } = routing;
  const total = residual.at(-1) ?? 0;
  if (total === 0) {
    stats.zoneNoCapacityLeft++;
    return Math.floor(random() * residual.length);
  }
  const point = Math.floor(random() * total);
  return residual.findIndex((reached) => point < reached);
}

/** Ten-thousandths of the healthy hosts by upstream locality, in the upstream and in the local cluster. */
function zoneShares(
  upstream: HostSet,
  local: HostSet,
  byWeight: boolean,
): readonly { readonly upstream: number; readonly local: number }[] {
  const sizeOf = ({ healthy }: LocalityHosts): number =>
    byWeight ? healthy.reduce((sum, host) => sum + host.weight, 0) : healthy.length;
  const total = (localities: readonly LocalityHosts[]): number => localities.reduce((sum, one) => sum + sizeOf(one), 0);
  const upstreamTotal = total(upstream.localities);
  const localTotal = total(local.localities);
  const localSizes = new Map(local.localities.map((one) => [one.locality.key, sizeOf(one)]));
  const share = (size: number, whole: number): number => (whole > 0 ? Math.floor((10_000 * size) / whole) : 0);
  return upstream.localities.map((one) => {
    if (one.healthy.length === 0) return { upstream: 0, local: 0 };
    return {
      upstream: share(sizeOf(one), upstreamTotal),
      local: share(localSizes.get(one.locality.key) ?? 0, localTotal),
    };
  });
}
