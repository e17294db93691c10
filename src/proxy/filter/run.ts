import type { RequestHead, ResponseHead } from '../http/head.ts';
import type { FilterPlan } from './chain.ts';
import type { BoundFilter, FilterControl, FilterHooks, FilterStream, HeldMessage } from './filter.ts';
import { FilterPass, type PassEnd } from './pass.ts';

export interface FilterRunEnds {
  readonly request: PassEnd<RequestHead>;
  readonly response: PassEnd<ResponseHead>;
}

/** A filter chain at work on one request. */
export class FilterRun {
  readonly request: FilterPass<RequestHead>;
  readonly response: FilterPass<ResponseHead>;
  readonly #stream: FilterStream;
  readonly #plan: FilterPlan;
  #own: (FilterHooks | undefined)[] | undefined = undefined;

  /** `limit`: bytes of body that filters may keep in each direction. */
  constructor(stream: FilterStream, plan: FilterPlan, ends: FilterRunEnds, limit: number) {
    this.#stream = stream;
    this.#plan = plan;
    let { request, response } = plan;
    if (plan.begins) {
      const { filters } = plan;
      const last = filters.length - 1;
      const own: (FilterHooks | undefined)[] = [];
      const requests: (FilterHooks['request'] | undefined)[] = [];
      const responses: (FilterHooks['response'] | undefined)[] = [];
      // Once a request: `map` would cost a function and a call for each filter.
      for (let at = 0; at <= last; at++) {
        const hooks = this.#begin(filters[at], stream, at);
        own.push(hooks);
        requests.push(hooks?.request);
      }
      for (let at = last; at >= 0; at--) responses.push(own[at]?.response);
      this.#own = own;
      request = requests;
      response = responses;
    }
    this.request = new FilterPass(stream, request, ends.request, limit);
    this.response = new FilterPass(stream, response, ends.response, limit);
  }

  #begin(filter: BoundFilter | undefined, stream: FilterStream, at: number): FilterHooks | undefined {
    return filter?.begin ? filter.begin(stream, new SlotControl(this, at)) : filter?.shared;
  }

  /** Finds the route anew; the filters behind the one at `at`, which have seen nothing yet, are as that route has them. */
  reroute(at: number): void {
    const stream = this.#stream;
    const before = stream.route;
    const own = this.#own;
    if (!own || !stream.reroute || stream.reroute() === before) return;
    const filters = this.#plan.on(stream.route);
    for (let next = at + 1; next < own.length; next++) {
      own[next] = this.#begin(filters[next], stream, next);
    }
    this.request.replace(own.map((hooks) => hooks?.request));
    this.response.replace(own.map((hooks) => hooks?.response).reverse());
  }

  /** Tells the filters that the request is over. */
  end(): void {
    this.request.cancel();
    this.response.cancel();
    const own = this.#own;
    this.#own = undefined;
    for (const hooks of own ?? []) hooks?.onEnd?.();
  }
}

class SlotControl implements FilterControl {
  readonly #run: FilterRun;
  readonly #at: number;

  constructor(run: FilterRun, at: number) {
    this.#run = run;
    this.#at = at;
  }

  resumeRequest(body?: Buffer): void {
    this.#run.request.resume(this.#at, body);
  }

  reroute(): void {
    this.#run.reroute(this.#at);
  }

  limitRequest(bytes: number): void {
    this.#run.request.limit = bytes;
  }

  releaseRequest(bytes: number): boolean {
    return this.#run.request.release(this.#at, bytes);
  }

  resumeResponse(body?: Buffer): void {
    const { response } = this.#run;
    response.resume(response.length - 1 - this.#at, body);
  }

  releaseResponse(bytes: number): boolean {
    const { response } = this.#run;
    return response.release(response.length - 1 - this.#at, bytes);
  }

  message(side: 'request' | 'response'): HeldMessage {
    return new SlotMessage(this.#run, side, this.#at);
  }
}

/** One message as the filter at one place of its way holds it. */
class SlotMessage implements HeldMessage {
  readonly #run: FilterRun;
  readonly #side: 'request' | 'response';
  readonly #slot: number;

  constructor(run: FilterRun, side: 'request' | 'response', slot: number) {
    this.#run = run;
    this.#side = side;
    this.#slot = slot;
  }

  /** Known once all filters of the chain have begun. */
  get #pass(): Pick<FilterPass<never>, 'length' | 'limit' | 'held' | 'resume' | 'advance' | 'refuse'> {
    return this.#side === 'request' ? this.#run.request : this.#run.response;
  }

  get #at(): number {
    return this.#side === 'request' ? this.#slot : this.#run.response.length - 1 - this.#slot;
  }

  get limit(): number {
    return this.#pass.limit;
  }

  bytes(): Buffer {
    return this.#pass.held(this.#at);
  }

  refuse(): void {
    this.#pass.refuse();
  }

  resume(body?: Buffer): void {
    this.#pass.resume(this.#at, body);
  }

  advance(taken: number, bytes: Buffer, last: boolean): void {
    this.#pass.advance(this.#at, taken, bytes, last);
  }
}
