import type { ResponseHead } from '../http/head.ts';
import type { HeaderMap } from '../http/headers.ts';
import type { BodyPiece, FilterStream, HeadVerdict, Hooks } from './filter.ts';

/** The hooks of one direction in the order in which messages pass them. */
export type HookList<Head> = readonly (Hooks<Head> | undefined)[];

/** What stands behind the last filter of a direction. */
export interface PassEnd<Head> {
  head(head: Head, done: boolean): void;
  body(bytes: Buffer, start: number, stop: number, done: boolean): void;
  /** Those of a message that is done. */
  readonly trailers: HeaderMap | undefined;
  /** Reading should stop, or may go on. */
  throttle(on: boolean): void;
  /** A filter wanted to keep more of the body than may be kept. `whole`: a filter before it had all of the message. */
  onTooLarge(whole: boolean): void;
}

/** Where a message stands at one filter that stopped it. */
interface Step {
  stopped: Exclude<HeadVerdict, 'continue'> | 'body' | undefined;
  held: Buffer[];
  heldDone: boolean;
}

/** Whether any of the hooks is for bodies; the lists of a chain are the same for all of its requests. */
function seesBody(hooks: readonly (Hooks<never> | undefined)[]): boolean {
  for (let at = 0; at < hooks.length; at++) if (hooks[at]?.body !== undefined) return true;
  return false;
}

/** Shows trailers to the filters of a direction, one after the other; what they add to the end of the body. */
export function showTrailers<Head>(
  stream: FilterStream,
  hooks: HookList<Head>,
  trailers: HeaderMap,
): Buffer | undefined {
  let added: Buffer | undefined;
  for (let at = 0; at < hooks.length; at++) {
    const more = hooks[at]?.trailers?.(stream, trailers);
    if (more) added = added ? Buffer.concat([added, more]) : more;
  }
  return added;
}

type AnswerableStream = FilterStream & { readonly ended: boolean; readonly responseStarted: boolean };

/** Shows a head to hooks that stop it by replying only; false: one of them did. */
export function passHead<Head>(stream: AnswerableStream, hooks: HookList<Head>, head: Head, done: boolean): boolean {
  return hooksPassed(stream, hooks, head, done) === hooks.length;
}

/** How many hooks a head went past; the one behind them, if any, stopped it. */
export function hooksPassed<Head>(stream: AnswerableStream, hooks: HookList<Head>, head: Head, done: boolean): number {
  for (let at = 0; at < hooks.length; at++) {
    const verdict = hooks[at]?.head?.(stream, head, done) ?? 'continue';
    if (verdict !== 'continue' || stream.ended || stream.responseStarted) return at;
  }
  return hooks.length;
}

/** The same of the head of a response. */
export function hooksPassedBack(
  stream: FilterStream,
  hooks: HookList<ResponseHead>,
  head: ResponseHead,
  done: boolean,
): number {
  for (let at = 0; at < hooks.length; at++) {
    if ((hooks[at]?.head?.(stream, head, done) ?? 'continue') !== 'continue') return at;
  }
  return hooks.length;
}

/** One message on its way through the filters of one direction, in the order of `hooks`. */
export class FilterPass<Head> {
  readonly #stream: FilterStream;
  #hooks: HookList<Head>;
  readonly #end: PassEnd<Head>;
  #seesBody: boolean;
  /** Bytes of body that filters may keep. */
  limit: number;
  #head: Head | undefined = undefined;
  #headOnly = false;
  /** The filter that has the head; the number of filters when it is past all of them. */
  #headAt = -1;
  #steps: (Step | undefined)[] | undefined = undefined;
  #heldBytes = 0;
  #throttled = false;
  /** The end of the message was let go by a filter that held it. */
  #whole = false;
  #over = false;

  constructor(stream: FilterStream, hooks: HookList<Head>, end: PassEnd<Head>, limit: number) {
    this.#stream = stream;
    this.#hooks = hooks;
    this.#seesBody = seesBody(hooks);
    this.#end = end;
    this.limit = limit;
  }

  /** Number of filters. */
  get length(): number {
    return this.#hooks.length;
  }

  /** Filters that have not seen the message are others from now on. */
  replace(hooks: HookList<Head>): void {
    this.#hooks = hooks;
    this.#seesBody = seesBody(hooks);
  }

  /** Nothing more goes on or comes back. */
  cancel(): void {
    this.#over = true;
    this.#steps = undefined;
  }

  /** The filters before `from` have seen it. */
  head(head: Head, done: boolean, from = 0): void {
    this.#head = head;
    this.#headOnly = done;
    this.#heads(from);
  }

  #heads(from: number): void {
    const head = this.#head as Head;
    for (let at = from; at < this.#hooks.length; at++) {
      this.#headAt = at;
      const verdict = this.#hooks[at]?.head?.(this.#stream, head, this.#headOnly) ?? 'continue';
      if (this.#over) return;
      if (verdict === 'continue') continue;
      this.#step(at).stopped = verdict;
      return;
    }
    this.#headAt = this.#hooks.length;
    this.#end.head(head, this.#headOnly);
  }

