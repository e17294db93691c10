import type { Cluster } from '../../cluster/cluster.ts';
import type { PriorityLoad, PriorityState, RetrySelection } from '../../cluster/context.ts';
import type { Host } from '../../cluster/host.ts';
import type { ResetReason } from '../../cluster/reset.ts';
import { type Resources, retryAllowed } from '../../cluster/resources.ts';
import { grpcStatusIn } from '../../http/grpc-status.ts';
import type { ResponseHead } from '../../http/head.ts';
import type { HeaderMap } from '../../http/headers.ts';
import type { HeaderTest } from '../../match/headers.ts';
import { RETRY, RETRY_GRPC, type RetryPolicy, retryBits } from '../../route/retry.ts';
import type { TrafficStats } from '../../route/traffic.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { Deadline } from '../../time/deadline.ts';
import type { RouterDownstream } from './downstream.ts';
import { rejectsHost } from './host-rules.ts';
import { wholeNumber } from './number.ts';
import { avoidPriorities } from './priority-load.ts';

/** What became of the wish for another attempt. `limit`: no retries are left; `overflow`: the cluster has too many at a time. */
export type RetryAnswer = 'no' | 'yes' | 'limit' | 'overflow';

/** Milliseconds that the first retry waits at most where its policy says nothing, and percent of retries that are made. */
const BASE_KEY = 'upstream.base_retry_backoff_ms';
const USE_KEY = 'upstream.use_retry';

const NEVER = 0;
const BACKED_OFF = 1;
const AT_ONCE = 2;

/** Bits of the policy and of what the request's own headers ask for. */
const ANY_GRPC = Object.values(RETRY_GRPC).reduce((all, bit) => all | bit, 0);
const GRPC_BITS: Readonly<Record<number, number>> = {
  1: RETRY_GRPC.cancelled,
  4: RETRY_GRPC['deadline-exceeded'],
  8: RETRY_GRPC['resource-exhausted'],
  13: RETRY_GRPC.internal,
  14: RETRY_GRPC.unavailable,
};

/** Where retries are counted. */
interface RetryPlace {
  readonly cluster: Cluster;
  readonly traffic: readonly TrafficStats[] | undefined;
}

/** Whether a request has retries, by its route or since a header asks for them, which the route may have added. */
export function mayRetry(policy: RetryPolicy, headers: HeaderMap): boolean {
  return policy.on !== 0 || headers.has('x-envoy-retry-on') || headers.has('x-envoy-retry-grpc-on');
}

/** Takes the headers that steer retries out of a request and makes the state of its retries; undefined when it has none. */
export function createRetryState(
  stream: RouterDownstream,
  policy: RetryPolicy,
  place: RetryPlace,
  resources: Resources,
  retry: () => void,
): RetryState | undefined {
  const { headers } = stream.head;
  const wanted = mayRetry(policy, headers);
  const state = wanted ? new RetryState(policy, stream.manager.runtime, place, resources, retry) : undefined;
  state?.merge(headers, stream.requestLookup);
  for (const name of STEERING) headers.remove(name);
  return state;
}

const STEERING = [
  'x-envoy-retry-on',
  'x-envoy-retry-grpc-on',
  'x-envoy-max-retries',
  'x-envoy-hedge-on-per-try-timeout',
  'x-envoy-retriable-header-names',
  'x-envoy-retriable-status-codes',
  'x-envoy-upstream-rq-per-try-timeout-ms',
];

/** The retries of one request: whether there is another one, when, and which hosts it avoids. As Envoy's `RetryStateImpl`. */
export class RetryState implements RetrySelection {
  readonly #policy: RetryPolicy;
  readonly #place: RetryPlace;
  readonly #resources: Resources;
  #on: number;
  #left: number;
  #statusCodes: readonly number[];
  #headers: readonly HeaderTest[];
  /** An attempt is a retry, or a retry is waited for: it counts against the cluster's limit. */
  #held = false;
  #interval: number;
  readonly #longest: number;
  readonly #runtime: Runtime;
  readonly #wait: Deadline;
  readonly #tried: Host[] = [];
  #untriedFrom = 0;
  #load: PriorityLoad | undefined = undefined;
  readonly #excluded: boolean[] = [];

