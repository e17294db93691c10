import { cluster, toCluster } from '../config.ts';
import type { Behaviour, Case, Json, Scenario } from '../types.ts';
import { type Variant, variants } from '../variants.ts';

const answer = (headers: string): Readonly<Record<number, readonly Behaviour[]>> => ({
  0: [{ raw: `HTTP/1.1 200 OK\r\n${headers}content-length: 0\r\n\r\n` }],
});
const one = (name: string, headers: string, more: Partial<Case> = {}): Case => ({
  name,
  requests: [{}],
  backends: answer(headers),
  ...more,
});
const local = (name: string, path = '/none'): Case => ({ name, requests: [{ path }] });

const onlyRoot: readonly Json[] = [toCluster('c0', {}, { path: '/' })];

const servers = ['OVERWRITE', 'APPEND_IF_ABSENT', 'PASS_THROUGH'].flatMap((mode): Variant[] => [
  {
    name: mode,
    manager: { server_header_transformation: mode, server_name: 'me' },
    routes: onlyRoot,
    cases: [
      one('of the backend', 'server: up\r\n'),
      one('none', ''),
      one('empty', 'server:\r\n'),
      one('two', 'server: a\r\nserver: b\r\n'),
      local('local reply'),
      local('refused early', '/#'),
    ],
  },
  { name: `${mode} without a name`, manager: { server_header_transformation: mode }, cases: [one('none', '')] },
]);

const others: readonly Variant[] = [
  {
    name: 'via',
    manager: { via: '1.1 me' },
    routes: onlyRoot,
    cases: [
      one('none', ''),
      one('of the backend', 'via: 1.0 up\r\n'),
      one('two', 'via: a\r\nvia: b\r\n'),
      one('empty', 'via:\r\n'),
      local('local reply'),
    ],
  },
  {
    name: 'via with a request id',
    manager: { via: '1.1 me', always_set_request_id_in_response: true, proxy_status_config: {} },
    routes: onlyRoot,
    cases: [one('none', ''), local('local reply')],
  },
  {
    name: 'hop by hop',
    cases: [
      one('connection', 'connection: close\r\n'),
      one('connection naming a header', 'connection: x-a\r\nx-a: 1\r\n'),
      one('keep-alive', 'keep-alive: timeout=5\r\n'),
      one('proxy-connection', 'proxy-connection: keep-alive\r\n'),
      one('upgrade', 'upgrade: h2c\r\n'),
      one('te', 'te: trailers\r\n'),
      one('trailer', 'trailer: x\r\n'),
      one('proxy-authenticate', 'proxy-authenticate: Basic\r\n'),
    ],
  },
  {
    name: 'date',
    cases: [
      one('of the backend', 'date: Thu, 01 Jan 1970 00:00:00 GMT\r\n'),
      one('broken', 'date: yesterday\r\n'),
      one('empty', 'date:\r\n'),
      one('two', 'date: a\r\ndate: b\r\n'),
    ],
  },
];

const failing: readonly Json[] = [
  toCluster('c1', {}, { prefix: '/refused' }),
  toCluster('c2', {}, { prefix: '/empty' }),
  toCluster('none', {}, { prefix: '/unknown' }),
  toCluster('c0', { timeout: '0.1s' }, { prefix: '/slow' }),
  toCluster('c0', {}, { prefix: '/closes' }),
  { match: { prefix: '/direct' }, direct_response: { status: 503 } },
  { match: { prefix: '/redirect' }, redirect: { path_redirect: '/' } },
  toCluster('c0', {}, { path: '/' }),
];
const failures: readonly Case[] = [
  one('no failure', ''),
  one('what the backend says stays', 'proxy-status: up; error=x\r\n'),
  local('no route'),
  local('refused', '/refused'),
  local('no endpoint', '/empty'),
  local('no cluster', '/unknown'),
  { ...local('timeout', '/slow'), backends: { 0: ['hang'] } },
  { ...local('closed', '/closes'), backends: { 0: [{ end: 'close' }] } },
  { ...local('not HTTP', '/closes'), backends: { 0: [{ raw: 'nonsense\r\n\r\n' }] } },
  local('direct response', '/direct'),
  local('redirect', '/redirect'),
  local('refused early', '/#'),
  { name: 'unreadable', requests: ['GET\r\n\r\n'] },
];
const status = (name: string, config: Json): Variant => ({
  name,
  manager: { proxy_status_config: config },
  routes: failing,
  routeConfig: { validate_clusters: false },
  cases: failures,
});

const log = '%RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_SENT%\n';

export const scenarios: readonly Scenario[] = [
  variants('response headers', 'server', servers, { log }),
  variants('response headers', 'via, date and hop by hop', others, { log }),
  variants(
    'response headers',
    'proxy-status',
    [
      status('by default', {}),
      status('named', { literal_proxy_name: 'mine' }),
      status('by node', { use_node_id: true }),
      status('without details', { remove_details: true }),
      status('without flags', { remove_response_flags: true, remove_connection_termination_details: true }),
      status('with the recommended status', { set_recommended_response_code: true }),
    ],
    {
      log,
      backends: ['http', 'closed', 'closed'],
      clusters: (places) => [cluster(places, 0), cluster(places, 1), cluster(places, 2, [])],
    },
  ),
];
