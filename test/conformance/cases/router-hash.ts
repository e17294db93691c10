import { bootstrap, cluster, listener, manager, routeConfig, simple, toCluster, typed } from '../config.ts';
import type { Case, Json, Places, Request, Scenario } from '../types.ts';

/** Five hosts whose places in the tables do not depend on the address of the run. */
function keyed(places: Places, index: number, policy: Json): Json {
  const endpoints = [0, 1, 2, 3, 4].map((backend) => ({
    endpoint: { address: { socket_address: { address: places.host, port_value: places.backend(backend) } } },
    metadata: { filter_metadata: { 'envoy.lb': { hash_key: `host-${backend}` } } },
  }));
  return {
    ...cluster(places, index),
    load_assignment: { cluster_name: `c${index}`, endpoints: [{ lb_endpoints: endpoints }] },
    ...policy,
  };
}

const route = (name: string, policies: readonly Json[], to = 'c0'): Json =>
  toCluster(to, { hash_policy: policies }, { prefix: `/${name}` });
const header = (name: string, more: Json = {}): Json => ({ header: { header_name: name, ...more } });
const cookie = (name: string, more: Json = {}): Json => ({ cookie: { name, ...more } });
const query = (name: string): Json => ({ query_parameter: { name } });
/** Requests that differ in the values of one header, so that a wrong hash meets the right host by chance in few of them only. */
const values = (path: string, name: string, list: readonly string[]): readonly Request[] =>
  list.map((value) => ({ path, headers: { [name]: value } }));
const words = ['a', 'b', 'c', 'alpha', 'beta', 'a much longer value than thirty-two bytes of text', ''];

const cases: readonly Case[] = [
  { name: 'header', requests: values('/header', 'x-key', words) },
  {
    name: 'header twice',
    requests: [
      {
        path: '/header',
        headers: [
          ['x-key', 'b'],
          ['x-key', 'a'],
        ],
      },
      {
        path: '/header',
        headers: [
          ['x-key', 'a'],
          ['x-key', 'b'],
        ],
      },
      { path: '/header', headers: { 'x-key': 'a,b' } },
    ],
  },
  {
    name: 'header thrice',
    requests: [
      {
        path: '/header',
        headers: [
          ['x-key', 'one'],
          ['x-key', 'two'],
          ['x-key', 'three'],
        ],
      },
      {
        path: '/header',
        headers: [
          ['x-key', 'one'],
          ['x-key', 'three'],
        ],
      },
    ],
  },
  {
    name: 'header rewritten',
    requests: values('/regex', 'x-key', ['user-1-x', 'user-1-y', 'user-2-x', 'user-3-x', 'other', 'user-44-']),
  },
  {
    name: 'host',
    requests: ['one.example', 'two.example', 'three.example', 'four.example', 'five.example'].map((host) => ({
      path: '/host',
      host,
    })),
  },
  { name: 'path', requests: ['/path/1', '/path/2', '/path/3?q', '/path/4', '/path/5'].map((path) => ({ path })) },
  {
    name: 'method',
    requests: ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS'].map((method) => ({ method, path: '/method' })),
  },
  {
    name: 'query parameter',
    requests: ['a', 'b', 'c', 'd%20e', 'd e'.replace(' ', '+'), ''].map((value) => ({ path: `/query?x=1&q=${value}` })),
  },
  { name: 'query parameter twice', requests: [{ path: '/query?q=a&q=b' }, { path: '/query?q=b&q=a' }] },
  { name: 'query parameter without a value', requests: [{ path: '/query?q' }, { path: '/query?q=' }] },
  {
    name: 'cookie',
    requests: values('/cookie', 'cookie', ['k=a', 'k=b', 'x=y; k=c', 'k="a"', ' k=alpha', 'x=1;k=beta;y=2']),
  },
  {
    name: 'cookie in two headers',
    requests: [
      {
        path: '/cookie',
        headers: [
          ['cookie', 'x=y'],
          ['cookie', 'k=gamma'],
        ],
      },
    ],
  },
  {
    name: 'two headers in one hash',
    requests: [
      ['a', 'b'],
      ['b', 'a'],
      ['a', 'a'],
      ['c', 'd'],
    ].map(([one, two]) => ({ path: '/two', headers: { 'x-one': one ?? '', 'x-two': two ?? '' } })),
  },
  {
    name: 'one of two headers',
    requests: [...values('/two', 'x-one', ['a', 'b']), ...values('/two', 'x-two', ['a', 'b'])],
  },
  { name: 'the same policy twice', requests: values('/same', 'x-key', ['a', 'b', 'c', 'd']) },
  {
    name: 'terminal with a hash',
    requests: [
      ['a', 'b'],
      ['a', 'c'],
      ['b', 'b'],
    ].map(([one, two]) => ({ path: '/terminal', headers: { 'x-one': one ?? '', 'x-two': two ?? '' } })),
  },
  { name: 'terminal without one', requests: values('/terminal', 'x-two', ['a', 'b', 'c']) },
  {
    name: 'terminal after a hash',
    requests: [
      { path: '/late', headers: { 'x-one': 'a', 'x-two': 'b', 'x-three': 'c' } },
      { path: '/late', headers: { 'x-one': 'a', 'x-three': 'c' } },
      { path: '/late', headers: { 'x-one': 'd', 'x-three': 'c' } },
    ],
  },
  {
    name: 'filter state that nobody sets',
    requests: [
      { path: '/state', headers: { 'x-key': 'a' } },
      { path: '/state', headers: { 'x-key': 'b' } },
    ],
  },
  {
    name: 'source address',
    requests: ['10.0.0.1', '10.0.0.2', '10.0.0.3', '192.168.7.7', '2001:db8::1'].map((address) => ({
      path: '/source',
      headers: { 'x-forwarded-for': address },
    })),
  },
  {
    name: 'a source address that is not asked for',
    requests: [{ path: '/nosource', headers: { 'x-key': 'a', 'x-forwarded-for': '10.0.0.9' } }],
  },
  { name: 'the cluster says it', requests: values('/cluster', 'x-cluster-key', ['a', 'b', 'c', 'd']) },
  {
    name: 'the cluster over the route',
    requests: [
      { path: '/cluster', headers: { 'x-key': 'a', 'x-cluster-key': 'z' } },
      { path: '/cluster', headers: { 'x-key': 'b', 'x-cluster-key': 'z' } },
    ],
  },
];

