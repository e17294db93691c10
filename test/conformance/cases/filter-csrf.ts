import { fileLog, routeConfig, router, simple, typed } from '../config.ts';
import type { Case, Json, Request, Scenario } from '../types.ts';

const TYPE = 'envoy.extensions.filters.http.csrf.v3.CsrfPolicy';
const feature = 'CSRF filter';
const stats = [/^http\.in\.csrf\./];
const format = '%REQ(:METHOD)% %REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%\n';

const share = (numerator: number, more: Json = {}): Json => ({ default_value: { numerator }, ...more });
const on = { filter_enabled: share(100) };
const filter = (config: Json): Json => ({ name: 'csrf', typed_config: typed(TYPE, config) });
const per = (config: Json): Json => ({ typed_per_filter_config: { csrf: typed(TYPE, config) } });

const scenario = (name: string, config: Json, cases: readonly Case[], more: Partial<Scenario> = {}): Scenario => ({
  feature,
  name,
  stats,
  bootstrap: (places) =>
    simple(places, {
      manager: { access_log: [fileLog(places, format)], http_filters: [filter(config), router()] },
    }),
  cases,
  ...more,
});

const post = (headers: Readonly<Record<string, string>> = {}, more: Request = {}): Request => ({
  method: 'POST',
  body: 'a',
  headers,
  ...more,
});
const from = (origin: string, more: Request = {}): Request => post({ origin }, more);

const requests: Readonly<Record<string, Request>> = {
  'no origin': post(),
  'the same origin': from('http://example.com'),
  'the same with HTTPS': from('https://example.com'),
  'with a port': from('http://example.com:80'),
  'without a scheme': from('example.com'),
  'another origin': from('http://evil.test'),
  'a longer host': from('http://example.com.evil.test'),
  'a host in front': from('http://www.example.com'),
  'upper case': from('http://EXAMPLE.com'),
  'upper-case scheme': from('HTTP://example.com'),
  'a path behind': from('http://example.com/path?a=b'),
  'a query behind': from('http://example.com?a=b'),
  'a fragment behind': from('http://example.com#a'),
  'a slash behind': from('http://example.com/'),
  'a user before': from('http://a:b@example.com'),
  'the host as user': from('http://example.com@evil.test'),
  null: from('null'),
  empty: from(''),
  'another scheme': from('ftp://example.com'),
  'no host': from('http://'),
  'a bad port': from('http://example.com:99999'),
  'a port of text': from('http://example.com:a'),
  spaces: from('http://example.com http://evil.test'),
  'an address': from('http://[::1]:80', { host: '[::1]:80' }),
  'two origins': {
    method: 'POST',
    headers: [
      ['origin', 'http://example.com'],
      ['origin', 'http://example.com'],
    ],
  },
  'a referer': post({ referer: 'http://example.com/a/b?c' }),
  'another referer': post({ referer: 'http://evil.test/example.com' }),
  'an empty origin and a referer': post({ origin: '', referer: 'http://example.com/' }),
  'null and a referer': post({ origin: 'null', referer: 'http://example.com/' }),
  'another origin and a good referer': post({ origin: 'http://evil.test', referer: 'http://example.com/' }),
  'a good origin and another referer': post({ origin: 'http://example.com', referer: 'http://evil.test/' }),
  'a referer that is no URL': post({ referer: 'example.com' }),
  'a referer of null': post({ referer: 'null' }),
  'NULL in upper case': from('NULL'),
  'a relative referer': post({ referer: '/a' }),
  'a host with a port': from('http://example.com:8080', { host: 'example.com:8080' }),
  'a host with a port, an origin without': from('http://example.com', { host: 'example.com:8080' }),
  'a host in upper case': from('http://EXAMPLE.com', { host: 'EXAMPLE.com' }),
  'an absolute target': from('http://other.test', { path: 'http://other.test/a' }),
  'a host with an underscore': from('http://a_b.test', { host: 'a_b.test' }),
  'a host with an escape': from('http://a%41.test', { host: 'a%41.test' }),
  gRPC: post({ 'content-type': 'application/grpc', origin: 'http://evil.test' }),
};
const methods = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'PATCH', 'post', 'TRACE', 'PROPFIND'];

const each = (all: Readonly<Record<string, Request>>): readonly Case[] =>
  Object.entries(all).map(([name, request]) => ({ name, requests: [request] }));
const some = (...names: readonly string[]): readonly Case[] =>
  names.map((name) => ({ name, requests: [requests[name] ?? {}] }));
const few = some('no origin', 'the same origin', 'another origin');

