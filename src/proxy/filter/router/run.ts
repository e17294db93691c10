import type { Cluster } from '../../cluster/cluster.ts';
import type { Host } from '../../cluster/host.ts';
import type { ResetReason } from '../../cluster/reset.ts';
import { isGrpcType } from '../../http/grpc-status.ts';
import type { ResponseHead } from '../../http/head.ts';
import { FLAG } from '../../http/stream-info.ts';
import type { ForwardAction } from '../../route/action.ts';
import { policyAt } from '../../route/cluster-routing.ts';
import { finalizeRequest } from '../../route/finalize.ts';
import type { RoutePolicy } from '../../route/policy.ts';
import type { Route } from '../../route/route.ts';
import type { Timeouts } from '../../route/timeouts.ts';
import type { TrafficStats } from '../../route/traffic.ts';
import { trafficOf } from '../../route/virtual-host.ts';
import { now } from '../../time/clock.ts';
import type { LocalReply } from '../filter.ts';
import { Attempt } from './attempt.ts';
import { blameSlow, chargeAbort, chargeEnd, chargeHead, chargeStatus, chargeTimeout, judgeHead } from './charge.ts';
import type { RouterDownstream } from './downstream.ts';
import { redirects } from './internal-redirect.ts';
import { KeptBody } from './kept-body.ts';
import { type Mirrors, prepareMirrors } from './mirrors.ts';
import {
  bufferExceeded,
  maxDurationReply,
  noHealthyUpstream,
  type ReplyHeaders,
  replyHeaders,
  resetReply,
  resetStatus,
  timeoutReply,
} from './replies.ts';
import { announceAttempt, takeHostName } from './request-head.ts';
import { finishResponse } from './response-head.ts';
import { createRetryState, mayRetry, type RetryAnswer, type RetryState } from './retry-state.ts';
import { RoutingContext } from './routing-context.ts';
import { hasSteeringHeaders, takeTimeouts } from './timeouts.ts';
import { runUpstreamFilters } from './upstream-filters.ts';

/** The router filter at work on one request: its attempts at upstream hosts until one answers or none is left. */
export class RouterRun extends RoutingContext {
  readonly grpc: boolean;
  timeouts: Timeouts;
  /** Where the request counts besides its cluster; undefined: nowhere. */
  readonly traffic: readonly TrafficStats[] | undefined;
  /** The whole body has come. */
  bodyDone: boolean;
  readonly body: KeptBody;
  readonly #route: Route;
  readonly #policy: RoutePolicy;
  /** The latest attempt; undefined while a retry is waited for and at the end. */
  #attempt: Attempt | undefined = undefined;
  /** Attempts that were too slow and may still be the first to answer. */
  #slow: Attempt[] | undefined = undefined;
  /** A retry is waited for. */
  #pending = false;
  #slowRetry = false;
  /** The first host is looked up. */
  #lookup: { cancel(): void } | undefined = undefined;
  #interimCame = false;
  #mirrors: Mirrors | undefined = undefined;
  #over = false;
  constructor(stream: RouterDownstream, route: Route, action: ForwardAction, cluster: Cluster) {
    super(stream, action, cluster);
    this.#route = route;
    this.#policy = policyAt(cluster, route, action);
    this.timeouts = this.#policy.timeouts;
    this.traffic = trafficOf(route, stream);
    this.bodyDone = !stream.bodyFollows;
    this.body = new KeptBody(route.policy.bodyLimit ?? stream.manager.bufferLimit);
    this.grpc = isGrpcType(stream.head.headers.get('content-type'));
  }

