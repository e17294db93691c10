import { allNoted } from '../../http/dynamic-metadata.ts';
import { RequestHead, ResponseHead } from '../../http/head.ts';
import type { HeaderMap } from '../../http/headers.ts';
import { StreamInfo } from '../../http/stream-info.ts';
import { FilterChain } from '../chain.ts';
import type { FilterControl, FilterStream, LocalReply } from '../filter.ts';
import type { PassEnd } from '../pass.ts';
import { FilterRun } from '../run.ts';
import type { Filter, FilterContext, Json } from './api.ts';
import { FilterHeaders } from './headers.ts';
import { bytesOf } from './reply.ts';
import { ModuleRun } from './run.ts';
import { ModuleStats } from './stats.ts';

type TestHeaders = Readonly<Record<string, string | readonly string[]>>;

export interface TestRequest {
  /** Default GET. */
  readonly method?: string;
  /** Default `/`. */
  readonly path?: string;
  /** Default `test.example`. */
  readonly authority?: string;
  readonly headers?: TestHeaders;
  readonly body?: string | Uint8Array;
}

export interface TestResponse {
  /** Default 200. */
  readonly status?: number;
  readonly headers?: TestHeaders;
  readonly body?: string | Uint8Array;
}

export interface TestOptions {
  readonly config?: { readonly [key: string]: Json };
  readonly request?: TestRequest;
  /** What the upstream answers to the request as it comes to it. */
  readonly response?: TestResponse | ((request: SeenRequest) => TestResponse);
  /** What filters before this one have noted, by namespace and key. */
  readonly metadata?: Readonly<Record<string, Readonly<Record<string, Json>>>>;
  /** The filter's name in the chain; default `test`. */
  readonly name?: string;
  /** Milliseconds a hook may take; default 1000. */
  readonly timeout?: number;
  readonly maxBodyBytes?: number;
  readonly failureModeAllow?: boolean;
}

/** Header values by lower-case name, those of one name joined with a comma. */
type SeenHeaders = Readonly<Record<string, string>>;

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  readonly headers: SeenHeaders;
  readonly body: string;
}

export interface SeenResponse {
  readonly status: number;
  readonly headers: SeenHeaders;
  readonly body: string;
}

export interface TestOutcome {
  /** As the upstream got it; undefined: it did not get that far. */
  readonly request: SeenRequest | undefined;
  /** As the client got it. */
  readonly response: SeenResponse;
  /** Response code details as access logs have them. */
  readonly details: string;
  readonly metadata: { readonly [namespace: string]: Json };
  readonly logs: readonly string[];
  /** What a hook threw first. */
  readonly error: unknown;
}

