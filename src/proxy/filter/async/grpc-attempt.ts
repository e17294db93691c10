import type { Cluster } from '../../cluster/cluster.ts';
import { PlainContext } from '../../cluster/context.ts';
import type { Host } from '../../cluster/host.ts';
import type { Resources } from '../../cluster/resources.ts';
import type { StreamInfo } from '../../http/stream-info.ts';
import { grpcToHttp } from '../router/grpc-status.ts';

/** Status of a call that got no connection, and of one that took too long. */
export const UNAVAILABLE = 14;
export const DEADLINE_EXCEEDED = 4;

/** One call to a host, as its cluster counts and limits it. */
export class GrpcAttempt {
  readonly host: Host;
  readonly cluster: Cluster;
  readonly #resources: Resources;
  #over = false;

  constructor(cluster: Cluster, host: Host) {
    this.cluster = cluster;
    this.host = host;
    this.#resources = cluster.resources.DEFAULT;
    this.#resources.requests++;
    host.activeRequests++;
    host.stats.rqTotal++;
    cluster.stats.rqTotal++;
    cluster.stats.rqActive++;
  }

  /** The call ended with a gRPC status, at the latest now; only the first end counts. */
  ended(status: number): void {
    if (!this.#leave()) return;
    const { cluster, host } = this;
    const unreachable = status === UNAVAILABLE;
    cluster.stats.status.count(unreachable ? 503 : 200);
    cluster.stats.internalStatus.count(unreachable ? 503 : 200);
    if (unreachable) cluster.outlier?.onLocalFailure(host, 503);
    else cluster.outlier?.onStatus(host, grpcToHttp(status));
    if (grpcToHttp(status) >= 500) host.stats.rqError++;
    else host.stats.rqSuccess++;
  }

  timedOut(): void {
    if (!this.#leave()) return;
    const { cluster, host } = this;
    cluster.stats.timeout++;
    cluster.stats.status.count(504);
    cluster.stats.internalStatus.count(504);
    cluster.outlier?.onLocalFailure(host, 504);
    host.stats.rqTimeout++;
    host.stats.rqError++;
  }

  cancelled(): void {
    if (this.#leave()) this.cluster.stats.rqCancelled++;
  }

  #leave(): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.#resources.requests--;
    this.host.activeRequests--;
    this.cluster.stats.rqActive--;
    return true;
  }
}

/** Chooses a host for a call; undefined: there is none, or too much is under way. */
export function beginGrpc(cluster: Cluster, parent: StreamInfo): GrpcAttempt | undefined {
  const host = cluster.choose(new PlainContext(parent));
  if (!host) {
    cluster.stats.noneHealthy++;
    return undefined;
  }
  const { all, limits } = cluster.resources.DEFAULT;
  if (all.requests < limits.requests) return new GrpcAttempt(cluster, host);
  cluster.stats.rqPendingOverflow++;
  return undefined;
}