  /** In Envoy's order: the headers, the host, then the first attempt. */
  begin(): void {
    const { stream, action } = this;
    stream.attempts++;
    const { headers } = stream.head;
    const policy = this.#policy;
    const steered = hasSteeringHeaders(headers);
    if (steered) this.takeMarks(headers);
    if (steered || this.grpc) this.timeouts = takeTimeouts(this, policy, steered);
    announceAttempt(this, this.#route, 0);
    const keepOriginal = !stream.manager.router.suppressHeaders;
    const refused = finalizeRequest(this.#route, action, stream.head, stream, keepOriginal);
    const lookup = this.cluster.prepare(this, (failure) => this.#first(refused, steered, failure));
    if (typeof lookup === 'object') this.#lookup = lookup;
    else this.#first(refused, steered, lookup);
  }

  /** Chooses the first host; `failure`: why nothing is known of it. */
  #first(refused: LocalReply | undefined, steered: boolean, failure = ''): void {
    const { stream, action } = this;
    const policy = this.#policy;
    const host = this.cluster.choose(this);
    if (!host) {
      if (!this.#lookup) this.cluster.stats.noneHealthy++;
      this.noHost(failure);
      return;
    }
    this.#lookup = undefined;
    if (refused) {
      // Envoy notices when the connection is there to write to.
      this.cluster.stats.rqTotal++;
      this.#abort(refused);
      return;
    }
    const resources = this.cluster.resources[action.priority];
    if (steered || mayRetry(policy.retry, stream.head.headers)) {
      this.retries = createRetryState(stream, policy.retry, this, resources, () => this.#retry());
    }
    this.body.keep = this.retries?.enabled === true || action.internalRedirect !== undefined;
    if (policy.mirrors.length > 0) this.#mirrors = prepareMirrors(this, policy.mirrors);
    this.#launch(host);
    this.#mirrors?.start();
    if (this.bodyDone) this.#startTimeouts();
  }

  #launch(host: Host): void {
    const { stream, cluster } = this;
    stream.upstreamHost = host;
    const owner = cluster.memberOf(host);
    const attempt = new Attempt(this, owner, host, owner.resources[this.action.priority]);
    this.#attempt = attempt;
    takeHostName(this, host);
    if (this.switching === 'websocket') {
      // A handshake has no end of its own that time could be counted from.
      attempt.startTimeouts(this.timeouts);
      this.stream.connection.responseTimeout.start(this.timeouts.global);
    }
    if (runUpstreamFilters(this, attempt)) attempt.start();
  }

  onBody(bytes: Buffer, start: number, stop: number, done: boolean): void {
    if (this.#over) return;
    if (done) this.bodyDone = true;
    const attempt = this.#attempt;
    const open = attempt?.open ?? false;
    if (stop > start && !this.#hold(bytes, start, stop, open)) return;
    this.#mirrors?.onBody(bytes, start, stop, done);
    if (open) attempt?.send(bytes, start, stop, done);
    else if ((attempt || this.#lookup) && this.body.waitsFull) this.stream.connection.pauseReading();
    if (done) this.#startTimeouts();
  }

  /** Keeps a piece of the body where it is needed again; false when that was too much and the request is over. */
  #hold(bytes: Buffer, start: number, stop: number, connected: boolean): boolean {
    const { body } = this;
    if (body.keep && !body.hasRoom(stop - start)) {
      this.cluster.stats.retryOrShadowAbandoned++;
      this.#endRetries();
      if (!this.#attempt) {
        this.#abort(bufferExceeded(this.#replyHeaders(false)));
        return false;
      }
      body.giveUp(connected);
    }
    if (body.keep || !connected) body.add(bytes, start, stop);
    return true;
  }

  #startTimeouts(): void {
    // With a retry waited for, Envoy has nothing that time could be counted for.
    if (!this.#attempt || this.#over) return;
    if (this.stream.upgrade === undefined) this.stream.connection.responseTimeout.start(this.timeouts.global);
    if (this.#attempt.open) this.#attempt.startTimeouts(this.timeouts);
  }

  /** The attempt has its connection. */
  onConnected({ cluster, host }: Attempt): void {
    cluster.outlier?.onConnected(host);
    this.retries?.onHostAttempted(host);
  }

  /** A response of 1xx, after which nothing is tried again. */
  onInterim(attempt: Attempt, head: ResponseHead): void {
    chargeStatus(this, head.status, attempt.host);
    this.#interimCame = true;
    this.#endRetries();
    this.#keepOnly(attempt);
    this.stream.interim(head);
  }

  onHead(attempt: Attempt, head: ResponseHead, done: boolean): void {
    const { stream } = this;
    judgeHead(attempt, head, this.grpc);
    if (this.retries && this.#retriesHead(this.retries, attempt, head)) return;
    if (this.action.internalRedirect && redirects(this, this.action.internalRedirect, head)) return;
    this.#endRetries();
    chargeHead(this, attempt, head, done);
    finishResponse(stream, this.#route, head, this.cookies);
    stream.upstreamHost = attempt.host;
    this.#keepOnly(attempt);
    if (head.status === 101) this.stream.connection.responseTimeout.stop();
    if (done) this.abort();
    stream.respond(head, done);
  }

  #keepOnly(attempt: Attempt): void {
    this.#attempt = attempt;
    if (this.#slow) for (const slow of this.#slow) if (slow !== attempt) slow.abandon();
    this.#slow = undefined;
  }

  /** Whether the response is not the client's: it is tried again, or another attempt may still do better. */
  #retriesHead(retries: RetryState, attempt: Attempt, head: ResponseHead): boolean {
    const request = this.stream.head.headers;
    let failed: boolean;
    if (attempt.retried) failed = retries.wouldRetryHead(head, request);
    else {
      const answer = retries.onHead(head, request);
      if (this.#accept(answer, attempt, false)) {
        this.cluster.stats.retryStatus.count(head.status);
        attempt.abandon();
        return true;
      }
      failed = answer !== 'no';
    }
    if (!failed || !this.#hopeful(attempt)) return false;
    attempt.host.stats.rqError++;
    this.#drop(attempt);
    attempt.abandon();
    return true;
  }

  /** True: there will be another attempt in the place of this one. */
  #accept(answer: RetryAnswer, attempt: Attempt, slow: boolean): boolean {
    if (!this.#granted(answer)) return false;
    this.#pending = true;
    this.#slowRetry = slow;
    attempt.host.stats.rqError++;
    this.#drop(attempt);
    return true;
  }

  #granted(answer: RetryAnswer): boolean {
    if (answer === 'overflow') this.stream.flags |= FLAG.UPSTREAM_OVERFLOW;
    else if (answer === 'limit') this.stream.flags |= FLAG.RETRY_LIMIT;
    return answer === 'yes';
  }

  #drop(attempt: Attempt): void {
    if (this.#attempt === attempt) this.#attempt = undefined;
    else this.#slow = this.#slow?.filter((one) => one !== attempt);
  }

  /** Whether something other than this attempt may still answer. */
  #hopeful(attempt: Attempt): boolean {
    if (this.#pending) return true;
    if (this.#attempt && this.#attempt !== attempt && this.#attempt.awaitingHead) return true;
    return this.#slow?.some((one) => one !== attempt && one.awaitingHead) ?? false;
  }

  onResponseDone(attempt: Attempt): void {
    chargeEnd(this, attempt);
    this.abort();
  }

  /** The attempt ended without a response, or in the middle of one. */
  onReset(attempt: Attempt, reason: ResetReason, detail: string): void {
    const { stream } = this;
    if (this.#over) return;
    // Too many requests at a time are no fault of a host's.
    if (reason !== 'overflow') {
      attempt.cluster.outlier?.onLocalFailure(attempt.host, 503);
      if (!attempt.sent) this.retries?.onHostAttempted(attempt.host);
    }
    if (this.#retriesReset(attempt, reason, false)) return;
    const state = { retried: stream.attempts > 1, started: stream.responseStarted || this.#interimCame };
    chargeAbort(this, attempt, resetStatus(reason), state.started);
    this.#drop(attempt);
    if (this.#hopeful(attempt)) return;
    this.#abort(resetReply(reason, detail, state, this.#replyHeaders(reason === 'overflow')));
  }

  #retriesReset(attempt: Attempt, reason: ResetReason, slow: boolean): boolean {
    if (this.stream.responseStarted || !this.retries || attempt.retried) return false;
    return this.#accept(this.retries.onReset(reason, attempt.sent), attempt, slow);
  }

  /** The attempt took too long; `idle`: nothing came from it for too long. */
  onPerTryTimeout(attempt: Attempt, idle: boolean): void {
    if (this.#over) return;
    if (this.timeouts.hedge) {
      this.#hedge(attempt);
      return;
    }
    if (idle) this.cluster.stats.perTryIdleTimeout++;
    else this.cluster.stats.perTryTimeout++;
    attempt.host.stats.rqTimeout++;
    attempt.abandon();
    blameSlow(attempt);
    if (this.#retriesReset(attempt, 'local reset', true)) return;
    chargeAbort(this, attempt, this.timeouts.status, this.stream.responseStarted);
    this.#drop(attempt);
    const details = idle ? 'upstream_per_try_idle_timeout' : 'upstream_per_try_timeout';
    this.#abort(timeoutReply(this.timeouts.status, details, this.#replyHeaders(false)));
  }

  /** Starts another attempt beside one that is too slow. */
  #hedge(attempt: Attempt): void {
    blameSlow(attempt);
    if (this.stream.responseStarted || !this.retries) return;
    if (!this.#granted(this.retries.onSlow())) return;
    this.#pending = true;
    this.#slowRetry = true;
    attempt.retried = true;
    this.#slow ??= [];
    if (!this.#slow.includes(attempt)) this.#slow.push(attempt);
    if (this.#attempt === attempt) this.#attempt = undefined;
  }

  onMaxDuration(attempt: Attempt): void {
    const { stream } = this;
    if (this.#over) return;
    attempt.cluster.stats.rqMaxDuration++;
    attempt.abandon();
    if (this.#retriesReset(attempt, 'local reset', false)) return;
    this.#drop(attempt);
    this.#abort(maxDurationReply(stream.requestDone, this.#replyHeaders(false)));
  }

  #retry(): void {
    const { stream } = this;
    if (this.#over) return;
    this.#pending = false;
    stream.attempts++;
    const cluster = stream.manager.clusters.get(stream.clusterName);
    if (cluster) this.cluster = cluster;
    const host = cluster?.choose(this);
    if (!host) {
      this.cluster.stats.noneHealthy++;
      this.noHost();
      return;
    }
    const { headers } = stream.head;
    const { timeoutRetryHeader } = this.#route.virtualHost.policy;
    if (timeoutRetryHeader) headers.set('x-envoy-is-timeout-retry', String(this.#slowRetry));
    const elapsed = stream.requestEndAt > 0 ? Math.floor(now() - stream.requestEndAt) : 0;
    announceAttempt(this, this.#route, elapsed);
    this.#launch(host);
  }

  noHost(failure = ''): void {
    const status = (this.override?.strict && this.override.status) || 503;
    chargeStatus(this, status, undefined);
    this.#abort({ ...noHealthyUpstream(this.#replyHeaders(false), failure), status });
  }

  /** The whole request took too long. */
  onGlobalTimeout(): void {
    const attempts = this.#attempt ? [this.#attempt, ...(this.#slow ?? [])] : (this.#slow ?? []);
    for (const attempt of attempts) {
      chargeTimeout(this, attempt);
      attempt.abandon();
    }
    this.#abort(timeoutReply(this.timeouts.status, 'response_timeout', this.#replyHeaders(false)));
  }

  #replyHeaders(overloaded: boolean): ReplyHeaders {
    return replyHeaders(this.stream, this.#route, overloaded);
  }

  #abort(reply: LocalReply): void {
    this.abort();
    this.stream.reply(reply);
  }

  onDownstreamWritable(): void {
    this.#attempt?.resume();
  }

  /** A connection that the body goes to has room again. */
  onUpstreamWritable(): void {
    const { connection } = this.stream;
    if (this.#attempt?.writable !== false && this.#mirrors?.writable !== false) connection.resumeReading();
  }

  #endRetries(): void {
    this.retries?.end();
    this.retries = undefined;
    this.#pending = false;
  }

  /** Ends the run, for whatever reason. */
  abort(): void {
    if (this.#over) return;
    this.#over = true;
    this.#lookup?.cancel();
    const attempt = this.#attempt;
    this.#attempt = undefined;
    this.body.clear();
    this.stream.connection.responseTimeout.stop();
    this.#endRetries();
    attempt?.abandon();
    if (this.#slow) for (const slow of this.#slow) slow.abandon();
    if (!this.bodyDone) this.#mirrors?.cancel();
  }
}
