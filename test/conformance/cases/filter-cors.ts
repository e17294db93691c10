import { fileLog, router, simple, typed } from '../config.ts';
import type { Case, Json, Request, Scenario } from '../types.ts';

const TYPE = 'envoy.extensions.filters.http.cors.v3.Cors';
const POLICY = 'envoy.extensions.filters.http.cors.v3.CorsPolicy';
const format = '%REQ(:METHOD)% %REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%\n';

const from = (origin: string, more: Readonly<Record<string, string>> = {}, method?: string): Request => ({
  ...(method ? { method } : {}),
  headers: { origin, ...more },
});
const asks = (origin: string, more: Readonly<Record<string, string>> = {}): Request =>
  from(origin, { 'access-control-request-method': 'PUT', ...more }, 'OPTIONS');

const requests: Readonly<Record<string, Request>> = {
  'no origin': {},
  'empty origin': from(''),
  'good origin': from('http://good'),
  'bad origin': from('http://bad'),
  'good origin, POST': from('http://good', {}, 'POST'),
  'preflight of a good origin': asks('http://good'),
  'preflight of a bad origin': asks('http://bad'),
  'preflight without an origin': { method: 'OPTIONS', headers: { 'access-control-request-method': 'PUT' } },
  'OPTIONS without a method': from('http://good', {}, 'OPTIONS'),
  'preflight with headers': asks('http://good', { 'access-control-request-headers': 'x-a,x-b' }),
  'preflight for a private network': asks('http://good', { 'access-control-request-private-network': 'true' }),
  'preflight for a public network': asks('http://good', { 'access-control-request-private-network': 'false' }),
};
const few = ['good origin', 'bad origin', 'preflight of a good origin', 'preflight of a bad origin'];

const good: Json = { allow_origin_string_match: [{ exact: 'http://good' }] };
const share = (numerator: number): Json => ({ default_value: { numerator } });

interface Row {
  readonly name: string;
  readonly policy: Json;
  readonly only?: readonly string[];
  readonly answer?: string;
  readonly route?: Json;
}

const rows: readonly Row[] = [
  { name: 'empty', policy: {} },
  { name: 'an origin', policy: good },
  { name: 'any origin', policy: { allow_origin_string_match: [{ exact: '*' }] }, only: few },
  { name: 'origins by prefix', policy: { allow_origin_string_match: [{ prefix: 'http://g' }] }, only: few },
  { name: 'origins by suffix', policy: { allow_origin_string_match: [{ suffix: 'bad' }] }, only: few },
  {
    name: 'origins by expression',
    policy: { allow_origin_string_match: [{ safe_regex: { regex: 'http://.*' } }] },
    only: few,
  },
  {
    name: 'all said',
    policy: {
      ...good,
      allow_methods: 'GET, PUT',
      allow_headers: 'x-a, x-c',
      expose_headers: 'x-e',
      max_age: '100',
      allow_credentials: true,
      allow_private_network_access: true,
    },
  },
  {
    name: 'anything goes',
    policy: { ...good, allow_methods: '*', allow_headers: '*', expose_headers: '*', allow_credentials: false },
  },
  { name: 'strangers answered', policy: { ...good, forward_not_matching_preflights: false, allow_methods: 'GET' } },
  { name: 'strangers forwarded', policy: { ...good, forward_not_matching_preflights: true } },
  { name: 'private network refused', policy: { ...good, allow_private_network_access: false } },
  { name: 'off', policy: { ...good, filter_enabled: share(0) } },
  { name: 'on', policy: { ...good, filter_enabled: share(100) }, only: few },
  { name: 'shadow', policy: { ...good, filter_enabled: share(0), shadow_enabled: share(100) }, only: few },
  { name: 'shadow and on', policy: { ...good, shadow_enabled: share(100) }, only: few },
  {
    name: 'off by runtime',
    policy: { ...good, filter_enabled: { ...share(100), runtime_key: 'c.off' } },
    only: few,
  },
  {
    name: 'the backend says it too',
    policy: { ...good, allow_credentials: true, expose_headers: 'x-e' },
    only: ['good origin', 'bad origin'],
    answer:
      'HTTP/1.1 200 OK\r\naccess-control-allow-origin: *\r\naccess-control-allow-credentials: false\r\naccess-control-expose-headers: y\r\ncontent-length: 0\r\n\r\n',
  },
  {
    name: 'a direct response',
    policy: good,
    route: { direct_response: { status: 200, body: { inline_string: 'hi' } } },
  },
  { name: 'a redirect', policy: good, only: few, route: { redirect: { path_redirect: '/x' } } },
  {
    name: 'headers of the route',
    policy: good,
    only: few,
    route: {
      route: { cluster: 'c0' },
      response_headers_to_add: [{ header: { key: 'x-r', value: 'r' } }],
      response_headers_to_remove: ['access-control-allow-origin'],
    },
  },
];

