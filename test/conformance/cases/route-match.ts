import { named, tableScenario } from '../route-tables.ts';
import type { Json, Request, Scenario } from '../types.ts';

const paths = (...list: readonly string[]): readonly (readonly [string, Request])[] =>
  list.map((path) => [path, { path }]);
const rest = named('rest', { prefix: '' });
const on = (match: Json): readonly Json[] => [named('hit', { prefix: '/', ...match }), named('miss', { prefix: '/' })];
const header = (matcher: Json): readonly Json[] => on({ headers: [{ name: 'x-a', ...matcher }] });
const query = (matcher: Json): readonly Json[] => on({ query_parameters: [{ name: 'q', ...matcher }] });
const cookie = (matcher: Json): readonly Json[] => on({ cookies: [{ name: 'c', ...matcher }] });

const values = (...list: readonly (readonly string[])[]): readonly (readonly [string, Request])[] =>
  list.map((given) => [
    given.length === 0 ? 'absent' : given.map((value) => JSON.stringify(value)).join(' and '),
    { headers: given.map((value) => ['X-A', value] as const) },
  ]);
const cookies = (...list: readonly (readonly string[])[]): readonly (readonly [string, Request])[] =>
  list.map((given) => [
    given.length === 0 ? 'absent' : given.join(' and '),
    { headers: given.map((value) => ['Cookie', value] as const) },
  ]);

const template = (text: string): Json => ({
  path_match_policy: {
    name: 'template',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig',
      path_template: text,
    },
  },
});

const pathScenario = tableScenario('route path match', 'path specifiers', [
  {
    name: 'prefix',
    routes: [named('p', { prefix: '/pre' }), named('slash', { prefix: '/s/' }), rest],
    requests: paths('/pre', '/prefix', '/pre/x', '/pr', '/PRE', '/pre?x', '/s', '/s/', '/s/x', '/x/pre', '/%70re'),
  },
  {
    name: 'folded-prefix',
    routes: [named('p', { prefix: '/PrE', case_sensitive: false }), rest],
    requests: paths('/pre', '/PREFIX', '/pr'),
  },
  {
    name: 'path',
    routes: [named('exact', { path: '/a' }), named('root', { path: '/' }), named('query', { path: '/b?c' })],
    requests: paths('/a', '/a/', '/a?b=c', '/A', '/', '/?x', '/b?c', '/b', '/ab'),
  },
  {
    name: 'folded-path',
    routes: [named('exact', { path: '/Ab', case_sensitive: false })],
    requests: paths('/aB', '/AB?x', '/abc'),
  },
  {
    name: 'separated',
    routes: [named('s', { path_separated_prefix: '/api/v1' }), rest],
    requests: paths('/api/v1', '/api/v1/', '/api/v1/x', '/api/v1x', '/api/v1?x', '/api/v1;x', '/api/V1', '/api'),
  },
  {
    name: 'folded-separated',
    routes: [named('s', { path_separated_prefix: '/Api', case_sensitive: false }), rest],
    requests: paths('/API/x', '/apix', '/api'),
  },
  {
    name: 'regex',
    routes: [
      named('digits', { safe_regex: { regex: '/d/\\d+' } }),
      named('open', { safe_regex: { regex: '/o/.*' } }),
      named('alternatives', { safe_regex: { regex: '/(a|b)(/.*)?' } }),
      named('anchored', { safe_regex: { regex: '^/x$' } }),
      named('folded', { safe_regex: { regex: '(?i)/case' }, case_sensitive: true }),
      named('literal', { safe_regex: { regex: '/l\\.t' } }),
    ],
    requests: paths(
      '/d/12',
      '/d/12a',
      '/d/',
      '/d/1?q=a',
      '/o/',
      '/o',
      '/a',
      '/ab',
      '/b/c/d',
      '/x',
      '/xx',
      '/CASE',
      '/l.t',
      '/lat',
    ),
  },
  {
    name: 'template',
    routes: [
      named('video', template('/videos/{lang=*}/**')),
      named('file', template('/f/{name}.txt')),
      named('one', template('/one/*')),
      named('nested', template('/{a=x/*/y}/z')),
      named('mixed', template('/pre{x}post/end')),
    ],
    requests: paths(
      '/videos/en/a/b',
      '/videos/en/',
      '/videos/en',
      '/videos//x',
      '/f/a.txt',
      '/f/.txt',
      '/f/a.b.txt?q',
      '/one/x',
      '/one/x/y',
      '/one/',
      '/x/1/y/z',
      '/x/1/z',
      '/prexpost/end',
      '/prepost/end',
      '/one/%20',
      "/one/!$&'()*+,;=:@-._~",
    ),
  },
  {
    name: 'order',
    routes: [
      named('first', { prefix: '/a/b' }),
      named('second', { prefix: '/a' }),
      named('never', { path: '/a/b/c' }),
      named('regex', { safe_regex: { regex: '/r.*' } }),
      named('behind', { path: '/r1' }),
    ],
    requests: paths('/a/b/c', '/a/c', '/r1', '/none'),
  },
  {
    name: 'conditions-go-on',
    routes: [
      named('with header', { path: '/a', headers: [{ name: 'x-a', present_match: true }] }),
      named('prefix with query', { prefix: '/a', query_parameters: [{ name: 'q' }] }),
      named('exact', { path: '/a' }),
      named('prefix', { prefix: '/a' }),
    ],
    requests: [
      ['nothing', { path: '/a' }],
      ['header', { path: '/a', headers: { 'X-A': '1' } }],
      ['query', { path: '/a?q' }],
      ['both', { path: '/a?q', headers: { 'X-A': '1' } }],
      ['longer', { path: '/ab', headers: { 'X-A': '1' } }],
    ],
  },
  { name: 'no-routes', routes: [], requests: paths('/') },
  { name: 'connect', routes: [named('connect', { connect_matcher: {} })], requests: paths('/') },
  {
    name: 'odd-paths',
    routes: [
      named('dots', { prefix: '/a/../b' }),
      named('double', { prefix: '//' }),
      named('encoded', { path: '/a%2Fb' }),
    ],
    requests: paths('/a/../b', '/b', '//x', '/a%2Fb', '/a%2fb', '/a/b'),
  },
]);

