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

/** What a cluster may use at a time, counted against its thresholds. */
export class Resources {
  readonly limits: Thresholds;
  connections = 0;
  pending = 0;
  requests = 0;
  retries = 0;
  pools = 0;

  constructor(limits: Thresholds) {
    this.limits = limits;
  }

  /** Whether one more retry may be under way. */
  get retryAllowed(): boolean {
    const { retryBudget: budget, retries } = this.limits;
    if (!budget) return this.retries < retries;
    const share = Math.floor((budget.percent / 100) * (this.requests + this.pending));
    return this.retries < Math.max(share, budget.least);
  }
}