  body(bytes: Buffer, start: number, stop: number, done: boolean): void {
    if (this.#over) return;
    if (this.#steps || this.#seesBody) this.#bodyFrom(0, { bytes: bytes.subarray(start, stop), done });
    else this.#past(bytes, start, stop, done);
  }

  #bodyFrom(from: number, piece: BodyPiece): void {
    let current = piece;
    for (let at = from; at < this.#hooks.length; at++) {
      const step = this.#steps?.[at];
      if (step?.stopped === 'stop') {
        this.#hold(step, current, false);
        return;
      }
      const verdict = this.#hooks[at]?.body?.(this.#stream, current) ?? 'continue';
      if (this.#over) return;
      if (verdict !== 'continue') {
        const stopped = this.#step(at);
        stopped.stopped ??= 'body';
        this.#hold(stopped, current, verdict === 'buffer');
        return;
      }
      if (!step?.stopped) continue;
      current = this.#release(step, current);
      if (this.#headAt === at) this.#heads(at + 1);
      if (this.#over) return;
    }
    if (current.done || current.bytes.length > 0) this.#past(current.bytes, 0, current.bytes.length, current.done);
  }

  /** A piece is past all filters. */
  #past(bytes: Buffer, start: number, stop: number, done: boolean): void {
    const trailers = done ? this.#end.trailers : undefined;
    const added = trailers && showTrailers(this.#stream, this.#hooks, trailers);
    if (!added) {
      this.#end.body(bytes, start, stop, done);
      return;
    }
    const body = Buffer.concat([bytes.subarray(start, stop), added]);
    this.#end.body(body, 0, body.length, done);
  }

  /** The filter at `at` lets what it holds go on, or `body` in its place. */
  resume(at: number, body?: Buffer): void {
    const step = this.#steps?.[at];
    if (!step?.stopped || this.#over) return;
    const { stopped } = step;
    const taken = this.#take(step);
    const held = body ? { bytes: body, done: taken?.done ?? this.#headOnly } : taken;
    if (body) this.#headOnly = false;
    if (this.#headAt === at) this.#heads(at + 1);
    // What came after `stop` was not shown to the filter yet.
    const next = stopped === 'stop' ? at : at + 1;
    if (held && !this.#over) this.#bodyFrom(next, held);
  }

  /** The filter at `at` lets up to so many bytes of a body go on; false when it holds nothing more. */
  release(at: number, limit: number): boolean {
    const step = this.#steps?.[at];
    if (!step?.stopped || this.#over) return false;
    const held = this.#take(step);
    if (!held) return false;
    const rest = held.bytes.subarray(limit);
    if (rest.length > 0) {
      step.stopped = 'body';
      this.#hold(step, { bytes: rest, done: held.done }, false);
    }
    const piece = { bytes: held.bytes.subarray(0, limit), done: held.done && rest.length === 0 };
    this.#bodyFrom(at + 1, piece);
    // Nothing of the body goes on, and the head does not wait for it.
    const free = !this.#over && !this.#steps?.some((one, index) => index > at && one?.stopped);
    if (piece.bytes.length === 0 && !piece.done && free) this.#end.body(piece.bytes, 0, 0, false);
    return rest.length > 0;
  }

  /** A filter has more of the body than it may keep. */
  refuse(): void {
    if (!this.#over) this.#end.onTooLarge(this.#whole);
  }

  /** What the filter at `at` holds of the body. */
  held(at: number): Buffer {
    const step = this.#steps?.[at];
    if (!step) return Buffer.alloc(0);
    if (step.held.length !== 1) step.held = [Buffer.concat(step.held)];
    return step.held[0] as Buffer;
  }

  /**
   * The filter at `at` lets the head go on, and `bytes` in the place of the first `taken` that it holds of the body. The rest stays;
   * with `last` there is none, and the message ends.
   */
  advance(at: number, taken: number, bytes: Buffer, last: boolean): void {
    const step = this.#steps?.[at];
    if (!step?.stopped || this.#over) return;
    const held = this.#take(step);
    if (!last) {
      step.stopped = 'body';
      this.#hold(
        step,
        { bytes: held?.bytes.subarray(taken) ?? bytes.subarray(0, 0), done: held?.done ?? false },
        false,
      );
    }
    if (this.#headAt === at) this.#heads(at + 1);
    if (!this.#over && (last || bytes.length > 0)) this.#bodyFrom(at + 1, { bytes, done: last });
  }

  #step(at: number): Step {
    this.#steps ??= [];
    const step = this.#steps[at] ?? { stopped: undefined, held: [], heldDone: false };
    this.#steps[at] = step;
    return step;
  }

  #hold(step: Step, { bytes, done }: BodyPiece, bounded: boolean): void {
    if (bytes.length > 0) step.held.push(Buffer.from(bytes));
    step.heldDone = done;
    this.#heldBytes += bytes.length;
    if (this.#heldBytes <= this.limit) return;
    if (bounded) {
      this.#end.onTooLarge(this.#whole);
      return;
    }
    if (this.#throttled) return;
    this.#throttled = true;
    this.#end.throttle(true);
  }

  /** What the step held and the piece after it. */
  #release(step: Step, piece: BodyPiece): BodyPiece {
    const held = this.#take(step);
    if (piece.done) this.#whole = true;
    return held ? { bytes: Buffer.concat([held.bytes, piece.bytes]), done: piece.done } : piece;
  }

  #take(step: Step): BodyPiece | undefined {
    step.stopped = undefined;
    const { held, heldDone } = step;
    step.held = [];
    step.heldDone = false;
    if (heldDone) this.#whole = true;
    if (held.length === 0 && !heldDone) return undefined;
    const bytes = held.length === 1 ? (held[0] as Buffer) : Buffer.concat(held);
    this.#heldBytes -= bytes.length;
    if (this.#throttled && this.#heldBytes <= this.limit) {
      this.#throttled = false;
      this.#end.throttle(false);
    }
    return { bytes, done: heldDone };
  }
}
