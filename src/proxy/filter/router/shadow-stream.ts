import type { Cluster } from '../../cluster/cluster.ts';
import type { RequestHead, ResponseHead } from '../../http/head.ts';
import { StreamInfo } from '../../http/stream-info.ts';
import type { Route } from '../../route/route.ts';
import { now } from '../../time/clock.ts';
import { OwnConnection, ownRoute } from '../async/own-route.ts';
import type { LocalReply } from '../filter.ts';
import type { AttemptTrace } from './attempt-trace.ts';
import type { RouterDownstream, RouterSurroundings } from './downstream.ts';
import { RouterRun } from './run.ts';

/** Stands in for the client of a mirrored request: it sends what the client sends and reads no answer. */
export class ShadowStream extends StreamInfo implements RouterDownstream {
  readonly manager: RouterSurroundings;
  readonly head: RequestHead;
  readonly connection: OwnConnection;
  readonly routes = undefined;
  override readonly route: Route;
  readonly routeCluster: string;
  readonly random: number;
  requestDone: boolean;
  readonly bodyFollows: boolean;
  readonly writable = true;
  responseStarted = false;
  ended = false;
  upgrade: string | undefined = undefined;
  redirects = undefined;
  readonly #original: StreamInfo;
  readonly #run: RouterRun;
  readonly #trace: AttemptTrace | undefined;

  constructor(parent: RouterRun, cluster: Cluster, head: RequestHead, trace: AttemptTrace | undefined) {
    const { stream } = parent;
    super(stream.peers);
    this.#original = stream;
    this.#trace = trace;
    this.manager = stream.manager;
    this.head = head;
    this.request = head;
    this.random = stream.random;
    this.requestDone = parent.bodyDone;
    this.bodyFollows = !parent.bodyDone;
    if (this.requestDone) this.requestEndAt = now();
    this.clusterName = cluster.config.name;
    this.routeCluster = cluster.config.name;
    this.connection = new OwnConnection(
      () => parent.onUpstreamWritable(),
      () => this.#run.onGlobalTimeout(),
    );
    const { route, action } = ownRoute(parent.timeouts.global);
    this.route = route;
    this.#run = new RouterRun(this, this.route, action, cluster);
  }

  get localCluster(): string {
    return this.manager.localCluster;
  }

  get paused(): boolean {
    return this.connection.paused && !this.ended;
  }

  begin(): void {
    this.#run.begin();
  }

  onBody(bytes: Buffer, start: number, stop: number, done: boolean): void {
    if (this.ended) return;
    this.bytesReceived += stop - start;
    if (done) {
      this.requestTrailers = this.#original.requestTrailers?.copy();
      this.requestComplete();
    }
    this.#run.onBody(bytes, start, stop, done);
  }

  cancel(): void {
    this.end();
  }

  requestComplete(): void {
    this.requestDone = true;
    this.requestEndAt = now();
  }

  reply({ status, flags = 0 }: LocalReply): void {
    this.status = status;
    this.flags |= flags;
    this.end();
  }

  interim(_head: ResponseHead): void {
    // Nobody waits for it.
  }

  respond({ status }: ResponseHead, done: boolean): void {
    this.responseStarted = true;
    this.status = status;
    if (done) this.end();
  }

  sendBody(_bytes: Buffer, _start: number, _stop: number, done: boolean): void {
    if (done) this.end();
  }

  flush(): void {}

  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.#trace?.endCall(this, this.status);
    this.#run.abort();
    this.connection.resumeReading();
  }
}
