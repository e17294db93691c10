import type { Cluster } from '../../cluster/cluster.ts';
import type { UpstreamExchange } from '../../cluster/exchange.ts';
import type { Carried, Host } from '../../cluster/host.ts';
import type { ConnectionPool, PoolClient } from '../../cluster/pool.ts';
import type { ResetReason } from '../../cluster/reset.ts';
import type { Resources } from '../../cluster/resources.ts';
import type { ResponseHandler } from '../../cluster/response-handler.ts';
import { ResponseHead } from '../../http/head.ts';
import type { HeaderMap } from '../../http/headers.ts';
import type { Timeouts } from '../../route/timeouts.ts';
import { now } from '../../time/clock.ts';
import type { RequestTrace } from '../../tracing/request-trace.ts';
import type { HookList } from '../pass.ts';
import { AttemptTimeouts, type TimeoutOwner } from './attempt-timeouts.ts';
import { type AttemptTrace, traceAttempt } from './attempt-trace.ts';
import { clientOf, greetingOf } from './downstream.ts';
import { handshakeReply } from './replies.ts';
import type { RouterRun } from './run.ts';
import type { Switching } from './switching.ts';
import { namesOf } from './tls-names.ts';
import { showUpstreamHead, showUpstreamTrailers, takeTrailers } from './upstream-filters.ts';

const NOTHING = Buffer.alloc(0);
/** How long a host may take for the last bytes of a tunnel. */
const FLUSH_MS = 60_000;

/** One try at one host, Envoy's `UpstreamRequest`. */
export class Attempt implements PoolClient, ResponseHandler, Carried, TimeoutOwner {
  readonly #run: RouterRun;
  readonly cluster: Cluster;
  readonly host: Host;
  readonly resources: Resources;
  readonly headRequest: boolean;
  readonly switching: Switching;
  /** Neither a response nor its own end has come. */
  awaitingHead = true;
  /** Another attempt was started because this one was too slow. */
  retried = false;
  /** Outlier detection has been told that it was too slow. */
  timeoutTold = false;
  /** Whether its gRPC response was good is only known at its end. */
  grpcOpen = false;
  /** Its host, or its response, says that it is a canary. */
  canary = false;
  /** Something of the request was written. */
  sent = false;
  /** Of the cluster's filters; undefined where none of them looks at responses. */
  responseHooks: HookList<ResponseHead> | undefined = undefined;
  #connection: UpstreamExchange | undefined = undefined;
  #waiting = false;
  #active = false;
  /** The upstream has not agreed to leave HTTP: nothing of the body may go to it. */
  #paused: boolean;
  /** Bytes that the connection had received when this attempt got it. */
  #receivedBefore = 0;
  #over = false;
  /** The pool that was asked: the host may have a new one meanwhile. */
  #pool: ConnectionPool | undefined = undefined;
  /** Undefined: nothing limits it on its own. */
  #timeouts: AttemptTimeouts | undefined = undefined;
  #trace: AttemptTrace | undefined = undefined;

  constructor(run: RouterRun, cluster: Cluster, host: Host, resources: Resources) {
    this.#run = run;
    this.cluster = cluster;
    this.host = host;
    this.resources = resources;
    this.headRequest = run.stream.head.method === 'HEAD';
    this.switching = run.switching;
    this.#paused = run.switching !== 'none';
    const { stream } = run;
    if (stream.trace) this.#trace = traceAttempt(stream.trace, stream, stream.manager.router.startChildSpan);
  }

  /** It takes the body as it comes. */
  get open(): boolean {
    return this.#connection !== undefined && !this.#paused;
  }