const ignoringScenario = tableScenario(
  'route path match',
  'path parameters ignored',
  [
    {
      name: 'params',
      routes: [
        named('exact', { path: '/a' }),
        named('deep', { path: '/a/b' }),
        named('regex', { safe_regex: { regex: '/r/\\d' } }),
        named('separated', { path_separated_prefix: '/s' }),
        named('prefix', { prefix: '/p;x' }),
        named('template', template('/t/{x}')),
      ],
      requests: paths(
        '/a;v=1',
        '/a;v=1/b',
        '/a;v/b;w',
        '/a/;v',
        '/r/1;x',
        '/s;x',
        '/s/y;x',
        '/p;x',
        '/a?q;x',
        '/t/a;b',
      ),
    },
  ],
  { config: { ignore_path_parameters_in_path_matching: true } },
);

const headerScenario = tableScenario('route header match', 'headers', [
  { name: 'exact', routes: header({ exact_match: 'v' }), requests: values(['v'], ['V'], ['vv'], [], ['v', 'w'], ['']) },
  {
    name: 'joined',
    routes: header({ exact_match: 'v,w' }),
    requests: values(['v', 'w'], ['v,w'], ['w', 'v'], ['v, w']),
  },
  { name: 'exact-empty', routes: header({ exact_match: '' }), requests: values(['v'], [''], []) },
  { name: 'not-exact', routes: header({ exact_match: 'v', invert_match: true }), requests: values(['v'], ['w'], []) },
  {
    name: 'string',
    routes: header({ string_match: { exact: 'Ab', ignore_case: true } }),
    requests: values(['aB'], ['abc']),
  },
  { name: 'string-empty', routes: header({ string_match: { exact: '' } }), requests: values([''], ['v'], []) },
  {
    name: 'string-prefix',
    routes: header({ string_match: { prefix: 'pre' } }),
    requests: values(['prefix'], ['Pre'], ['xpre']),
  },
  {
    name: 'string-suffix',
    routes: header({ string_match: { suffix: 'fix' } }),
    requests: values(['suffix'], ['fixx']),
  },
  {
    name: 'string-contains',
    routes: header({ string_match: { contains: 'in', ignore_case: true } }),
    requests: values(['aINb'], ['ni']),
  },
  {
    name: 'string-regex',
    routes: header({ string_match: { safe_regex: { regex: 'a+' } } }),
    requests: values(['aaa'], ['aab'], [], ['a', 'a']),
  },
  {
    name: 'regex',
    routes: header({ safe_regex_match: { regex: '(a|b),(a|b)' } }),
    requests: values(['a', 'b'], ['a,b'], ['a']),
  },
  { name: 'old-prefix', routes: header({ prefix_match: 'p' }), requests: values(['px'], ['xp'], []) },
  { name: 'old-suffix', routes: header({ suffix_match: 's' }), requests: values(['xs'], ['sx']) },
  { name: 'old-contains', routes: header({ contains_match: 'c' }), requests: values(['xcx'], ['x']) },
  {
    name: 'range',
    routes: header({ range_match: { start: -10, end: 10 } }),
    requests: values(
      ['-10'],
      ['10'],
      ['9'],
      ['+9'],
      ['09'],
      ['9.0'],
      ['9x'],
      [''],
      [],
      ['1', '2'],
      ['99999999999999999999'],
      ['0x1'],
    ),
  },
  {
    name: 'not-range',
    routes: header({ range_match: { start: 1, end: 2 }, invert_match: true }),
    requests: values(['1'], ['2'], ['x'], []),
  },
  { name: 'empty-range', routes: header({ range_match: { start: 5, end: 5 } }), requests: values(['5']) },
  {
    name: 'wide-range',
    routes: header({ range_match: { start: '9007199254740993', end: '9223372036854775807' } }),
    requests: values(['9007199254740992'], ['9007199254740993'], ['9223372036854775806'], ['9223372036854775807']),
  },
  { name: 'present', routes: header({ present_match: true }), requests: values(['v'], [''], []) },
  { name: 'absent', routes: header({ present_match: false }), requests: values(['v'], []) },
  { name: 'not-present', routes: header({ present_match: true, invert_match: true }), requests: values(['v'], []) },
  { name: 'not-absent', routes: header({ present_match: false, invert_match: true }), requests: values(['v'], []) },
  { name: 'nothing-said', routes: header({}), requests: values(['v'], []) },
  { name: 'nothing-said-inverted', routes: header({ invert_match: true }), requests: values(['v'], []) },
  {
    name: 'missing-empty',
    routes: header({ string_match: { exact: '' }, treat_missing_header_as_empty: true }),
    requests: values([''], ['v'], []),
  },
  {
    name: 'missing-empty-inverted',
    routes: header({ string_match: { exact: 'v' }, invert_match: true, treat_missing_header_as_empty: true }),
    requests: values(['v'], ['w'], []),
  },
  {
    name: 'missing-empty-present',
    routes: header({ present_match: true, treat_missing_header_as_empty: true }),
    requests: values(['v'], []),
  },
  {
    name: 'missing-empty-range',
    routes: header({ range_match: { start: 0, end: 1 }, treat_missing_header_as_empty: true }),
    requests: values(['0'], []),
  },
  {
    name: 'pseudo',
    routes: [
      named('method', { prefix: '/', headers: [{ name: ':method', exact_match: 'PUT' }] }),
      named('path', { prefix: '/', headers: [{ name: ':path', exact_match: '/p?q=1' }] }),
      named('authority', { prefix: '/', headers: [{ name: ':authority', suffix_match: ':81' }] }),
      named('host', { prefix: '/', headers: [{ name: 'Host', prefix_match: 'PSEUDO' }] }),
      named('scheme', { prefix: '/', headers: [{ name: ':scheme', exact_match: 'https' }] }),
      named('proto', { prefix: '/proto', headers: [{ name: 'x-forwarded-proto', exact_match: 'http' }] }),
      rest,
    ],
    requests: [
      ['method', { method: 'PUT' }],
      ['path with query', { path: '/p?q=1' }],
      ['host in capitals', { host: 'PSEUDO.test' }],
      ['forwarded proto', { headers: { 'X-Forwarded-Proto': 'https' } }],
      ['own proto', { path: '/proto' }],
      ['none', {}],
    ],
  },
  {
    name: 'several',
    routes: on({
      headers: [
        { name: 'x-a', present_match: true },
        { name: 'x-b', exact_match: '1' },
      ],
    }),
    requests: [
      ['both', { headers: { 'X-A': 'v', 'X-B': '1' } }],
      ['one', { headers: { 'X-A': 'v' } }],
      ['other value', { headers: { 'X-A': 'v', 'X-B': '2' } }],
    ],
  },
  {
    name: 'grpc',
    routes: on({ grpc: {} }),
    requests: [
      'application/grpc',
      'application/grpc+proto',
      'application/grpc;x',
      'application/grpc-web',
      'Application/grpc',
      'application/json',
    ].map((type) => [type, { headers: { 'Content-Type': type } }] as const),
  },
  { name: 'tls-presented', routes: on({ tls_context: { presented: true } }), requests: [['plain', {}]] },
  { name: 'tls-not-presented', routes: on({ tls_context: { presented: false } }), requests: [['plain', {}]] },
  {
    name: 'tls-not-validated',
    routes: on({ tls_context: { validated: false, presented: false } }),
    requests: [['plain', {}]],
  },
  { name: 'tls-empty', routes: on({ tls_context: {} }), requests: [['plain', {}]] },
  {
    name: 'metadata',
    routes: on({ dynamic_metadata: [{ filter: 'f', path: [{ key: 'k' }], value: { string_match: { exact: 'v' } } }] }),
    requests: [['none', {}]],
  },
  {
    name: 'not-metadata',
    routes: on({
      dynamic_metadata: [{ filter: 'f', path: [{ key: 'k' }], value: { string_match: { exact: 'v' } }, invert: true }],
    }),
    requests: [['none', {}]],
  },
  {
    name: 'filter-state',
    routes: on({ filter_state: [{ key: 'k', string_match: { exact: 'v' } }] }),
    requests: [['none', {}]],
  },
]);

