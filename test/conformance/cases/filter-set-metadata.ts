import { fileLog, routeConfig, router, simple, typed } from '../config.ts';
import type { Case, Json, Scenario } from '../types.ts';

const TYPE = 'envoy.extensions.filters.http.set_metadata.v3.Config';
const feature = 'set metadata filter';
const stats = [/set_metadata/];

/** Keys one by one: Envoy writes the members of an object in whatever order. */
const log = (...keys: readonly string[]): string =>
  `${keys.map((key) => `${key}=%DYNAMIC_METADATA(${key})%`).join(' ')} %RESPONSE_CODE%\n`;
const set = (config: Json, name = 'set', more: Json = {}): Json => ({
  name,
  typed_config: typed(TYPE, config),
  ...more,
});
const entry = (value: unknown, more: Json = {}): Json => ({ metadata_namespace: 'n', value, ...more });
const entries = (...all: readonly Json[]): Json => set({ metadata: all });
const request: readonly Case[] = [{ name: 'a request', requests: [{}] }];

const scenario = (
  name: string,
  filters: readonly Json[],
  keys: readonly string[],
  more: Partial<Scenario> = {},
): Scenario => ({
  feature,
  name,
  stats,
  bootstrap: (places) =>
    simple(places, {
      manager: { access_log: [fileLog(places, log(...keys))], http_filters: [...filters, router()] },
    }),
  cases: request,
  ...more,
});
/** What stands in `n:k` after both entries. */
const merged = (name: string, before: unknown, value: unknown, keys: readonly string[] = ['n:k']): Scenario =>
  scenario(`merged: ${name}`, [entries(entry({ k: before }), entry({ k: value }, { allow_overwrite: true }))], keys);

const values: Readonly<Record<string, unknown>> = {
  text: 'a',
  'empty text': '',
  'text with quotes': 'a"b\\c',
  'text beyond ASCII': 'é€',
  number: 5,
  fraction: 1.25,
  large: 1e300,
  small: 1e-7,
  negative: -1,
  yes: true,
  no: false,
  nothing: null,
  list: ['a', 1, null, ['b']],
  'empty list': [],
  object: { a: { b: 'c' } },
  'empty object': {},
};

const NUMBERS = [0, 5, -5, 1.25, 100_000, 1_234_567, 123_456_789_012, 1e15, 1e21, 1e22, 1e-7, 0.1, 2 ** 53] as const;

const refused = (name: string, config: Json, route: Json = {}, difference?: string): Scenario => ({
  feature,
  name: `refused: ${name}`,
  validateOnly: true,
  bootstrap: (places) =>
    simple(places, {
      routes: [{ match: { prefix: '/' }, route: { cluster: 'c0' }, ...route }],
      manager: { http_filters: [set(config), router()] },
    }),
  cases: difference ? [{ name: 'start', difference }] : [],
});

