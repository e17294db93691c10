import type { FilterPlan } from '../filter/chain.ts';
import type { HeadLimits, LocalReply } from '../filter/filter.ts';
import { hooksPassed, hooksPassedBack } from '../filter/pass.ts';
import type { RouterDownstream } from '../filter/router/downstream.ts';
import type { RedirectHistory } from '../filter/router/internal-redirect.ts';
import { routeRequest } from '../filter/router/router.ts';
import type { RouterRun } from '../filter/router/run.ts';
import type { FilterRun } from '../filter/run.ts';
import type { ForwardAction } from '../route/action.ts';
import type { Route } from '../route/route.ts';
import type { RouteTable } from '../route/table.ts';
import { now } from '../time/clock.ts';
import { Deadline } from '../time/deadline.ts';
import { runFilters, runUnasked } from './filter-ends.ts';
import { RequestHead, type ResponseHead } from './head.ts';
import { localReplyHead } from './local-reply.ts';
import { beginLogs } from './log-times.ts';
import type { HttpManager } from './manager.ts';
import { refuseForOverload } from './overload.ts';
import { admitRequest } from './request.ts';
import { finishResponseHeaders } from './response-headers.ts';
import { findRoute, tableFor } from './scoped-routes.ts';
import { countRequest, countStatus } from './stats.ts';
import type { StreamConnection } from './stream-connection.ts';
import { streamDuration } from './stream-duration.ts';
import { FLAG, StreamInfo } from './stream-info.ts';
import { endLasting } from './stream-timeouts.ts';
import { beginTrace, decideTrace, endTrace } from './tracing.ts';
import { opensTunnel, refusesUpgrade } from './upgrade.ts';
import { type OutgoingHead, TAIL } from './wire.ts';

/** What stands for the head of a request that could not be read. */
const NO_HEAD = new RequestHead();

/** One request and its response on a downstream connection. */
export class HttpStream extends StreamInfo implements RouterDownstream {
  readonly connection: StreamConnection;
  /** An upgrade may see another one than its connection. */
  manager: HttpManager;
  head = NO_HEAD;
  /** The head has been read. */
  begun = false;
  /** The request comes from the own network. */
  internal = false;
  /** False: no route is looked for, as in Envoy where `x-forwarded-proto` is empty. */
  routable = true;
  readonly random = Math.floor(Math.random() * 0x1_0000_0000);
  routes: RouteTable | undefined = undefined;
  override route: Route | undefined = undefined;
  /** The cluster that the route leads to; empty when there is none. */
  routeCluster = '';
  /** The client or a limit wants the connection to end with the response. */
  lastOnConnection = false;
  /** The end of the connection is the end of the response. */
  endsWithConnection = false;
  /** The whole request has been read. */
  requestDone = false;
  bodyFollows = false;
  responseStarted = false;
  ended = false;
  /** An upgrade the configuration allows; the request then has no end of its own. */
  upgrade: string | undefined = undefined;
  redirects: RedirectHistory | undefined = undefined;
  #filters: FilterRun | undefined = undefined;
  /** The filters were shown the request, or need not be. */
  #asked = false;
  /** How filters that see responses work where no run of them does. */
  #back: FilterPlan | undefined = undefined;
  #run: RouterRun | undefined = undefined;
  /** The response's head is past the filters. */
  #headSent = false;
  #filtersFull = false;
  #chunked = false;
  #bodyless = false;
  #pendingHead: OutgoingHead | undefined = undefined;
  #idleMs: number;
  #duration: Deadline | undefined = undefined;

  constructor(connection: StreamConnection, manager: HttpManager) {
    super(connection.peers);
    this.connection = connection;
    this.manager = manager;
    this.protocol = connection.http2 ? 'HTTP/2' : 'HTTP/1.1';
    this.accessLogType = 'DownstreamEnd';
    countRequest(manager.stats, connection.http2);
    this.#idleMs = manager.streamIdleTimeout;
    if (manager.maxStreamDuration > 0) this.#limitDuration(manager.maxStreamDuration);
  }