const queryScenario = tableScenario('route query match', 'query parameters and cookies', [
  {
    name: 'q-present',
    routes: query({}),
    requests: paths('/?q', '/?q=', '/?q=1', '/?a=1&q', '/?qq=1', '/', '/?', '/?a=q'),
  },
  { name: 'q-present-true', routes: query({ present_match: true }), requests: paths('/?q', '/') },
  { name: 'q-present-false', routes: query({ present_match: false }), requests: paths('/?q', '/') },
  {
    name: 'q-exact',
    routes: query({ string_match: { exact: 'v' } }),
    requests: paths(
      '/?q=v',
      '/?q=w&q=v',
      '/?q=v&q=w',
      '/?q=%76',
      '/?%71=v',
      '/?q=V',
      '/?q==v',
      '/?a&q=v',
      '/?q=v#f',
      '/?&q=v',
      '/?q=v;x',
    ),
  },
  { name: 'q-empty', routes: query({ string_match: { exact: '' } }), requests: paths('/?q', '/?q=', '/?q=1', '/') },
  {
    name: 'q-prefix',
    routes: query({ string_match: { prefix: 'a', ignore_case: true } }),
    requests: paths('/?q=Ab', '/?q=b'),
  },
  {
    name: 'q-regex',
    routes: query({ string_match: { safe_regex: { regex: '\\d+' } } }),
    requests: paths('/?q=12', '/?q=1a'),
  },
  {
    name: 'q-two',
    routes: on({ query_parameters: [{ name: 'a' }, { name: 'b', string_match: { exact: '1' } }] }),
    requests: paths('/?a&b=1', '/?b=1', '/?a&b=2'),
  },
  {
    name: 'q-odd-name',
    routes: on({ query_parameters: [{ name: 'a=b' }] }),
    requests: paths('/?a=b', '/?a=b=c', '/?a%3Db'),
  },
  {
    name: 'cookie',
    routes: cookie({ string_match: { exact: 'v' } }),
    requests: cookies(
      ['c=v'],
      ['c=w'],
      [],
      ['a=1; c=v'],
      ['c=v; c=w'],
      ['c=w; c=v'],
      ['a=1', 'c=v'],
      ['c="v"'],
      ['c= v'],
      ['c =v'],
      ['C=v'],
      ['c'],
      ['a=1;c=v'],
      ['a=1;   c=v'],
      ['c=v '],
      ['c=v;'],
      ['c=v,d=w'],
      ['a=c=v'],
      ['c=w', 'c=v'],
    ),
  },
  {
    name: 'not-cookie',
    routes: cookie({ string_match: { exact: 'v' }, invert_match: true }),
    requests: cookies(['c=v'], ['c=w'], []),
  },
  {
    name: 'empty-cookie',
    routes: cookie({ string_match: { exact: '' } }),
    requests: cookies(['c='], ['c'], ['c=""'], []),
  },
  {
    name: 'cookie-regex',
    routes: cookie({ string_match: { safe_regex: { regex: 'a.*' } } }),
    requests: cookies(['c=ab=c'], ['c=b']),
  },
]);

