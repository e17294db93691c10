import { RequestHead } from '../../http/head.ts';
import { StreamInfo } from '../../http/stream-info.ts';
import { now } from '../../time/clock.ts';
import { Deadline } from '../../time/deadline.ts';
import type { Calls } from '../async/calls.ts';
import type { Call, HttpAnswer } from '../async/http-call.ts';
import { type Jwk, parseJwks } from './jwks.ts';
import type { RemoteJwksConfig } from './remote-config.ts';
import type { JwtStats } from './stats.ts';

/** Where the keys of a provider come from. */
export interface JwksSource {
  /** Those that are known and may be used now. */
  readonly keys: readonly Jwk[] | undefined;
  /** Asks for keys on behalf of a request; gives what to call to hear no more of it. Undefined: there is nobody to ask. */
  readonly ask: ((done: (keys: readonly Jwk[] | undefined) => void, asker: StreamInfo) => () => void) | undefined;
}

export function localJwks(keys: readonly Jwk[] | undefined): JwksSource {
  return { keys, ask: undefined };
}

type Waiting = (keys: readonly Jwk[] | undefined) => void;

/** Keys that are asked for so long before those that are known are too old. */
const REFETCH_BEFORE = 5000;
const OK = 200;
/** What Envoy 1.40 calls itself where it asks for documents. */
const USER_AGENT = 'Go-browser';
const NOBODY = { address: '127.0.0.1', port: 0 };

/**
 * Keys of a server. All requests that need them wait for one answer, which has the time of its URI; a failure is told to those that wait, and the
 * next request asks anew. Where they are to be fetched ahead of requests that begins when the configuration is read and ends when nobody has it
 * any more.
 */
export class RemoteJwks implements JwksSource {
  readonly #config: RemoteJwksConfig;
  readonly #calls: Calls;
  readonly #stats: JwtStats;
  #keys: readonly Jwk[] | undefined = undefined;
  #expires = 0;
  readonly #waiting = new Set<Waiting>();
  #call: Call | undefined = undefined;

  constructor(config: RemoteJwksConfig, calls: Calls, stats: JwtStats) {
    this.#config = config;
    this.#calls = calls;
    this.#stats = stats;
    if (config.async) this.#askLater(1);
  }

  get keys(): readonly Jwk[] | undefined {
    return now() < this.#expires ? this.#keys : undefined;
  }

  readonly ask = (done: Waiting, asker: StreamInfo): (() => void) => {
    this.#waiting.add(done);
    if (!this.#call) this.#start(asker);
    return () => this.#leave(done);
  };

  /** Nobody need be told once nobody waits, but what is fetched ahead comes to its end. */
  #leave(done: Waiting): void {
    this.#waiting.delete(done);
    if (this.#waiting.size > 0 || this.#config.async) return;
    this.#call?.cancel();
    this.#call = undefined;
  }

  /** `asker`: the request that is first to need the keys, whose trace tells of it; undefined: none does yet. */
  #start(asker?: StreamInfo): void {
    let over = false;
    const { cluster, timeout, retry } = this.#config;
    const parent = new StreamInfo({ remote: NOBODY, directRemote: NOBODY, local: NOBODY });
    parent.trace = asker?.trace;
    const traced = { name: 'JWT Remote PubKey Fetch', recorded: true };
    const request = { head: headOf(this.#config), body: undefined, timeout, retry, parent, tellsAddress: true, traced };
    const call = this.#calls.http(cluster, request, (answer) => {
      over = true;
      this.#take(answer);
    });
    if (!call) this.#take(undefined);
    else if (!over) this.#call = call;
  }

  #take(answer: HttpAnswer): void {
    this.#call = undefined;
    const { async, cacheFor } = this.#config;
    const keys = answer?.status === OK ? parseJwks(answer.body.toString('latin1')) : undefined;
    if (keys) {
      this.#stats.fetched++;
      this.#keys = keys;
      this.#expires = async ? Number.POSITIVE_INFINITY : now() + cacheFor;
    } else this.#stats.fetchFailed++;
    if (async) this.#askLater(keys ? refetchAfter(cacheFor) : async.failedRefetch);
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const done of waiting) done(keys);
  }

  #askLater(milliseconds: number): void {
    const self = new WeakRef(this);
    new Deadline(() => self.deref()?.refresh()).start(Math.max(1, milliseconds));
  }

  /** Fetches keys ahead of those that will need them. */
  refresh(): void {
    if (!this.#call) this.#start();
  }
}

const refetchAfter = (cacheFor: number): number => (cacheFor > REFETCH_BEFORE ? cacheFor - REFETCH_BEFORE : cacheFor);

function headOf({ scheme, authority, path }: RemoteJwksConfig): RequestHead {
  const head = new RequestHead();
  head.method = 'GET';
  head.path = path;
  head.authority = authority;
  head.hasAuthority = true;
  head.scheme = scheme;
  head.headers.set('user-agent', USER_AGENT);
  return head;
}
