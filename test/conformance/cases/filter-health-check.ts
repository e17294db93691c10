import { cluster, endpoint, fileLog, router, simple, toCluster, typed } from '../config.ts';
import type { Behaviour, Case, Json, Places, Request, Scenario } from '../types.ts';

const TYPE = 'envoy.extensions.filters.http.health_check.v3.HealthCheck';
const format = '%REQ(:METHOD)% %REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%\n';

const asked: Json = { headers: [{ name: ':path', string_match: { exact: '/health' } }] };
const health: Request = { path: '/health' };
const broken: Behaviour = { raw: 'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\n\r\nno' };
const degraded: Behaviour = { raw: 'HTTP/1.1 200 OK\r\nx-envoy-degraded: yes\r\ncontent-length: 0\r\n\r\n' };

const check = (config: Json): Json => ({ name: 'health', typed_config: typed(TYPE, config) });

const scenario = (name: string, config: Json, cases: readonly Case[], more: (places: Places) => Json = () => ({})) =>
  ({
    feature: 'health check filter',
    name,
    stats: [/health_check\./],
    bootstrap: (places) =>
      simple(places, {
        manager: {
          access_log: [
            fileLog(places, format),
            { ...fileLog(places, `real ${format}`), filter: { not_health_check_filter: {} } },
          ],
          http_filters: [check(config), router()],
        },
        ...more(places),
      }),
    cases,
  }) satisfies Scenario;

/** Envoy keeps draining connections for a while. */
const draining = { fresh: true, without: ['fate'] } as const;

const usual: readonly Case[] = [
  { name: 'a health check', requests: [health] },
  { name: 'HEAD', requests: [{ ...health, method: 'HEAD' }] },
  { name: 'a body', requests: [{ ...health, method: 'POST', body: 'x' }] },
  { name: 'a chunked body', requests: [{ ...health, method: 'POST', body: 'xyz', chunked: true }] },
  { name: 'an empty chunked body', requests: [{ ...health, method: 'POST', body: '', chunked: true }] },
  {
    name: 'gRPC',
    requests: [{ ...health, method: 'POST', headers: { 'content-type': 'application/grpc' } }],
  },
  { name: 'another request', requests: [{}] },
  { name: 'a sick backend', requests: [health], backends: { 0: [broken] } },
  { name: 'a degraded backend', requests: [health], backends: { 0: [degraded] } },
  { name: 'another request to a sick backend', requests: [{}], backends: { 0: [broken] } },
  {
    name: 'a part of a body',
    steps: [{ send: 'POST /health HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nab' }, { sleep: 50 }, { send: 'cd' }],
  },
  { name: 'several', requests: [health, {}, health, health] },
  { name: 'then an operator fails it', requests: [health], admin: ['POST /healthcheck/fail', '/ready'] },
  { name: 'failed', ...draining, requests: [health] },
  { name: 'failed, HEAD', ...draining, requests: [{ ...health, method: 'HEAD' }] },
  { name: 'failed, a body', ...draining, requests: [{ ...health, method: 'POST', body: 'x' }] },
  { name: 'failed, another request', ...draining, requests: [{}], admin: ['POST /healthcheck/ok'] },
  { name: 'well again', requests: [health] },
];

const caching: readonly Case[] = [
  { name: 'first', requests: [health, health] },
  { name: 'sick', requests: [health], backends: { 0: [broken] } },
];

const minimums = (entries: Readonly<Record<string, number>>): Json => ({
  pass_through_mode: false,
  ...asked,
  cluster_min_healthy_percentages: Object.fromEntries(
    Object.entries(entries).map(([name, value]) => [name, { value }]),
  ),
});

const sick = (places: Places): Json => ({
  clusters: [
    cluster(places, 0),
    {
      ...cluster(places, 1),
      load_assignment: {
        cluster_name: 'c1',
        endpoints: [
          {
            lb_endpoints: [
              endpoint(places, 0),
              endpoint(places, 1, { health_status: 'UNHEALTHY' }),
              endpoint(places, 2, { health_status: 'DEGRADED' }),
              endpoint(places, 3, { health_status: 'DRAINING' }),
            ],
          },
        ],
      },
    },
    { ...cluster(places, 2), load_assignment: { cluster_name: 'c2' } },
  ],
});

const clusters: readonly (readonly [string, Readonly<Record<string, number>>])[] = [
  ['a well one', { c0: 100 }],
  ['a half well one, 50', { c1: 50 }],
  ['a half well one, 50.1', { c1: 50.1 }],
  ['a half well one, 51', { c1: 51 }],
  ['a half well one, 0', { c1: 0 }],
  ['an empty one, 0', { c2: 0 }],
  ['an empty one, 1', { c2: 1 }],
  ['none', { none: 0 }],
  ['several well ones', { c0: 100, c1: 30 }],
  ['several, one sick', { c0: 100, c1: 70 }],
];

const refusal = (name: string, config: Json): Scenario => ({
  ...scenario(`refusal: ${name}`, config, []),
  validateOnly: true,
});

export const scenarios: readonly Scenario[] = [
  scenario('answers itself', { pass_through_mode: false, ...asked }, usual),
  scenario('passes through', { pass_through_mode: true, ...asked }, usual),
  scenario('every request', { pass_through_mode: false }, [{ name: 'a request', requests: [{}] }]),
  scenario(
    'several headers',
    {
      pass_through_mode: false,
      headers: [
        { name: ':path', string_match: { prefix: '/h' } },
        { name: 'x-check', present_match: true },
      ],
    },
    [
      { name: 'all', requests: [{ ...health, headers: { 'x-check': '1' } }] },
      { name: 'one', requests: [health] },
    ],
  ),
  scenario('a long cache', { pass_through_mode: true, cache_time: '100s', ...asked }, [
    { name: 'a sick backend', requests: [health, health, {}], backends: { 0: [broken] } },
    { name: 'the sick one remembered', requests: [health, health], admin: ['POST /healthcheck/fail'] },
    { name: 'failed', ...draining, requests: [health], admin: ['POST /healthcheck/ok'] },
    { name: 'remembered', requests: [health] },
  ]),
  scenario('a long cache of a degraded one', { pass_through_mode: true, cache_time: '100s', ...asked }, [
    { name: 'degraded', requests: [health, health], backends: { 0: [degraded] } },
  ]),
  scenario('a long cache of a well one', { pass_through_mode: true, cache_time: '100s', ...asked }, caching),
  scenario('a short cache', { pass_through_mode: true, cache_time: '0.001s', ...asked }, [
    { name: 'first', requests: [health], settleMs: 20 },
    { name: 'sick', requests: [health], backends: { 0: [broken] }, settleMs: 20 },
    { name: 'well', requests: [health], settleMs: 20 },
  ]),
  scenario(
    'headers of the route',
    { pass_through_mode: false, ...asked },
    [{ name: 'a check', requests: [health] }],
    () => ({
      routes: [{ ...toCluster(), response_headers_to_add: [{ header: { key: 'x-r', value: 'r' } }] }],
    }),
  ),
  ...clusters.map(([name, entries]) =>
    scenario(`clusters: ${name}`, minimums(entries), [{ name: 'a check', requests: [health, {}] }], sick),
  ),
  refusal('no mode', asked),
  refusal('a cache without passing through', { pass_through_mode: false, cache_time: '1s' }),
  refusal('minimums when passing through', { ...minimums({ c0: 1 }), pass_through_mode: true }),
];
