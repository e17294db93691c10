import { fileLog, router, simple, typed } from '../config.ts';
import type { Json, Scenario } from '../types.ts';

const MUTATION = 'envoy.extensions.filters.http.header_mutation.v3.HeaderMutation';
const PER_ROUTE = 'envoy.extensions.filters.http.header_mutation.v3.HeaderMutationPerRoute';
const FILTER_CONFIG = 'envoy.config.route.v3.FilterConfig';
/** A message that Envoy knows and that is no filter. */
const NO_FILTER = 'envoy.config.core.v3.Metadata';
const format = '%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%\n';

const mutations = (value: string): Json => ({
  mutations: { request_mutations: [{ append: { header: { key: 'x-mark', value } } }] },
});
const mark = (name: string, more: Json = {}): Json => ({
  name,
  typed_config: typed(MUTATION, mutations(name)),
  ...more,
});
const own = (value: string): Json => typed(PER_ROUTE, mutations(value));
const filterConfig = (config: Json): Json => typed(FILTER_CONFIG, config);

/** What a route says about the filters `on` (which runs) and `off` (which is disabled in the chain). */
const routes: Readonly<Record<string, Json>> = {
  nothing: {},
  'off-configured': { off: own('route') },
  'on-configured': { on: own('route') },
  'off-by-filter-config': { off: filterConfig({ config: own('route') }) },
  'on-by-filter-config': { on: filterConfig({ config: own('route') }) },
  'on-disabled': { on: filterConfig({ disabled: true }) },
  'off-disabled': { off: filterConfig({ disabled: true }) },
  'on-disabled-with-config': { on: filterConfig({ disabled: true, config: own('route') }) },
  'off-disabled-with-config': { off: filterConfig({ disabled: true, config: own('route') }) },
  'both-disabled': { on: filterConfig({ disabled: true }), off: filterConfig({ disabled: true }) },
  'off-empty-config': { off: filterConfig({ config: typed(PER_ROUTE) }) },
  'off-no-config': { off: filterConfig({ config: {} }) },
  'on-no-config': { on: filterConfig({ config: {} }) },
  'off-disabled-no-config': { off: filterConfig({ disabled: true, config: {} }) },
  'unknown-name': { other: own('route') },
  'unknown-name-disabled': { other: filterConfig({ disabled: true }) },
  'optional-known': { off: filterConfig({ is_optional: true, config: own('route') }) },
  'optional-unknown': { off: filterConfig({ is_optional: true, config: typed(NO_FILTER) }) },
  'optional-unknown-on': { on: filterConfig({ is_optional: true, config: typed(NO_FILTER) }) },
};

const chain = (name: string, host: Json, table: Json): Scenario => ({
  feature: 'filter chains',
  name,
  bootstrap: (places) =>
    simple(places, {
      manager: {
        access_log: [fileLog(places, format)],
        route_config: {
          name: 'routes',
          typed_per_filter_config: table,
          virtual_hosts: [
            {
              name: 'all',
              domains: ['*'],
              typed_per_filter_config: host,
              routes: Object.entries(routes).map(([path, config]) => ({
                match: { path: `/${path}` },
                route: { cluster: 'c0' },
                typed_per_filter_config: config,
              })),
            },
          ],
        },
        http_filters: [mark('on'), mark('off', { disabled: true }), router()],
      },
    }),
  cases: [...Object.keys(routes), 'none'].map((path) => ({ name: path, requests: [{ path: `/${path}` }] })),
});

const refusal = (name: string, filters: readonly Json[], host: Json = {}): Scenario => ({
  feature: 'filter chains',
  name: `refusal: ${name}`,
  validateOnly: true,
  bootstrap: (places) =>
    simple(places, {
      manager: {
        route_config: {
          name: 'routes',
          virtual_hosts: [
            {
              name: 'all',
              domains: ['*'],
              routes: [{ match: { prefix: '/' }, route: { cluster: 'c0' } }],
              typed_per_filter_config: host,
            },
          ],
        },
        http_filters: filters,
      },
    }),
  cases: [],
});

export const scenarios: readonly Scenario[] = [
  chain('routes', {}, {}),
  chain('on disabled by the host', { on: filterConfig({ disabled: true }) }, {}),
  chain('off configured by the host', { off: own('host') }, {}),
  chain('off configured by the table', {}, { off: own('table') }),
  chain(
    'off configured by the table and disabled by the host',
    { off: filterConfig({ disabled: true }) },
    { off: own('table') },
  ),
  chain(
    'on disabled by the table and configured by the host',
    { on: filterConfig({ config: own('host') }) },
    { on: filterConfig({ disabled: true }) },
  ),
  refusal('an unknown filter', [{ name: 'x', typed_config: typed(NO_FILTER) }, router()]),
  refusal('an optional unknown filter', [{ name: 'x', is_optional: true, typed_config: typed(NO_FILTER) }, router()]),
  refusal('a filter without a configuration', [{ name: 'x' }, router()]),
  refusal('an optional filter without a configuration', [{ name: 'x', is_optional: true }, router()]),
  refusal('a filter without a name', [{ typed_config: typed(MUTATION) }, router()]),
  refusal('no router', [mark('a')]),
  refusal('a filter after the router', [router(), mark('a')]),
  chain(
    'on disabled by the host, off by the table',
    { on: filterConfig({ disabled: true }) },
    { off: filterConfig({ config: {} }) },
  ),
  refusal('two routers', [router(), router()]),
  refusal('a disabled router', [{ ...router(), disabled: true }]),
  refusal('two filters of one name', [mark('a'), mark('a'), router()]),
  refusal('an unknown type of a host', [mark('a'), router()], { a: typed(NO_FILTER) }),
  refusal('an unknown type of a host in a filter config', [mark('a'), router()], {
    a: filterConfig({ config: typed(NO_FILTER) }),
  }),
  refusal('an empty filter config', [mark('a'), router()], { a: filterConfig({}) }),
  refusal('an optional empty filter config', [mark('a'), router()], { a: filterConfig({ is_optional: true }) }),
  refusal('a filter config in a filter config', [mark('a'), router()], {
    a: filterConfig({ config: filterConfig({ disabled: true }) }),
  }),
  refusal('the type of another filter', [mark('a'), router()], {
    a: typed('envoy.extensions.filters.http.fault.v3.HTTPFault'),
  }),
];
