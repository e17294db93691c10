import { assignment, type ClusterCase, clusterScenario, group } from '../clusters.ts';
import { bootstrap, cluster, endpoint, fileLog, listener, typed } from '../config.ts';
import type { Case, Json, Places, Scenario, Step } from '../types.ts';

const to =
  (more: Json): ClusterCase['cluster'] =>
  (places) => ({ ...assignment([group([endpoint(places, 0)])]), ...more });

const breakers = (thresholds: Json): Json => ({ circuit_breakers: { thresholds: [thresholds] } });
const perClient = { connection_pool_per_downstream_connection: true };
const preconnect = (config: Json): Json => ({ preconnect_policy: config });

type Play = (index: number) => Partial<Case>;

/** So many requests, each of a client of its own or all of one. */
const requests =
  (count: number, fresh: boolean): Play =>
  () => ({ requests: new Array(count).fill({}), fresh, settleMs: 60 });

/** So many requests at once that are answered at the end. */
const atOnce =
  (count: number): Play =>
  (index) => ({
    steps: new Array<Step>(count).fill({ send: `GET /${index}/ HTTP/1.1\r\nhost: a\r\n\r\n` }),
    responses: count,
    settleMs: 60,
  });

const stats = (index: number): Partial<Case> => ({ admin: [`/stats?filter=cluster.c${index}.upstream_cx_active`] });
const withStats =
  (play: Play): Play =>
  (index) => ({ ...play(index), ...stats(index) });
/** The request is never answered. */
const hanging: Play = (index) => ({
  backends: [['hang']],
  steps: [{ send: `GET /${index}/ HTTP/1.1\r\nhost: a\r\n\r\n` }, { sleep: 100 }],
  responses: 0,
  ...stats(index),
});
const refused: ClusterCase['cluster'] = (places) => ({
  ...assignment([group([endpoint(places, 1)])]),
  ...preconnect({ per_upstream_preconnect_ratio: 2 }),
});

const rows: readonly (readonly [string, ClusterCase['cluster'], Play, Json?])[] = [
  ['clients share connections', to({}), requests(3, true)],
  ['clients with connections of their own', to(perClient), requests(3, true)],
  ['one client with connections of its own', to(perClient), requests(3, false)],
  ['no pool', to(breakers({ max_connection_pools: 0 })), requests(1, true)],
  ['no pool and a retry', to(breakers({ max_connection_pools: 0 })), requests(1, true), retried()],
  ['one pool', to(breakers({ max_connection_pools: 1 })), requests(3, true)],
  // A second one is not asked for: Envoy 1.40 ends with a memory error when it gives one pool up for another.
  ['preconnect 1', to(preconnect({ per_upstream_preconnect_ratio: 1 })), withStats(requests(2, false))],
  ['preconnect 1.5, one request', to(preconnect({ per_upstream_preconnect_ratio: 1.5 })), hanging],
  [
    'preconnect 1.5, two requests',
    to(preconnect({ per_upstream_preconnect_ratio: 1.5 })),
    withStats(requests(2, false)),
  ],
  ['preconnect 2, one request', to(preconnect({ per_upstream_preconnect_ratio: 2 })), hanging],
  ['preconnect 2, one answered', to(preconnect({ per_upstream_preconnect_ratio: 2 })), withStats(requests(1, false))],
  ['preconnect 2, four requests', to(preconnect({ per_upstream_preconnect_ratio: 2 })), withStats(requests(4, false))],
  ['preconnect 3, one request', to(preconnect({ per_upstream_preconnect_ratio: 3 })), hanging],
  ['preconnect 3, several at once', to(preconnect({ per_upstream_preconnect_ratio: 3 })), withStats(atOnce(4))],
  ['preconnect 2, nobody there', refused, withStats(requests(2, false))],
  [
    'preconnect 3 with two connections',
    to({ ...preconnect({ per_upstream_preconnect_ratio: 3 }), ...breakers({ max_connections: 2 }) }),
    withStats(requests(3, false)),
  ],
  ['preconnect predicted as it is', to(preconnect({ predictive_preconnect_ratio: 1 })), withStats(requests(2, false))],
];

function retried(): Json {
  return { retry_policy: { retry_on: '5xx', num_retries: 1 } };
}

const counted = [/^cluster\.c\d+\.upstream_cx_(total|pool_overflow)$/, /^cluster\.c\d+\.upstream_rq_pending_total$/];

/** A health check that fails while the TCP proxy carries a connection to the host. */
const tcpHealth = (name: string, more: Json): Scenario => ({
  feature: 'upstream connections',
  name,
  stats: [...counted, /^tcp\./],
  warmUpMs: 60,
  bootstrap: (places) =>
    bootstrap(
      places,
      [listener(places, 0, [tcpProxy(places)])],
      [
        cluster(places, 0, [0], {
          ...more,
          health_checks: [
            {
              timeout: '1s',
              interval: '0.2s',
              unhealthy_threshold: 1,
              healthy_threshold: 1,
              http_health_check: { path: '/health' },
            },
          ],
        }),
      ],
    ),
  cases: [
    {
      name: 'a connection',
      tcp: true,
      backends: [new Array(9).fill({ raw: 'HTTP/1.1 500 Bad\r\ncontent-length: 0\r\n\r\n' })],
      steps: [{ send: 'GET /tcp HTTP/1.1\r\nhost: a\r\n\r\n' }, { awaitBytes: 30 }, { sleep: 450 }],
      without: ['backends'],
    },
  ],
});

function tcpProxy(places: Places): Json {
  return {
    name: 'tcp',
    typed_config: typed('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', {
      stat_prefix: 'tcp',
      cluster: 'c0',
      access_log: [
        fileLog(places, '%RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %CONNECTION_TERMINATION_DETAILS%\n'),
      ],
    }),
  };
}

export const scenarios: readonly Scenario[] = [
  clusterScenario(
    { feature: 'upstream connections', name: 'pools', backends: ['http', 'closed'], stats: counted },
    rows.map(([name, one, play, route], index) => ({
      name,
      cluster: one,
      // The end of an unanswered request is logged in the next case.
      play: { ...play(index), without: ['log'] },
      ...(route ? { route } : {}),
    })),
  ),
  tcpHealth('connections outlive a health failure', {}),
  tcpHealth('connections end with a health failure', { close_connections_on_host_health_failure: true }),
];