  /** The head is still to come. */
  awaitHead(): void {
    this.connection.streamIdle.start(this.#idleMs);
    this.connection.requestTimeout.start(this.manager.requestTimeout);
  }

  /** Judges the head, finds the route and runs the filters. */
  begin(head: RequestHead): void {
    const { manager, connection } = this;
    this.takeHead(head);
    connection.streamIdle.start(this.#idleMs);
    if (!this.requestDone && !connection.requestTimeout.waiting)
      connection.requestTimeout.start(manager.requestTimeout);
    const overloaded = refuseForOverload(manager);
    // As in Envoy its filters have no part in that.
    this.#asked = overloaded !== undefined;
    const refused = overloaded ?? admitRequest(this);
    if (refused) {
      this.reply(refused);
      return;
    }
    this.#route();
  }

  takeHead(head: RequestHead): void {
    this.begun = true;
    this.head = head;
    this.request = head;
    this.fieldsReceived = head.fieldBytes;
    if (head.minor === 0) this.protocol = 'HTTP/1.0';
  }

  #route(): void {
    const { manager } = this;
    this.routes = tableFor(this, manager.routes);
    const route = this.routable ? this.reroute() : undefined;
    if (route?.action.kind === 'forward') this.#takeTimeouts(route.action);
    if (manager.logTimes) beginLogs(this, manager.logTimes);
    if (manager.tracing) decideTrace(this, manager.tracing, manager.requestIds);
    if (this.upgrade !== undefined && refusesUpgrade(this, this.upgrade)) return;
    if (manager.tracing) beginTrace(this, manager.tracing);
    const plan = this.manager.filters.plan(route);
    this.#asked = true;
    const { headsOnly } = plan;
    if (headsOnly && plan.headsBack.length > 0) this.#back = plan;
    const past = headsOnly ? hooksPassed(this, headsOnly, this.head, this.requestDone) : 0;
    if (past === headsOnly?.length) this.forward(this.requestDone);
    else if (!this.ended && !this.responseStarted) {
      this.#filters = runFilters(this, plan);
      this.#filters.request.head(this.head, this.requestDone, headsOnly && plan.headsOnlyAt[past]);
    }
  }

  /** The head of a response, before the filters. */
  #passBack(head: ResponseHead, done: boolean): void {
    const plan = this.#filters ? undefined : this.#back;
    const past = plan ? hooksPassedBack(this, plan.headsBack, head, done) : 0;
    // One of them answered instead.
    if (this.ended || this.response !== head) return;
    if (plan && past < plan.headsBack.length) this.#filters = runFilters(this, plan);
    if (this.#filters) this.#filters.response.head(head, done, plan?.headsBackAt[past]);
    else this.sendHead(head, done);
  }

  /** Finds the route of the head as it is now. */
  reroute(): Route | undefined {
    return findRoute(this);
  }

  /** What the route says instead of the connection manager. */
  #takeTimeouts(action: ForwardAction): void {
    const { maxStreamDuration } = this.manager;
    if (action.idleTimeout !== undefined) {
      this.#idleMs = action.idleTimeout;
      this.connection.streamIdle.start(action.idleTimeout);
    }
    if (action.maxStreamDuration) {
      this.#limitDuration(streamDuration(action.maxStreamDuration, this.head.headers, maxStreamDuration));
    }
  }

