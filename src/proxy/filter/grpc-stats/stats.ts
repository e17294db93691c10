import { Histogram } from '../../stats/histogram.ts';
import { counter, lazyHistogram, type StatsKind, statsKind } from '../../stats/kind.ts';
import type { StatsScope } from '../../stats/store.ts';

class Count {
  count = 0;
}

class Time {
  time = new Histogram();
}

const named = (name: string): StatsKind<Count> => statsKind(Count, { count: counter(name) });

/** Each is made when it first counts. */
const KINDS = {
  success: named('success'),
  failure: named('failure'),
  total: named('total'),
  requests: named('request_message_count'),
  responses: named('response_message_count'),
};
const TIME = statsKind(Time, { time: lazyHistogram('ms', 'upstream_rq_time') });
const statuses = new Map<string, StatsKind<Count>>();

function statusKind(status: string): StatsKind<Count> {
  let kind = statuses.get(status);
  if (!kind) {
    kind = named(status);
    statuses.set(status, kind);
  }
  return kind;
}

/** What is counted for one method of one cluster, or for all of its methods together. */
export class MethodStats {
  readonly #scope: StatsScope;
  readonly #prefix: string;

  constructor(scope: StatsScope, prefix: string) {
    this.#scope = scope;
    this.#prefix = prefix;
  }

  requests(count: number): void {
    this.#add(KINDS.requests, count);
  }

  responses(count: number): void {
    this.#add(KINDS.responses, count);
  }

  /** A call ended with a status, as it was written. */
  status(text: string): void {
    if (/^\d{1,5}$/.test(text)) this.#add(statusKind(text), 1);
    this.#add(text === '0' ? KINDS.success : KINDS.failure, 1);
    this.#add(KINDS.total, 1);
  }

  time(milliseconds: number): void {
    this.#scope.get(TIME, this.#prefix).time.record(milliseconds);
  }

  #add(kind: StatsKind<Count>, count: number): void {
    this.#scope.get(kind, this.#prefix).count += count;
  }
}
