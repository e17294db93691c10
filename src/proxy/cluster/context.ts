import type { JsonValue } from '../config/fields.ts';
import type { Hash64 } from '../hash/xxhash64.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import type { Host } from './host.ts';
import type { OverrideHost } from './override-host.ts';

/** One key that a subset of hosts must have; a list is sorted by name, each name once. */
export interface MetadataCriterion {
  readonly name: string;
  readonly value: JsonValue;
}

/** Percent of the picks that each priority takes from its healthy and from its degraded hosts; the sum of both is 100, or 0 without any host. */
export interface PriorityLoad {
  readonly healthy: readonly number[];
  readonly degraded: readonly number[];
}

/** What the load balancer knows of its priorities when it picks one. */
export interface PriorityState {
  /** Share of healthy and of degraded hosts in percent, each priority on its own after overprovisioning. */
  readonly health: PriorityLoad;
  /** What would be used without retries. */
  readonly load: PriorityLoad;
}

/** What a retry asks of the choice of its host: `RetryPolicy.retry_host_predicate` and `retry_priority`. */
export interface RetrySelection {
  /** `host_selection_retry_max_attempts`: how often another host is picked while `rejects` says so; the last one picked is taken in any case. */
  readonly maxAttempts: number;
  rejects(host: Host): boolean;
  /** The load to pick the priority by: `state.load` itself, or one that avoids priorities already tried. `placeOf`: which of them a host is of; default its own. */
  priorityLoad(state: PriorityState, placeOf?: (host: Host) => number | undefined): PriorityLoad;
}

/** What a load balancer may ask about the request or connection that needs a host. */
export interface LoadBalancerContext {
  readonly info: StreamInfo;
  /** Computed when asked: only ring hash and Maglev do. Undefined: no hash policy gave a hash, the balancer takes a random one. */
  hash(): Hash64 | undefined;
  /** `metadata_match` of the route and the weighted cluster in one. */
  readonly metadataMatch: readonly MetadataCriterion[] | undefined;
  /** Undefined for the first attempt and where the policy asks for nothing: then the first host picked is taken. */
  readonly retry: RetrySelection | undefined;
  /** Goes before the choice, where it can be had. */
  readonly override?: OverrideHost | undefined;
}

/** The context of something that has no routing policy. */
export class PlainContext implements LoadBalancerContext {
  readonly info: StreamInfo;
  readonly metadataMatch = undefined;
  readonly retry = undefined;

  constructor(info: StreamInfo) {
    this.info = info;
  }

  hash(): undefined {
    return undefined;
  }
}
