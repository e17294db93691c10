/** What JSON can say; what a filter gets as its configuration. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * The header fields of a message, in their order. Names may be written in any case and come back in lower case; values are byte strings as
 * in `fetch`: characters up to U+00FF. What no header may hold throws a TypeError, and so does changing what frames a message or stands in its
 * first line (`host`, `content-length`, `transfer-encoding`, `connection`...).
 */
export interface Headers extends Iterable<readonly [name: string, value: string]> {
  readonly size: number;
  /** The first value. */
  get(name: string): string | undefined;
  getAll(name: string): readonly string[];
  has(name: string): boolean;
  /** Makes it the only field of its name. */
  set(name: string, value: string): void;
  /** Adds a field beside those of the same name. */
  add(name: string, value: string): void;
  remove(name: string): void;
}

/** A request on its way to the upstream. What is set here is what the upstream gets; the route has been chosen and stays. */
export interface FilterRequest {
  readonly method: string;
  readonly scheme: string;
  /** Path and query; has to begin with a slash. */
  path: string;
  authority: string;
  readonly headers: Headers;
}

/** A response on its way to the client. */
export interface FilterResponse {
  /** 200 to 599. */
  status: number;
  readonly headers: Headers;
}

/** An answer in the upstream's stead. */
export interface Reply {
  /** 200 to 599. */
  readonly status: number;
  /** Text is sent as UTF-8. */
  readonly body?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Writes to the proxy's log with the filter's name, at most so many lines a second; others are counted as `log_dropped`. */
export interface FilterLog {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** Dynamic metadata of the request, as access logs (`%DYNAMIC_METADATA()%`), RBAC and other filters see it. */
export interface Metadata {
  /** The value at a path of keys in a namespace, mostly the name of the filter that set it. */
  get(namespace: string, ...path: readonly string[]): Json | undefined;
  /** Sets a key, in the namespace of this filter's name unless another is given. */
  set(key: string, value: Json, namespace?: string): void;
}

/** One request as a filter sees it; the hooks of one request get the same object. */
export interface FilterContext<Config = Json> {
  /** What `config` gave. */
  readonly config: Config;
  readonly request: FilterRequest;
  /** Undefined until there is one. */
  readonly response: FilterResponse | undefined;
  /** Address and port of the client, as trusted headers tell it. */
  readonly remoteAddress: string;
  /** Name of the chosen route and the cluster it leads to; empty where there is none. */
  readonly routeName: string;
  readonly clusterName: string;
  readonly metadata: Metadata;
  readonly log: FilterLog;
  /** Aborted when the request is over or the hook took too long: hand it to `fetch` and its like. */
  readonly signal: AbortSignal;
  /** For what one hook leaves to another. */
  readonly state: Record<string, unknown>;
  /** Answers when the hook is done, and nothing goes on; of several the last counts. */
  reply(reply: Reply): void;
  /** The body of the request (or response) streams through and its hook is not called. Only before that. */
  skipRequestBody(): void;
  skipResponseBody(): void;
}

type Awaitable<T> = T | Promise<T>;
type NewBody = Awaitable<string | Uint8Array | undefined> | Awaitable<void>;

/**
 * An HTTP filter. While a hook's promise is pending the message waits. A hook that throws or takes longer than `timeout` ends the request
 * with 500 or 504, or with `failure_mode_allow` lets it pass without the filter.
 */
export interface Filter<Config = Json> {
  /** Turns the configuration (`{}` where there is none) into what hooks use; throw to refuse it. Default: as it is. */
  config?(raw: { readonly [key: string]: Json }): Config;
  onRequestHeaders?(context: FilterContext<Config>): Awaitable<void>;
  /** The whole body, once; what it returns takes its place. Not called for a request without a body. */
  onRequestBody?(context: FilterContext<Config>, body: Buffer): NewBody;
  /** Also for answers of the proxy itself and of this filter's own `reply`. */
  onResponseHeaders?(context: FilterContext<Config>): Awaitable<void>;
  onResponseBody?(context: FilterContext<Config>, body: Buffer): NewBody;
  /** The request is over, however it ended, and not logged yet. Not waited for. */
  onEnd?(context: FilterContext<Config>): void;
}

/** Gives a filter its types: what `config` returns is `context.config` of the hooks. */
export function defineFilter<Config = Json>(filter: Filter<Config>): Filter<Config> {
  return filter;
}
