import { assignment, type ClusterCase, clusterScenario, group } from '../clusters.ts';
import { endpoint, typed } from '../config.ts';
import type { Case, Json, Scenario, Step } from '../types.ts';

const options = (common: Json): Json => ({
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': typed(
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      { explicit_http_config: { http_protocol_options: {} }, common_http_protocol_options: common },
    ),
  },
});

const to =
  (more: Json): ClusterCase['cluster'] =>
  (places) => ({ ...assignment([group([endpoint(places, 0)])]), ...more });

/** Requests of one client, each after so many milliseconds; by the backend's connections one sees which of them shared one. */
const paced =
  (...waits: readonly number[]) =>
  (index: number): Partial<Case> => ({
    steps: waits.flatMap((sleep, at): readonly Step[] => [
      { sleep },
      { send: `GET /${index}/${at} HTTP/1.1\r\nhost: a\r\n\r\n` },
      { awaitResponses: at + 1 },
    ]),
    responses: waits.length,
    settleMs: 150,
  });

/** A first request is answered after `slowMs`, a second one follows. */
const slowThenOne =
  (slowMs: number) =>
  (index: number): Partial<Case> => ({
    ...paced(1, 1)(index),
    backends: [[{ raw: [{ raw: 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n' }, { raw: 'ok', afterMs: slowMs }] }]],
  });

const rows: readonly (readonly [string, ClusterCase['cluster'], (index: number) => Partial<Case>])[] = [
  ['nothing said', to({}), paced(1, 1, 1)],
  ['idle_timeout', to(options({ idle_timeout: '0.1s' })), paced(1, 1, 1)],
  ['idle_timeout between requests', to(options({ idle_timeout: '0.1s' })), paced(1, 60, 60, 200)],
  ['idle_timeout 0', to(options({ idle_timeout: '0s' })), paced(1, 60)],
  ['idle_timeout in a request', to(options({ idle_timeout: '0.1s' })), slowThenOne(200)],
  ['idle_timeout of the cluster itself', to({ common_http_protocol_options: { idle_timeout: '0.1s' } }), paced(1, 1)],
  ['max_requests_per_connection 2', to(options({ max_requests_per_connection: 2 })), paced(1, 1, 1, 1, 1)],
  ['max_requests_per_connection 1', to(options({ max_requests_per_connection: 1 })), paced(1, 1)],
  ['max_requests_per_connection 0', to(options({ max_requests_per_connection: 0 })), paced(1, 1)],
  ['max_requests_per_connection of the cluster itself', to({ max_requests_per_connection: 2 }), paced(1, 1, 1)],
  ['max_connection_duration', to(options({ max_connection_duration: '0.1s' })), paced(1, 1, 150, 1)],
  [
    'max_connection_duration of a connection in use',
    to(options({ max_connection_duration: '0.4s' })),
    paced(1, 100, 600),
  ],
  ['max_connection_duration in a request', to(options({ max_connection_duration: '0.1s' })), slowThenOne(200)],
  ['max_connection_duration 0', to(options({ max_connection_duration: '0s' })), paced(1, 1)],
  [
    'max_connection_duration and the last request',
    to(options({ max_connection_duration: '0.1s', max_requests_per_connection: 1 })),
    slowThenOne(200),
  ],
];

export const scenarios: readonly Scenario[] = [
  clusterScenario(
    {
      feature: 'upstream connections',
      name: 'connections',
      stats: [/^cluster\.c\d+\.upstream_cx_(total|destroy[a-z_]*|max_duration_reached|connect_attempts_exceeded)$/],
    },
    rows.map(([name, cluster, play], index) => ({ name, cluster, play: play(index) })),
  ),
];
