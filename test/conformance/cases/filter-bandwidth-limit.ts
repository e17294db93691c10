import { cluster, fileLog, router, simple, toCluster, typed } from '../config.ts';
import type { Behaviour, Case, Json, Scenario } from '../types.ts';

const LIMIT = 'envoy.extensions.filters.http.bandwidth_limit.v3.BandwidthLimit';
const feature = 'bandwidth limit filter';

const limit = (config: Json): Json => ({ name: 'limit', typed_config: typed(LIMIT, { stat_prefix: 'bw', ...config }) });
const perRoute = (config: Json): Json => ({
  typed_per_filter_config: { limit: typed(LIMIT, { stat_prefix: 'own', ...config }) },
});
const both: Json = { enable_mode: 'REQUEST_AND_RESPONSE', limit_kbps: 1000 };

const answer = (bytes: number): Behaviour => ({
  raw: `HTTP/1.1 200 OK\r\ncontent-length: ${bytes}\r\n\r\n${'x'.repeat(bytes)}`,
});
const chunked = (bytes: number, trailers = ''): Behaviour => ({
  raw: `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${bytes.toString(16)}\r\n${'x'.repeat(bytes)}\r\n0\r\n${trailers}\r\n`,
});
const post = (bytes: number, path = '/') => ({ method: 'POST', path, body: 'y'.repeat(bytes) });

/** What happens again at each interval, or piece by piece, is not the same twice. */
const counted = [
  /^(bw|own)\.http_bandwidth_limit\.(request|response)_(enabled|incoming_total_size|allowed_total_size|pending)$/,
];

interface Row {
  readonly name: string;
  readonly config: Json;
  readonly cases: readonly Case[];
  readonly format?: string;
}

const scenario = ({ name, config, cases, format }: Row): Scenario => ({
  feature,
  name,
  stats: counted,
  bootstrap: (places) => ({
    ...simple(places, {
      routes: [
        { ...toCluster('c0', {}, { prefix: '/own' }), ...perRoute({ enable_mode: 'RESPONSE', limit_kbps: 500 }) },
        { ...toCluster('c0', {}, { prefix: '/disabled' }), ...perRoute({ limit_kbps: 1 }) },
        {
          ...toCluster('c0', {}, { prefix: '/off' }),
          typed_per_filter_config: { limit: typed('envoy.config.route.v3.FilterConfig', { disabled: true }) },
        },
        { match: { prefix: '/direct' }, direct_response: { status: 200, body: { inline_string: 'direct' } } },
        { match: { prefix: '/redirect' }, redirect: { path_redirect: '/x' } },
        toCluster('c0'),
      ],
      clusters: [cluster(places, 0)],
      manager: {
        http_filters: [limit(config), router()],
        http_protocol_options: { enable_trailers: true },
        ...(format ? { access_log: [fileLog(places, format)] } : {}),
      },
    }),
    layered_runtime: { layers: [{ name: 'admin', admin_layer: {} }] },
  }),
  cases,
});

/** Everything but what the names of trailers with times say. */
const cases: readonly Case[] = [
  { name: 'no bodies', requests: [{}], backends: { 0: [{ raw: 'HTTP/1.1 204 No\r\n\r\n' }] } },
  { name: 'a short response', requests: [{}] },
  { name: 'an empty response', requests: [{}], backends: { 0: [answer(0)] } },
  { name: 'a response of an interval', requests: [{}], backends: { 0: [answer(50_000)] } },
  { name: 'a response of several intervals', requests: [{}], backends: { 0: [answer(300_000)] } },
  { name: 'a chunked response', requests: [{}], backends: { 0: [chunked(5000)] } },
  { name: 'a chunked response with trailers', requests: [{}], backends: { 0: [chunked(5000, 'a: b\r\n')] } },
  { name: 'HEAD', requests: [{ method: 'HEAD' }], backends: { 0: [{ raw: 'HTTP/1.1 200 OK\r\n\r\n' }] } },
  { name: 'a short request', requests: [post(3)] },
  { name: 'an empty request', requests: [post(0)] },
  { name: 'a request of several intervals', requests: [post(200_000)] },
  { name: 'a chunked request', requests: [{ ...post(5000), chunked: true }] },
  { name: 'both', requests: [post(5000)], backends: { 0: [answer(5000)] } },
  { name: 'several', requests: [post(500), {}, post(500)] },
  { name: 'no response', requests: [{}], backends: { 0: [{ end: 'close' }] } },
  { name: 'a direct response', requests: [{ path: '/direct' }] },
  { name: 'a redirect', requests: [{ path: '/redirect' }] },
  { name: 'a route of its own', requests: [post(500, '/own')] },
  { name: 'a route with another limit alone', requests: [post(500, '/disabled')] },
  { name: 'a route without', requests: [post(500, '/off')] },
];

/** How long so many KiB/s take shows in the number of statuses alone: the limit of the response's time is the client's. */
const slow = (name: string, request: ReturnType<typeof post> | Json, bytes: number, timeoutMs: number): Case => ({
  name,
  requests: [request],
  backends: { 0: [answer(bytes)] },
  timeoutMs,
  without: ['log', 'stats', 'bodies', 'fate', 'connections'],
});

