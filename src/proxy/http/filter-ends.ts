import type { PassEnd } from '../filter/pass.ts';
import type { RequestHead, ResponseHead } from './head.ts';
import type { HeaderMap } from './headers.ts';
import type { HttpStream } from './stream.ts';

/** Behind the last filter of the request: the router. */
export class RequestEnd implements PassEnd<RequestHead> {
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

  onTooLarge(): void {
    this.#stream.manager.stats.rqTooLarge++;
    // As in Envoy, where a body that is too large has no end yet.
    this.#stream.requestDone = false;
    this.#stream.reply({ status: 413, body: 'Payload Too Large', details: 'request_payload_too_large' });
  }
}

/** Behind the last filter of the response: the connection. */
export class ResponseEnd implements PassEnd<ResponseHead> {
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
    this.#stream.reply({ status: 500, body: 'Internal Server Error', details: 'response_payload_too_large' });
  }
}