  get closesHere(): boolean {
    return this.switching === 'connect' || (this.switching === 'raw' && this.#connection?.requestSent === false);
  }

  start(): void {
    this.#waiting = true;
    this.#run.stream.upstreamAskedAt = now();
    this.#run.stream.upstreamReadyAt = 0;
    const { source, id } = this.#run.stream.connection;
    this.#pool = this.cluster.pool(this.host, this.resources, {
      source,
      client: id,
      raw: this.switching === 'raw',
      downstream: this.#run.stream.protocol,
      names: namesOf(this.cluster, this.#run.stream),
      told: this.cluster.config.sockets.proxyProtocol && clientOf(this.#run.stream),
    });
    if (this.#pool) this.#pool.request(this);
    else this.#refuse();
  }

  #refuse(): void {
    this.#waiting = false;
    this.#end();
    this.#run.noHost();
  }

  /** Starts what each attempt is allowed on its own; the first call counts. */
  startTimeouts({ perTry, perTryIdle }: Timeouts): void {
    if (this.#over) return;
    if (perTry > 0) this.#limits().startPerTry(perTry);
    if (perTryIdle > 0) this.#limits().startIdle(perTryIdle);
  }

  #limits(): AttemptTimeouts {
    this.#timeouts ??= new AttemptTimeouts(this);
    return this.#timeouts;
  }

  onTooLong(): void {
    this.#run.onMaxDuration(this);
  }

  onTooSlow(idle: boolean): void {
    // Once the client has something the whole request's time counts.
    if (!idle && this.#run.stream.responseStarted) return;
    this.#trace?.timedOut();
    this.#run.onPerTryTimeout(this, idle);
  }

  onReady(connection: UpstreamExchange): void {
    this.#waiting = false;
    this.#connection = connection;
    this.#receivedBefore = connection.received;
    this.#begin();
    const run = this.#run;
    const { stream } = run;
    run.onConnected(this);
    stream.connectedHost = this.host;
    stream.upstreamConnection = connection;
    stream.upstreamReadyAt = now();
    stream.upstreamLocal = connection.local;
    stream.upstreamTls = connection.tls;
    stream.upstreamRemote = connection.remote;
    stream.upstreamProtocol = connection.protocol;
    if (run.bodyDone) this.startTimeouts(run.timeouts);
    const longest = run.timeouts.maxStream ?? this.cluster.config.maxStreamDuration;
    if (longest > 0) this.#limits().startDuration(longest);
    connection.begin(this);
    if (stream.trace) this.#tell(stream.trace);
    if (this.switching === 'raw') this.#answerForHost(connection);
    else this.#write(connection);
    if (!run.bodyDone && !this.#paused) stream.connection.resumeReading();
  }

  #tell(trace: RequestTrace): void {
    if (this.#trace) this.#trace.connected = true;
    trace.tell(this.#run.stream.head.headers, this.#trace?.span);
  }

  #write(connection: UpstreamExchange): void {
    const run = this.#run;
    const { stream } = run;
    const done = this.#paused ? !stream.bodyFollows : run.bodyDone;
    const bytes = this.#paused ? undefined : run.body.take();
    this.sent = true;
    stream.upstreamSendStartAt = now();
    if (done) stream.upstreamSendEndAt = stream.upstreamSendStartAt;
    connection.sendRequest(stream.head, bytes, done, this.#trailers(done));
    stream.countUpstreamSent();
    if (done) this.#endRequest(connection);
  }

  #trailers(done: boolean): HeaderMap | undefined {
    const trailers = done ? this.#run.stream.requestTrailers : undefined;
    if (trailers) showUpstreamTrailers(this.#run, trailers);
    return trailers;
  }

  #begin(): void {
    this.#active = true;
    this.resources.requests++;
    this.host.activeRequests++;
    this.host.stats.rqTotal++;
    this.cluster.stats.rqTotal++;
    const { traffic } = this.#run;
    if (traffic) for (const one of traffic) one.rqTotal++;
    this.cluster.stats.rqActive++;
  }

  #end(): void {
    this.#over = true;
    this.awaitingHead = false;
    this.#timeouts?.stop();
    this.#trace?.end(this.#run.stream);
    if (!this.#active) return;
    this.#active = false;
    if (this.switching === 'raw') this.host.carried.delete(this);
    this.resources.requests--;
    this.host.activeRequests--;
    this.cluster.stats.rqActive--;
  }

  send(bytes: Buffer, start: number, stop: number, done: boolean): void {
    const connection = this.#connection;
    if (!connection || this.#over) return;
    connection.sendBody(bytes, start, stop, done, this.#trailers(done));
    this.#run.stream.countUpstreamSent();
    if (done) this.#endRequest(connection);
    else if (!connection.writable) this.#run.stream.connection.pauseReading();
  }

  onPoolFailure(reason: ResetReason, detail: string): void {
    this.#waiting = false;
    this.#run.stream.upstreamFailure = detail;
    this.#run.stream.upstreamReadyAt = now();
    this.#trace?.reset(reason);
    this.#end();
    this.#run.onReset(this, reason, detail);
  }

  onInterim(head: ResponseHead): void {
    this.#countFields(head);
    this.#timeouts?.alive();
    this.#run.onInterim(this, head);
  }

  onTrailers(trailers: HeaderMap): void {
    takeTrailers(this.#run, this.responseHooks, trailers);
  }

  onHead(head: ResponseHead, done: boolean): void {
    const run = this.#run;
    const { stream } = run;
    stream.upstreamFirstByteAt = now();
    this.#countFields(head);
    this.#trace?.responded(head);
    this.awaitingHead = false;
    this.#timeouts?.alive();
    if (this.responseHooks) showUpstreamHead(run, this.responseHooks, head, done);
    const connection = this.#connection;
    if (this.#paused && !done && connection?.tunnel) this.#unpause(connection);
    if (done) this.#done();
    if (this.switching === 'websocket' && head.status >= 200 && head.status < 400) {
      stream.reply(handshakeReply(head));
      return;
    }
    run.onHead(this, head, done);
    if (!connection?.tunnel) return;
    stream.flush();
    if (connection.requestSent && !this.#over) this.#endRequest(connection);
  }

  /** The upstream has left HTTP: what waited for it goes on. */
  #unpause(connection: UpstreamExchange): void {
    const { body, stream, bodyDone } = this.#run;
    this.#paused = false;
    this.#timeouts?.stopTry();
    body.keep = false;
    const bytes = body.take() ?? NOTHING;
    const done = bodyDone && !connection.requestSent;
    if (done || bytes.length > 0) {
      connection.sendBody(bytes, 0, bytes.length, done, this.#trailers(done));
      stream.countUpstreamSent();
    }
    stream.connection.resumeReading();
  }

  /** A host that is sent bytes alone says nothing of the request: it is answered as soon as there is a connection. */
  #answerForHost(connection: UpstreamExchange): void {
    this.sent = true;
    if (this.cluster.config.closeOnHealthFailure) this.host.carried.add(this);
    this.#run.stream.rawUpstream = true;
    const greeting = greetingOf(this.#run);
    if (greeting) connection.sendBody(greeting, 0, greeting.length, false, undefined);
    this.#unpause(connection);
    const head = new ResponseHead();
    head.status = 200;
    this.onHead(head, false);
  }

  /** All of the request was written. A tunnel over HTTP/1.1 has no other way to say so than to end its connection, as in Envoy. */
  #endRequest(connection: UpstreamExchange): void {
    if (this.switching === 'raw') connection.endRaw();
    if (this.switching !== 'connect' || connection.protocol === 'HTTP/2') return;
    connection.endAndClose(FLUSH_MS);
    this.onReset('connection termination');
  }

  onTunnel(bytes: Buffer, start: number, stop: number): void {
    if (stop > start) {
      this.#run.stream.sendBody(bytes, start, stop, false);
      this.#throttle();
      return;
    }
    const connection = this.#connection;
    const raw = this.switching === 'raw';
    const own = connection?.protocol === 'HTTP/2';
    const whole = connection?.requestSent === true;
    if (raw && whole) connection.release();
    if (raw || own) this.onBody(bytes, 0, 0, true);
    else this.onReset('connection termination');
    if (own && whole) connection.endAndClose(FLUSH_MS);
    else connection?.destroy();
  }

  onBody(bytes: Buffer, start: number, stop: number, done: boolean): void {
    const { stream } = this.#run;
    this.#timeouts?.alive();
    if (done) {
      this.#done();
      this.#run.onResponseDone(this);
    }
    stream.sendBody(bytes, start, stop, done);
    if (!done) this.#throttle();
  }

  #done(): void {
    const { stream } = this.#run;
    stream.upstreamLastByteAt = now();
    if (stream.requestEndAt > 0) this.cluster.stats.rqTime.record(stream.upstreamLastByteAt - stream.requestEndAt);
    this.#leaveConnection();
    this.#end();
  }

  #countFields({ fieldBytes }: ResponseHead): void {
    const { stream } = this.#run;
    stream.upstreamFieldsReceived += fieldBytes;
    stream.upstreamFieldsSummed += stream.upstreamFieldsReceived;
  }

  #leaveConnection(): void {
    const connection = this.#connection;
    if (!connection) return;
    this.#connection = undefined;
    this.#run.stream.upstreamWireReceived += connection.received - this.#receivedBefore;
  }

  #throttle(): void {
    if (!this.#run.stream.writable) this.#connection?.pause();
  }

  resume(): void {
    this.#connection?.resume();
  }

  onReadEnd(): void {
    if (!this.#over) this.#run.stream.flush();
  }

  onWritable(): void {
    this.#run.onUpstreamWritable();
  }

  get writable(): boolean {
    return this.#connection?.writable !== false;
  }

  onHostFailed(): void {
    const connection = this.#connection;
    this.onReset('connection termination');
    connection?.destroy();
  }

  onReset(reason: ResetReason): void {
    if (this.#over) return;
    this.#leaveConnection();
    this.#trace?.reset(reason);
    this.#end();
    this.#run.onReset(this, reason, '');
  }

  /** Gives up without telling anyone; a connection in use is closed, since its answer would come later. */
  abandon(): void {
    if (this.#over) return;
    const connection = this.#connection;
    this.#leaveConnection();
    this.#trace?.cancelled();
    this.#end();
    if (this.#waiting) {
      this.#pool?.cancel(this);
      this.cluster.stats.rqCancelled++;
    }
    connection?.destroy();
  }
}
