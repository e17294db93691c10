import { bootstrap, cluster, listener, manager } from '../config.ts';
import { named } from '../route-tables.ts';
import type { Case, Json, Request, Scenario } from '../types.ts';

const host = (name: string, domains: readonly string[], more: Json = {}): Json => ({
  name,
  domains,
  routes: [named(name, { prefix: '/only' }), named(`${name}/`, { path: '/' })],
  ...more,
});

const tables: Readonly<Record<string, { readonly hosts: readonly Json[]; readonly config?: Json }>> = {
  all: {
    hosts: [
      host('any', ['*']),
      host('exact', ['a.test', 'A2.Test']),
      host('port', ['a.test:8080']),
      host('suffix', ['*.test']),
      host('longer suffix', ['*.b.test', '*-x.b.test']),
      host('prefix', ['a.*', '10.*']),
      host('longer prefix', ['a.b.*']),
      host('both', ['*.both', 'both.*']),
      host('v6', ['[::1]', '[::2]:81']),
    ],
  },
  'without any': { hosts: [host('exact', ['a.test']), host('suffix', ['*.test'])] },
  'port ignored': {
    hosts: [host('exact', ['a.test']), host('v6', ['[::1]']), host('with port', ['p.test:80']), host('any', ['*'])],
    config: { ignore_port_in_host_matching: true },
  },
  'only any': { hosts: [host('any', ['*'])] },
  'by header': {
    hosts: [host('exact', ['a.test']), host('header', ['h.test']), host('any', ['*'])],
    config: { vhost_header: 'X-Host' },
  },
  'by header without any': {
    hosts: [host('exact', ['a.test']), host('header', ['h.test'])],
    config: { vhost_header: 'x-host' },
  },
  empty: { hosts: [] },
  'no name': { hosts: [host('empty', ['']), host('exact', ['a.test'])] },
};

const names = Object.keys(tables);

const requests: readonly (readonly [string, string, Request])[] = [
  ...[
    'a.test',
    'A.TEST',
    'a2.test',
    'a.test:8080',
    'a.test:9',
    'b.test',
    'x.b.test',
    'y-x.b.test',
    '-x.b.test',
    '.b.test',
    'b.test:80',
    'a.other',
    'a.b.other',
    'a.b.test',
    'a.',
    'a.b.',
    '10.1.2.3',
    'both.both',
    'x.both',
    'both.x',
    '[::1]',
    '[::1]:80',
    '[::2]:81',
    'nothing',
    'other.test.',
    'test',
    '.test',
  ].map((name) => ['all', name, { host: name }] as const),
  ['all', 'a route of another host is not tried', { host: 'a.test', path: '/none' }],
  ['all', 'absolute target', { host: 'b.test', path: 'http://a.test/' }],
  ...['a.test', 'x.test', 'other', 'a.test:80'].map((name) => ['without any', name, { host: name }] as const),
  ...['a.test', 'a.test:80', 'a.test:', 'p.test:80', 'p.test', '[::1]:80', '[::1]'].map(
    (name) => ['port ignored', name, { host: name }] as const,
  ),
  ['only any', 'whatever', { host: 'x:1' }],
  ['by header', 'header', { host: 'a.test', headers: { 'X-Host': 'h.test' } }],
  ['by header', 'capitals', { host: 'a.test', headers: { 'X-Host': 'H.TEST' } }],
  ['by header', 'no header', { host: 'a.test' }],
  ['by header', 'unknown', { host: 'a.test', headers: { 'X-Host': 'x' } }],
  ['by header', 'empty', { host: 'a.test', headers: { 'X-Host': '' } }],
  [
    'by header',
    'twice',
    {
      host: 'a.test',
      headers: [
        ['X-Host', 'h.test'],
        ['X-Host', 'a.test'],
      ],
    },
  ],
  ['by header without any', 'no header', { host: 'a.test' }],
  ['by header without any', 'header', { host: 'x', headers: { 'X-Host': 'a.test' } }],
  ['empty', 'anything', { host: 'a.test' }],
  ['no name', 'a host', { host: 'a.test' }],
];

const domainScenario: Scenario = {
  feature: 'virtual hosts',
  name: 'domains',
  bootstrap: (places) => {
    const listeners = names.map((name, index) => {
      const { hosts = [], config = {} } = tables[name] ?? {};
      const table = { name: `table ${index}`, virtual_hosts: hosts, ...config };
      return listener(places, index, [manager(places, { route_config: table })]);
    });
    return bootstrap(places, listeners, [cluster(places, 0)]);
  },
  cases: requests.map(
    ([table, name, request]): Case => ({
      name: `${table}: ${name}`,
      listener: names.indexOf(table),
      requests: [request],
    }),
  ),
};

const tls = (requirement: string, more: Json = {}): Json =>
  host(requirement.toLowerCase(), [`${requirement.toLowerCase()}.test`, `${requirement.toLowerCase()}.test:80`], {
    require_tls: requirement,
    response_headers_to_add: [{ header: { key: 'x-host', value: 'added' } }],
    ...more,
  });

const tlsScenario: Scenario = {
  feature: 'virtual hosts',
  name: 'TLS required',
  bootstrap: (places) =>
    bootstrap(
      places,
      [
        listener(places, 0, [
          manager(places, {
            route_config: { name: 'routes', virtual_hosts: [tls('NONE'), tls('ALL'), tls('EXTERNAL_ONLY')] },
          }),
        ]),
      ],
      [cluster(places, 0)],
    ),
  cases: ['none', 'all', 'external_only'].flatMap((name): readonly Case[] => [
    { name: `${name}: plain`, requests: [{ host: `${name}.test`, path: '/only?q=1' }] },
    {
      name: `${name}: behind TLS`,
      requests: [{ host: `${name}.test`, path: '/only', headers: { 'X-Forwarded-Proto': 'https' } }],
    },
    { name: `${name}: with port`, requests: [{ host: `${name}.test:80`, path: '/only' }] },
    { name: `${name}: no route`, requests: [{ host: `${name}.test`, path: '/none' }] },
    {
      name: `${name}: claims to be internal`,
      requests: [{ host: `${name}.test`, path: '/only', headers: { 'X-Envoy-Internal': 'true' } }],
    },
    { name: `${name}: POST`, requests: [{ method: 'POST', host: `${name}.test`, path: '/only', body: 'x' }] },
  ]),
};

export const scenarios: readonly Scenario[] = [domainScenario, tlsScenario];