const prefixOf = (index: number): string => `/${index}/`;
const stats = [/^http\.in\.cors\./];

const manager = (places: Parameters<typeof fileLog>[0], more: Json = {}): Json => ({
  access_log: [fileLog(places, format)],
  http_filters: [{ name: 'cors', typed_config: typed(TYPE) }, router()],
  ...more,
});

const table: Scenario = {
  feature: 'CORS filter',
  name: 'policies',
  stats,
  bootstrap: (places) => ({
    ...simple(places, {
      routes: rows.map(({ policy, route }, index) => ({
        match: { prefix: prefixOf(index) },
        ...(route ?? { route: { cluster: 'c0' } }),
        typed_per_filter_config: { cors: typed(POLICY, policy) },
      })),
      manager: manager(places),
    }),
    layered_runtime: { layers: [{ name: 'base', static_layer: { c: { off: 0 } } }] },
  }),
  cases: rows.flatMap(({ name, only, answer }, index) =>
    Object.entries(requests)
      .filter(([what]) => only === undefined || only.includes(what))
      .map(
        ([what, request]): Case => ({
          name: `${name}: ${what}`,
          requests: [{ ...request, path: prefixOf(index) }],
          ...(answer ? { backends: { 0: [{ raw: answer }] } } : {}),
        }),
      ),
  ),
};

const all = (path: string, names: readonly string[]): readonly Case[] =>
  names.map((what) => ({ name: `${path}: ${what}`, requests: [{ ...requests[what], path }] }));

const per = (policy: Json): Json => ({ typed_per_filter_config: { cors: typed(POLICY, policy) } });

const levels: Scenario = {
  feature: 'CORS filter',
  name: 'levels',
  stats,
  bootstrap: (places) =>
    simple(places, {
      manager: manager(places, {
        route_config: {
          name: 'routes',
          ...per({ ...good, allow_methods: 'TABLE', max_age: '1', expose_headers: 'table' }),
          virtual_hosts: [
            {
              name: 'all',
              domains: ['*'],
              ...per({ allow_headers: 'host', max_age: '2', forward_not_matching_preflights: false }),
              routes: [
                { match: { prefix: '/plain' }, route: { cluster: 'c0' } },
                {
                  match: { prefix: '/route' },
                  route: { cluster: 'c0' },
                  ...per({ allow_methods: 'ROUTE', allow_credentials: true }),
                },
                {
                  match: { prefix: '/other' },
                  route: { cluster: 'c0' },
                  ...per({ allow_origin_string_match: [{ exact: 'http://bad' }] }),
                },
                { match: { prefix: '/off' }, route: { cluster: 'c0' }, ...per({ filter_enabled: share(0) }) },
                {
                  match: { prefix: '/disabled' },
                  route: { cluster: 'c0' },
                  typed_per_filter_config: {
                    cors: typed('envoy.config.route.v3.FilterConfig', { disabled: true }),
                  },
                },
              ],
            },
          ],
        },
      }),
    }),
  cases: ['/plain', '/route', '/other', '/off', '/disabled', '/none'].flatMap((path) => all(path, few)),
};

const without: Scenario = {
  feature: 'CORS filter',
  name: 'no policy',
  stats,
  bootstrap: (places) => simple(places, { manager: manager(places) }),
  cases: all('/', Object.keys(requests)),
};

export const scenarios: readonly Scenario[] = [table, levels, without];
