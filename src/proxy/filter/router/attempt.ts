import type { Cluster } from '../../cluster/cluster.ts';
import type { Host } from '../../cluster/host.ts';
import type { PoolClient } from '../../cluster/pool.ts';
import type { ResetReason } from '../../cluster/reset.ts';
import type { Resources } from '../../cluster/resources.ts';
import type { ResponseHandler, UpstreamConnection } from '../../cluster/upstream-connection.ts';
import type { ResponseHead } from '../../http/head.ts';
import { requestHeadText, writeMessage } from '../../http/wire.ts';
import { now } from '../../time/clock.ts';
import { Deadline } from '../../time/deadline.ts';
import type { RouterRun } from './run.ts';

/** Methods whose requests have no body unless they say so. */
const BODYLESS = new Set(['GET', 'HEAD', 'DELETE', 'CONNECT', 'TRACE']);

/** One try at one host. */
export class Attempt implements PoolClient, ResponseHandler {
  readonly #run: RouterRun;
  readonly #cluster: Cluster;
  readonly #host: Host;
  readonly resources: Resources;
  readonly headRequest: boolean;
  readonly upgrades: boolean;
  #connection: UpstreamConnection | undefined = undefined;
  #waiting = false;
  #active = false;
  #chunked = false;
  #over = false;
  readonly #timeout = new Deadline(() => this.#run.onPerTryTimeout());

  constructor(run: RouterRun, cluster: Cluster, host: Host, priority: 'DEFAULT' | 'HIGH') {
    this.#run = run;
    this.#cluster = cluster;
    this.#host = host;
    this.resources = cluster.resources[priority];
    this.headRequest = run.stream.head.method === 'HEAD';
    this.upgrades = run.stream.upgrade !== undefined;
  }

  get connected(): boolean {
    return this.#connection !== undefined;
  }

  start(): void {
    this.#waiting = true;
    this.#cluster.pool(this.#host, this.#run.stream.connection.source).request(this);
  }

  startTimeout(milliseconds: number): void {
    if (!this.#over) this.#timeout.start(milliseconds);
  }

  onReady(connection: UpstreamConnection): void {
    this.#waiting = false;
    this.#connection = connection;
    this.#begin();
    const { stream } = this.#run;
    stream.upstreamLocal = connection.local;
    connection.begin(this);
    const { head } = stream;
    const { bytes, done } = this.#run.takeBody();
    const framed = head.headers.has('content-length');
    this.#chunked = !framed && !done && !this.upgrades;
    if (done && !framed && !bytes && !BODYLESS.has(head.method)) head.headers.set('content-length', '0');
    else if (done && !framed && bytes) this.#chunked = true;
    const text = requestHeadText(head.method, head.path, head.authority, head.headers, this.#chunked);
    writeMessage(connection.transport, text, bytes, 0, bytes?.length ?? 0, this.#chunked, done);
    connection.requestSent = done;
    if (!done) stream.connection.resumeReading();
  }

  #begin(): void {
    this.#active = true;
    this.resources.requests++;
    this.#host.activeRequests++;
    this.#host.stats.rqTotal++;
    this.#cluster.stats.rqTotal++;
    this.#cluster.stats.rqActive++;
  }

  #end(): void {
    this.#over = true;
    this.#timeout.stop();
    if (!this.#active) return;
    this.#active = false;
    this.resources.requests--;
    this.#host.activeRequests--;
    this.#cluster.stats.rqActive--;
  }

  send(bytes: Buffer, start: number, stop: number, done: boolean): void {
    const connection = this.#connection;
    if (!connection || this.#over) return;
    writeMessage(connection.transport, '', bytes, start, stop, this.#chunked, done);
    if (done) connection.requestSent = true;
    else if (connection.transport.blocked) this.#run.stream.connection.pauseReading();
  }

  onPoolFailure(reason: ResetReason, detail: string): void {
    this.#waiting = false;
    this.#end();
    if (reason !== 'overflow') {
      this.#cluster.outlier?.onLocalFailure(this.#host, reason === 'connection timeout' ? 504 : 503);
      this.#host.stats.rqError++;
    }
    this.#run.onReset(reason, detail, false);
  }

  onHead(head: ResponseHead, done: boolean): void {
    const { stream } = this.#run;
    stream.upstreamFirstByteAt = now();
    this.#cluster.onStatus(this.#host, head.status);
    if (head.status === 101 && this.upgrades) {
      this.#upgrade(head);
      return;
    }
    const connection = this.#connection;
    if (done) this.#done();
    else if (connection && stream.upgrade !== undefined) stream.requestComplete();
    this.#run.onHead(head, done);
  }

  #upgrade(head: ResponseHead): void {
    const { stream } = this.#run;
    const connection = this.#connection;
    if (!connection || stream.upgrade === undefined) {
      connection?.destroy();
      this.#end();
      this.#run.onReset('protocol error', '', true);
      return;
    }
    this.#timeout.stop();
    stream.connection.tunnel = (bytes, start, stop) => {
      if (stop === start) {
        connection.transport.end();
        return;
      }
      stream.bytesReceived += stop - start;
      writeMessage(connection.transport, '', bytes, start, stop, false, false);
      if (connection.transport.blocked) stream.connection.pauseReading();
    };
    this.#run.onHead(head, false);
    stream.flush();
  }

  onTunnel(bytes: Buffer, start: number, stop: number): void {
    const { stream } = this.#run;
    stream.sendBody(bytes, start, stop, stop === start);
    this.#throttle();
  }

  onBody(bytes: Buffer, start: number, stop: number, done: boolean): void {
    const { stream } = this.#run;
    if (done) {
      this.#done();
      this.#run.onResponseDone();
    }
    stream.sendBody(bytes, start, stop, done);
    if (!done) this.#throttle();
  }

  #done(): void {
    this.#run.stream.upstreamLastByteAt = now();
    this.#connection = undefined;
    this.#end();
  }

  #throttle(): void {
    if (!this.#run.stream.writable) this.#connection?.transport.pause();
  }

  resume(): void {
    this.#connection?.transport.resume();
  }

  onReadEnd(): void {
    if (!this.#over) this.#run.stream.flush();
  }

  onWritable(): void {
    this.#run.stream.connection.resumeReading();
  }

  onReset(reason: ResetReason, detail: string): void {
    if (this.#over) return;
    this.#connection = undefined;
    this.#end();
    this.#cluster.outlier?.onLocalFailure(this.#host, 503);
    this.#host.stats.rqError++;
    this.#run.onReset(reason, detail, true);
  }

  /** The upstream did not answer in time. */
  timeOut(): void {
    if (this.#over) return;
    this.#cluster.outlier?.onLocalFailure(this.#host, 504);
    this.#host.stats.rqTimeout++;
    this.abandon();
  }

  /** Gives up without telling anyone; a connection in use is closed, since its answer would come later. */
  abandon(): void {
    if (this.#over) return;
    const connection = this.#connection;
    this.#connection = undefined;
    this.#end();
    if (this.#waiting) this.#cluster.pool(this.#host, this.#run.stream.connection.source).cancel(this);
    connection?.destroy();
  }
}
