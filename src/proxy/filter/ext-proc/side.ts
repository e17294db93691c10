import type { HeaderMap } from '../../http/headers.ts';
import { Deadline } from '../../time/deadline.ts';
import type { BodyPiece, BodyVerdict, HeadVerdict, HeldMessage } from '../filter.ts';
import type { ProcessConfig } from './config.ts';
import type { SideMode } from './mode.ts';
import { fieldsTarget, mutate, type Target } from './mutate.ts';
import { type Field, type Part, toldFields, type WireCommon, type WireMutation } from './wire.ts';

const NOTHING = Buffer.alloc(0);
const REPLACE = 1;

/** What one side needs of the request that it is a part of. */
export interface SideOwner {
  readonly config: ProcessConfig;
  /** Nothing more is asked. */
  readonly complete: boolean;
  /** Whether there is a stream to send on; else it is complete: the request goes on, or was answered. */
  open(): boolean;
  send(side: 'request' | 'response', part: Part): void;
  onTimeout(): void;
  /** The end of a body is told by a message of its own. */
  endsApart(side: 'request' | 'response'): boolean;
  /** An answer about a head or a piece of body was taken; `waits`: the head has not gone on yet. */
  onTaken(side: 'request' | 'response', common: WireCommon, waits: boolean): void;
  /** Trailers of a message that has come to its end. */
  trailers(side: 'request' | 'response'): HeaderMap | undefined;
}

/** A message that came at the wrong time, or a fault, in Envoy's words; undefined: it was taken. */
export type Refusal =
  | { readonly spurious: string }
  | { readonly spurious?: undefined; readonly fault: string }
  | undefined;
const MISMATCH: Refusal = { fault: 'mismatch between content length and the length of the mutated body' };
const SPURIOUS: Refusal = { spurious: 'spurious_message' };

/** What the server has been shown and not answered. */
type Waiting = 'nothing' | 'head' | 'streamed' | 'buffered' | 'partial' | 'trailers';

/** A piece of body that the server has and not answered. */
interface Chunk {
  readonly length: number;
  readonly end: boolean;
}

/** One message, request or response, on its way past the server. As Envoy's `ProcessorState`. */
export class Side {
  readonly #name: 'request' | 'response';
  readonly #owner: SideOwner;
  readonly #message: HeldMessage;
  readonly #timer = new Deadline(() => this.#owner.onTimeout());
  mode: SideMode;
  #waiting: Waiting = 'nothing';
  /** The head as it may be changed; undefined: it is gone, or was never shown. */
  #head: Target | undefined = undefined;
  #headOnly = false;
  /** All of the body has come; and trailers after it. */
  #ended = false;
  #trailers: HeaderMap | undefined = undefined;
  #chunks: Chunk[] = [];
  /** What goes on in the place of what is held. */
  #replacement: Buffer | undefined = undefined;
  #replaced = false;
  #partialDone = false;
  #partialLength = 0;
  #partialEnd = false;
  /** What the message said of its length as it came; and that it still says so while its body may change. */
  #length: string | undefined = undefined;
  #lengthKept = false;
  #extended = false;

  constructor(name: 'request' | 'response', owner: SideOwner, message: HeldMessage, mode: SideMode) {
    this.#name = name;
    this.#owner = owner;
    this.#message = message;
    this.mode = mode;
  }

  get awaitsHead(): boolean {
    return this.#waiting === 'head';
  }

