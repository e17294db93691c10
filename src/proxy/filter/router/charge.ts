import type { Host } from '../../cluster/host.ts';
import { grpcStatusIn } from '../../http/grpc-status.ts';
import type { ResponseHead } from '../../http/head.ts';
import type { HeaderMap } from '../../http/headers.ts';
import { now } from '../../time/clock.ts';
import type { Attempt } from './attempt.ts';
import { grpcToHttp } from './grpc-status.ts';
import { isCanary } from './host-rules.ts';
import type { RouterRun } from './run.ts';

const isServerError = (status: number): boolean => status >= 500 && status < 600;

/** Counts a response's code, or that of the answer in its stead. `host`: the one that is to blame. */
export function chargeStatus(run: RouterRun, status: number, host: Host | undefined, canary = false): void {
  const { manager, healthCheck } = run.stream;
  const { router } = manager;
  if (!router.dynamicStats || healthCheck) return;
  const { stats } = run.cluster;
  const counted = run.grpc && router.suppressGrpcCodeStats ? 0 : status;
  stats.status.count(counted);
  (run.internal ? stats.internalStatus : stats.externalStatus).count(counted);
  if (run.named) {
    run.named.status.count(counted);
    (run.internal ? run.named.internalStatus : run.named.externalStatus).count(counted);
    if (canary) run.named.canaryStatus.count(counted);
  }
  if (canary) stats.canaryStatus.count(counted);
  if (run.traffic) for (const traffic of run.traffic) traffic.status.count(counted);
  if (host && isServerError(status)) host.stats.rqError++;
}

/** Counts how long a response took from the end of the request. */
function chargeTime(run: RouterRun, canary: boolean): void {
  const { manager, requestEndAt, healthCheck } = run.stream;
  if (!manager.router.dynamicStats || requestEndAt === 0 || healthCheck) return;
  const { stats } = run.cluster;
  const time = Math.floor(now() - requestEndAt);
  stats.rqTime.record(time);
  (run.internal ? stats.internalRqTime : stats.externalRqTime).record(time);
  if (canary) stats.canaryRqTime.record(time);
  if (run.named) {
    run.named.rqTime.record(time);
    (run.internal ? run.named.internalRqTime : run.named.externalRqTime).record(time);
    if (canary) run.named.canaryRqTime.record(time);
  }
  if (run.traffic) for (const traffic of run.traffic) traffic.rqTime.record(time);
}

/** What a response says about its host, before it is known whether the request is tried again. */
export function judgeHead({ cluster, host }: Attempt, head: ResponseHead, grpc: boolean): void {
  const status = grpc ? grpcStatusIn(head.headers) : undefined;
  cluster.outlier?.onStatus(host, status === undefined ? head.status : grpcToHttp(status));
  if (cluster.health && head.headers.has('x-envoy-immediate-health-check-fail')) cluster.health.failImmediately(host);
}

/** Counts a response that goes to the client. */
export function chargeHead(run: RouterRun, attempt: Attempt, head: ResponseHead, done: boolean): void {
  const { host } = attempt;
  attempt.canary = isCanary(host) || head.headers.get('x-envoy-upstream-canary') === 'true';
  chargeStatus(run, head.status, host, attempt.canary);
  if (done) chargeTime(run, attempt.canary);
  if (isServerError(head.status)) return;
  if (!run.grpc) {
    host.stats.rqSuccess++;
    return;
  }
  if (done) chargeGrpc(host, head.headers);
  else attempt.grpcOpen = true;
}

/** `fields`: where its status stands, the headers of a response without a body or trailers. */
function chargeGrpc(host: Host, fields: HeaderMap): void {
  const status = grpcStatusIn(fields);
  if (status !== undefined && !isServerError(grpcToHttp(status))) host.stats.rqSuccess++;
  else host.stats.rqError++;
}

/** A gRPC response that ends without trailers failed. */
function chargeUnclear(attempt: Attempt, trailers?: HeaderMap): void {
  if (!attempt.grpcOpen) return;
  attempt.grpcOpen = false;
  if (trailers) chargeGrpc(attempt.host, trailers);
  else attempt.host.stats.rqError++;
}

/** The whole response has come. */
export function chargeEnd(run: RouterRun, attempt: Attempt): void {
  chargeUnclear(attempt, run.stream.responseTrailers);
  chargeTime(run, attempt.canary);
}

/** An attempt ended without a response: `status` is the answer in its stead. */
export function chargeAbort(run: RouterRun, attempt: Attempt, status: number, started: boolean): void {
  if (started) {
    if (attempt.grpcOpen) run.stream.manager.stats.resetAfterResponse++;
    chargeUnclear(attempt);
    return;
  }
  chargeStatus(run, status, attempt.host);
  if (!isServerError(status)) attempt.host.stats.rqError++;
}

/** An attempt that was too slow counts as the failure of its host, once. */
export function blameSlow(attempt: Attempt): void {
  if (attempt.timeoutTold) return;
  attempt.timeoutTold = true;
  attempt.cluster.outlier?.onLocalFailure(attempt.host, 504);
}

/** The whole request was too slow while the attempt was under way. */
export function chargeTimeout(run: RouterRun, attempt: Attempt): void {
  run.cluster.stats.timeout++;
  if (run.traffic) for (const traffic of run.traffic) traffic.timeout++;
  attempt.host.stats.rqTimeout++;
  if (!attempt.awaitingHead) return;
  blameSlow(attempt);
  chargeAbort(run, attempt, run.timeouts.status, run.stream.responseStarted);
}
