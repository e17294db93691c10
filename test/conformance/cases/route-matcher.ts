import { cluster, fileLog, simple, toCluster, typed } from '../config.ts';
import {
  act,
  all,
  connectionInput,
  exactMap,
  headerInput,
  list,
  metadataInput,
  none,
  prefixMap,
  single,
  subtree,
} from '../matcher-trees.ts';
import type { Case, Json, Request, Scenario } from '../types.ts';

const ROUTE = 'envoy.config.route.v3.Route';
const feature = 'route matcher';
const format =
  '%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %ROUTE_NAME% %UPSTREAM_CLUSTER%\n';

const x = headerInput('x-a');
const path = headerInput(':path');
const is = (value: string): Json => single(x, { exact: value });
const route = (config: Json): Json => act(typed(ROUTE, config));
const says = (name: string, match: Json = { prefix: '/' }): Json => ({
  name,
  match,
  direct_response: { status: 200, body: { inline_string: name } },
});
const direct = (name: string, match?: Json): Json => route(says(name, match));
const routes = (...list: readonly Json[]): Json => act(typed('envoy.config.route.v3.RouteList', { routes: list }));

interface Row {
  readonly name: string;
  readonly host: Json;
  readonly requests: readonly Request[];
}

const withValue = (...values: readonly (string | undefined)[]): readonly Request[] =>
  values.map((value) => (value === undefined ? {} : { headers: { 'x-a': value } }));
const withPath = (...paths: readonly string[]): readonly Request[] => paths.map((one) => ({ path: one }));

const rows: readonly Row[] = [
  { name: 'an empty tree', host: { matcher: {} }, requests: [{}] },
  { name: 'one route for all', host: { matcher: { on_no_match: direct('all') } }, requests: withPath('/', '/a') },
  {
    name: 'a map of header values',
    host: { matcher: exactMap(x, { '1': direct('one'), '2': direct('two') }, direct('else')) },
    requests: withValue('1', '2', '3', undefined),
  },
  {
    name: 'a map without an else',
    host: { matcher: exactMap(x, { '1': direct('one') }) },
    requests: withValue('1', '3', undefined),
  },
  {
    name: 'a map of paths',
    host: { matcher: prefixMap(path, { '/a': direct('a'), '/a/b': direct('b') }, direct('else')) },
    requests: withPath('/a', '/a/b', '/a/bc?x=1', '/c', '/A'),
  },
  {
    name: 'a route that does not match itself',
    host: {
      matcher: list(
        [
          [is('1'), direct('one', { prefix: '/one' })],
          [is('1'), direct('never')],
        ],
        direct('else'),
      ),
    },
    requests: [
      { path: '/one', headers: { 'x-a': '1' } },
      { path: '/two', headers: { 'x-a': '1' } },
    ],
  },
  {
    name: 'a list of routes',
    host: {
      matcher: list([
        [is('1'), routes(says('a', { path: '/a' }), says('b', { prefix: '/b' }), says('bc', { prefix: '/bc' }))],
      ]),
    },
    requests: ['/a', '/b', '/bc', '/c'].map((one) => ({ path: one, headers: { 'x-a': '1' } })),
  },
  { name: 'an empty list of routes', host: { matcher: { on_no_match: routes() } }, requests: [{}] },
  {
    name: 'trees in trees',
    host: {
      matcher: prefixMap(
        path,
        {
          '/v1': subtree(exactMap(x, { a: direct('v1 a') }, direct('v1'))),
          '/v2': subtree(list([[all(is('a'), none(single(headerInput('x-b'), { exact: 'b' }))), direct('v2 a')]])),
        },
        direct('else'),
      ),
    },
    requests: [
      { path: '/v1', headers: { 'x-a': 'a' } },
      { path: '/v1' },
      { path: '/v2', headers: { 'x-a': 'a' } },
      { path: '/v2', headers: { 'x-a': 'a', 'x-b': 'b' } },
    ],
  },
  {
    name: 'a route to a cluster',
    host: {
      matcher: {
        on_no_match: route({ name: 'up', match: { prefix: '/a' }, route: { cluster: 'c0', prefix_rewrite: '/z' } }),
      },
      request_headers_to_add: [{ header: { key: 'x-host', value: 'h' } }],
    },
    requests: withPath('/a/b', '/c'),
  },
  {
    name: 'a cluster that is not there',
    host: { matcher: { on_no_match: route({ match: { prefix: '/' }, route: { cluster: 'nowhere' } }) } },
    requests: [{}],
  },
  {
    name: 'a redirect',
    host: { matcher: { on_no_match: route({ match: { prefix: '/a' }, redirect: { prefix_rewrite: '/b' } }) } },
    requests: withPath('/a/x'),
  },
  {
    name: 'TLS is asked for first',
    host: { matcher: { on_no_match: direct('all') }, require_tls: 'ALL' },
    requests: [{}, { headers: { 'x-forwarded-proto': 'https' } }],
  },
  {
    name: 'other conditions of the route',
    host: {
      matcher: exactMap(x, {
        '1': direct('q', { prefix: '/', query_parameters: [{ name: 'q', present_match: true }] }),
      }),
    },
    requests: [
      { path: '/?q=1', headers: { 'x-a': '1' } },
      { path: '/', headers: { 'x-a': '1' } },
    ],
  },
  {
    name: 'filter state that is not there',
    host: {
      matcher: exactMap(connectionInput('FilterStateInput', { key: 'k' }), { v: direct('v') }, direct('else')),
    },
    requests: [{}],
  },
];

