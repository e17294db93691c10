import type { Cluster } from '../../cluster/cluster.ts';
import { PlainContext } from '../../cluster/context.ts';
import type { Host } from '../../cluster/host.ts';
import type { ResetReason } from '../../cluster/reset.ts';
import type { ResponseHead } from '../../http/head.ts';
import type { HttpStream } from '../../http/stream.ts';
import { FLAG } from '../../http/stream-info.ts';
import type { ForwardAction } from '../../route/action.ts';
import { redirectLocation } from '../../route/redirect.ts';
import { type RetryPolicy, retriesReset, retriesResponse, retryDelay } from '../../route/retry.ts';
import { appendForwardedHost, rewriteHost, rewrittenPath } from '../../route/rewrite.ts';
import { now } from '../../time/clock.ts';
import { Deadline } from '../../time/deadline.ts';
import { Attempt } from './attempt.ts';
import { chooseCluster } from './choose.ts';
import { resetReply } from './reset-reply.ts';

const REPLAY_LIMIT = 1_048_576;

/** The router filter at work on one request: its attempts at upstream hosts until one answers or none is left. */
export class RouterRun {
  readonly stream: HttpStream;
  #action: ForwardAction | undefined = undefined;
  #cluster: Cluster | undefined = undefined;
  #attempt: Attempt | undefined = undefined;
  #policy: RetryPolicy | undefined = undefined;
  #retriesLeft = 0;
  #retryHeld = false;
  readonly #tried: Host[] = [];
  /** Body read so far, while no connection has it or another attempt may need it. */
  #replay: Buffer[] = [];
  #replayBytes = 0;
  #replayable = true;
  #bodyDone = false;
  #over = false;
  #globalStarted = false;
  readonly #global = new Deadline(() => this.#globalTimeout());
  readonly #backOff = new Deadline(() => this.#try());

  constructor(stream: HttpStream) {
    this.stream = stream;
  }

  start(): void {
    const { stream } = this;
    const { route } = stream;
    if (!route) {
      stream.reply({ status: 404, body: '', details: 'route_not_found', flags: FLAG.NO_ROUTE });
      return;
    }
    const { action } = route;
    if (action.kind === 'direct') {
      stream.reply({ status: action.status, body: action.body, details: 'direct_response' });
      return;
    }
    if (action.kind === 'redirect') {
      const location = redirectLocation(action, route.match.path, stream.head);
      stream.reply({ status: action.status, body: '', details: 'direct_response', headers: [['location', location]] });
      return;
    }
    this.#forward(action);
  }

  #forward(action: ForwardAction): void {
    const { stream } = this;
    const name = chooseCluster(action, stream);
    stream.clusterName = name;
    const cluster = stream.manager.clusters.get(name);
    if (!cluster || cluster.config.http2) {
      stream.reply({ status: action.notFoundStatus, body: '', details: 'cluster_not_found', flags: FLAG.NO_CLUSTER });
      return;
    }
    if (stream.upgrade !== undefined && !this.#upgradeAllowed(action, stream.upgrade)) {
      stream.upgrade = undefined;
      stream.reply({ status: 403, body: '', details: 'upgrade_failed', close: true });
      return;
    }
    this.#action = action;
    this.#cluster = cluster;
    this.#policy = action.retry ?? stream.route?.virtualHost.retry;
    const { requestHeaders = [] } = this.#policy ?? {};
    if (requestHeaders.length > 0 && !requestHeaders.some((test) => test((header) => stream.requestHeader(header)))) {
      this.#policy = undefined;
    }
    this.#retriesLeft = this.#policy?.retries ?? 0;
    this.#bodyDone = stream.requestDone;
    this.#finalizeHead(action);
    if (this.#bodyDone) this.#startGlobal();
    this.#try();
  }