  constructor(policy: RetryPolicy, runtime: Runtime, place: RetryPlace, resources: Resources, retry: () => void) {
    this.#policy = policy;
    this.#place = place;
    this.#resources = resources;
    this.#on = policy.on;
    this.#left = policy.retries;
    this.#statusCodes = policy.statusCodes;
    this.#headers = policy.retriableHeaders;
    this.#runtime = runtime;
    const changed = !policy.backOffSet && !runtime.empty;
    this.#interval = changed ? Math.max(1, runtime.integer(BASE_KEY, policy.baseInterval)) : policy.baseInterval;
    this.#longest = changed ? this.#interval * 10 : policy.maxInterval;
    this.#wait = new Deadline(retry);
  }

  /** Adds what the request's headers ask for. */
  merge(headers: HeaderMap, lookup: (name: string) => string | undefined): void {
    const on = headers.get('x-envoy-retry-on');
    const grpcOn = headers.get('x-envoy-retry-grpc-on');
    if (on !== undefined) this.#on |= retryBits(on, RETRY).bits;
    if (grpcOn !== undefined) this.#on |= retryBits(grpcOn, RETRY_GRPC).bits;
    const { requestHeaders } = this.#policy;
    if (requestHeaders.length > 0 && !requestHeaders.some((test) => test(lookup))) this.#on = 0;
    const most = wholeNumber(headers.get('x-envoy-max-retries'));
    if (this.#on !== 0 && most !== undefined) this.#left = most;
    const codes = headers.get('x-envoy-retriable-status-codes');
    if (codes !== undefined) {
      const more = codes.split(',').flatMap((code) => wholeNumber(code) ?? []);
      this.#statusCodes = [...this.#statusCodes, ...more];
    }
    const names = headers.get('x-envoy-retriable-header-names');
    if (names !== undefined) {
      const list = names
        .split(',')
        .filter((name) => name !== '')
        .map((name) => name.trim().toLowerCase());
      this.#headers = [
        ...this.#headers,
        ...list.map(
          (name): HeaderTest =>
            (header) =>
              header(name) !== undefined,
        ),
      ];
    }
  }

  /** False: nothing is ever retried, so nothing needs to be kept. */
  get enabled(): boolean {
    return this.#on !== 0;
  }

  onHead(head: ResponseHead, request: HeaderMap): RetryAnswer {
    const decision = this.#fromHead(head, request);
    const wait = decision === BACKED_OFF ? this.#resetInterval(head.headers) : undefined;
    return this.#decide(decision, wait);
  }

  wouldRetryHead(head: ResponseHead, request: HeaderMap): boolean {
    return this.#fromHead(head, request) !== NEVER;
  }

  /** `sent`: some of the request was written. */
  onReset(reason: ResetReason, sent: boolean): RetryAnswer {
    return this.#decide(this.#fromReset(reason, sent) ? BACKED_OFF : NEVER, undefined);
  }

  /** A hedged attempt did not answer in time: another one is wanted whatever the policy says. */
  onSlow(): RetryAnswer {
    return this.#decide(BACKED_OFF, undefined);
  }

