import type { RequestHead, ResponseHead } from '../../http/head.ts';
import { Deadline } from '../../time/deadline.ts';
import type {
  BodyPiece,
  BodyVerdict,
  FilterControl,
  FilterHooks,
  FilterStream,
  HeadVerdict,
  Hooks,
} from '../filter.ts';
import type { Filter, FilterContext, FilterLog, Reply } from './api.ts';
import { beginCall } from './bounds.ts';
import { type ContextOwner, ModuleContext } from './context.ts';
import { describeError } from './loader.ts';
import { bytesOf, localReplyOf } from './reply.ts';
import type { RunParts, RunSettings } from './settings.ts';
import { promiseOf } from './wait.ts';

type Hook = (context: FilterContext<unknown>) => unknown;
type BodyHook = (context: FilterContext<unknown>, body: Buffer) => unknown;
type Resumes = (run: ModuleRun) => (value: unknown) => void;
type Outcome = 'done' | 'stopped' | 'waiting';

const NOTHING = Buffer.alloc(0);

/** A filter of the user's at work on one request. */
export class ModuleRun implements FilterHooks, ContextOwner {
  /** Those of a run that has its place in a chain at work. */
  request: Hooks<RequestHead> | undefined = undefined;
  response: Hooks<ResponseHead> | undefined = undefined;
  readonly config: unknown;
  readonly stream: FilterStream;
  readonly settings: RunSettings;
  #control: FilterControl | undefined = undefined;
  readonly #filter: Filter<unknown>;
  readonly #context: ModuleContext;
  #deadline: Deadline | undefined = undefined;
  /** What to do when the promise that is waited for settles. Undefined: nobody waits. */
  #resume: ((value: unknown) => void) | undefined = undefined;
  #reply: Reply | undefined = undefined;
  /** The hook on the head of the response was called where no chain was at work. */
  #answering = false;
  /** The filter has failed or answered: its hooks are not called any more. */
  #over = false;
  #ended = false;

  /** `context`: what a hook was given before there was a run. */
  constructor(stream: FilterStream, { filter, config, settings }: RunParts, context?: ModuleContext) {
    this.stream = stream;
    this.settings = settings;
    this.config = config;
    this.#filter = filter;
    this.#context = context ?? new ModuleContext(stream, this);
    this.#context.owner = this;
  }

  /** Takes its place in a chain at work; what a promise of the early hook waits for is then its business. */
  place(control: FilterControl): this {
    this.#control = control;
    const { onRequestHeaders, onRequestBody, onResponseHeaders, onResponseBody } = this.#filter;
    if (onRequestBody) this.request = new BodySide<RequestHead>(this, 'request', onRequestHeaders, onRequestBody);
    else if (onRequestHeaders) this.request = new HeadSide<RequestHead>(this, onRequestHeaders, true);
    if (onResponseBody) this.response = new BodySide<ResponseHead>(this, 'response', onResponseHeaders, onResponseBody);
    else if (onResponseHeaders) this.response = new HeadSide<ResponseHead>(this, onResponseHeaders, false);
    return this;
  }

  /** What the hook on the head of a request gave, or threw, where no chain is at work yet. */
  early(value: unknown, error?: { readonly thrown: unknown }): HeadVerdict {
    const outcome = error ? this.#fail(error.thrown) : this.#judge(value, resumesRequest);
    if (outcome === 'waiting') this.stream.keep(this.settings, this);
    return outcome === 'done' ? 'continue' : 'stop';
  }

  /** The hook on the head of a request where no chain is at work yet; the stream keeps this run already. */
  earlyRequest(): HeadVerdict {
    const hook = this.#filter.onRequestHeaders;
    return !hook || this.call(hook, resumesRequest) === 'done' ? 'continue' : 'stop';
  }

  /** The same of a response. */
  earlyResponse(): HeadVerdict {
    this.leaveRequest();
    this.#answering = true;
    const hook = this.#filter.onResponseHeaders;
    return this.#over || !hook || this.call(hook, resumesResponse) === 'done' ? 'continue' : 'stop';
  }

  resume(side: 'request' | 'response', body?: Buffer): void {
    if (side === 'request') this.#control?.resumeRequest(body);
    else this.#control?.resumeResponse(body);
  }

  /** The end of the request has to be told to what asked for the signal. */
  watchEnd(): void {
    this.stream.keep(this.settings, this);
  }