export const scenarios: readonly Scenario[] = [
  ...Object.entries(values).map(([name, value]) =>
    scenario(`value: ${name}`, [entries(entry({ k: value }))], ['n:k', 'n']),
  ),
  scenario(
    'deep',
    [entries(entry({ a: { b: { c: [{ d: 'e' }] } } }))],
    ['n:a:b', 'n:a:b:c', 'n:a:b:c:d', 'n:a:x', 'm'],
  ),
  scenario('beyond ASCII', [entries({ metadata_namespace: 'é', value: { ü: 'ö' } })], ['é:ü', 'é']),
  scenario('several keys', [entries(entry({ a: 1, b: 'x', c: null }))], ['n:a', 'n:b', 'n:c']),
  scenario(
    'several namespaces',
    [entries(entry({ a: 1 }), { metadata_namespace: 'm', value: { a: 2 } })],
    ['n:a', 'm:a'],
  ),
  scenario('twice without overwriting', [entries(entry({ a: 1 }), entry({ a: 2, b: 3 }))], ['n:a', 'n:b']),
  scenario(
    'twice, the first may overwrite',
    [entries(entry({ a: 1 }, { allow_overwrite: true }), entry({ a: 2 }))],
    ['n:a'],
  ),
  scenario(
    'two filters',
    [
      entries(entry({ a: 1 })),
      set({ metadata: [entry({ a: 2 })] }, 'second'),
      set({ metadata: [entry({ b: 3 }, { allow_overwrite: true })] }, 'third'),
    ],
    ['n:a', 'n:b'],
  ),
  merged('text and text', 'a', 'b'),
  merged('text and number', 'a', 1),
  merged('number and nothing', 1, null),
  merged('nothing and text', null, 'a'),
  merged('lists', ['a', 1], ['a', ['b']]),
  merged('list and text', ['a'], 'b'),
  merged('text and list', 'a', ['b']),
  merged('empty lists', [], []),
  merged('objects', { a: 1, b: 2 }, { b: 3, c: 4 }, ['n:k:a', 'n:k:b', 'n:k:c']),
  merged('deep objects', { a: { b: [1] } }, { a: { b: [2], c: 3 } }, ['n:k:a:b', 'n:k:a:c']),
  merged('object and list', { a: 1 }, ['a']),
  merged('list and object', ['a'], { a: 1 }, ['n:k:a']),
  merged('object and empty object', { a: 1 }, {}, ['n:k:a']),
  scenario('the old fields', [set({ metadata_namespace: 'n', value: { k: 'a' } })], ['n:k']),
  scenario(
    'the old fields and a list',
    [
      set({
        metadata_namespace: 'n',
        value: { k: ['a'] },
        metadata: [entry({ k: ['b'] }), entry({ k: ['c'] }, { allow_overwrite: true })],
      }),
    ],
    ['n:k'],
  ),
  scenario(
    'the old fields after another filter',
    [entries(entry({ k: ['a'] })), set({ metadata_namespace: 'n', value: { k: ['b'] } }, 'second')],
    ['n:k'],
  ),
  scenario('the old namespace alone', [set({ metadata_namespace: 'n' })], ['n:k']),
  scenario('the old value alone', [set({ value: { k: 'a' } })], ['n:k', ':k']),
  scenario('nothing', [set({})], ['n:k']),
  scenario('an entry of nothing', [entries({ metadata_namespace: 'n' })], ['n:k', 'n']),
  scenario('an empty value', [entries(entry({}))], ['n:k']),
  scenario('an empty value, then another', [entries(entry({}), entry({ k: 1 }))], ['n:k']),
  scenario('off', [set({ metadata: [entry({ k: 'a' })] }, 'set', { disabled: true })], ['n:k']),
  {
    ...scenario('a route decides by it', [], []),
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
        manager: {
          access_log: [fileLog(places, '%ROUTE_NAME% %DYNAMIC_METADATA(n:k)%\n')],
          http_filters: [entries(entry({ k: 'a' })), router()],
        },
      }),
  },
  {
    ...scenario('a filter behind decides by it', [], []),
    bootstrap: (places) => {
      const rbac = (value: string): Json => ({
        name: 'rbac',
        typed_config: typed('envoy.extensions.filters.http.rbac.v3.RBAC', {
          rules: {
            policies: {
              p: {
                permissions: [{ any: true }],
                principals: [
                  { metadata: { filter: 'n', path: [{ key: 'k' }], value: { string_match: { exact: value } } } },
                ],
              },
            },
          },
        }),
      });
      return simple(places, { manager: { http_filters: [entries(entry({ k: 'a' })), rbac('a'), router()] } });
    },
  },
  {
    ...scenario('routes', [], []),
    bootstrap: (places) => {
      const per = (config: Json): Json => ({ typed_per_filter_config: { set: typed(TYPE, config) } });
      const to = (prefix: string, config: Json): Json => ({
        match: { prefix },
        route: { cluster: 'c0' },
        ...per(config),
      });
      const routes = [
        to('/same', { metadata: [entry({ k: ['route'] }, { allow_overwrite: true })] }),
        to('/denied', { metadata: [entry({ k: ['route'] })] }),
        to('/other', { metadata: [{ metadata_namespace: 'm', value: { k: 'route' } }] }),
        to('/old', { metadata_namespace: 'n', value: { k: ['route'], l: 1 } }),
        to('/nothing', {}),
        {
          match: { prefix: '/off' },
          route: { cluster: 'c0' },
          typed_per_filter_config: { set: typed('envoy.config.route.v3.FilterConfig', { disabled: true }) },
        },
        {
          match: { prefix: '/direct' },
          direct_response: { status: 201 },
          ...per({ metadata: [entry({ k: 'direct' })] }),
        },
        { match: { prefix: '/' }, route: { cluster: 'c0' } },
      ];
      return simple(places, {
        manager: {
          route_config: routeConfig(
            routes,
            per({ metadata: [{ metadata_namespace: 'm', value: { k: 'table' } }] }),
            per({ metadata: [{ metadata_namespace: 'm', value: { l: 'host' } }] }),
          ),
          access_log: [fileLog(places, log('n:k', 'n:l', 'm:k', 'm:l'))],
          http_filters: [entries(entry({ k: ['chain'], l: 0 })), router()],
        },
      });
    },
    cases: ['/', '/host', '/same', '/denied', '/other', '/old', '/nothing', '/off', '/direct'].map((path) => ({
      name: path,
      requests: [{ path }],
    })),
  },
  {
    ...scenario('numbers in JSON', [], []),
    bootstrap: (places) =>
      simple(places, {
        manager: {
          access_log: [
            {
              name: 'log',
              typed_config: typed('envoy.extensions.access_loggers.file.v3.FileAccessLog', {
                path: `${places.folder}/access.log`,
                log_format: {
                  json_format: Object.fromEntries(NUMBERS.map((_, at) => [`k${at}`, `%DYNAMIC_METADATA(n:k${at})%`])),
                },
              }),
            },
          ],
          http_filters: [entries(entry(Object.fromEntries(NUMBERS.map((value, at) => [`k${at}`, value])))), router()],
        },
      }),
  },
  refused('no namespace', { metadata: [{ value: {} }] }),
  refused('an empty namespace', { metadata: [{ metadata_namespace: '', value: {} }] }),
  refused('typed', { metadata: [{ metadata_namespace: 'n', typed_value: typed(TYPE, {}) }] }, {}, 'typed-metadata'),
  refused('a value that is no object', { metadata: [entry(1)] }),
  refused('a route', {}, { typed_per_filter_config: { set: typed(TYPE, { metadata: [entry({})] }) } }),
];