  /** The last attempt decides the request; no retry comes after it. */
  end(): void {
    this.#wait.stop();
    if (!this.#held) return;
    this.#held = false;
    this.#resources.retries--;
  }

  #decide(decision: number, wait: number | undefined): RetryAnswer {
    if (this.#held && decision === NEVER) this.#count('retrySuccess');
    this.end();
    if (decision === NEVER) return 'no';
    if (this.#left === 0) {
      this.#count('retryLimitExceeded');
      return 'limit';
    }
    this.#left--;
    if (!retryAllowed(this.#resources)) {
      this.#count('retryOverflow');
      return 'overflow';
    }
    if (!this.#runtime.empty && Math.random() * 100 >= this.#runtime.integer(USE_KEY, 100)) return 'no';
    this.#held = true;
    this.#resources.retries++;
    this.#count('retry');
    this.#wait.start(decision === AT_ONCE ? 1 : this.#backOff(wait));
    return 'yes';
  }

  #count(what: 'retry' | 'retrySuccess' | 'retryLimitExceeded' | 'retryOverflow'): void {
    this.#place.cluster.stats[what]++;
    for (const traffic of this.#place.traffic ?? []) traffic[what]++;
  }

  /** Milliseconds, 1 or more: fully jittered and doubling, or what the response asked for and up to half more. */
  #backOff(wait: number | undefined): number {
    const { stats } = this.#place.cluster;
    if (wait !== undefined) {
      stats.retryBackoffRatelimited++;
      return Math.max(1, wait + Math.floor(Math.random() * Math.floor(wait / 2)));
    }
    stats.retryBackoffExponential++;
    const longest = this.#longest;
    const span = this.#interval;
    this.#interval = Math.min(span * 2, longest);
    return Math.max(1, Math.min(Math.floor(Math.random() * span), longest));
  }

  #fromHead({ status, headers }: ResponseHead, request: HeaderMap): number {
    const on = this.#on;
    if (headers.has('x-envoy-ratelimited')) return on & RETRY['envoy-ratelimited'] ? BACKED_OFF : NEVER;
    if (on & RETRY['5xx'] && status >= 500 && status < 600) return BACKED_OFF;
    if (on & RETRY['gateway-error'] && status >= 502 && status <= 504) return BACKED_OFF;
    if (on & RETRY['retriable-4xx'] && status === 409) return BACKED_OFF;
    if (on & RETRY['retriable-status-codes'] && this.#statusCodes.includes(status)) {
      if (status !== 425) return BACKED_OFF;
      // A request that came as early data is the client's to send again.
      if (!request.has('early-data')) return AT_ONCE;
    }
    if (on & RETRY['retriable-headers']) {
      const lookup = (name: string): string | undefined => (name === ':status' ? String(status) : headers.lines(name));
      if (this.#headers.some((test) => test(lookup))) return BACKED_OFF;
    }
    if ((on & ANY_GRPC) === 0) return NEVER;
    const grpc = grpcStatusIn(headers);
    return grpc !== undefined && (on & (GRPC_BITS[grpc] ?? 0)) !== 0 ? BACKED_OFF : NEVER;
  }

  #fromReset(reason: ResetReason, sent: boolean): boolean {
    const on = this.#on;
    if (reason === 'overflow') return false;
    const connect =
      reason === 'remote connection failure' ||
      reason === 'local connection failure' ||
      reason === 'connection timeout';
    if (connect && on & RETRY['connect-failure']) return true;
    if (!sent && on & RETRY['reset-before-request']) return true;
    if (reason === 'remote refused stream reset' && on & RETRY['refused-stream']) return true;
    return (on & (RETRY.reset | RETRY['5xx'] | RETRY['gateway-error'])) !== 0;
  }

  /** Milliseconds that a response asks to wait, when it says so and it is not too long. */
  #resetInterval(headers: HeaderMap): number | undefined {
    for (const { name, format } of this.#policy.resetHeaders) {
      const seconds = wholeNumber(headers.get(name));
      if (seconds === undefined) continue;
      const wait = format === 'SECONDS' ? seconds * 1000 : seconds * 1000 - Date.now();
      if (wait > 0 && wait <= this.#policy.resetMaxInterval) return Math.floor(wait);
    }
    return undefined;
  }

  onHostAttempted(host: Host): void {
    const { hostRules, priorityFrequency } = this.#policy;
    if (hostRules?.previous || priorityFrequency > 0) this.#tried.push(host);
  }

  /** What a retry asks of the load balancer; undefined when it takes what comes. */
  get selection(): RetrySelection | undefined {
    return this.#policy.hostRules || this.#policy.priorityFrequency > 0 ? this : undefined;
  }

  get maxAttempts(): number {
    return this.#policy.hostAttempts;
  }

  rejects(host: Host): boolean {
    const { hostRules } = this.#policy;
    return hostRules !== undefined && rejectsHost(hostRules, host, this.#tried);
  }

  /** Envoy's `PreviousPrioritiesRetryPriority`: each so many attempts the priorities tried are left out, until none is left. */
  priorityLoad(
    state: PriorityState,
    placeOf: (host: Host) => number | undefined = ({ priority }) => priority,
  ): PriorityLoad {
    const every = this.#policy.priorityFrequency;
    const tried = this.#tried.length - this.#untriedFrom;
    if (every === 0 || tried < every) return state.load;
    if (tried % every === 0) {
      for (const host of this.#tried.slice(this.#untriedFrom)) {
        const place = placeOf(host);
        if (place !== undefined) this.#excluded[place] = true;
      }
      const adjusted = avoidPriorities(state, this.#excluded);
      if (adjusted.startOver) {
        this.#excluded.length = 0;
        this.#untriedFrom = this.#tried.length;
      }
      if (!adjusted.load) return state.load;
      this.#load = adjusted.load;
    }
    return this.#load ?? state.load;
  }
}