  /** The time counts from the beginning; undefined: it has no limit. */
  #limitDuration(milliseconds: number | undefined): void {
    this.#duration?.stop();
    if (milliseconds === undefined) return;
    this.#duration ??= new Deadline(() => endLasting(this));
    this.#duration.start(Math.max(1, milliseconds - (now() - this.startedAt)));
  }

  get localCluster(): string {
    return this.manager.localCluster;
  }

  get headLimits(): HeadLimits {
    return this.manager.codec.head;
  }

  /** The head of the request is past the filters; `done`: no body follows, not even one that they held. */
  forward(done: boolean): void {
    this.bodyFollows = !done;
    if (this.manager.matchUpstreamScheme && this.route?.action.kind === 'forward') this.head.scheme = 'http';
    this.#run = routeRequest(this);
    this.#run?.begin();
  }

  /** A piece of the request's body is past the filters. */
  forwardBody(bytes: Buffer, start: number, stop: number, done: boolean): void {
    this.#run?.onBody(bytes, start, stop, done);
  }

  /** A piece of the request's body. The bytes are reused after the call. */
  onRequestBody(bytes: Buffer, start: number, stop: number, done: boolean): void {
    this.bytesReceived += stop - start;
    this.connection.streamIdle.start(this.#idleMs);
    if (done) this.requestComplete();
    if (this.#filters) this.#filters.request.body(bytes, start, stop, done);
    else this.forwardBody(bytes, start, stop, done);
  }

  requestComplete(): void {
    this.requestDone = true;
    this.requestEndAt = now();
    this.connection.requestTimeout.stop();
  }

  /** Answers in the upstream's stead; does nothing once a response has begun but to end it. */
  reply(reply: LocalReply): void {
    if (this.ended) return;
    if (reply.flags) this.flags |= reply.flags;
    this.details = reply.details;
    if (this.#headSent) {
      this.manager.stats.rqSentReset++;
      this.manager.stats.rqReceivedReset++;
      this.flush();
      this.end();
      this.connection.destroySoon();
      return;
    }
    this.#run?.abort();
    this.#filters?.request.cancel();
    // A reply to what is wrong with a response passes no filters.
    if (this.responseStarted) this.#filters?.response.cancel();
    // Envoy takes the connection of a bad request for a bad one, whoever found it bad.
    const bad = reply.status === 400 && !this.manager.streamErrors && !this.connection.http2;
    if (reply.close || bad) this.lastOnConnection = true;
    if (!this.#asked && !this.responseStarted) this.#filters ??= runUnasked(this);
    const passes = !this.responseStarted;
    const { head, body } = localReplyHead(this, reply);
    if (reply.laterFlags) this.flags |= reply.laterFlags;
    const bytes = Buffer.from(body, 'latin1');
    const done = bytes.length === 0 || this.head.method === 'HEAD';
    this.#begin(head);
    if (passes) this.#passBack(head, done);
    else this.sendHead(head, done);
    if (done) return;
    if (passes) this.sendBody(bytes, 0, bytes.length, true);
    else this.writeBody(bytes, 0, bytes.length, true);
  }

  redirect(status: number, body: Buffer | undefined): void {
    const next = this.connection.restart(this, this.head);
    next.redirects = this.redirects;
    next.internal = this.internal;
    next.takeOver(this);
    this.status = status;
    this.details = 'internal_redirect';
    this.end();
    next.beginAgain(body);
  }

  /** Begins with a request that passed the checks before, from its route on. */
  beginAgain(body: Buffer | undefined): void {
    this.requestComplete();
    this.connection.streamIdle.start(this.#idleMs);
    if (body) this.requestDone = false;
    this.#route();
    if (body) this.onRequestBody(body, 0, body.length, true);
  }

  /** A response of 1xx: only connection managers that proxy it pass it on. */
  interim(head: ResponseHead): void {
    if (!this.manager.proxyContinue || this.#headSent) return;
    for (const name of ['proxy-connection', 'upgrade']) head.headers.remove(name);
    this.connection.writeInterim(head);
    this.countSent();
  }

  /** The upstream's response begins. */
  respond(head: ResponseHead, done: boolean): void {
    this.details = 'via_upstream';
    this.status = head.status;
    this.#begin(head);
    this.#passBack(head, done);
  }

  #begin(head: ResponseHead): void {
    this.responseStarted = true;
    if (!this.requestDone) this.connection.requestTimeout.stop();
    this.response = head;
  }

  /** The head of a response, past the filters. */
  sendHead(head: ResponseHead, done: boolean): void {
    this.#headSent = true;
    this.status = head.status;
    this.responseStartAt = now();
    this.#pendingHead = this.#finishHead(head, done);
    if (done) this.writeBody(undefined, 0, 0, true);
  }

  /** Last touches in Envoy's order, then the head with its framing. */
  #finishHead(head: ResponseHead, done: boolean): OutgoingHead {
    const { manager, connection } = this;
    finishResponseHeaders(this, head);
    this.status = head.status;
    // To HTTP/1.0 the end of a response of unknown length is that of the connection.
    if (this.head.minor === 0 && !head.headers.has('content-length')) {
      this.lastOnConnection = true;
      this.endsWithConnection = true;
    }
    countStatus(manager, head.status, this.healthCheck);
    return connection.outgoing(this, head, this.#framing(head, done));
  }

  #framing(head: ResponseHead, done: boolean): number {
    const { status, headers } = head;
    const tunnel = !done && opensTunnel(this, status);
    this.#bodyless = !tunnel && (this.head.method === 'HEAD' || status === 304 || status === 204 || status < 200);
    this.#chunked = false;
    if (tunnel || status < 200 || status === 204 || status === 304 || headers.has('content-length')) return 0;
    if (done && this.head.method !== 'HEAD') return TAIL.NO_BODY;
    if (this.head.minor === 0) return 0;
    this.#chunked = !this.#bodyless;
    return TAIL.CHUNKED;
  }

  /** A piece of the upstream's response; `bytes` is copied where it is kept. */
  sendBody(bytes: Buffer, start: number, stop: number, done: boolean): void {
    if (this.#filters) this.#filters.response.body(bytes, start, stop, done);
    else this.writeBody(bytes, start, stop, done);
  }

  /** A piece of a response, past the filters. */
  writeBody(bytes: Buffer | undefined, start: number, stop: number, done: boolean): void {
    if (this.ended) return;
    const from = this.#bodyless ? stop : start;
    this.bytesSent += stop - from;
    const head = this.#pendingHead;
    this.#pendingHead = undefined;
    if (!done) this.connection.streamIdle.start(this.#idleMs);
    this.connection.write(head, bytes, from, stop, this.#chunked, done, this.responseTrailers);
    this.countSent();
    if (!done) return;
    this.end();
    this.connection.onStreamEnd(this);
  }

  /** Sends a head that no body followed yet. */
  flush(): void {
    if (this.#pendingHead && !this.ended) this.writeBody(undefined, 0, 0, false);
  }

  /** Takes the request out of the counts and writes the access log. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.responseEndAt = now();
    this.connection.streamIdle.stop();
    this.connection.requestTimeout.stop();
    this.#duration?.stop();
    this.manager.stats.rqActive--;
    if (this.upgrade !== undefined) this.manager.stats.cxUpgradesActive--;
    this.manager.stats.rqTime.record(this.responseEndAt - this.startedAt);
    if (this.trace) endTrace(this);
    this.#run?.abort();
    this.#filters?.end();
    this.endKept();
    for (const log of this.manager.accessLogs) log(this);
  }

  /** The client's connection is gone, or a stream of it before its end. */
  onDownstreamGone(details = 'downstream_remote_disconnect', flag: number = FLAG.DOWNSTREAM_CLOSED): void {
    if (this.ended) return;
    if (this.details === '' || this.details === 'via_upstream') this.details = details;
    this.flags |= flag;
    this.manager.stats.rqReceivedReset++;
    this.end();
  }

  onDownstreamWritable(): void {
    if (this.writable) this.#run?.onDownstreamWritable();
  }

  /** False: what is sent waits in memory. */
  get writable(): boolean {
    return !this.#filtersFull && this.connection.writable;
  }

  /** Filters hold more of the response than they should, or less again. */
  throttleResponse(on: boolean): void {
    this.#filtersFull = on;
    if (!on) this.onDownstreamWritable();
  }

  onResponseTimeout(): void {
    this.#run?.onGlobalTimeout();
  }
}