  /** A response has come, of the proxy maybe: what a hook on the request still waits for keeps it no longer. */
  leaveRequest(): void {
    if (this.#answering) return;
    this.#resume = undefined;
    this.#deadline?.stop();
  }

  get waiting(): boolean {
    return this.#resume !== undefined;
  }

  get filterName(): string {
    return this.settings.filterName;
  }

  get log(): FilterLog {
    return this.settings.log;
  }

  get over(): boolean {
    return this.#over;
  }

  takeReply(reply: Reply): void {
    this.#reply = reply;
  }

  skipBody(side: 'request' | 'response'): void {
    const hooks = side === 'request' ? this.request : this.response;
    if (hooks instanceof BodySide) hooks.skip();
  }

  /** Calls a hook on a message; where it gives a promise, what `resumes` makes is called with the outcome, and the message goes on. */
  call(hook: Hook, resumes: Resumes): Outcome {
    let value: unknown;
    beginCall();
    try {
      value = hook.call(this.#filter, this.#context);
    } catch (error) {
      return this.#fail(error);
    }
    return this.#judge(value, resumes);
  }

  #judge(value: unknown, resumes: Resumes): Outcome {
    if (this.#reply) return this.#answer(this.#reply, value);
    if (typeof value !== 'object' || value === null) return 'done';
    const promise = promiseOf(value);
    if (!promise) return 'done';
    this.#await(promise, resumes(this));
    return 'waiting';
  }

  /** Calls a hook on a body; `give` is called with the body that goes on, at once or later. */
  callBody(hook: BodyHook, body: Buffer, give: (body: Buffer) => void): Outcome {
    const take = (value: unknown): void => {
      if (value === undefined || value === null) give(body);
      else if (typeof value === 'string' || value instanceof Uint8Array) give(bytesOf(value));
      else if (this.#fail(new TypeError('a body hook has to return text, bytes or nothing')) === 'done') give(body);
    };
    let value: unknown;
    const kept = (context: FilterContext<unknown>): unknown => {
      value = hook.call(this.#filter, context, body);
      return value;
    };
    const outcome = this.call(kept, () => (later) => take(this.#over ? undefined : later));
    if (outcome !== 'done') return outcome;
    take(this.#over ? undefined : value);
    return this.#over && !this.settings.open ? 'stopped' : 'done';
  }

  onEnd(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#over = true;
    this.#resume = undefined;
    this.#deadline?.stop();
    ModuleContext.end(this.#context);
    const { onEnd } = this.#filter;
    if (!onEnd) return;
    beginCall();
    try {
      const value: unknown = onEnd.call(this.#filter, this.#context);
      promiseOf(value)?.catch((error: unknown) => this.#note(error));
    } catch (error) {
      this.#note(error);
    }
  }

  #await(promise: Promise<unknown>, resume: (value: unknown) => void): void {
    this.#resume = resume;
    this.#deadline ??= new Deadline(() => this.#onTimeout());
    this.#deadline.start(this.settings.timeout);
    promise.then(
      (value) => this.#settle(resume, () => (this.#reply ? this.#answer(this.#reply, undefined) : 'done'), value),
      (error: unknown) => this.#settle(resume, () => this.#fail(error), undefined),
    );
  }

  /** Each wait has a `resume` of its own, so what settles too late finds another one or none. */
  #settle(resume: (value: unknown) => void, judge: () => Outcome, value: unknown): void {
    if (this.#resume !== resume) return;
    this.#resume = undefined;
    this.#deadline?.stop();
    if (judge() === 'done') resume(value);
  }

  #onTimeout(): void {
    const resume = this.#resume;
    this.#resume = undefined;
    const { stats, timeout, filterName } = this.settings;
    stats.timeouts++;
    this.log.warn(`a hook took longer than ${timeout} ms`);
    ModuleContext.end(this.#context);
    this.#over = true;
    if (this.settings.open) resume?.(undefined);
    else this.stream.reply({ status: 504, body: '', details: `module_timeout[${inDetails(filterName)}]` });
  }

  #answer(reply: Reply, value: unknown): Outcome {
    this.#reply = undefined;
    promiseOf(value)?.catch((error: unknown) => this.#note(error));
    this.settings.stats.replies++;
    this.stream.reply(localReplyOf(reply, `module_reply[${inDetails(this.filterName)}]`));
    return 'stopped';
  }

  #fail(error: unknown): Outcome {
    this.#note(error);
    this.#over = true;
    this.#reply = undefined;
    if (this.settings.open) return 'done';
    this.stream.reply({ status: 500, body: '', details: `module_error[${inDetails(this.filterName)}]` });
    return 'stopped';
  }

  #note(error: unknown): void {
    this.settings.stats.errors++;
    this.log.error(describeError(error));
  }

  /** The bound of a body is reached. */
  tooLarge(side: 'request' | 'response'): void {
    this.#over = true;
    if (this.#ended) return;
    this.stream.reply(
      side === 'request'
        ? { status: 413, body: 'Payload Too Large', details: 'request_payload_too_large' }
        : { status: 500, body: 'Internal Server Error', details: 'response_payload_too_large' },
    );
  }
}

/** The hooks of one direction where bodies are not asked for. */
class HeadSide<Head> implements Hooks<Head> {
  readonly #run: ModuleRun;
  readonly #hook: Hook;
  readonly #request: boolean;

  constructor(run: ModuleRun, hook: Hook, request: boolean) {
    this.#run = run;
    this.#hook = hook;
    this.#request = request;
  }

  head(): HeadVerdict {
    const run = this.#run;
    if (!this.#request) run.leaveRequest();
    if (run.waiting) return 'stop';
    if (run.over) return 'continue';
    return run.call(this.#hook, this.#request ? resumesRequest : resumesResponse) === 'done' ? 'continue' : 'stop';
  }
}

/** The hooks of one direction where the body is collected. */
class BodySide<Head extends RequestHead | ResponseHead> implements Hooks<Head> {
  readonly #run: ModuleRun;
  readonly #side: 'request' | 'response';
  readonly #headHook: Hook | undefined;
  readonly #bodyHook: BodyHook;
  #head: Head | undefined = undefined;
  #collects = false;
  /** The hook on the head, or the one on the body, has not come to an end. */
  #waiting = false;
  #pieces: Buffer[] = [];
  #size = 0;
  #done = false;

  constructor(run: ModuleRun, side: 'request' | 'response', headHook: Hook | undefined, bodyHook: BodyHook) {
    this.#run = run;
    this.#side = side;
    this.#headHook = headHook;
    this.#bodyHook = bodyHook;
  }

  /** Only before the body hook was called. */
  skip(): void {
    this.#collects = false;
  }

  head(_: FilterStream, head: Head, done: boolean): HeadVerdict {
    const run = this.#run;
    if (this.#side === 'response') run.leaveRequest();
    if (run.over) return 'continue';
    this.#head = head;
    // The bytes of a tunnel have no end to wait for.
    this.#collects = !done && run.stream.head.framing.upgrade === undefined && run.stream.head.method !== 'CONNECT';
    const collected = this.#collects;
    const outcome = this.#headHook ? run.call(this.#headHook, () => () => this.#headDone(collected)) : 'done';
    if (outcome === 'stopped') return 'stop';
    this.#waiting = outcome === 'waiting';
    if (this.#waiting) return collected ? 'collect' : 'stop';
    return this.#collects && !run.over ? 'collect' : 'continue';
  }

  body(_: FilterStream, piece: BodyPiece): BodyVerdict {
    const run = this.#run;
    if (!this.#waiting && (!this.#collects || run.over)) return 'continue';
    this.#size += piece.bytes.length;
    if (this.#size > run.settings.maxBody) {
      this.#drop();
      run.tooLarge(this.#side);
      return 'buffer';
    }
    if (piece.bytes.length > 0) this.#pieces.push(Buffer.from(piece.bytes));
    this.#done = piece.done;
    piece.bytes = NOTHING;
    if (!this.#done || this.#waiting) return 'buffer';
    return this.#callHook((body) => {
      piece.bytes = body;
    })
      ? 'continue'
      : 'buffer';
  }

  /** The promise of the hook on the head has settled; `collected`: what has come of the body since is kept here. */
  #headDone(collected: boolean): void {
    this.#waiting = false;
    if (!collected) {
      this.#resume(undefined);
      return;
    }
    if (this.#collects && !this.#run.over) {
      if (!this.#done) return;
      let sync: Buffer | undefined;
      if (this.#callHook((body) => (sync = body))) this.#resume(sync);
      return;
    }
    this.#resume(this.#take());
  }

  /** True: `give` was called and the message goes on; else it was answered, or goes on later. */
  #callHook(give: (body: Buffer) => void): boolean {
    const run = this.#run;
    let later = false;
    const outcome = run.callBody(this.#bodyHook, this.#take(), (body) => {
      this.#waiting = false;
      if (this.#head) setLength(this.#head, body);
      if (later) this.#resume(body);
      else give(body);
    });
    later = true;
    this.#collects = false;
    this.#waiting = outcome === 'waiting';
    return outcome === 'done';
  }

  #take(): Buffer {
    const body = this.#pieces.length === 1 ? (this.#pieces[0] as Buffer) : Buffer.concat(this.#pieces);
    this.#drop();
    return body;
  }

  #drop(): void {
    this.#pieces = [];
    this.#size = 0;
  }

  #resume(body: Buffer | undefined): void {
    this.#run.resume(this.#side, body);
  }
}

const resumesRequest = (run: ModuleRun) => (): void => run.resume('request');
const resumesResponse = (run: ModuleRun) => (): void => run.resume('response');

/** A body of another length must not be framed by the old one. */
function setLength({ headers, framing }: RequestHead | ResponseHead, body: Buffer): void {
  if (!headers.has('content-length')) return;
  headers.set('content-length', String(body.length));
  framing.contentLength = body.length;
}

/** Details of a response have no white space in logs. */
function inDetails(name: string): string {
  return name.replaceAll(/\s/g, '_');
}
