import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../config/fields.ts';
import { followRequest } from './follow.ts';
import type { SentRequest, Way } from './types.ts';

const type = (name: string) => ({ '@type': `type.googleapis.com/${name}` });
const router = { name: 'router', typed_config: type('envoy.extensions.filters.http.router.v3.Router') };

const chain = (manager: JsonObject, rest: JsonObject = {}): JsonObject => ({
  filters: [
    {
      name: 'http',
      typed_config: {
        ...type('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'),
        stat_prefix: 'x',
        http_filters: [router],
        ...manager,
      },
    },
  ],
  ...rest,
});
const rds = { rds: { route_config_name: 'routes' } };
const host = (routes: readonly JsonObject[], rest: JsonObject = {}): JsonObject => ({
  name: 'all',
  domains: ['*'],
  routes,
  ...rest,
});
const to = (match: JsonObject, route: JsonObject): JsonObject => ({ match, route });

const asked: SentRequest = {
  client: '10.0.0.1',
  destination: { address: '10.96.0.1', port: 8080 },
  method: 'GET',
  path: '/foo?a=1',
  authority: 'echo:8080',
  headers: { 'x-user': 'me' },
};

interface Case {
  readonly name: string;
  readonly hosts: readonly JsonObject[];
  readonly manager?: JsonObject;
  readonly ask?: Partial<SentRequest>;
  /** What is said of each way. */
  readonly expect: readonly string[];
}

function lineOf({ share, virtualHost, route, cluster, reply, request }: Way): string {
  const [end, ...more] = [
    cluster ?? `${reply?.status} ${reply?.location ?? ''}`.trim(),
    `${request.method} ${request.authority}${request.path}`,
  ];
  const part = share === 1 ? '' : ` ${Math.round(share * 100)} %`;
  return `${virtualHost} ${route?.path ?? '-'} -> ${end}${part}: ${more.join('')}`;
}

const cases: readonly Case[] = [
  {
    name: 'the first route that matches, its rewrites',
    hosts: [
      host([
        to({ prefix: '/foo', headers: [{ name: 'x-user', string_match: { exact: 'you' } }] }, { cluster: 'a' }),
        to({ prefix: '/foo' }, { cluster: 'b', prefix_rewrite: '/', host_rewrite_literal: 'other' }),
        to({ prefix: '/' }, { cluster: 'c' }),
      ]),
    ],
    expect: ['all virtual_hosts[0].routes[1] -> b: GET other/?a=1'],
  },
  {
    name: 'the virtual host of the domain',
    hosts: [
      host([to({ prefix: '/' }, { cluster: 'a' })]),
      { ...host([]), name: 'echo', domains: ['echo:*', 'echo:8080'] },
    ],
    expect: ['echo - -> 404: GET echo:8080/foo?a=1'],
  },
  {
    name: 'no virtual host',
    hosts: [host([to({ prefix: '/' }, { cluster: 'a' })], { domains: ['other'] })],
    expect: [' - -> 404: GET echo:8080/foo?a=1'],
  },
  {
    name: 'weighted clusters, one of them rare',
    hosts: [
      host([
        to(
          { prefix: '/' },
          {
            regex_rewrite: { pattern: { regex: '^/foo.*$' }, substitution: '/' },
            weighted_clusters: {
              clusters: [
                { name: 'a', weight: 7500 },
                { name: 'b', weight: 2499, host_rewrite_literal: 'b' },
                { name: 'rare', weight: 1 },
              ],
            },
          },
        ),
      ]),
    ],
    expect: [
      'all virtual_hosts[0].routes[0] -> a 75 %: GET echo:8080/?a=1',
      'all virtual_hosts[0].routes[0] -> b 25 %: GET b/?a=1',
      'all virtual_hosts[0].routes[0] -> rare 0 %: GET echo:8080/?a=1',
    ],
  },
  {
    name: 'a fraction of the requests',
    hosts: [
      host([
        to(
          { prefix: '/', runtime_fraction: { default_value: { numerator: 10, denominator: 'HUNDRED' } } },
          { cluster: 'canary' },
        ),
        to({ prefix: '/' }, { cluster: 'stable' }),
      ]),
    ],
    expect: [
      'all virtual_hosts[0].routes[1] -> stable 90 %: GET echo:8080/foo?a=1',
      'all virtual_hosts[0].routes[0] -> canary 10 %: GET echo:8080/foo?a=1',
    ],
  },
  {
    name: 'a redirect and an answer',
    hosts: [host([{ match: { prefix: '/' }, redirect: { path_redirect: '/new', response_code: 'FOUND' } }])],
    expect: ['all virtual_hosts[0].routes[0] -> 302 http://echo:8080/new?a=1: GET echo:8080/foo?a=1'],
  },
  {
    name: 'a virtual host that wants TLS',
    hosts: [host([to({ prefix: '/' }, { cluster: 'a' })], { require_tls: 'ALL' })],
    expect: ['all - -> 301 https://echo:8080/foo?a=1: GET echo:8080/foo?a=1'],
  },
  {
    name: 'a header names the cluster, or does not',
    hosts: [host([to({ prefix: '/' }, { cluster_header: 'x-cluster' })])],
    ask: { headers: { 'x-cluster': 'mine' } },
    expect: ['all virtual_hosts[0].routes[0] -> mine: GET echo:8080/foo?a=1'],
  },
  {
    name: 'a header that should name the cluster is not there',
    hosts: [host([to({ prefix: '/' }, { cluster_header: 'x-cluster' })])],
    expect: ['all virtual_hosts[0].routes[0] -> 503: GET echo:8080/foo?a=1'],
  },
  {
    name: 'the connection manager shapes path and host before routes see them',
    manager: { normalize_path: true, merge_slashes: true, strip_any_host_port: true },
    hosts: [{ ...host([to({ path: '/b' }, { cluster: 'b' })]), domains: ['echo'] }],
    ask: { path: '/a/..//b' },
    expect: ['all virtual_hosts[0].routes[0] -> b: GET echo/b'],
  },
];

