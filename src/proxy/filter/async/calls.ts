import type { ClusterManager } from '../../cluster/manager.ts';
import { HTTP_STATS } from '../../http/stats.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { DEFAULT_ROUTER } from '../router/config.ts';
import { callGrpc, type GrpcAnswer, type GrpcRequest } from './grpc-call.ts';
import { GrpcClients } from './grpc-clients.ts';
import { type Call, callHttp, type HttpAnswer, type HttpRequest } from './http-call.ts';

/** How filters of one worker ask other servers. What is asked goes to a cluster by name. */
export interface Calls {
  /** Undefined: there is no such cluster. The answer may come before this returns. */
  http(cluster: string, request: HttpRequest, done: (answer: HttpAnswer) => void): Call | undefined;
  grpc(request: GrpcRequest, done: (answer: GrpcAnswer) => void): Call;
  /** Counts an answer of a filter's as a response of the cluster that the request was meant for. */
  chargeResponse(cluster: string, status: number): void;
  close(): void;
}

/** Bytes of a request's body that may wait for its connection or for another attempt. */
const BUFFER_LIMIT = 1024 * 1024;

export function createCalls(clusters: ClusterManager, localCluster: string, runtime: Runtime): Calls {
  const clients = new GrpcClients((cluster) => clusters.get(cluster.config.name) === cluster);
  const surroundings = {
    bufferLimit: BUFFER_LIMIT,
    clusters,
    localCluster,
    router: DEFAULT_ROUTER,
    runtime,
    // Requests of the proxy's own count for their cluster alone.
    stats: HTTP_STATS.create(),
  };
  return {
    http: (name, request, done) => {
      const cluster = clusters.get(name);
      return cluster && callHttp(surroundings, cluster, request, done);
    },
    grpc: (request, done) => callGrpc(clusters, clients, request, done),
    chargeResponse: (name, status) => {
      const stats = clusters.get(name)?.stats;
      stats?.status.count(status);
      stats?.internalStatus.count(status);
    },
    close: () => clients.close(),
  };
}