  #upgradeAllowed(action: ForwardAction, type: string): boolean {
    return action.upgrades.get(type) ?? this.stream.manager.upgrades.get(type) ?? false;
  }

  /** Envoy's `finalizeRequestHeaders`: added and removed headers, then the host, then the path. */
  #finalizeHead(action: ForwardAction): void {
    const { stream } = this;
    const { head, route, manager } = stream;
    if (!route) return;
    stream.routes?.applyRequest(route, stream.weighted, head.headers, stream);
    rewriteHost(action, stream.weighted, head);
    const path = rewrittenPath(action, route.match.path, head.path);
    if (path !== undefined) {
      stream.originalPath = head.path;
      if (!manager.router.suppressHeaders) head.headers.set('x-envoy-original-path', head.path);
      head.path = path;
    }
  }

  #try(): void {
    const { stream } = this;
    const cluster = this.#cluster;
    const action = this.#action;
    if (!cluster || !action || this.#over) return;
    stream.attempts++;
    this.#attemptHeaders(action);
    const host = this.#chooseHost(cluster);
    if (!host) {
      cluster.stats.noneHealthy++;
      this.#endRetry();
      stream.reply({
        status: 503,
        body: 'no healthy upstream',
        details: 'no_healthy_upstream',
        flags: FLAG.NO_HEALTHY_UPSTREAM,
      });
      return;
    }
    stream.upstreamHost = host;
    this.#tried.push(host);
    if (action.hostRewrite?.kind === 'auto' && host.hostname !== '') {
      if (action.appendForwardedHost) appendForwardedHost(stream.head);
      stream.head.authority = host.hostname;
    }
    if (!this.#upstreamFilters(cluster)) return;
    const attempt = new Attempt(this, cluster, host, action.priority);
    this.#attempt = attempt;
    if (this.#bodyDone) attempt.startTimeout(this.#perTryTimeout());
    else if (!this.#replayable) attempt.startTimeout(0);
    attempt.start();
  }

  #attemptHeaders(action: ForwardAction): void {
    const { stream } = this;
    const { headers } = stream.head;
    if (stream.route?.virtualHost.attemptCountUp) headers.set('x-envoy-attempt-count', String(stream.attempts));
    if (stream.manager.router.suppressHeaders) return;
    const perTry = this.#perTryTimeout();
    const expected = perTry > 0 ? perTry : action.timeout;
    if (expected > 0) headers.set('x-envoy-expected-rq-timeout-ms', String(Math.round(expected)));
  }

  #perTryTimeout(): number {
    const perTry = this.#policy?.perTryTimeout ?? 0;
    const whole = this.#action?.timeout ?? 0;
    return whole > 0 && perTry >= whole ? 0 : perTry;
  }

  #chooseHost(cluster: Cluster): Host | undefined {
    const { stream } = this;
    const context = new PlainContext(stream);
    let host = cluster.choose(context);
    const policy = this.#policy;
    if (!policy?.skipPreviousHosts) return host;
    for (let attempt = 0; attempt < policy.hostAttempts && host && this.#tried.includes(host); attempt++) {
      host = cluster.choose(context);
    }
    return host;
  }

  /** Runs the cluster's own filters on the request as it will be sent to the chosen host. */
  #upstreamFilters(cluster: Cluster): boolean {
    const { stream } = this;
    const plan = cluster.config.filters?.plan(stream.route);
    if (!plan || plan.empty) return true;
    for (const hooks of plan.request) {
      const verdict = hooks?.head?.(stream, stream.head, this.#bodyDone) ?? 'continue';
      if (verdict !== 'continue' || stream.ended || stream.responseStarted) return false;
    }
    return true;
  }

  onBody(bytes: Buffer, start: number, stop: number, done: boolean): void {
    if (this.#over) return;
    if (done) this.#bodyDone = true;
    const attempt = this.#attempt;
    const connected = attempt?.connected ?? false;
    if (stop > start && this.#keeps(connected)) this.#remember(bytes, start, stop);
    if (done) {
      this.#startGlobal();
      attempt?.startTimeout(this.#perTryTimeout());
    }
    if (connected) attempt?.send(bytes, start, stop, done);
    else if (this.#replayBytes > 65_536) this.stream.connection.pauseReading();
  }

  #keeps(connected: boolean): boolean {
    return !connected || (this.#policy !== undefined && this.#replayable);
  }

  #remember(bytes: Buffer, start: number, stop: number): void {
    this.#replay.push(Buffer.from(bytes.subarray(start, stop)));
    this.#replayBytes += stop - start;
    if (this.#replayBytes > REPLAY_LIMIT && this.#attempt?.connected) {
      this.#replay = [];
      this.#replayable = false;
    }
  }

  /** The body read before the connection was there. */
  takeBody(): { readonly bytes: Buffer | undefined; readonly done: boolean } {
    const list = this.#replay;
    const bytes = list.length === 0 ? undefined : list.length === 1 ? list[0] : Buffer.concat(list);
    if (this.#policy === undefined || !this.#replayable) this.#replay = [];
    else if (bytes) this.#replay = [bytes];
    return { bytes, done: this.#bodyDone };
  }

  onHead(head: ResponseHead, done: boolean): void {
    const { stream } = this;
    const policy = this.#policy;
    if (policy && retriesResponse(policy, head.status, head.headers) && this.#mayRetry()) {
      this.#attempt?.abandon();
      this.#scheduleRetry(policy);
      return;
    }
    this.#endRetry();
    if (policy && this.#cluster && stream.attempts > 1 && head.status < 500) this.#cluster.stats.retrySuccess++;
    const { route, manager } = stream;
    if (!manager.router.suppressHeaders && stream.requestEndAt > 0) {
      const time = Math.round(now() - stream.requestEndAt);
      head.headers.set('x-envoy-upstream-service-time', String(time));
    }
    if (route?.virtualHost.attemptCountDown) head.headers.set('x-envoy-attempt-count', String(stream.attempts));
    stream.status = head.status;
    stream.response = head;
    if (route) stream.routes?.applyResponse(route, stream.weighted, head.headers, stream);
    if (done) this.#finish();
    stream.respond(head, done);
  }

  onResponseDone(): void {
    this.#finish();
  }

  /** The attempt ended without a response, or in the middle of one. */
  onReset(reason: ResetReason, detail: string, sent: boolean): void {
    const { stream } = this;
    if (this.#over) return;
    if (stream.responseStarted) {
      stream.flags |= reason === 'protocol error' ? FLAG.UPSTREAM_PROTOCOL : FLAG.UPSTREAM_CLOSED;
      stream.details = 'upstream_reset_after_response_started{connection_termination}';
      this.#over = true;
      stream.flush();
      stream.end();
      stream.connection.destroy();
      return;
    }
    stream.upstreamFailure = detail;
    const policy = this.#policy;
    if (policy && retriesReset(policy, reason, sent) && this.#mayRetry()) {
      this.#scheduleRetry(policy);
      return;
    }
    this.#endRetry();
    const reply = resetReply(reason, detail, stream.attempts > 1);
    this.#attempt = undefined;
    stream.reply(reply);
  }

  onPerTryTimeout(): void {
    const { stream } = this;
    const policy = this.#policy;
    if (this.#cluster) this.#cluster.stats.perTryTimeout++;
    if (this.#over) return;
    this.#attempt?.timeOut();
    if (stream.responseStarted) {
      stream.connection.destroy();
      return;
    }
    if (policy && retriesReset(policy, 'per try timeout', true) && this.#mayRetry()) {
      this.#scheduleRetry(policy);
      return;
    }
    this.#endRetry();
    this.#timeoutReply('upstream_per_try_timeout');
  }

  #mayRetry(): boolean {
    const resources = this.#cluster?.resources[this.#action?.priority ?? 'DEFAULT'];
    if (!resources || !this.#replayable || this.stream.upgrade !== undefined) return false;
    this.#endRetry();
    if (this.#retriesLeft === 0) {
      this.stream.flags |= FLAG.RETRY_LIMIT;
      if (this.#cluster) this.#cluster.stats.retryLimitExceeded++;
      return false;
    }
    if (resources.retries >= resources.limits.retries) {
      this.stream.flags |= FLAG.UPSTREAM_OVERFLOW;
      if (this.#cluster) this.#cluster.stats.retryOverflow++;
      return false;
    }
    return true;
  }

  #scheduleRetry(policy: RetryPolicy): void {
    const cluster = this.#cluster;
    if (!cluster) return;
    this.#attempt = undefined;
    const number = policy.retries - this.#retriesLeft + 1;
    this.#retriesLeft--;
    this.#retryHeld = true;
    cluster.resources[this.#action?.priority ?? 'DEFAULT'].retries++;
    cluster.stats.retry++;
    this.#backOff.start(Math.max(1, retryDelay(policy, number, Math.random)));
  }

  #endRetry(): void {
    if (!this.#retryHeld || !this.#cluster) return;
    this.#retryHeld = false;
    this.#cluster.resources[this.#action?.priority ?? 'DEFAULT'].retries--;
  }

  #startGlobal(): void {
    if (this.#globalStarted || !this.#action) return;
    this.#globalStarted = true;
    if (this.stream.upgrade === undefined) this.#global.start(this.#action.timeout);
  }

  #globalTimeout(): void {
    const { stream } = this;
    if (this.#cluster) this.#cluster.stats.timeout++;
    this.#attempt?.timeOut();
    this.#endRetry();
    if (stream.responseStarted) {
      stream.flags |= FLAG.UPSTREAM_TIMEOUT;
      stream.details = 'upstream_response_timeout';
      stream.connection.destroy();
      return;
    }
    this.#timeoutReply('upstream_response_timeout');
  }

  #timeoutReply(details: string): void {
    this.#attempt = undefined;
    this.stream.reply({ status: 504, body: 'upstream request timeout', details, flags: FLAG.UPSTREAM_TIMEOUT });
  }

  onDownstreamWritable(): void {
    this.#attempt?.resume();
  }

  /** The stream ended, for whatever reason. */
  abort(): void {
    const attempt = this.#attempt;
    this.#finish();
    attempt?.abandon();
  }

  #finish(): void {
    this.#over = true;
    this.#attempt = undefined;
    this.#replay = [];
    this.#global.stop();
    this.#backOff.stop();
    this.#endRetry();
  }
}