  onHead(first: readonly Field[], target: Target, done: boolean): HeadVerdict {
    const { config } = this.#owner;
    this.#headOnly = done;
    this.#ended = done;
    if (this.#owner.complete) return 'continue';
    if (!this.mode.head) {
      this.#dropLength(target);
      return 'continue';
    }
    if (!this.#owner.open()) return 'continue';
    this.#head = target;
    this.#length = target.headers.get('content-length');
    this.#ask('head', { headers: toldFields(first, target.headers, config.told), done });
    this.#dropLength(target);
    return 'collect';
  }

  /** Where the body may change after the head is gone its length is not told. */
  #dropLength({ headers }: Target): void {
    const { body, head } = this.mode;
    const changes = body === 'STREAMED' || body === 'BUFFERED_PARTIAL' || (body === 'BUFFERED' && !head);
    if (changes && !this.#owner.config.keepLength) headers.remove('content-length');
    this.#lengthKept = changes && headers.has('content-length');
  }

  #ask(what: Waiting, part: Part): void {
    this.#waiting = what;
    this.#extended = false;
    this.#timer.start(this.#owner.config.timeout);
    this.#owner.send(this.#name, part);
  }

  /** The server wants more time, in milliseconds: once for each message. */
  extend(milliseconds: number): boolean {
    if (this.#waiting === 'nothing' || this.#extended) return false;
    this.#extended = true;
    this.#timer.start(milliseconds);
    return true;
  }

  onBody(piece: BodyPiece): BodyVerdict {
    if (piece.done) {
      this.#ended = true;
      this.#trailers = this.#owner.trailers(this.#name);
    }
    if (this.#replaced) {
      piece.bytes = NOTHING;
      return 'continue';
    }
    if (this.#owner.complete) return 'continue';
    if (this.#waiting === 'head') return 'hold';
    const end = piece.done && this.#trailers === undefined;
    switch (this.mode.body) {
      case 'BUFFERED':
        return this.#buffer(piece, end);
      case 'STREAMED':
        return this.#stream(piece, end);
      case 'BUFFERED_PARTIAL':
        return this.#bufferPart(piece, end);
      case 'NONE':
        return this.#afterBody(piece.done);
    }
  }

  #buffer({ bytes, done }: BodyPiece, end: boolean): BodyVerdict {
    if (!done) return 'buffer';
    const held = this.#message.bytes();
    const body = held.length === 0 ? bytes : Buffer.concat([held, bytes]);
    if (body.length === 0 && !end) return this.#afterBody(done);
    if (body.length > this.#message.limit) return 'buffer';
    if (!this.#owner.open()) return 'continue';
    this.#ask('buffered', { body, done: end });
    return 'buffer';
  }

  #stream({ bytes, done }: BodyPiece, end: boolean): BodyVerdict {
    if (bytes.length === 0 && !end) return this.#afterBody(done);
    if (!this.#owner.open()) return 'continue';
    if (end && bytes.length > 0 && this.#owner.endsApart(this.#name)) {
      this.#sendChunk(bytes, false);
      this.#sendChunk(NOTHING, true);
    } else this.#sendChunk(bytes, end);
    return 'hold';
  }

  #sendChunk(body: Buffer, end: boolean): void {
    this.#chunks.push({ length: body.length, end });
    this.#ask('streamed', { body, done: end });
  }

  #bufferPart({ bytes, done }: BodyPiece, end: boolean): BodyVerdict {
    if (this.#partialDone) return this.#afterBody(done);
    if (this.#waiting === 'partial') return 'hold';
    const held = this.#message.bytes();
    const body = held.length === 0 ? bytes : Buffer.concat([held, bytes]);
    if (!done && body.length <= this.#message.limit) return 'hold';
    if (body.length === 0 && !end) return this.#afterBody(done);
    if (!this.#owner.open()) return 'continue';
    this.#sendPart(body, end);
    return 'hold';
  }

  #sendPart(body: Buffer, end: boolean): void {
    this.#partialLength = body.length;
    this.#partialEnd = end;
    this.#ask('partial', { body, done: end });
  }

  /** The body needs nothing more; what of it is held goes on with the end, which trailers may hold up. */
  #afterBody(done: boolean): BodyVerdict {
    if (!done || !this.#trailers) return 'continue';
    if (this.#waiting !== 'nothing') return 'hold';
    if (!this.mode.trailers) return 'continue';
    if (!this.#owner.open()) return 'continue';
    this.#sendTrailers(this.#trailers);
    return 'hold';
  }

  #sendTrailers(trailers: HeaderMap): void {
    this.#ask('trailers', { trailers: toldFields([], trailers, this.#owner.config.told) });
  }

  #answered(): void {
    this.#timer.stop();
    this.#waiting = 'nothing';
  }

  #taken(common: WireCommon | null): void {
    if (common) this.#owner.onTaken(this.#name, common, this.#head !== undefined);
  }

  takeHead(common: WireCommon | null): Refusal {
    if (this.#waiting !== 'head') return SPURIOUS;
    const replacing = common?.status === REPLACE;
    const fault = this.#mutateHead(common, replacing);
    if (fault !== undefined) return { fault };
    this.#answered();
    this.#taken(common);
    if (replacing) this.#replaceAll(common);
    else this.#afterHead();
    return undefined;
  }

  #mutateHead(common: WireCommon | null, replacing: boolean): string | undefined {
    const mutation = common?.header_mutation;
    return this.#head && mutation ? this.#mutate(this.#head, mutation, replacing) : undefined;
  }

  #mutate(target: Target, mutation: WireMutation, replacing: boolean): string | undefined {
    const { rules, stats } = this.#owner.config;
    const onRejected = (): void => {
      stats.rejectedMutations++;
    };
    return mutate(target, mutation, { rules, replacing, length: this.mode.body === 'BUFFERED', onRejected });
  }

  /** The message is what the server says, and it is asked nothing more about it. */
  #replaceAll(common: WireCommon): void {
    const body = mutated(common, undefined);
    this.mode = { head: false, body: 'NONE', trailers: false };
    if (body) {
      this.#head?.headers.remove('content-length');
      this.#replaced = true;
    }
    this.#goOn(body);
  }

  #afterHead(): void {
    const { body } = this.mode;
    const end = this.#ended && this.#trailers === undefined;
    const held = this.#headOnly || body === 'NONE' ? NOTHING : this.#message.bytes();
    if (this.#headOnly || body === 'NONE') this.#finish();
    else if (this.#ended) this.#sendWhole(held, end);
    else if (body === 'STREAMED') {
      if (held.length > 0) this.#sendChunk(held, false);
      this.#head = undefined;
      this.#message.advance(0, NOTHING, false);
    } else if (body === 'BUFFERED_PARTIAL' && held.length > this.#message.limit) this.#sendPart(held, false);
  }

  /** All of the body came before the server was ready for it. */
  #sendWhole(held: Buffer, end: boolean): void {
    if (this.mode.body === 'BUFFERED' && held.length > this.#message.limit) this.#message.refuse();
    else if (held.length === 0 && !end) this.#finish();
    else this.#ask('buffered', { body: held, done: end });
  }

  takeBody(common: WireCommon | null): Refusal {
    switch (this.#waiting) {
      case 'buffered':
        return this.#takeBuffered(common);
      case 'streamed':
        return this.#takeChunk(common);
      case 'partial':
        return this.#takePart(common);
      default:
        return SPURIOUS;
    }
  }

  #takeBuffered(common: WireCommon | null): Refusal {
    const fault = this.#mutateHead(common, false);
    if (fault !== undefined) return { fault };
    const body = mutated(common, undefined);
    const told = this.#head?.headers.get('content-length');
    if (body && told !== undefined && Number(told) !== body.length) {
      return MISMATCH;
    }
    this.#answered();
    this.#taken(common);
    this.#replacement = body;
    this.#finish();
    return undefined;
  }

  #takeChunk(common: WireCommon | null): Refusal {
    const chunk = this.#chunks.shift();
    if (!chunk) return SPURIOUS;
    const original = this.#message.bytes().subarray(0, chunk.length);
    const bytes = mutated(common, original) ?? original;
    if (this.#lengthKept && bytes.length !== chunk.length) return MISMATCH;
    this.#taken(common);
    this.#answered();
    if (this.#chunks.length > 0) {
      this.#waiting = 'streamed';
      this.#timer.start(this.#owner.config.timeout);
    }
    this.#message.advance(chunk.length, bytes, chunk.end);
    if (this.#chunks.length === 0 && this.#trailers) this.#finish();
    return undefined;
  }

  #takePart(common: WireCommon | null): Refusal {
    const fault = this.#mutateHead(common, false);
    if (fault !== undefined) return { fault };
    const held = this.#message.bytes();
    const original = held.subarray(0, this.#partialLength);
    const bytes = mutated(common, original) ?? original;
    if (this.#lengthKept && bytes.length !== original.length) return MISMATCH;
    this.#answered();
    this.#taken(common);
    this.#replacement = Buffer.concat([bytes, held.subarray(this.#partialLength)]);
    this.#partialDone = true;
    if (this.#partialEnd || !this.#ended) this.#goOn(this.#replacement);
    else this.#finish();
    return undefined;
  }

  takeTrailers(mutation: WireMutation | null): Refusal {
    if (this.#waiting !== 'trailers' || !this.#trailers) return SPURIOUS;
    const fault = mutation ? this.#mutate(fieldsTarget(this.#trailers), mutation, false) : undefined;
    if (fault !== undefined) return { fault };
    this.#answered();
    this.#goOn(this.#replacement);
    return undefined;
  }

  /** Head and body are done with: trailers are left, or nothing. */
  #finish(): void {
    if (this.#trailers && this.mode.trailers) this.#sendTrailers(this.#trailers);
    else this.#goOn(this.#replacement);
  }

  #goOn(body: Buffer | undefined): void {
    if (this.#head) this.#settleLength(this.#head.headers, body);
    this.#head = undefined;
    this.#replacement = undefined;
    this.#message.resume(body);
  }

  /** Whatever a server says of the length, a message says what it has. */
  #settleLength(headers: HeaderMap, body: Buffer | undefined): void {
    if (!headers.has('content-length')) return;
    const whole = body ?? (this.#ended && !this.#headOnly ? this.#message.bytes() : undefined);
    const length = whole ? String(whole.length) : this.#length;
    if (length === undefined) headers.remove('content-length');
    else headers.set('content-length', length);
  }

  /** Time does not count any more. */
  stop(): void {
    this.#answered();
  }

  /** Goes on as if the server had never been asked for more. */
  letGo(): void {
    this.#answered();
    this.#chunks = [];
    this.#goOn(this.#replacement);
  }
}

/** What a server makes of a body; undefined: it stays. */
function mutated(common: WireCommon | null, original: Buffer | undefined): Buffer | undefined {
  const mutation = common?.body_mutation;
  switch (mutation?.mutation) {
    case 'body':
      return Buffer.from(mutation.body);
    case 'clear_body':
      return mutation.clear_body ? NOTHING : original;
    default:
      return original;
  }
}