const domainOf = (index: number): string => `h${index}.test`;

const faults: readonly (readonly [string, Json])[] = [
  ['routes beside it', { matcher: { on_no_match: direct('a') }, routes: [says('b')] }],
  ['an address', { matcher: exactMap(connectionInput('SourceIPInput'), { a: direct('a') }) }],
  ['metadata', { matcher: list([[single(metadataInput('f', 'a'), { exact: 'a' }), direct('a')]]) }],
  ['an action of another type', { matcher: { on_no_match: act(typed('envoy.config.rbac.v3.Action', { name: 'a' })) } }],
  ['a match that is passed over', { matcher: list([[is('a'), { ...direct('a'), keep_matching: true }]]) }],
  ['a route without a match', { matcher: { on_no_match: route({ direct_response: { status: 200 } }) } }],
];

export const scenarios: readonly Scenario[] = [
  {
    feature,
    name: 'trees of virtual hosts',
    bootstrap: (places) =>
      simple(places, {
        manager: {
          access_log: [fileLog(places, format)],
          route_config: {
            name: 'routes',
            virtual_hosts: rows.map(({ host }, index) => ({ name: `h${index}`, domains: [domainOf(index)], ...host })),
          },
        },
      }),
    cases: rows.flatMap((row, index) =>
      row.requests.map(
        (request, at): Case => ({ name: `${row.name}: ${at}`, requests: [{ ...request, host: domainOf(index) }] }),
      ),
    ),
  },
  {
    feature,
    name: 'clusters that are checked',
    validateOnly: true,
    bootstrap: (places) =>
      simple(places, {
        manager: {
          route_config: {
            validate_clusters: true,
            virtual_hosts: [{ name: 'a', domains: ['*'], matcher: { on_no_match: route(toCluster('nowhere')) } }],
          },
        },
        clusters: [cluster(places, 0)],
      }),
    cases: [],
  },
  ...faults.map(
    ([name, host]): Scenario => ({
      feature,
      name: `refused: ${name}`,
      validateOnly: true,
      bootstrap: (places) =>
        simple(places, {
          manager: { route_config: { virtual_hosts: [{ name: 'a', domains: ['*'], ...host }] } },
        }),
      cases: [],
    }),
  ),
];
