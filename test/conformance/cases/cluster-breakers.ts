import { assignment, type ClusterCase, clusterScenario, group } from '../clusters.ts';
import { endpoint } from '../config.ts';
import type { Json, Scenario } from '../types.ts';

const limited =
  (breakers: Json, more: Json = {}): ClusterCase['cluster'] =>
  (places) => ({ ...assignment([group([endpoint(places, 0)])]), circuit_breakers: breakers, ...more });

const defaults = (thresholds: Json): Json => ({ thresholds: [thresholds] });

/** One request waits for its answer while the statistics are read, after `before` others came through. */
function waiting(name: string, cluster: ClusterCase['cluster'], index: number, about?: 'high' | 'pools'): ClusterCase {
  return {
    name,
    cluster,
    ...(about === 'high' ? { route: { priority: 'HIGH' } } : {}),
    play: {
      backends: [['hang']],
      steps: [{ send: `GET /${index}/ HTTP/1.1\r\nhost: a\r\n\r\n` }, { sleep: 100 }],
      responses: 0,
      without: ['log', 'connections'],
      admin: [
        `/stats?filter=cluster.c${index}.circuit_breakers.*(open|cx|pending|retries|rq${about === 'pools' ? '|pools' : ''})$`,
        `/stats?filter=cluster.c${index}.upstream_(cx|rq)_.*(active|overflow|open|total)`,
      ],
    },
  };
}

const list: readonly (readonly [string, ClusterCase['cluster'], ('high' | 'pools')?])[] = [
  ['no limit given', limited({})],
  ['one connection', limited(defaults({ max_connections: 1 }))],
  ['no connection', limited(defaults({ max_connections: 0 }))],
  ['two connections', limited(defaults({ max_connections: 2 }))],
  ['one request', limited(defaults({ max_requests: 1 }))],
  ['two requests', limited(defaults({ max_requests: 2 }))],
  ['no pending request', limited(defaults({ max_pending_requests: 0 }))],
  ['one pending request', limited(defaults({ max_pending_requests: 1 }))],
  ['no retry', limited(defaults({ max_retries: 0 }))],
  ['what is left', limited(defaults({ track_remaining: true }))],
  [
    'what is left of small limits',
    limited(
      defaults({
        track_remaining: true,
        max_connections: 2,
        max_pending_requests: 3,
        max_requests: 4,
        max_retries: 5,
      }),
    ),
  ],
  ['what is left at a retry budget', limited(defaults({ track_remaining: true, retry_budget: {} }))],
  [
    'a high request does not use the default limits',
    limited(defaults({ max_connections: 1, max_requests: 1 })),
    'high',
  ],
  ['a high request uses its own', limited(defaults({ priority: 'HIGH', max_connections: 1, max_requests: 1 })), 'high'],
  ['the first thresholds of a priority', limited({ thresholds: [{ max_requests: 1 }, { max_requests: 5 }] })],
  ['one connection to each host', limited({ per_host_thresholds: [{ max_connections: 1 }] })],
  ['no connection to any host', limited({ per_host_thresholds: [{ max_connections: 0 }] })],
  ['one connection pool', limited(defaults({ max_connection_pools: 1, track_remaining: true })), 'pools'],
  ['no connection pool', limited(defaults({ max_connection_pools: 0, track_remaining: true })), 'pools'],
  ['connection pools to spare', limited(defaults({ max_connection_pools: 7, track_remaining: true })), 'pools'],
  ['per host for high requests', limited({ per_host_thresholds: [{ priority: 'HIGH', max_connections: 1 }] })],
];

export const scenarios: readonly Scenario[] = [
  clusterScenario(
    { feature: 'circuit breakers', name: 'breakers', backends: ['http'] },
    list.map(([name, cluster, about], index) => waiting(name, cluster, index, about)),
  ),
];
