import { fileLog, router, simple, typed } from '../config.ts';
import type { Case, Json, Places, Request, Scenario } from '../types.ts';

const TYPE = 'envoy.extensions.filters.http.header_to_metadata.v3.Config';
const feature = 'header to metadata filter';
const stats = [
  /request_rules|response_rules|metadata_added|header_not_found|base64_decode|value_too_long|regex_substitution/,
];
const KEYS = ['n:k', 'n:l', 'n', 'envoy.filters.http.header_to_metadata:k'];
const format = `${KEYS.map((key) => `%DYNAMIC_METADATA(${key})%`).join(' ')} %RESPONSE_CODE%\n`;

const filter = (config: Json, more: Json = {}): Json => ({ name: 'h2m', typed_config: typed(TYPE, config), ...more });
const note = (more: Json = {}): Json => ({ metadata_namespace: 'n', key: 'k', ...more });
const present = (header: string, more: Json = {}, rule: Json = {}): Json => ({
  header,
  on_header_present: note(more),
  ...rule,
});
const missing = (header: string, value: string, rule: Json = {}): Json => ({
  header,
  on_header_missing: note({ value }),
  ...rule,
});
const counted = (config: Json): Json => filter({ stat_prefix: 'h', ...config });
const manager = (places: Places, filters: readonly Json[]): Json => ({
  access_log: [fileLog(places, format)],
  http_filters: [...filters, router()],
});
const scenario = (name: string, config: Json, cases: readonly Case[], more: Partial<Scenario> = {}): Scenario => ({
  feature,
  name,
  stats,
  bootstrap: (places) => simple(places, { manager: manager(places, [counted(config)]) }),
  cases,
  ...more,
});
const each = (requests: Readonly<Record<string, Request>>): readonly Case[] =>
  Object.entries(requests).map(([name, one]) => ({ name, requests: [one] }));
const x = (value: string): Request => ({ headers: { x: value } });
const xs = (...all: readonly string[]): readonly Case[] =>
  all.map((value) => ({ name: value.slice(0, 60), requests: [x(value)] }));
const base64 = (bytes: string, encoding: 'latin1' | 'hex' = 'latin1'): string =>
  Buffer.from(bytes, encoding).toString('base64');
const rules = (...request_rules: readonly Json[]): Json => ({ request_rules });

const presence: Readonly<Record<string, Request>> = {
  present: x('a'),
  missing: {},
  empty: x(''),
  twice: {
    headers: [
      ['x', 'a'],
      ['X', 'b'],
    ],
  },
  'with a comma': x('a,b'),
  'with spaces around': x('  a b  '),
  'bytes beyond ASCII': x('\xc3\xa9'),
  'bytes that are no UTF-8': x('\xff'),
  quotes: x('"a\\"'),
};

const numbers = [
  ...[
    '5',
    '-5',
    '+5',
    '1.5',
    '.5',
    '5.',
    '1e3',
    '1E-3',
    '1e400',
    '-1e400',
    '1e-400',
    '0x10',
    '-0x1.8p3',
    '0x.8',
    '0x',
    '0xp1',
    '0x1p',
    '0X1P-1',
    '0xfffffffffffffffffff',
    '1_000',
    '1,5',
    'x',
    '1x',
    '.',
  ],
  ...[
    'inf',
    '-Infinity',
    'nan',
    '-nan',
    'infinit',
    '1e',
    'e1',
    '--1',
    '+-1',
    '9007199254740993',
    '123456789012',
    '0.1',
    '100000',
    '1234567',
    '1e21',
    '1e22',
    '-0',
  ],
];

/** Serialised values by what they are. */
const serialised: Readonly<Record<string, string>> = {
  null: '0800',
  'null of another number': '0801',
  text: '1a0161',
  'empty text': '1a00',
  'text that is no UTF-8': '1a01ff',
  number: '11000000000000f83f',
  true: '2001',
  false: '2000',
  list: '320a0a031a01610a032001',
  'broken list': '32050a031a0161ff',
  'list in short': '32050a031a0161',
  'empty list': '3200',
  object: '2a0a0a080a0161' + '1203' + '1a0162',
  'empty object': '2a00',
  'of an unknown field': '4801',
  'two kinds': '1a01612001',
  'cut off': '1a05',
  'no tag': 'ff',
};