const maglev = { lb_policy: 'MAGLEV' };

export const scenarios: readonly Scenario[] = [
  {
    feature: 'hash policies',
    name: 'which host',
    backends: ['http', 'http', 'http', 'http', 'http'],
    bootstrap: (places) => {
      const routes = [
        route('header', [header('X-Key')]),
        route('regex', [
          header('x-key', { regex_rewrite: { pattern: { regex: '^user-([0-9]+)-.*$' }, substitution: '\\1' } }),
        ]),
        route('host', [header(':authority')]),
        route('path', [header(':path')]),
        route('method', [header(':method')]),
        route('query', [query('q')]),
        route('cookie', [cookie('k')]),
        route('two', [header('x-one'), header('x-two')]),
        route('same', [header('x-key'), header('x-key')]),
        route('terminal', [{ ...header('x-one'), terminal: true }, header('x-two')]),
        route('late', [header('x-one'), { ...header('x-two'), terminal: true }, header('x-three')]),
        route('state', [{ filter_state: { key: 'some.key' } }, header('x-key')]),
        route('source', [{ connection_properties: { source_ip: true } }]),
        route('nosource', [{ connection_properties: { source_ip: false } }, header('x-key')]),
        route('cluster', [header('x-key')], 'c1'),
      ];
      const hcm = manager(places, {
        use_remote_address: true,
        xff_num_trusted_hops: 1,
        route_config: routeConfig(routes),
      });
      const options = typed('envoy.extensions.upstreams.http.v3.HttpProtocolOptions', {
        explicit_http_config: { http_protocol_options: {} },
        hash_policy: [header('x-cluster-key')],
      });
      return bootstrap(
        places,
        [listener(places, 0, [hcm])],
        [
          keyed(places, 0, maglev),
          keyed(places, 1, {
            lb_policy: 'RING_HASH',
            typed_extension_protocol_options: { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': options },
          }),
        ],
      );
    },
    cases,
  },
  {
    feature: 'hash policies',
    name: 'cookies that are made',
    bootstrap: (places) =>
      simple(places, {
        routes: [
          route('ttl', [cookie('k', { ttl: '60s' })]),
          route('zero', [cookie('k', { ttl: '0s' })]),
          route('fraction', [cookie('k', { ttl: '1.9s' })]),
          route('path', [cookie('k', { ttl: '5s', path: '/p' })]),
          route('attributes', [
            cookie('k', {
              ttl: '5s',
              path: '/',
              attributes: [{ name: 'SameSite', value: 'Strict' }, { name: 'Secure' }],
            }),
          ]),
          route('none', [cookie('k')]),
          route('two', [cookie('one', { ttl: '5s' }), cookie('two', { ttl: '6s' })]),
          route('terminal', [{ ...cookie('one', { ttl: '5s' }), terminal: true }, cookie('two', { ttl: '6s' })]),
          route('robin', [cookie('k', { ttl: '60s' })], 'c1'),
          toCluster(
            'c0',
            {
              timeout: '0s',
              hash_policy: [cookie('k', { ttl: '60s' })],
              retry_policy: { retry_on: '5xx', retry_back_off: { base_interval: '0.001s' } },
            },
            { prefix: '/retry' },
          ),
          toCluster('c2', { hash_policy: [cookie('k', { ttl: '60s' })] }, { prefix: '/closed' }),
        ],
        clusters: [
          cluster(places, 0, [0], { lb_policy: 'RING_HASH' }),
          cluster(places, 1, [0]),
          cluster(places, 2, [1], { lb_policy: 'MAGLEV' }),
        ],
      }),
    backends: ['http', 'closed'],
    cases: [
      ...['ttl', 'zero', 'fraction', 'path', 'attributes', 'none', 'two', 'terminal', 'robin'].map((name) => ({
        name,
        requests: [{ path: `/${name}` }],
      })),
      { name: 'the client has it', requests: [{ path: '/ttl', headers: { cookie: 'k=abc' } }] },
      { name: 'the client has it, empty', requests: [{ path: '/ttl', headers: { cookie: 'k=' } }] },
      { name: 'twice on one connection', requests: [{ path: '/ttl' }, { path: '/ttl' }] },
      {
        name: 'beside one of the upstream',
        requests: [{ path: '/ttl' }],
        backends: { 0: [{ raw: 'HTTP/1.1 200 OK\r\nset-cookie: a=b\r\ncontent-length: 0\r\n\r\n' }] },
      },
      {
        name: 'with a retry',
        requests: [{ path: '/retry' }],
        backends: { 0: [{ raw: 'HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n' }] },
      },
      { name: 'with an answer of the proxy’s own', requests: [{ path: '/closed' }] },
    ],
  },
];
