/** `envoy.config.cluster.v3.CircuitBreakers.Thresholds` of one priority. */
export interface Thresholds {
  readonly connections: number;
  readonly pending: number;
  readonly requests: number;
  readonly retries: number;
}

export const DEFAULT_THRESHOLDS: Thresholds = { connections: 1024, pending: 1024, requests: 1024, retries: 3 };

/** What a cluster may use at a time, counted against its thresholds. */
export class Resources {
  readonly limits: Thresholds;
  connections = 0;
  pending = 0;
  requests = 0;
  retries = 0;

  constructor(limits: Thresholds) {
    this.limits = limits;
  }
}
