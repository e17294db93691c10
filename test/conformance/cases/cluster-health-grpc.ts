import { assignment, type ClusterCase, clusterScenario, group } from '../clusters.ts';
import { endpoint, simple, typed } from '../config.ts';
import type { Json, Places, Scenario } from '../types.ts';

/** 0 serves gRPC, 1 speaks HTTP/1.1, 2 echoes bytes, 3 is closed. */
const kinds = ['grpc', 'http', 'echo', 'closed'] as const;
const HTTP2 = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const overHttp2: Json = {
  typed_extension_protocol_options: {
    [HTTP2]: typed(HTTP2, { explicit_http_config: { http2_protocol_options: {} } }),
  },
};

const check = (more: Json = {}, rest: Json = {}): Json => ({
  timeout: '0.25s',
  interval: '60s',
  unhealthy_threshold: 2,
  healthy_threshold: 2,
  grpc_health_check: more,
  ...rest,
});

const checked =
  (backend: number, health: Json, ofEndpoint: Json = {}, more: Json = overHttp2) =>
  (places: Places): Json => {
    const one = endpoint(places, backend);
    return {
      ...assignment([group([{ ...one, endpoint: { ...(one['endpoint'] as Json), ...ofEndpoint } }])]),
      common_lb_config: { update_merge_window: '0s' },
      health_checks: [health],
      ...more,
    };
  };

const service = (service_name: string, more: Json = {}): Json => check({ service_name, ...more });
const metadata = (key: string, value: string, more: Json = {}): Json => ({
  initial_metadata: [{ header: { key, value }, ...more }],
});

const rows: readonly (readonly [string, ClusterCase['cluster']])[] = [
  ['a server that serves', checked(0, check())],
  ['a service that serves', checked(0, service('status 1'))],
  ['a service that does not serve', checked(0, service('status 2'))],
  ['a service whose state is unknown', checked(0, service('status 0'))],
  ['a service that is unknown', checked(0, service('status 3'))],
  ['a status that there is not', checked(0, service('status 7'))],
  ['an error', checked(0, service('error 5'))],
  ['a server that is not there', checked(0, service('error 14'))],
  ['the authority is the name of the cluster', checked(0, service('authority=c8'))],
  ['an authority', checked(0, service('authority=own.test', { authority: 'own.test' }))],
  [
    'the authority of the endpoint',
    checked(0, service('authority=host.test', { authority: 'own.test' }), {
      health_check_config: { hostname: 'host.test' },
    }),
  ],
  ['metadata', checked(0, service('x-m=1', metadata('x-m', '1')))],
  ['metadata as a format', checked(0, service('x-m=c12', metadata('x-m', '%UPSTREAM_CLUSTER%')))],
  [
    'metadata twice',
    checked(
      0,
      service('x-m=1', {
        initial_metadata: [
          { header: { key: 'x-m', value: '1' } },
          { header: { key: 'x-m', value: '2' }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' },
        ],
      }),
    ),
  ],
  ['who asks', checked(0, service('user-agent=Envoy/HC'))],
  ['what is sent', checked(0, service('content-type=application/grpc'))],
  ['a connection for each check', checked(0, check({}, { reuse_connection: false }))],
  ['a server that speaks HTTP/1.1', checked(1, check())],
  ['a server that sends back what it gets', checked(2, check())],
  ['nobody listens', checked(3, check())],
  [
    'an endpoint that is not checked',
    checked(3, check(), { health_check_config: { disable_active_health_check: true } }),
  ],
];

const about = { feature: 'gRPC health checks', backends: kinds, stats: false } as const;

/** What became of the first check: the statistics of the cluster. */
const first = (name: string, cluster: ClusterCase['cluster'], index: number): ClusterCase => ({
  name,
  cluster,
  play: {
    // Its connection ends with its only request.
    ...(name === 'a connection for each check' ? { difference: 'http2-drained-connection' } : {}),
    steps: [{ sleep: 5 }],
    responses: 0,
    without: ['log', 'connections', 'backends', 'fate'],
    admin: ['health_check.', 'membership_', 'upstream_cx_(protocol|http2)'].map(
      (part) => `/stats?filter=cluster.c${index}.${part}`,
    ),
  },
});

/** Checks every 100 ms: what became of them all, but for how many there were. */
const often = (more: Json, rest: Json = {}): Json =>
  check(more, { interval: '0.1s', no_traffic_interval: '0.1s', unhealthy_threshold: 1, healthy_threshold: 1, ...rest });

const laterRows: readonly (readonly [string, ClusterCase['cluster']])[] = [
  ['again and again', checked(0, often({}))],
  ['again and again, a connection each', checked(0, often({}, { reuse_connection: false }))],
  ['not served again and again', checked(0, often({ service_name: 'status 2' }))],
  ['errors again and again', checked(0, often({ service_name: 'error 13' }))],
  ['nobody listens again and again', checked(3, often({}))],
];

const refused: readonly (readonly [string, Json])[] = [
  ['a cluster without HTTP/2', { ...checkOnly(check()), typed_extension_protocol_options: undefined }],
  ['an authority that is no header value', checkOnly(check({ authority: 'a\nb' }))],
  ['no timeout', checkOnly({ ...check(), timeout: undefined })],
  ['no interval', checkOnly({ ...check(), interval: undefined })],
  ['two checks in one', checkOnly({ ...check(), tcp_health_check: {} })],
  ['metadata without a name', checkOnly(check(metadata('', '1')))],
];

function checkOnly(health: Json): Json {
  return { ...overHttp2, health_checks: [health] };
}

export const scenarios: readonly Scenario[] = [
  clusterScenario(
    { ...about, name: 'gRPC: the first check', warmUpMs: 500 },
    rows.map(([name, cluster], index) => first(name, cluster, index)),
  ),
  clusterScenario(
    { ...about, name: 'gRPC: checks go on', warmUpMs: 600 },
    laterRows.map(
      ([name, cluster], index): ClusterCase => ({
        name,
        cluster,
        play: {
          steps: [{ sleep: 5 }],
          responses: 0,
          without: ['log', 'connections', 'backends', 'fate'],
          admin: ['membership_', 'health_check.(healthy|degraded)'].map(
            (part) => `/stats?filter=cluster.c${index}.${part}`,
          ),
        },
      }),
    ),
  ),
  ...refused.map(
    ([name, more]): Scenario => ({
      ...about,
      name: `gRPC health check refused: ${name}`,
      validateOnly: true,
      bootstrap: (places) =>
        simple(places, {
          clusters: [{ name: 'c0', ...assignment([group([endpoint(places, 0)])]), ...more }],
        }),
      cases: [{ name }],
    }),
  ),
];
