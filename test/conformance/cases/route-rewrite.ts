import { cluster } from '../config.ts';
import { forward, headerOption, tableScenario } from '../route-tables.ts';
import type { Json, Request, Scenario } from '../types.ts';

const paths = (...list: readonly string[]): readonly (readonly [string, Request])[] =>
  list.map((path) => [path, { path }]);
const regex = (pattern: string, substitution: string): Json => ({ pattern: { regex: pattern }, substitution });
const typed = (type: string, config: Json): Json => ({
  name: 'x',
  typed_config: { '@type': `type.googleapis.com/envoy.extensions.path.${type}`, ...config },
});
const template = (text: string): Json => ({
  path_match_policy: typed('match.uri_template.v3.UriTemplateMatchConfig', { path_template: text }),
});
const toTemplate = (text: string): Json => ({
  path_rewrite_policy: typed('rewrite.uri_template.v3.UriTemplateRewriteConfig', { path_template_rewrite: text }),
});

const pathScenario = tableScenario('path rewrite', 'paths', [
  {
    name: 'prefix',
    routes: [
      forward({ prefix: '/a' }, { prefix_rewrite: '/b' }),
      forward({ prefix: '/' }, { prefix_rewrite: '/root' }),
    ],
    requests: paths('/a', '/a/x', '/ax', '/a?q=1', '/a/?q=1', '/', '/other', '//a'),
  },
  {
    name: 'prefix-to-root',
    routes: [forward({ prefix: '/a/' }, { prefix_rewrite: '/' }), forward({ prefix: '/a' }, { prefix_rewrite: '/' })],
    requests: paths('/a/x', '/a', '/a/', '/ax', '/a?q', '/a//x'),
  },
  {
    name: 'folded',
    routes: [forward({ prefix: '/AbC', case_sensitive: false }, { prefix_rewrite: '/low' })],
    requests: paths('/abc/D', '/ABCd'),
  },
  { name: 'exact', routes: [forward({ path: '/a' }, { prefix_rewrite: '/b?c=d' })], requests: paths('/a', '/a?q=1') },
  {
    name: 'separated',
    routes: [forward({ path_separated_prefix: '/a/b' }, { prefix_rewrite: '/c' })],
    requests: paths('/a/b', '/a/b/d', '/a/b?q'),
  },
  {
    name: 'whole',
    routes: [forward({ safe_regex: { regex: '/r/.*' } }, { prefix_rewrite: '/w' })],
    requests: paths('/r/x', '/r/x?q=1'),
  },
  { name: 'no-slash', routes: [forward({ prefix: '/a' }, { prefix_rewrite: 'b' })], requests: paths('/a/x') },
  {
    name: 'regex',
    routes: [
      forward({ prefix: '/g' }, { regex_rewrite: regex('^/g/([^/]+)(/.*)?$', '/\\1\\2/\\0') }),
      forward({ prefix: '/all' }, { regex_rewrite: regex('a', 'bb') }),
      forward({ prefix: '/star' }, { regex_rewrite: regex('x*', '-') }),
      forward({ prefix: '/gone' }, { regex_rewrite: regex('.*', '') }),
      forward({ prefix: '/none' }, { regex_rewrite: regex('nothing', 'x') }),
      forward({ prefix: '/missing' }, { regex_rewrite: regex('m', '\\1') }),
      forward({ prefix: '/back' }, { regex_rewrite: regex('b', '\\\\') }),
      forward({ prefix: '/odd' }, { regex_rewrite: regex('o', 'x\\yz') }),
      forward({ prefix: '/foo' }, { regex_rewrite: regex('^/foo.*$', '/') }),
      forward({ prefix: '/opt' }, { regex_rewrite: regex('(x)?t', '[\\1]') }),
    ],
    requests: paths(
      '/g/one/two?q=a',
      '/g/one',
      '/g',
      '/all/a?a=a',
      '/starxxx/x',
      '/gone?q',
      '/none/x',
      '/missing',
      '/back',
      '/odd/o',
      '/foo/bar?x=1',
      '/opt/xt',
    ),
  },
  {
    name: 'template',
    routes: [
      forward(template('/v/{lang}/{file}.mp4'), toTemplate('/{file}/in/{lang}')),
      forward(template('/t/{rest=**}'), toTemplate('/moved/{rest}')),
      forward(template('/c/*'), toTemplate('/constant')),
      forward(template('/twice/{x}'), toTemplate('/{x}{x}/*')),
    ],
    requests: paths('/v/en/a.mp4', '/v/en/a.mp4?q=1', '/t/a/b/c', '/t/', '/c/x', '/twice/y', '/v/a/.mp4'),
  },
  {
    name: 'format',
    routes: [
      forward({ prefix: '/h' }, { path_rewrite: '/%REQ(x-a)%/%REQ(:method)%' }),
      forward({ prefix: '/p' }, { path_rewrite: '/new%PATH(NQ)%' }),
      forward({ prefix: '/e' }, { path_rewrite: '%REQ(x-a)%' }),
      forward({ prefix: '/q' }, { path_rewrite: '/%QUERY_PARAM(a)%' }),
      forward({ prefix: '/percent' }, { path_rewrite: '/100%%' }),
    ],
    requests: [
      ['header', { path: '/h?q=1', headers: { 'X-A': 'v' } }],
      ['no header', { path: '/h' }],
      ['path', { path: '/p/x?q=1' }],
      ['empty', { path: '/e?q' }],
      ['from header', { path: '/e?q', headers: { 'X-A': '/full?x' } }],
      ['query', { path: '/q?a=1' }],
      ['percent', { path: '/percent' }],
      ['line feed', { path: '/q?a=1%0d%0ax:%20y' }],
    ],
  },
  {
    name: 'original-path',
    routes: [forward({ prefix: '/a' }, { prefix_rewrite: '/b' })],
    requests: [['sent by the client', { path: '/a', headers: { 'X-Envoy-Original-Path': '/mine', 'X-Z': 'z' } }]],
  },
]);