/** Sends one request through a filter, with the proxy's own filter machinery and without a proxy. Rejects with what the filter's `config` throws. */
export async function runFilter<Config>(filter: Filter<Config>, options: TestOptions = {}): Promise<TestOutcome> {
  const config = filter.config ? filter.config(options.config ?? {}) : (options.config ?? {});
  const errors: unknown[] = [];
  const logs: string[] = [];
  const write = (level: string) => (message: string) => void logs.push(`${level} ${message}`);
  const settings = {
    filterName: options.name ?? 'test',
    stats: new ModuleStats(),
    log: { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') },
    timeout: options.timeout ?? 1000,
    maxBody: options.maxBodyBytes ?? 1_048_576,
    open: options.failureModeAllow ?? false,
  };
  const watched = watch(filter as Filter<unknown>, errors);
  // The proxy's deadlines keep no process alive.
  const alive = setInterval(() => undefined, 1000);
  try {
    const stream = new TestStream(options);
    await stream.pass((control) => new ModuleRun(stream, { filter: watched, config, settings }).place(control));
    return {
      request: stream.forwarded,
      response: stream.seenResponse(),
      details: stream.details,
      metadata: stream.noted ? (allNoted(stream.noted) as TestOutcome['metadata']) : {},
      logs,
      error: errors[0],
    };
  } finally {
    clearInterval(alive);
  }
}

/** The same filter, noting what its hooks throw. */
function watch(filter: Filter<unknown>, errors: unknown[]): Filter<unknown> {
  const note = (error: unknown): never => {
    errors.push(error);
    throw error;
  };
  const watched = (hook: ((context: FilterContext<unknown>, body: Buffer) => unknown) | undefined) =>
    hook &&
    ((context: FilterContext<unknown>, body: Buffer): never => {
      try {
        const value = hook.call(filter, context, body);
        return (value instanceof Promise ? value.catch(note) : value) as never;
      } catch (error) {
        return note(error);
      }
    });
  const hooks = {
    onRequestHeaders: watched(filter.onRequestHeaders),
    onRequestBody: watched(filter.onRequestBody),
    onResponseHeaders: watched(filter.onResponseHeaders),
    onResponseBody: watched(filter.onResponseBody),
    onEnd: watched(filter.onEnd),
  };
  return Object.fromEntries(Object.entries(hooks).filter(([, hook]) => hook !== undefined));
}

const CLIENT = { address: '192.0.2.1', port: 40_000 };
const PEERS = { remote: CLIENT, directRemote: CLIENT, local: { address: '192.0.2.2', port: 80 } };
const LIMIT = 0x7fff_ffff;

/** One request before the filter and its response behind it. */
class TestStream extends StreamInfo implements FilterStream {
  readonly head = new RequestHead();
  override readonly route = undefined;
  readonly routeCluster = 'test';
  readonly localCluster = '';
  readonly connection = {};
  forwarded: SeenRequest | undefined = undefined;
  readonly #options: TestOptions;
  readonly #requestBody: Buffer[] = [];
  readonly #responseBody: Buffer[] = [];
  #run: FilterRun | undefined = undefined;
  #ended: () => void = () => undefined;

  constructor(options: TestOptions) {
    super(PEERS);
    this.#options = options;
    const { method = 'GET', path = '/', authority = 'test.example', headers = {}, body } = options.request ?? {};
    Object.assign(this.head, { method, path, authority, hasAuthority: true, scheme: 'http' });
    fill(this.head.headers, headers, body);
    this.request = this.head;
    for (const [namespace, values] of Object.entries(options.metadata ?? {})) {
      for (const [key, value] of Object.entries(values)) this.setMetadata(namespace, key, value as never);
    }
  }

  pass(begin: (control: FilterControl) => ModuleRun): Promise<void> {
    const filter = {
      type: 'test',
      bind: () => ({ begin: (_: FilterStream, control: FilterControl) => begin(control) }),
    };
    const chain = new FilterChain([{ name: 'test', disabled: false, cell: { filter } }], []);
    const request = this.#end<RequestHead>(this.#requestBody, () => this.#forward());
    const response = this.#end<ResponseHead>(this.#responseBody, () => this.#finish());
    const run = new FilterRun(this, chain.plan(undefined), { request, response }, LIMIT);
    this.#run = run;
    return new Promise((resolve) => {
      this.#ended = resolve;
      const body = bytesOf(this.#options.request?.body ?? '');
      run.request.head(this.head, body.length === 0);
      if (body.length > 0) run.request.body(body, 0, body.length, true);
    });
  }

  reply(reply: LocalReply): void {
    const started = this.response !== undefined;
    const head = new ResponseHead();
    head.status = reply.status;
    for (const [name, value] of reply.headers ?? []) head.headers.add(name, value);
    const body = Buffer.from(reply.body, 'latin1');
    if (body.length > 0) head.headers.set('content-length', String(body.length));
    if (body.length > 0 && !head.headers.has('content-type')) head.headers.set('content-type', 'text/plain');
    this.details = reply.details;
    this.response = head;
    this.#responseBody.length = 0;
    this.#run?.request.cancel();
    if (!started) {
      this.#answer(head, body);
      return;
    }
    this.#run?.response.cancel();
    this.#responseBody.push(body);
    this.#finish();
  }

  seenResponse(): SeenResponse {
    const { response } = this;
    if (!response) throw new Error('the filter let no response pass');
    const body = Buffer.concat(this.#responseBody).toString('utf8');
    return { status: response.status, headers: seen(response.headers), body };
  }

  #end<Head>(pieces: Buffer[], over: () => void): PassEnd<Head> {
    return {
      head: (_, done) => {
        if (done) over();
      },
      body: (bytes, start, stop, done) => {
        pieces.push(Buffer.from(bytes.subarray(start, stop)));
        if (done) over();
      },
      trailers: undefined,
      throttle: () => undefined,
      onTooLarge: () => undefined,
    };
  }

  #forward(): void {
    const { method, path, authority, headers } = this.head;
    const body = Buffer.concat(this.#requestBody).toString('utf8');
    this.forwarded = { method, path, authority, headers: seen(headers), body };
    const { response } = this.#options;
    const given = (typeof response === 'function' ? response(this.forwarded) : response) ?? {};
    const head = new ResponseHead();
    head.status = given.status ?? 200;
    fill(head.headers, given.headers ?? {}, given.body);
    this.details = 'via_upstream';
    this.response = head;
    this.#answer(head, bytesOf(given.body ?? ''));
  }

  #answer(head: ResponseHead, body: Buffer): void {
    const done = body.length === 0 || this.head.method === 'HEAD';
    this.status = head.status;
    this.#run?.response.head(head, done);
    if (!done) this.#run?.response.body(body, 0, body.length, true);
  }

  #finish(): void {
    this.status = this.response?.status ?? 0;
    this.#run?.end();
    this.#ended();
  }
}

/** Headers go through the same checks as those that a filter sets. */
function fill(map: HeaderMap, headers: TestHeaders, body: string | Uint8Array | undefined): void {
  const checked = new FilterHeaders(map);
  for (const [name, values] of Object.entries(headers)) {
    for (const value of typeof values === 'string' ? [values] : values) checked.add(name, value);
  }
  if (body !== undefined && !map.has('content-length')) map.add('content-length', String(bytesOf(body).length));
}

function seen(headers: HeaderMap): SeenHeaders {
  return Object.fromEntries(headers.list().map(([name]) => [name, headers.joined(name) ?? '']));
}
