import { bootstrap, cluster, fileLog, listener, manager, toCluster } from '../config.ts';
import type { Case, Json, Places, Request, Scenario } from '../types.ts';

const feature = 'scoped routes';
const format = '%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %ROUTE_NAME%\n';

const extractor = (config: Json): Json => ({ header_value_extractor: config });
const byIndex = (name: string, index = 0, element_separator = ''): Json =>
  extractor({ name, index, element_separator });
const byElement = (name: string, key: string, separator = '=', element_separator = ';'): Json =>
  extractor({ name, element_separator, element: { key, separator } });

const table = (name: string, more: Json = {}): Json => ({
  name,
  virtual_hosts: [
    {
      name: `host of ${name}`,
      domains: ['*'],
      routes: [{ name, match: { prefix: '/' }, direct_response: { status: 200, body: { inline_string: name } } }],
    },
  ],
  ...more,
});
const scope = (name: string, parts: readonly string[], more: Json = {}): Json => ({
  name,
  key: { fragments: parts.map((string_key) => ({ string_key })) },
  route_configuration: table(name),
  ...more,
});
const scoped = (fragments: readonly Json[], scopes: readonly Json[]): Json => ({
  name: 'scopes',
  scope_key_builder: { fragments },
  scoped_route_configurations_list: { scoped_route_configurations: scopes },
});

interface Row {
  readonly name: string;
  readonly scoped: Json;
  readonly requests: readonly Request[];
  readonly manager?: Json;
}

const values = (...list: readonly (string | undefined)[]): readonly Request[] =>
  list.map((value) => (value === undefined ? {} : { headers: { 'X-Scope': value } }));

const rows: readonly Row[] = [
  {
    name: 'a whole value',
    scoped: scoped([byIndex('x-scope')], [scope('a', ['one']), scope('b', ['two'])]),
    requests: values('one', 'two', 'three', 'ONE', '', undefined),
  },
  {
    name: 'an element by its position',
    scoped: scoped([byIndex('X-Scope', 1, ',')], [scope('a', ['one']), scope('b', [' two']), scope('c', [''])]),
    requests: values('x,one', 'x, two', 'x', 'x,', 'x,one,y'),
  },
  {
    name: 'an element by its key',
    scoped: scoped([byElement('x-scope', 'k')], [scope('a', ['one']), scope('b', ['a=b']), scope('c', [''])]),
    requests: values('k=one', 'a=1;k=one', 'k=a=b', 'k', 'k=', 'k=two;k=one', 'j=one', ' k=one'),
  },
  {
    name: 'a separator of several characters',
    scoped: scoped([byElement('x-scope', 'k', ':=', '; ')], [scope('a', ['one'])]),
    requests: values('k:=one', 'a; k:=one', 'k=one'),
  },
  {
    name: 'an element of a value that is not taken apart',
    scoped: scoped([byElement('x-scope', 'k', '=', '')], [scope('a', ['one']), scope('b', ['one;x'])]),
    requests: values('k=one', 'k=one;x'),
  },
  {
    name: 'several fragments',
    scoped: scoped(
      [byIndex('x-scope'), byIndex(':method')],
      [scope('a', ['one', 'GET']), scope('b', ['one', 'POST']), scope('c', ['one'])],
    ),
    requests: [
      { headers: { 'x-scope': 'one' } },
      { headers: { 'x-scope': 'one' }, method: 'POST', body: 'x' },
      { headers: { 'x-scope': 'one' }, method: 'PUT', body: 'x' },
      {},
    ],
  },
  {
    name: 'the host',
    scoped: scoped([byIndex('host')], [scope('a', ['a.test']), scope('b', ['b.test'])]),
    requests: [{ host: 'a.test' }, { host: 'b.test' }, { host: 'c.test' }],
  },
  {
    name: 'a repeated header',
    scoped: scoped([byIndex('x-scope')], [scope('a', ['one']), scope('b', ['two']), scope('c', ['one,two'])]),
    requests: [
      {
        headers: [
          ['x-scope', 'one'],
          ['x-scope', 'two'],
        ],
      },
    ],
  },
  {
    name: 'bytes outside of ASCII',
    scoped: scoped([byIndex('x-scope')], [scope('a', ['\u00e9'])]),
    requests: values('\u00c3\u00a9', '\u00e9'),
  },
  {
    name: 'a route to a cluster',
    scoped: scoped(
      [byIndex('x-scope')],
      [
        scope('a', ['one'], {
          route_configuration: { virtual_hosts: [{ name: 'up', domains: ['up.test'], routes: [toCluster()] }] },
        }),
      ],
    ),
    requests: [
      { host: 'up.test', headers: { 'x-scope': 'one' } },
      { host: 'other.test', headers: { 'x-scope': 'one' } },
    ],
  },
  {
    name: 'a table on demand',
    scoped: scoped([byIndex('x-scope')], [scope('a', ['one'], { on_demand: true })]),
    requests: values('one'),
  },
  {
    name: 'internal headers of a table',
    scoped: scoped(
      [byIndex('x-scope')],
      [
        scope('a', ['one'], {
          route_configuration: {
            virtual_hosts: [{ name: 'up', domains: ['*'], routes: [toCluster()] }],
            internal_only_headers: ['x-scope'],
          },
        }),
      ],
    ),
    requests: values('one'),
  },
];

