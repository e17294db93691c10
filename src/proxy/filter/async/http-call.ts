import type { Cluster } from '../../cluster/cluster.ts';
import type { RequestHead, ResponseHead } from '../../http/head.ts';
import { HeaderMap } from '../../http/headers.ts';
import type { StreamInfo } from '../../http/stream-info.ts';
import type { RetryPolicy } from '../../route/retry.ts';
import type { LocalReply } from '../filter.ts';
import { type AttemptTrace, traceOwnRequest } from '../router/attempt-trace.ts';
import type { RouterSurroundings } from '../router/downstream.ts';
import type { CallTracing } from './call-trace.ts';
import { ownAddress } from './own-address.ts';
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
  /** The server is told the proxy's own address. */
  readonly tellsAddress?: boolean;
  /** Undefined: it has no span. */
  readonly traced?: CallTracing<Exclude<HttpAnswer, undefined>>;
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
  readonly #traced: HttpRequest['traced'];
  #trace: AttemptTrace | undefined = undefined;
  readonly #body: Buffer[] = [];
  #bodyBytes = 0;

  constructor(
    manager: RouterSurroundings,
    cluster: Cluster,
    { head, body, timeout, retry, parent, tellsAddress, traced }: HttpRequest,
    done: (answer: HttpAnswer) => void,
  ) {
    this.#done = done;
    this.#traced = traced;
    if (traced && parent.trace) {
      const name = traced.name ?? `async ${cluster.config.name} egress`;
      this.#trace = traceOwnRequest(parent.trace, parent, name, traced.recorded);
      this.#trace.tell(head.headers);
    }
    head.headers.set('x-envoy-internal', 'true');
    if (tellsAddress) head.headers.set('x-forwarded-for', ownAddress());
    const options = { head, bodyFollows: body !== undefined, timeout, retry, parent, marked: false };
    this.#request = new OwnRequest(manager, cluster, options, this);
  }

  begin(body: Buffer | undefined): void {
    this.#request.begin();
    if (body) this.#request.send(body, true);
  }

  cancel(): void {
    this.#trace?.cancelled();
    this.#endTrace();
    this.#request.end();
  }

  onReply({ status, body, flags = 0, headers = [] }: LocalReply): void {
    this.#request.flags |= flags;
    if (this.#request.responseStarted) {
      this.#break();
      return;
    }
    const fields = new HeaderMap();
    for (const [name, value] of headers) fields.add(name, value);
    this.#answer({ status, headers: fields, body: Buffer.from(body, 'latin1') });
  }

  onHead(_: ResponseHead, done: boolean): void {
    if (done) this.#complete();
  }

  onBody(bytes: Buffer, start: number, stop: number, done: boolean): void {
    this.#bodyBytes += stop - start;
    if (this.#bodyBytes > MAX_RESPONSE_BYTES) {
      this.#request.end();
      this.#break();
      return;
    }
    if (stop > start) this.#body.push(Buffer.from(bytes.subarray(start, stop)));
    if (done) this.#complete();
  }

  #complete(): void {
    const { response } = this.#request;
    this.#request.end();
    if (!response) {
      this.#break();
      return;
    }
    this.#answer({ status: response.status, headers: response.headers, body: Buffer.concat(this.#body) });
  }

  #answer(answer: Exclude<HttpAnswer, undefined>): void {
    this.#request.status = answer.status;
    if (this.#trace) this.#traced?.tag?.(this.#trace.span.tags, answer);
    this.#endTrace();
    this.#done(answer);
  }

  #break(): void {
    this.#trace?.broken();
    this.#endTrace();
    this.#done(undefined);
  }

  #endTrace(): void {
    const trace = this.#trace;
    this.#trace = undefined;
    trace?.endCall(this.#request, this.#request.status);
  }
}
