/** `envoy.config.cluster.v3.CircuitBreakers.Thresholds` of one priority. */
export interface Thresholds {
  readonly connections: number;
  /** To each host, from `per_host_thresholds`. */
  readonly connectionsPerHost: number;
  readonly pending: number;
  readonly requests: number;
  readonly retries: number;
  /** Of connections to one host each, from one source address. */
  readonly pools: number;
  /** Takes the place of `retries`. */
  readonly retryBudget: RetryBudget | undefined;
  /** Statistics show what is left of each. */
  readonly trackRemaining: boolean;
}

/** Retries at a time, as a share of the requests at a time. */
export interface RetryBudget {
  readonly percent: number;
  readonly least: number;
}

export const DEFAULT_THRESHOLDS: Thresholds = {
  connections: 1024,
  connectionsPerHost: Number.POSITIVE_INFINITY,
  pending: 1024,
  requests: 1024,
  retries: 3,
  pools: Number.POSITIVE_INFINITY,
  retryBudget: undefined,
  trackRemaining: false,
};

/** What is in use at a time. */
export interface Usage {
  connections: number;
  pending: number;
  requests: number;
  retries: number;
  pools: number;
}

/** What a cluster may use at a time, counted against its thresholds. Its own figures are those of this worker. */
export interface Resources extends Usage {
  readonly limits: Thresholds;
  /** What all workers use. */
  readonly all: Readonly<Usage>;
}

/** Whether one more retry may be under way. */
export function retryAllowed({ limits, all }: Resources): boolean {
  const { retryBudget: budget, retries } = limits;
  if (!budget) return all.retries < retries;
  const share = Math.floor((budget.percent / 100) * (all.requests + all.pending));
  return all.retries < Math.max(share, budget.least);
}

/** Counts of one worker alone. */
export class LocalResources implements Resources {
  readonly limits: Thresholds;
  readonly all: Readonly<Usage>;
  connections = 0;
  pending = 0;
  requests = 0;
  retries = 0;
  pools = 0;

  constructor(limits: Thresholds) {
    this.limits = limits;
    this.all = this;
  }
}