/** Half a second for each piece of 5120 bytes. */
const waiting: Json = { limit_kbps: 10, fill_interval: '0.5s', enable_response_trailers: true };
const delays = (prefix: string): string =>
  `%RESPONSE_CODE% %BYTES_RECEIVED% %BYTES_SENT% %TRAILER(${prefix}-request-filter-delay-ms)% %TRAILER(${prefix}-response-filter-delay-ms)%\n`;
/** The trailers with times that are not the same twice are no part of what is compared. */
const delayed: readonly Case[] = [
  { name: 'at once', requests: [{}], backends: { 0: [answer(100)] } },
  { name: 'a response after one wait', requests: [{}], backends: { 0: [answer(6000)] }, timeoutMs: 4000 },
  { name: 'a request after one wait', requests: [post(6000)], backends: { 0: [answer(0)] }, timeoutMs: 4000 },
];

const check = (name: string, config: Json): Scenario => ({
  feature,
  name: `bandwidth limit configuration: ${name}`,
  validateOnly: true,
  cases: [],
  bootstrap: (places) =>
    simple(places, {
      manager: {
        http_filters: [{ name: 'limit', typed_config: typed(LIMIT, config) }, router()],
      },
    }),
});
const checkRoute = (name: string, config: Json): Scenario => ({
  feature,
  name: `bandwidth limit of a route: ${name}`,
  validateOnly: true,
  cases: [],
  bootstrap: (places) =>
    simple(places, {
      routes: [{ ...toCluster(), typed_per_filter_config: { limit: typed(LIMIT, config) } }],
      manager: { http_filters: [limit({}), router()] },
    }),
});
const named = { stat_prefix: 'bw' };

export const scenarios: readonly Scenario[] = [
  scenario({ name: 'bandwidth limit: both', config: both, cases }),
  scenario({ name: 'bandwidth limit: requests', config: { ...both, enable_mode: 'REQUEST' }, cases }),
  scenario({ name: 'bandwidth limit: responses', config: { ...both, enable_mode: 'RESPONSE' }, cases }),
  scenario({
    name: 'bandwidth limit: neither',
    config: { ...both, enable_mode: 'DISABLED' },
    cases: cases.slice(0, 3),
  }),
  scenario({ name: 'bandwidth limit: nothing said', config: {}, cases: cases.slice(0, 3) }),
  scenario({
    name: 'bandwidth limit: off by runtime',
    config: { ...both, runtime_enabled: { runtime_key: 'bw', default_value: false } },
    cases: [
      ...cases.slice(0, 3),
      { name: 'on by the operator', requests: [{}], admin: ['POST /runtime_modify?bw=true'] },
      { name: 'then', requests: [{}] },
    ],
  }),
  scenario({
    name: 'bandwidth limit: trailers',
    config: { enable_mode: 'REQUEST_AND_RESPONSE', ...waiting },
    format: delays('bandwidth'),
    cases: delayed,
  }),
  scenario({
    name: 'bandwidth limit: trailers with a prefix',
    config: { enable_mode: 'REQUEST_AND_RESPONSE', ...waiting, response_trailer_prefix: 'Own' },
    format: delays('own-bandwidth'),
    cases: delayed,
  }),
  scenario({
    name: 'bandwidth limit: trailers of responses alone',
    config: { enable_mode: 'RESPONSE', ...waiting },
    format: delays('bandwidth'),
    cases: delayed,
  }),
  scenario({
    name: 'bandwidth limit: no trailers of requests alone',
    config: { enable_mode: 'REQUEST', ...waiting },
    format: delays('bandwidth'),
    cases: delayed,
  }),
  scenario({
    name: 'bandwidth limit: ten KiB a second',
    config: { ...both, limit_kbps: 10 },
    cases: [
      slow('a response in time', {}, 100, 400),
      slow('a response that waits', {}, 3000, 2000),
      slow('a request that waits', post(3000), 10, 2000),
    ],
  }),
  scenario({
    name: 'bandwidth limit: long intervals',
    config: { ...both, limit_kbps: 10, fill_interval: '1s' },
    cases: [slow('the first second is there at once', {}, 10_000, 600)],
  }),
  scenario({
    name: 'bandwidth limit: no limit is none at all',
    config: { enable_mode: 'RESPONSE' },
    cases: [slow('nothing comes', {}, 10, 400)],
  }),
  check('plain', { ...named, ...both }),
  check('without a stat prefix', both),
  check('without a limit', { ...named, enable_mode: 'REQUEST' }),
  check('a limit of 0', { ...named, limit_kbps: 0 }),
  check('a limit of 1', { ...named, limit_kbps: 1 }),
  check('a short interval', { ...named, fill_interval: '0.019s' }),
  check('the shortest interval', { ...named, fill_interval: '0.02s' }),
  check('the longest interval', { ...named, fill_interval: '1s' }),
  check('a long interval', { ...named, fill_interval: '1.001s' }),
  check('an unknown mode', { ...named, enable_mode: 4 }),
  check('a prefix that is no name', { ...named, response_trailer_prefix: 'a\nb' }),
  check('a prefix with a space', { ...named, response_trailer_prefix: 'a b' }),
  check('a runtime flag without a default', { ...named, runtime_enabled: { runtime_key: 'x' } }),
  checkRoute('plain', { ...named, limit_kbps: 1 }),
  checkRoute('without a limit', named),
  checkRoute('without a stat prefix', { limit_kbps: 1 }),
];