const fraction = (numerator: number, key = '', denominator = 'HUNDRED'): Json => ({
  runtime_fraction: { default_value: { numerator, denominator }, ...(key ? { runtime_key: key } : {}) },
});

const runtimeScenario = tableScenario(
  'route runtime fraction',
  'fractions and runtime keys',
  [
    ['none', 0, '', 'hit'],
    ['all', 100, '', 'hit'],
    ['all-of-million', 1_000_000, '', 'MILLION'],
    ['key-off', 100, 'off', ''],
    ['key-on', 0, 'on', ''],
    ['key-fraction', 0, 'fraction', ''],
    ['key-too-much', 0, 'much', ''],
    ['key-unknown', 100, 'unknown', ''],
    ['key-text', 0, 'text', ''],
    ['key-nested', 0, 'a.b', ''],
  ].map(([name, numerator, key, denominator]) => ({
    name: String(name),
    routes: on(fraction(Number(numerator), String(key), denominator === 'MILLION' ? 'MILLION' : 'HUNDRED')),
    requests: [['request', {}]] as const,
  })),
  {
    bootstrap: {
      layered_runtime: {
        layers: [
          {
            name: 'static',
            static_layer: {
              off: 0,
              on: 100,
              fraction: { numerator: 10000, denominator: 'TEN_THOUSAND' },
              much: 300,
              text: '100',
              a: { b: 100 },
            },
          },
        ],
      },
    },
  },
);

export const scenarios: readonly Scenario[] = [
  pathScenario,
  ignoringScenario,
  headerScenario,
  queryScenario,
  runtimeScenario,
];