const hostScenario = tableScenario(
  'host rewrite',
  'hosts',
  [
    {
      name: 'literal',
      routes: [forward({ prefix: '/' }, { host_rewrite_literal: 'new.test:81' })],
      requests: [['plain', {}]],
    },
    {
      name: 'forwarded',
      routes: [forward({ prefix: '/' }, { host_rewrite_literal: 'new.test', append_x_forwarded_host: true })],
      requests: [
        ['plain', {}],
        ['before', { headers: { 'X-Forwarded-Host': 'before' } }],
        [
          'twice before',
          {
            headers: [
              ['X-Forwarded-Host', 'b1'],
              ['X-Forwarded-Host', 'b2'],
            ],
          },
        ],
        ['already last', { headers: { 'X-Forwarded-Host': 'x,forwarded.test' } }],
        ['already last after a blank', { headers: { 'X-Forwarded-Host': 'x, forwarded.test' } }],
        ['already first', { headers: { 'X-Forwarded-Host': 'forwarded.test,x' } }],
        ['original sent by the client', { headers: { 'X-Envoy-Original-Host': 'mine', 'X-Z': 'z' } }],
      ],
    },
    {
      name: 'same',
      routes: [forward({ prefix: '/' }, { host_rewrite_literal: 'same.test', append_x_forwarded_host: true })],
      requests: [['plain', {}]],
    },
    {
      name: 'header',
      routes: [forward({ prefix: '/' }, { host_rewrite_header: 'X-Host' })],
      requests: [
        ['plain', {}],
        ['given', { headers: { 'X-Host': 'given.test' } }],
        [
          'twice',
          {
            headers: [
              ['X-Host', 'one.test'],
              ['X-Host', 'two.test'],
            ],
          },
        ],
        ['empty', { headers: { 'X-Host': '' } }],
      ],
    },
    {
      name: 'path',
      routes: [forward({ prefix: '/' }, { host_rewrite_path_regex: regex('^/([^/]+)/.*$', '\\1.test') })],
      requests: paths('/a/b?c', '/a', '/'),
    },
    {
      name: 'path-empty',
      routes: [forward({ prefix: '/' }, { host_rewrite_path_regex: regex('.*', '') })],
      requests: paths('/a'),
    },
    {
      name: 'format',
      routes: [forward({ prefix: '/' }, { host_rewrite: '%REQ(x-h)%', append_x_forwarded_host: true })],
      requests: [
        ['absent', {}],
        ['given', { headers: { 'X-H': 'h.test' } }],
        ['empty', { headers: { 'X-H': '' } }],
      ],
    },
    {
      name: 'format-host',
      routes: [forward({ prefix: '/' }, { host_rewrite: 'x.%REQ(:authority)%' })],
      requests: [['plain', {}]],
    },
    { name: 'auto', routes: [forward({ prefix: '/' }, { auto_host_rewrite: true })], requests: [['address', {}]] },
    {
      name: 'auto-named',
      routes: [
        {
          match: { prefix: '/' },
          route: { cluster: 'c1', auto_host_rewrite: true, append_x_forwarded_host: true },
        },
      ],
      requests: [['named endpoint', {}]],
    },
    {
      name: 'weighted',
      routes: [
        {
          match: { prefix: '/plain' },
          route: {
            append_x_forwarded_host: true,
            weighted_clusters: { clusters: [{ name: 'c0', weight: 1, host_rewrite_literal: 'w.test' }] },
          },
        },
        {
          match: { prefix: '/both' },
          route: {
            host_rewrite: '%REQ(host)%.r',
            append_x_forwarded_host: true,
            weighted_clusters: { clusters: [{ name: 'c0', weight: 1, host_rewrite_literal: 'w.test' }] },
          },
        },
      ],
      requests: paths('/plain', '/both'),
    },
    {
      name: 'with-path',
      routes: [
        forward(
          { prefix: '/a' },
          { prefix_rewrite: '/b', host_rewrite_path_regex: regex('^/(a).*', '\\1.path') },
          {
            request_headers_to_add: [
              headerOption('x-path', '%REQ(:path)%'),
              headerOption('x-host', '%REQ(:authority)%'),
              headerOption('x-original', '%REQ(x-envoy-original-path)%'),
            ],
          },
        ),
      ],
      requests: paths('/a/x?q'),
    },
    {
      name: 'added-header',
      routes: [
        forward(
          { prefix: '/' },
          { host_rewrite_header: 'x-new' },
          { request_headers_to_add: [headerOption('x-new', 'added.test')] },
        ),
      ],
      requests: [['plain', {}]],
    },
  ],
  {
    clusters: (places) => [
      cluster(places, 0),
      {
        ...cluster(places, 1),
        load_assignment: {
          cluster_name: 'c1',
          endpoints: [
            {
              lb_endpoints: [
                {
                  endpoint: {
                    hostname: 'endpoint.test',
                    address: { socket_address: { address: places.host, port_value: places.backend(0) } },
                  },
                },
              ],
            },
          ],
        },
      },
    ],
  },
);

const quietRouter = {
  http_filters: [
    {
      name: 'router',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router',
        suppress_envoy_headers: true,
      },
    },
  ],
};

const quietScenario = tableScenario(
  'path rewrite',
  'without x-envoy headers',
  [
    {
      name: 'quiet',
      routes: [
        forward(
          { prefix: '/a' },
          { prefix_rewrite: '/b', host_rewrite_literal: 'h.test', append_x_forwarded_host: true },
        ),
        { match: { prefix: '/r' }, redirect: { prefix_rewrite: '/s' } },
      ],
      requests: paths('/a/x', '/r/x'),
    },
  ],
  { manager: quietRouter },
);

export const scenarios: readonly Scenario[] = [pathScenario, hostScenario, quietScenario];
