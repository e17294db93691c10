import type { Calls } from '../async/calls.ts';
import type { FilterStream } from '../filter.ts';
import type { AuthzConfig } from './config.ts';
import { type AuthzOutcome, CLUSTER_AUTHZ } from './stats.ts';

/** Counts what comes of one request, for the filter and for the cluster that it leads to when it begins. */
export class AuthzChecks {
  readonly #config: AuthzConfig;
  readonly #calls: Calls;
  readonly #cluster: string;

  constructor(config: AuthzConfig, calls: Calls, { clusterName }: FilterStream) {
    this.#config = config;
    this.#calls = calls;
    this.#cluster = clusterName;
  }

  count(outcome: AuthzOutcome): void {
    const { stats, scope, statPrefix } = this.#config;
    stats[outcome]++;
    if (this.#cluster === '') return;
    scope.get(CLUSTER_AUTHZ[outcome], `cluster.${this.#cluster}.${statPrefix}`).count++;
  }

  /** A denial counts as a response of the cluster. */
  charge(status: number): void {
    if (this.#config.chargeCluster) this.#calls.chargeResponse(this.#cluster, status);
  }
}
