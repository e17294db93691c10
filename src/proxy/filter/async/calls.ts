import type { ClusterManager } from '../../cluster/manager.ts';
import { HTTP_STATS } from '../../http/stats.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { DEFAULT_ROUTER } from '../router/config.ts';
import { callGrpc, type GrpcAnswer, type GrpcRequest } from './grpc-call.ts';
import { GRPC, type GrpcStream, type GrpcTarget, type GrpcUser, openGrpc } from './grpc-stream.ts';
import { type Call, callHttp, type HttpAnswer, type HttpRequest } from './http-call.ts';

/** How filters of one worker ask other servers. What is asked goes to a cluster by name. */
export interface Calls {
  /** Undefined: there is no such cluster. The answer may come before this returns. */
  http(cluster: string, request: HttpRequest, done: (answer: HttpAnswer) => void): Call | undefined;
  /** One message each way. The answer may come before this returns. */
  grpc(request: GrpcRequest, done: (answer: GrpcAnswer) => void): Call;
  /** Messages both ways. The end may come before this returns. */
  stream(target: GrpcTarget, user: GrpcUser): GrpcStream;
  /** Counts an answer of a filter's as a response of the cluster that the request was meant for. */
  chargeResponse(cluster: string, status: number): void;
}

/** Bytes of a request's body that may wait for its connection or for another attempt. */
const BUFFER_LIMIT = 1024 * 1024;
/** A call to a cluster that is not there. */
const NO_CALL: GrpcStream = { send: () => undefined, finish: () => undefined, cancel: () => undefined };

export function createCalls(clusters: ClusterManager, localCluster: string, runtime: Runtime): Calls {
  const surroundings = {
    bufferLimit: BUFFER_LIMIT,
    clusters,
    localCluster,
    router: DEFAULT_ROUTER,
    runtime,
    tellsHosts: false,
    // Requests of the proxy's own count for their cluster alone.
    stats: HTTP_STATS.create(),
  };
  const stream: Calls['stream'] = (target, user) => {
    const cluster = clusters.get(target.service.cluster);
    if (cluster) return openGrpc(surroundings, cluster, target, user);
    user.onEnd(GRPC.UNAVAILABLE, 'Cluster not available{}');
    return NO_CALL;
  };
  return {
    http: (name, request, done) => {
      const cluster = clusters.get(name);
      return cluster && callHttp(surroundings, cluster, request, done);
    },
    grpc: (request, done) => callGrpc(stream, request, done),
    stream,
    chargeResponse: (name, status) => {
      const stats = clusters.get(name)?.stats;
      stats?.status.count(status);
      stats?.internalStatus.count(status);
    },
  };
}
