import type { FilterPlan } from '../filter/chain.ts';
import type { PassEnd } from '../filter/pass.ts';
import { FilterRun } from '../filter/run.ts';
import type { RequestHead, ResponseHead } from './head.ts';
import type { HeaderMap } from './headers.ts';
import type { HttpStream } from './stream.ts';
import { filtersFor } from './upgrade.ts';

/** The filters of a plan at work on a stream. */
export function runFilters(stream: HttpStream, plan: FilterPlan): FilterRun {
  const ends = { request: new RequestEnd(stream), response: new ResponseEnd(stream) };
  return new FilterRun(stream, plan, ends, stream.manager.bufferLimit);
}

/** The filters for an answer to a request that none of them has seen, as in Envoy; undefined where none looks at responses. */
export function runUnasked(stream: HttpStream): FilterRun | undefined {
  const plan = filtersFor(stream).plan(stream.route);
  return plan.headsOnly && plan.headsBack.length === 0 ? undefined : runFilters(stream, plan);
}

/** Behind the last filter of the request: the router. */
class RequestEnd implements PassEnd<RequestHead> {
  readonly #stream: HttpStream;

  constructor(stream: HttpStream) {
    this.#stream = stream;
  }

  head(_: RequestHead, done: boolean): void {
    this.#stream.forward(done);
  }

  body(bytes: Buffer, start: number, stop: number, done: boolean): void {
    this.#stream.forwardBody(bytes, start, stop, done);
  }

  get trailers(): HeaderMap | undefined {
    return this.#stream.requestTrailers;
  }

  throttle(on: boolean): void {
    if (on) this.#stream.connection.pauseReading();
    else this.#stream.connection.resumeReading();
  }

  onTooLarge(whole: boolean): void {
    this.#stream.manager.stats.rqTooLarge++;
    if (!whole) {
      // Envoy answers before it looks for the end of the request, even if that came with the last bytes.
      this.#stream.requestDone = false;
      this.#stream.requestEndAt = 0;
    }
    this.#stream.reply({ status: 413, body: 'Payload Too Large', details: 'request_payload_too_large' });
  }
}

/** Behind the last filter of the response: the connection. */
class ResponseEnd implements PassEnd<ResponseHead> {
  readonly #stream: HttpStream;

  constructor(stream: HttpStream) {
    this.#stream = stream;
  }

  head(head: ResponseHead, done: boolean): void {
    this.#stream.sendHead(head, done);
  }

  body(bytes: Buffer, start: number, stop: number, done: boolean): void {
    this.#stream.writeBody(bytes, start, stop, done);
  }

  get trailers(): HeaderMap | undefined {
    return this.#stream.responseTrailers;
  }

  throttle(on: boolean): void {
    this.#stream.throttleResponse(on);
  }

  onTooLarge(): void {
    this.#stream.manager.stats.responseTooLarge++;
    this.#stream.reply({ status: 500, body: 'Internal Server Error', details: 'response_payload_too_large' });
  }
}
