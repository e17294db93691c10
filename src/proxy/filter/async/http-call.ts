import type { Cluster } from '../../cluster/cluster.ts';
import type { RequestHead, ResponseHead } from '../../http/head.ts';
import { HeaderMap } from '../../http/headers.ts';
import type { StreamInfo } from '../../http/stream-info.ts';
import type { RetryPolicy } from '../../route/retry.ts';
import type { LocalReply } from '../filter.ts';
import type { RouterSurroundings } from '../router/downstream.ts';
import { OwnRequest, type OwnRequestUser } from './own-request.ts';

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
  const call = new HttpCall(surroundings, cluster, request, done);
  call.begin(request.body);
  return call;
}

/** Keeps the answer until it is whole. */
class HttpCall implements OwnRequestUser, Call {
  readonly #request: OwnRequest;
  readonly #done: (answer: HttpAnswer) => void;
  readonly #body: Buffer[] = [];
  #bodyBytes = 0;

  constructor(
    manager: RouterSurroundings,
    cluster: Cluster,
    { head, body, timeout, retry, parent }: HttpRequest,
    done: (answer: HttpAnswer) => void,
  ) {
    this.#done = done;
    const options = { head, bodyFollows: body !== undefined, timeout, retry, parent, marked: true };
    this.#request = new OwnRequest(manager, cluster, options, this);
  }

  begin(body: Buffer | undefined): void {
    this.#request.begin();
    if (body) this.#request.send(body, true);
  }

  cancel(): void {
    this.#request.end();
  }

  onReply({ status, body, headers = [] }: LocalReply): void {
    if (this.#request.responseStarted) {
      this.#done(undefined);
      return;
    }
    const fields = new HeaderMap();
    for (const [name, value] of headers) fields.add(name, value);
    this.#done({ status, headers: fields, body: Buffer.from(body, 'latin1') });
  }

  onHead(_: ResponseHead, done: boolean): void {
    if (done) this.#complete();
  }

  onBody(bytes: Buffer, start: number, stop: number, done: boolean): void {
    this.#bodyBytes += stop - start;
    if (this.#bodyBytes > MAX_RESPONSE_BYTES) {
      this.#request.end();
      this.#done(undefined);
      return;
    }
    if (stop > start) this.#body.push(Buffer.from(bytes.subarray(start, stop)));
    if (done) this.#complete();
  }

  #complete(): void {
    const { response } = this.#request;
    this.#request.end();
    this.#done(response && { status: response.status, headers: response.headers, body: Buffer.concat(this.#body) });
  }
}
