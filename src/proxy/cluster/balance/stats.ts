import { counter, sharedGauge, statsKind } from '../../stats/kind.ts';

/** What load balancers count, under `cluster.<name>.`. */
export class BalancerStats {
  healthyPanic = 0;
  localClusterNotOk = 0;
  recalculateZoneStructures = 0;
  zoneClusterTooSmall = 0;
  zoneNoCapacityLeft = 0;
  zoneRoutingAllDirectly = 0;
  zoneRoutingCrossZone = 0;
  zoneRoutingSampled = 0;
  subsetsActive = 0;
  subsetsCreated = 0;
  subsetsFallback = 0;
  subsetsFallbackPanic = 0;
  subsetsRemoved = 0;
  subsetsSelected = 0;
}

export const BALANCER_STATS = statsKind(BalancerStats, {
  healthyPanic: counter('lb_healthy_panic'),
  localClusterNotOk: counter('lb_local_cluster_not_ok'),
  recalculateZoneStructures: counter('lb_recalculate_zone_structures'),
  zoneClusterTooSmall: counter('lb_zone_cluster_too_small'),
  zoneNoCapacityLeft: counter('lb_zone_no_capacity_left'),
  zoneRoutingAllDirectly: counter('lb_zone_routing_all_directly'),
  zoneRoutingCrossZone: counter('lb_zone_routing_cross_zone'),
  zoneRoutingSampled: counter('lb_zone_routing_sampled'),
  subsetsActive: sharedGauge('lb_subsets_active'),
  subsetsCreated: counter('lb_subsets_created'),
  subsetsFallback: counter('lb_subsets_fallback'),
  subsetsFallbackPanic: counter('lb_subsets_fallback_panic'),
  subsetsRemoved: counter('lb_subsets_removed'),
  subsetsSelected: counter('lb_subsets_selected'),
});

/** Of the ring built last, under `cluster.<name>.ring_hash_lb.`. */
export class RingStats {
  size = 0;
  least = 0;
  most = 0;
}

export const RING_STATS = statsKind(RingStats, {
  size: sharedGauge('size'),
  least: sharedGauge('min_hashes_per_host'),
  most: sharedGauge('max_hashes_per_host'),
});

/** Of the table built last, under `cluster.<name>.maglev_lb.`. */
export class MaglevStats {
  least = 0;
  most = 0;
}

export const MAGLEV_STATS = statsKind(MaglevStats, {
  least: sharedGauge('min_entries_per_host'),
  most: sharedGauge('max_entries_per_host'),
});

/** What only clusters with subsets have, under `cluster.<name>.`. */
export class SubsetStats {
  singleHostDuplicate = 0;
}

export const SUBSET_STATS = statsKind(SubsetStats, {
  singleHostDuplicate: sharedGauge('lb_subsets_single_host_per_subset_duplicate'),
});