const refused = (name: string, config: Json, route: Json = {}): Scenario => ({
  feature,
  name: `refused: ${name}`,
  validateOnly: true,
  bootstrap: (places) =>
    simple(places, {
      routes: [{ match: { prefix: '/' }, route: { cluster: 'c0' }, ...route }],
      manager: { http_filters: [filter(config), router()] },
    }),
  cases: [],
});

const origins = (...additional_origins: readonly Json[]): Json => ({ ...on, additional_origins });

export const scenarios: readonly Scenario[] = [
  scenario('origins', on, each(requests)),
  scenario(
    'methods',
    on,
    methods.flatMap((method): readonly Case[] => [
      { name: method, requests: [{ method, headers: { origin: 'http://evil.test' } }] },
      { name: `${method} from the same origin`, requests: [{ method, headers: { origin: 'http://example.com' } }] },
    ]),
  ),
  scenario('off', { filter_enabled: share(0) }, few),
  scenario('shadow', { filter_enabled: share(0), shadow_enabled: share(100) }, few),
  scenario('both', { ...on, shadow_enabled: share(100) }, few),
  scenario(
    'of a thousand',
    { filter_enabled: { default_value: { numerator: 10_000, denominator: 'TEN_THOUSAND' } } },
    few,
  ),
  scenario(
    'by runtime',
    {
      filter_enabled: share(100, { runtime_key: 'csrf.on' }),
      shadow_enabled: share(0, { runtime_key: 'csrf.shadow' }),
    },
    few,
    {
      bootstrap: (places) => ({
        ...simple(places, {
          manager: {
            access_log: [fileLog(places, format)],
            http_filters: [
              filter({
                filter_enabled: share(100, { runtime_key: 'csrf.on' }),
                shadow_enabled: share(0, { runtime_key: 'csrf.shadow' }),
              }),
              router(),
            ],
          },
        }),
        layered_runtime: { layers: [{ name: 'l', static_layer: { csrf: { on: 0, shadow: 100 } } }] },
      }),
    },
  ),
  scenario(
    'other origins',
    origins({ exact: 'www.test' }, { suffix: '.good.test' }, { safe_regex: { regex: 'r[0-9]+\\.test(:80)?' } }),
    each({
      exact: from('http://www.test'),
      'exact with a port': from('http://www.test:80'),
      suffix: from('https://a.good.test'),
      'suffix behind': from('https://a.good.test.evil.test'),
      regex: from('http://r1.test'),
      'regex with a port': from('http://r1.test:80'),
      'in the path': from('http://evil.test/www.test'),
      'the own': from('http://example.com'),
      referer: post({ referer: 'http://www.test/a' }),
      none: post(),
      text: from('www.test'),
    }),
  ),
  scenario('all origins by expression', origins({ safe_regex: { regex: '.*' } }), few),
  scenario('folded', origins({ exact: 'WWW.test', ignore_case: true }), each({ folded: from('http://www.TEST') })),
  {
    ...scenario('routes', {}, []),
    bootstrap: (places) =>
      simple(places, {
        manager: {
          access_log: [fileLog(places, format)],
          http_filters: [filter(on), router()],
          route_config: routeConfig(
            [
              { match: { prefix: '/off' }, route: { cluster: 'c0' }, ...per({ filter_enabled: share(0) }) },
              { match: { prefix: '/others' }, route: { cluster: 'c0' }, ...per(origins({ exact: 'evil.test' })) },
              {
                match: { prefix: '/disabled' },
                route: { cluster: 'c0' },
                typed_per_filter_config: { csrf: typed('envoy.config.route.v3.FilterConfig', { disabled: true }) },
              },
              { match: { prefix: '/direct' }, direct_response: { status: 201 }, ...per(on) },
              { match: { prefix: '/' }, route: { cluster: 'c0' } },
            ],
            {},
            per({ filter_enabled: share(0), shadow_enabled: share(100) }),
          ),
        },
      }),
    cases: ['/', '/off', '/others', '/disabled', '/direct'].flatMap((path): readonly Case[] => [
      { name: path, requests: [post({}, { path })] },
      { name: `${path}: the same origin`, requests: [from('http://example.com', { path })] },
      { name: `${path}: another`, requests: [from('http://evil.test', { path })] },
    ]),
  },
  refused('nothing', {}),
  refused('no default', { filter_enabled: {} }),
  refused('a shadow without default', { ...on, shadow_enabled: { runtime_key: 'a' } }),
  refused('an empty prefix', origins({ prefix: '' })),
  refused('an origin of nothing', origins({})),
  refused('an expression that is none', origins({ safe_regex: { regex: '(' } })),
  refused('a route of nothing', on, per({})),
  refused('a route of another type', on, {
    typed_per_filter_config: { csrf: typed('envoy.extensions.filters.http.cors.v3.CorsPolicy') },
  }),
];
