import type { Cluster } from '../../cluster/cluster.ts';
import type { RequestHead, ResponseHead } from '../../http/head.ts';
import { HeaderMap } from '../../http/headers.ts';
import { StreamInfo } from '../../http/stream-info.ts';
import type { RetryPolicy } from '../../route/retry.ts';
import type { Route } from '../../route/route.ts';
import { now } from '../../time/clock.ts';
import type { LocalReply } from '../filter.ts';
import type { RouterDownstream, RouterSurroundings } from '../router/downstream.ts';
import { RouterRun } from '../router/run.ts';
import { OwnConnection, ownRoute } from './own-route.ts';

/** More of a response than this is not kept: the call fails. */
const MAX_RESPONSE_BYTES = 1024 * 1024;

/** A request of the proxy's own. One whose head lacks method, path or authority is not sent, and answered like one that is refused. */
export interface HttpRequest {
  readonly head: RequestHead;
  readonly body: Buffer | undefined;
  /** Milliseconds, 0 for none. */
  readonly timeout: number;
  readonly retry: RetryPolicy | undefined;
  /** The request on whose behalf it is sent. */
  readonly parent: StreamInfo;
}

/** What came back, be it from the router because nothing came; undefined: it broke off or was too large. */
export type HttpAnswer = { readonly status: number; readonly headers: HeaderMap; readonly body: Buffer } | undefined;

/** Something under way that can be given up, of which nothing is heard afterwards. */
export interface Call {
  cancel(): void;
}

/** Sends a request to a cluster by the router, with its load balancing, pools, limits and statistics. The answer may come before this returns. */
export function callHttp(
  surroundings: RouterSurroundings,
  cluster: Cluster,
  request: HttpRequest,
  done: (answer: HttpAnswer) => void,
): Call {
  const stream = new HttpCall(surroundings, cluster, request, done);
  stream.begin();
  return stream;
}

/** Stands in for the client of a request that the proxy sends itself: it keeps the answer. */
class HttpCall extends StreamInfo implements RouterDownstream, Call {
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
  readonly #requestBody: Buffer | undefined;
  readonly #done: (answer: HttpAnswer) => void;
  readonly #body: Buffer[] = [];
  #bodyBytes = 0;

  constructor(
    manager: RouterSurroundings,
    cluster: Cluster,
    { head, body, timeout, retry, parent }: HttpRequest,
    done: (answer: HttpAnswer) => void,
  ) {
    super(parent.peers);
    this.manager = manager;
    this.head = head;
    this.request = head;
    this.#requestBody = body;
    this.#done = done;
    this.takeCluster(cluster.config.name, cluster.config);
    this.routeCluster = cluster.config.name;
    head.headers.set('x-envoy-internal', 'true');
    this.connection = new OwnConnection(
      () => undefined,
      () => this.#run.onGlobalTimeout(),
    );
    if (head.method === '' || head.path === '' || !head.hasAuthority) this.invalidHeader = ':path';
    const { route, action } = ownRoute(timeout, retry);
    this.route = route;
    this.bodyFollows = body !== undefined;
    if (!body) this.requestComplete();
    this.#run = new RouterRun(this, route, action, cluster);
  }

  get localCluster(): string {
    return this.manager.localCluster;
  }

  begin(): void {
    this.#run.begin();
    const body = this.#requestBody;
    if (!body || this.ended) return;
    this.bytesReceived = body.length;
    this.requestComplete();
    this.#run.onBody(body, 0, body.length, true);
  }

  cancel(): void {
    this.end();
  }

  requestComplete(): void {
    this.requestDone = true;
    this.requestEndAt = now();
  }

  reply({ status, body, headers = [] }: LocalReply): void {
    if (this.ended) return;
    if (this.responseStarted) {
      this.#finish(undefined);
      return;
    }
    const fields = new HeaderMap();
    for (const [name, value] of headers) fields.add(name, value);
    this.#finish({ status, headers: fields, body: Buffer.from(body, 'latin1') });
  }

  interim(): void {
    // The answer is the last response.
  }

  respond(head: ResponseHead, done: boolean): void {
    this.responseStarted = true;
    this.response = head;
    this.status = head.status;
    if (done) this.#complete();
  }

  sendBody(bytes: Buffer, start: number, stop: number, done: boolean): void {
    if (this.ended) return;
    this.#bodyBytes += stop - start;
    if (this.#bodyBytes > MAX_RESPONSE_BYTES) {
      this.#finish(undefined);
      return;
    }
    if (stop > start) this.#body.push(Buffer.from(bytes.subarray(start, stop)));
    if (done) this.#complete();
  }

  flush(): void {}

  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.#run.abort();
  }

  #complete(): void {
    const head = this.response;
    this.#finish(head && { status: head.status, headers: head.headers, body: Buffer.concat(this.#body) });
  }

  #finish(answer: HttpAnswer): void {
    if (this.ended) return;
    this.end();
    this.#done(answer);
  }
}
