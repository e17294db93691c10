import type { Fields } from '../../config/fields.ts';
import { DEFAULT_THRESHOLDS, type RetryBudget, type Thresholds } from '../resources.ts';

/** A compiled `envoy.config.cluster.v3.CircuitBreakers`. */
export interface CircuitBreakers {
  readonly DEFAULT: Thresholds;
  readonly HIGH: Thresholds;
}

export const NO_CIRCUIT_BREAKERS: CircuitBreakers = { DEFAULT: DEFAULT_THRESHOLDS, HIGH: DEFAULT_THRESHOLDS };

type Priority = keyof CircuitBreakers;

const PRIORITIES = ['DEFAULT', 'HIGH'] as const;
/** What Envoy refuses in `per_host_thresholds`. */
const NOT_PER_HOST = ['max_pending_requests', 'max_requests', 'max_retries', 'max_connection_pools', 'retry_budget'];

/** Of thresholds for the same priority the first count. */
export function readCircuitBreakers(fields: Fields): CircuitBreakers {
  const ofClusters = new Map<Priority, Thresholds>();
  fields.list('thresholds', (inner) => {
    const priority = inner.choice('priority', PRIORITIES);
    const read = readThresholds(inner);
    if (!ofClusters.has(priority)) ofClusters.set(priority, read);
  });
  const ofHosts = new Map<Priority, number>();
  fields.list('per_host_thresholds', (inner) => {
    const priority = inner.choice('priority', PRIORITIES);
    const most = inner.number('max_connections');
    for (const name of NOT_PER_HOST.filter((one) => inner.has(one))) {
      inner.problem(name, 'is not supported per host', 'max_connections');
      inner.ignore(name);
    }
    inner.ignore('track_remaining');
    if (most !== undefined && !ofHosts.has(priority)) ofHosts.set(priority, most);
  });
  const of = (priority: Priority): Thresholds => {
    const thresholds = ofClusters.get(priority) ?? DEFAULT_THRESHOLDS;
    const connectionsPerHost = ofHosts.get(priority);
    return connectionsPerHost === undefined ? thresholds : { ...thresholds, connectionsPerHost };
  };
  return { DEFAULT: of('DEFAULT'), HIGH: of('HIGH') };
}

function readThresholds(fields: Fields): Thresholds {
  const { connectionsPerHost } = DEFAULT_THRESHOLDS;
  return {
    connections: fields.number('max_connections') ?? DEFAULT_THRESHOLDS.connections,
    connectionsPerHost,
    pending: fields.number('max_pending_requests') ?? DEFAULT_THRESHOLDS.pending,
    requests: fields.number('max_requests') ?? DEFAULT_THRESHOLDS.requests,
    retries: fields.number('max_retries') ?? DEFAULT_THRESHOLDS.retries,
    pools: fields.number('max_connection_pools') ?? DEFAULT_THRESHOLDS.pools,
    retryBudget: fields.message('retry_budget', readRetryBudget),
    trackRemaining: fields.flag('track_remaining'),
  };
}

function readRetryBudget(fields: Fields): RetryBudget {
  return {
    percent: fields.message('budget_percent', (percent) => percent.number('value') ?? 0) ?? 20,
    least: fields.number('min_retry_concurrency') ?? 3,
  };
}