for (const { name, hosts, manager = {}, ask = {}, expect } of cases) {
  test(name, () => {
    const routes = new Map([['routes', { name: 'routes', virtual_hosts: hosts }]]);
    const listener = { name: 'l', filter_chains: [chain({ ...rds, ...manager })] };
    const answer = followRequest(listener, routes, { ...asked, ...ask });
    assert.ok(answer.ok, answer.ok ? '' : answer.error);
    assert.equal(answer.value.routes, 'routes');
    assert.deepEqual(answer.value.ways.map(lineOf), expect);
  });
}

const inline = (cluster: string): JsonObject => ({
  route_config: { name: 'own', virtual_hosts: [host([to({ prefix: '/' }, { cluster })])] },
});

test('the filter chain is that of the connection; routes in a listener are placed in it', () => {
  const listener = {
    name: 'l',
    listener_filters: [
      { name: 'h', typed_config: type('envoy.extensions.filters.listener.http_inspector.v3.HttpInspector') },
    ],
    filter_chains: [
      chain(inline('tls'), { filter_chain_match: { transport_protocol: 'tls' } }),
      chain(inline('port'), { filter_chain_match: { destination_port: 8080, application_protocols: ['http/1.1'] } }),
    ],
    default_filter_chain: chain(inline('rest')),
  };
  const ways = (port: number) => {
    const answer = followRequest(listener, new Map(), { ...asked, destination: { address: '10.96.0.1', port } });
    assert.ok(answer.ok, answer.ok ? '' : answer.error);
    return answer.value.ways.map(({ cluster, route }) => `${cluster} ${route?.path}`);
  };
  const place = 'filters[0].typed_config.route_config.virtual_hosts[0].routes[0]';
  assert.deepEqual(ways(8080), [`port filter_chains[1].${place}`]);
  assert.deepEqual(ways(80), [`rest default_filter_chain.${place}`]);
});

test('filters before the router are named, others that are off are not', () => {
  const cors = { name: 'cors', typed_config: type('envoy.extensions.filters.http.cors.v3.Cors') };
  const manager = { ...inline('a'), http_filters: [cors, { ...cors, name: 'off', disabled: true }, router] };
  const answer = followRequest({ name: 'l', filter_chains: [chain(manager)] }, new Map(), asked);
  assert.deepEqual(answer.ok && answer.value.filters, ['cors']);
});

/** Listeners that cannot be followed. */
const refused: readonly (readonly [what: string, listener: JsonObject, error: RegExp])[] = [
  ['no chain', { filter_chains: [] }, /no filter chain takes the connection for HTTP/],
  ['routes that are not there', { filter_chains: [chain(rds)] }, /there is no route configuration routes/],
  [
    'what the data plane refuses',
    { filter_chains: [chain({ route_config: { virtual_hosts: [{ domains: ['*'] }] } })] },
    /route_config\.virtual_hosts\[0\]\.name: value is required/,
  ],
];

for (const [what, listener, error] of refused) {
  test(`refused: ${what}`, () => {
    const answer = followRequest(listener, new Map(), asked);
    assert.match(answer.ok ? '' : answer.error, error);
  });
}
