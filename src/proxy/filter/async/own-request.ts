import type { Cluster } from '../../cluster/cluster.ts';
import type { RequestHead, ResponseHead } from '../../http/head.ts';
import { StreamInfo } from '../../http/stream-info.ts';
import type { RetryPolicy } from '../../route/retry.ts';
import type { Route } from '../../route/route.ts';
import { now } from '../../time/clock.ts';
import type { LocalReply } from '../filter.ts';
import type { RouterDownstream, RouterSurroundings } from '../router/downstream.ts';
import { RouterRun } from '../router/run.ts';
import { OwnConnection, ownRoute } from './own-route.ts';

/** What hears of the answer to a request of the proxy's own. */
export interface OwnRequestUser {
  /** There is no response, or no more of it: what the router would tell a client. */
  onReply(reply: LocalReply): void;
  onHead(head: ResponseHead, done: boolean): void;
  /** `bytes` may be reused afterwards. Trailers stand in `responseTrailers` when it is `done`. */
  onBody(bytes: Buffer, start: number, stop: number, done: boolean): void;
}

export interface OwnRequestOptions {
  readonly head: RequestHead;
  /** A body follows. */
  readonly bodyFollows: boolean;
  /** Milliseconds from the end of the request on, 0 for none. */
  readonly timeout: number;
  readonly retry?: RetryPolicy | undefined;
  /** The request on whose behalf it is sent. */
  readonly parent: StreamInfo;
  /** It says that it is the proxy's own. */
  readonly marked: boolean;
}

/** Stands in for the client of a request that the proxy sends itself, by its router. */
export class OwnRequest extends StreamInfo implements RouterDownstream {
  readonly manager: RouterSurroundings;
  readonly head: RequestHead;
  readonly connection: OwnConnection;
  readonly routes = undefined;
  override readonly route: Route;
  readonly routeCluster: string;
  readonly random = Math.floor(Math.random() * 0x1_0000_0000);
  requestDone = false;
  readonly bodyFollows: boolean;
  readonly writable = true;
  responseStarted = false;
  ended = false;
  upgrade: string | undefined = undefined;
  redirects = undefined;
  readonly #run: RouterRun;
  readonly #user: OwnRequestUser;

  constructor(
    manager: RouterSurroundings,
    cluster: Cluster,
    { head, bodyFollows, timeout, retry, parent, marked }: OwnRequestOptions,
    user: OwnRequestUser,
  ) {
    super(parent.peers);
    this.manager = manager;
    this.head = head;
    this.request = head;
    this.#user = user;
    this.takeCluster(cluster.config.name, cluster.config);
    this.routeCluster = cluster.config.name;
    if (marked) head.headers.set('x-envoy-internal', 'true');
    this.connection = new OwnConnection(
      () => undefined,
      () => this.#run.onGlobalTimeout(),
    );
    if (head.method === '' || head.path === '' || !head.hasAuthority) this.invalidHeader = ':path';
    const { route, action } = ownRoute(timeout, retry);
    this.route = route;
    this.bodyFollows = bodyFollows;
    if (!bodyFollows) this.requestComplete();
    this.#run = new RouterRun(this, route, action, cluster);
  }

  get localCluster(): string {
    return this.manager.localCluster;
  }

  begin(): void {
    this.#run.begin();
  }

  send(bytes: Buffer, done: boolean): void {
    if (this.ended) return;
    this.bytesReceived += bytes.length;
    if (done) this.requestComplete();
    this.#run.onBody(bytes, 0, bytes.length, done);
  }

  requestComplete(): void {
    this.requestDone = true;
    this.requestEndAt = now();
  }

  reply(reply: LocalReply): void {
    if (this.ended) return;
    this.end();
    this.#user.onReply(reply);
  }

  interim(): void {
    // The answer is the last response.
  }

  respond(head: ResponseHead, done: boolean): void {
    this.responseStarted = true;
    this.response = head;
    this.status = head.status;
    this.#user.onHead(head, done);
  }

  sendBody(bytes: Buffer, start: number, stop: number, done: boolean): void {
    if (!this.ended) this.#user.onBody(bytes, start, stop, done);
  }

  flush(): void {}

  /** Gives up what is under way; nothing is heard any more. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.#run.abort();
  }
}