const typedRules = (type: string, encode = 'NONE'): Json => rules(present('x', { type, encode }));
const fromRoute = (config: Json): Json => ({ typed_per_filter_config: { h2m: typed(TYPE, config) } });

const routes: Scenario = {
  ...scenario('routes', {}, []),
  bootstrap: (places) =>
    simple(places, {
      routes: [
        {
          match: { prefix: '/own' },
          route: { cluster: 'c0' },
          ...fromRoute({ stat_prefix: 'r', ...rules(present('x', { value: 'route' })) }),
        },
        {
          match: { prefix: '/response' },
          route: { cluster: 'c0' },
          ...fromRoute({ response_rules: [present('x-backend', { value: 'response' })] }),
        },
        {
          match: { prefix: '/off' },
          route: { cluster: 'c0' },
          typed_per_filter_config: { h2m: typed('envoy.config.route.v3.FilterConfig', { disabled: true }) },
        },
        { match: { prefix: '/direct' }, direct_response: { status: 201 } },
        { match: { prefix: '/' }, route: { cluster: 'c0' } },
      ],
      manager: manager(places, [counted(rules(present('x'), missing('y', 'no y', {})))]),
    }),
  cases: ['/', '/own', '/response', '/off', '/direct'].map((path) => ({
    name: path,
    requests: [{ path, headers: { x: 'a' } }, { path }],
  })),
};

const refused = (name: string, config: Json, difference?: string): Scenario => ({
  feature,
  name: `refused: ${name}`,
  validateOnly: true,
  bootstrap: (places) => simple(places, { manager: { http_filters: [filter(config), router()] } }),
  cases: difference ? [{ name: 'start', difference }] : [],
});
const refusedRule = (name: string, rule: Json, difference?: string): Scenario => refused(name, rules(rule), difference);
const refusedRoute = (name: string, config: Json): Scenario => ({
  ...refused(name, {}),
  bootstrap: (places) =>
    simple(places, {
      routes: [{ match: { prefix: '/' }, route: { cluster: 'c0' }, ...fromRoute(config) }],
      manager: { http_filters: [filter({}), router()] },
    }),
});

const rewrite = (regex: string, substitution: string): Json => ({
  regex_value_rewrite: { pattern: { google_re2: {}, regex }, substitution },
});