const config = (places: Places, index: number, { scoped: scoped_routes, manager: more }: Row): Json =>
  listener(places, index, [manager(places, { scoped_routes, access_log: [fileLog(places, format)], ...more })]);

const faults: readonly (readonly [string, Json])[] = [
  ['no fragments of the builder', scoped([], [scope('a', ['one'])])],
  ['no scopes', scoped([byIndex('x')], [])],
  ['a position without a separator', scoped([byIndex('x', 1)], [scope('a', ['one'])])],
  ['neither position nor key', scoped([extractor({ name: 'x' })], [scope('a', ['one'])])],
  ['a key without a separator', scoped([byElement('x', 'k', '')], [scope('a', ['one'])])],
  ['no header', scoped([byIndex('')], [scope('a', ['one'])])],
  [
    'a table by its name',
    scoped([byIndex('x')], [scope('a', ['one'], { route_configuration: undefined, route_configuration_name: 'r' })]),
  ],
  ['a table and a name', scoped([byIndex('x')], [scope('a', ['one'], { route_configuration_name: 'r' })])],
  ['no table', scoped([byIndex('x')], [scope('a', ['one'], { route_configuration: undefined })])],
  ['no key', scoped([byIndex('x')], [scope('a', ['one'], { key: undefined })])],
  ['no name', scoped([byIndex('x')], [scope('', ['one'])])],
  ['the same key twice', scoped([byIndex('x')], [scope('a', ['one']), scope('b', ['one'])])],
  ['the same name twice', scoped([byIndex('x')], [scope('a', ['one']), scope('a', ['two'])])],
  [
    'an unknown cluster',
    scoped(
      [byIndex('x')],
      [
        scope('a', ['one'], {
          route_configuration: { virtual_hosts: [{ name: 'a', domains: ['*'], routes: [toCluster('nowhere')] }] },
        }),
      ],
    ),
  ],
];

export const scenarios: readonly Scenario[] = [
  {
    feature,
    name: 'inline',
    bootstrap: (places) =>
      bootstrap(
        places,
        rows.map((row, index) => config(places, index, row)),
        [cluster(places, 0)],
      ),
    cases: rows.flatMap((row, index) =>
      row.requests.map((request, at): Case => ({ name: `${row.name}: ${at}`, listener: index, requests: [request] })),
    ),
  },
  {
    feature,
    name: 'on the admin interface',
    bootstrap: (places) => bootstrap(places, [config(places, 0, rows[0] as Row)], [cluster(places, 0)]),
    cases: [
      {
        name: 'scopes and routes',
        requests: [],
        admin: ['/config_dump?mask=inline_scoped_route_configs', '/config_dump?mask=static_route_configs'],
      },
    ],
  },
  ...faults.map(
    ([name, faulty]): Scenario => ({
      feature,
      name: `checked: ${name}`,
      validateOnly: true,
      bootstrap: (places) =>
        bootstrap(places, [config(places, 0, { name, scoped: faulty, requests: [] })], [cluster(places, 0)]),
      cases: [],
    }),
  ),
];