export const scenarios: readonly Scenario[] = [
  scenario('present', rules(present('X')), each(presence)),
  scenario('present with a value', rules(present('x', { value: 'given' })), each(presence)),
  scenario('missing', rules(missing('x', 'none')), each(presence)),
  scenario('both', rules({ ...present('x'), on_header_missing: note({ key: 'l', value: 'none' }) }), each(presence)),
  scenario('removed', rules(present('x', {}, { remove: true })), each(presence)),
  scenario('removed where only its absence is noted', rules(missing('x', 'none', { remove: true })), each(presence)),
  scenario(
    'asked for again once removed',
    rules(present('x', {}, { remove: true }), missing('x', 'gone')),
    each(presence),
  ),
  scenario('the default namespace', rules({ header: 'x', on_header_present: { key: 'k' } }), xs('a')),
  scenario(
    'two rules for a key',
    rules(present('x'), present('y')),
    each({ both: { headers: { x: 'a', y: 'b' } }, first: x('a'), second: { headers: { y: 'b' } } }),
  ),
  scenario('a value beyond ASCII', rules(present('x', { value: 'é€' })), xs('a')),
  scenario(
    'fields of the first line',
    rules(present(':path'), present(':method', { key: 'l' }), {
      header: ':authority',
      on_header_present: { key: 'k' },
    }),
    each({ get: { path: '/a?b' }, post: { method: 'POST', body: 'a' } }),
  ),
  scenario(
    'host and scheme',
    rules(present('host'), present(':scheme', { key: 'l' }), { header: ':status', on_header_present: { key: 'k' } }),
    each({ a: {} }),
  ),
  scenario(
    'cookies',
    rules({ cookie: 'c', on_header_present: note(), on_header_missing: note({ key: 'l', value: 'none' }) }),
    each({
      present: { headers: { cookie: 'a=b; c=d; e=f' } },
      missing: { headers: { cookie: 'a=b' } },
      'no cookies': {},
      empty: { headers: { cookie: 'c=' } },
      quoted: { headers: { cookie: 'c="d e"' } },
      'empty in quotes': { headers: { cookie: 'c=""' } },
      'with an equals sign': { headers: { cookie: 'c=d=e' } },
      twice: { headers: { cookie: 'c=d; c=e' } },
      'in a second header': {
        headers: [
          ['cookie', 'a=b'],
          ['cookie', 'c=d'],
        ],
      },
      'another case': { headers: { cookie: 'C=d' } },
    }),
  ),
  scenario('numbers', typedRules('NUMBER'), [...xs(...numbers), { name: 'empty', requests: [x('')] }]),
  scenario('a number that is given', rules(present('x', { type: 'NUMBER', value: ' 7 ' })), xs('a')),
  scenario('a number that is given and none', rules(present('x', { type: 'NUMBER', value: 'a' })), xs('a')),
  scenario(
    'a missing number',
    rules({ header: 'x', on_header_missing: note({ type: 'NUMBER', value: '7' }) }),
    each({ missing: {} }),
  ),
  scenario(
    'base64',
    typedRules('STRING', 'BASE64'),
    xs(
      ...[
        'YQ==',
        'YQ',
        'YQ=',
        'YQ===',
        'YWI=',
        'YWJj',
        'YWJjZA==',
        '/+8=',
        '_-8=',
        'Y',
        'YR==',
        'Y Q==',
        '====',
        'YQ==YQ==',
        '!',
        base64('é'),
        base64('\xff'),
        base64('\0a'),
      ],
    ),
  ),
  scenario('numbers in base64', typedRules('NUMBER', 'BASE64'), xs(base64('5'), base64(' 5 '), base64('x'), '5')),
  scenario(
    'serialised in base64',
    typedRules('PROTOBUF_VALUE', 'BASE64'),
    Object.entries(serialised).map(([name, bytes]) => ({ name, requests: [x(base64(bytes, 'hex'))] })),
  ),
  scenario('serialised as it is', typedRules('PROTOBUF_VALUE'), xs('a', '\x1a\x01a', ' \x01', '*')),
  scenario('base64 that is given', rules(present('x', { value: 'YQ==', encode: 'BASE64' })), xs('a')),
  scenario(
    'long values',
    rules(present('x')),
    each(Object.fromEntries([8190, 8191, 8192, 8193].map((size) => [String(size), x('a'.repeat(size))]))),
    {
      bootstrap: (places) =>
        simple(places, {
          manager: {
            ...manager(places, [
              counted(rules(present('x', { value: '' }, {}), present('x', rewrite('^(a*)$', 'long'), {}))),
            ]),
            access_log: [fileLog(places, format)],
          },
        }),
    },
  ),
  scenario(
    'long values of their own',
    rules(present('x')),
    each({ '8191': x('a'.repeat(8191)), '8192': x('a'.repeat(8192)) }),
    {
      bootstrap: (places) =>
        simple(places, {
          manager: {
            ...manager(places, [counted(rules(present('x')))]),
            access_log: [fileLog(places, '%DYNAMIC_METADATA(n:k):20% %RESPONSE_CODE%\n')],
          },
        }),
    },
  ),
  scenario('rewritten', rules(present('x', rewrite('^/(v[0-9]+)/.*', '\\1'))), xs('/v1/a', '/v12/', '/a', 'a/v1/b')),
  scenario('rewritten everywhere', rules(present('x', rewrite('b', 'c'))), xs('abba', 'a', 'b')),
  scenario('rewritten to nothing', rules(present('x', rewrite('a', ''))), [
    ...xs('a', 'aa', 'ab'),
    { name: 'empty', requests: [x('')] },
  ]),
  scenario('rewritten to a number', rules(present('x', { type: 'NUMBER', ...rewrite('v', '') })), xs('v5', 'v', 'w5')),
  scenario(
    'rewritten and decoded',
    rules(present('x', { encode: 'BASE64', ...rewrite('^Basic ', '') })),
    xs('Basic YTpi', 'YTpi', 'Basic !'),
  ),
  scenario('a group that is not there', rules(present('x', rewrite('a', '\\1'))), xs('a')),
  scenario('responses', { response_rules: [present('x-backend'), missing('x-none', 'none', {})] }, each({ a: {} })),
  scenario('responses: removed', { response_rules: [present('x-backend', {}, { remove: true })] }, each({ a: {} })),
  scenario('responses: status', { response_rules: [present(':status', { type: 'NUMBER' })] }, [
    ...each({ '200': {} }),
    { name: '404', requests: [{}], backends: { 0: [{ raw: 'HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n' }] } },
    { name: 'a reset', requests: [{}], backends: { 0: [{ end: 'reset' }] } },
  ]),
  scenario('responses: cookies', { response_rules: [{ cookie: 'c', on_header_present: note() }] }, [
    {
      name: 'set-cookie',
      requests: [{}],
      backends: { 0: [{ raw: 'HTTP/1.1 200 OK\r\nset-cookie: c=d\r\ncontent-length: 0\r\n\r\n' }] },
    },
    {
      name: 'cookie',
      requests: [{}],
      backends: { 0: [{ raw: 'HTTP/1.1 200 OK\r\ncookie: c=d\r\ncontent-length: 0\r\n\r\n' }] },
    },
  ]),
  scenario(
    'requests and responses',
    { ...rules(present('x')), response_rules: [present('x-backend', { key: 'l' })] },
    xs('a'),
  ),
  scenario('both sides note the same key', { ...rules(present('x')), response_rules: [present('x-backend')] }, xs('a')),
  {
    ...scenario('without statistics', {}, xs('a')),
    bootstrap: (places) => simple(places, { manager: manager(places, [filter(rules(present('x')))]) }),
  },
  {
    ...scenario('an odd prefix', {}, xs('a')),
    bootstrap: (places) =>
      simple(places, { manager: manager(places, [filter({ stat_prefix: 'a.b:c', ...rules(present('x')) })]) }),
  },
  scenario('nothing', {}, xs('a')),
  routes,
  {
    ...scenario('a route decides by it', {}, []),
    bootstrap: (places) =>
      simple(places, {
        routes: [
          {
            name: 'noted',
            match: {
              prefix: '/',
              dynamic_metadata: [{ filter: 'n', path: [{ key: 'k' }], value: { string_match: { exact: 'a' } } }],
            },
            direct_response: { status: 201 },
          },
          { name: 'plain', match: { prefix: '/' }, direct_response: { status: 202 } },
        ],
        manager: manager(places, [counted(rules(present('x')))]),
      }),
    cases: xs('a', 'b'),
  },
  refusedRule('header and cookie', { header: 'x', cookie: 'y', on_header_present: note() }),
  refusedRule('neither header nor cookie', { on_header_present: note() }),
  refusedRule('neither present nor missing', { header: 'x' }),
  refusedRule('a cookie with neither', { cookie: 'x' }),
  refusedRule('a value and a rewrite', present('x', { value: 'a', ...rewrite('a', 'b') })),
  refusedRule('a cookie that is removed', { cookie: 'c', on_header_present: note(), remove: true }),
  refusedRule('missing without a value', { header: 'x', on_header_missing: note() }),
  refusedRule('missing with a rewrite', { header: 'x', on_header_missing: note({ ...rewrite('a', 'b') }) }),
  refusedRule(
    'missing with a value and a rewrite',
    { header: 'x', on_header_missing: note({ value: 'a', ...rewrite('a', 'b') }) },
    'h2m-mistakes',
  ),
  refusedRule('no key', { header: 'x', on_header_present: { metadata_namespace: 'n' } }),
  refusedRule('an empty key', { header: 'x', on_header_present: { key: '' } }),
  refusedRule('a type that is none', present('x', { type: 'NOPE' })),
  refusedRule('an encoding that is none', present('x', { encode: 'NOPE' })),
  refusedRule('a pattern that is none', present('x', rewrite('(', ''))),
  refusedRule('a rewrite without a pattern', present('x', { regex_value_rewrite: { substitution: 'a' } })),
  refusedRule('a header with a line feed', present('a\nb')),
  refusedRule('a header with a space', present('a b'), 'h2m-mistakes'),
  refusedRule('a cookie with a line feed', { cookie: 'a\nb', on_header_present: note() }),
  refusedRule('a path that is removed', present(':path', {}, { remove: true }), 'h2m-mistakes'),
  refusedRule('a host that is removed', present('host', {}, { remove: true }), 'h2m-mistakes'),
  refusedRoute('a route that says nothing', {}),
  refusedRoute('a route with a prefix alone', { stat_prefix: 'a' }),
  refusedRoute('a route with a broken rule', rules({ header: 'x' })),
];
