import { fileLog, router, simple, typed } from '../config.ts';
import type { Case, Json, Scenario } from '../types.ts';

const MUTATION = 'envoy.extensions.filters.http.header_mutation.v3.HeaderMutation';
const PER_ROUTE = 'envoy.extensions.filters.http.header_mutation.v3.HeaderMutationPerRoute';
const format = '%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %ROUTE_NAME% %RESP(X-SAYS)%\n';

const append = (key: string, value: string, append_action = 'OVERWRITE_IF_EXISTS_OR_ADD'): Json => ({
  append: { header: { key, value }, append_action },
});
const mutation = (name: string, mutations: Json): Json => ({ name, typed_config: typed(MUTATION, { mutations }) });
const perRoute = (name: string, value: string): Json => ({
  [name]: typed(PER_ROUTE, {
    mutations: { request_mutations: [append('x-second', value)], response_mutations: [append('x-says', value)] },
  }),
});
const cors: Json = {
  name: 'cors',
  typed_config: typed('envoy.extensions.filters.http.cors.v3.Cors'),
};
const allow: Json = { permissions: [{ header: { name: 'x-b', present_match: true } }], principals: [{ any: true }] };
const rbac: Json = {
  name: 'rbac',
  typed_config: typed('envoy.extensions.filters.http.rbac.v3.RBAC', { rules: { policies: { p: allow } } }),
};

/** The header decides about the route; the filters behind the first change it once the route is known. */
const routes: readonly Json[] = [
  {
    name: 'b',
    match: { prefix: '/', headers: [{ name: 'x-b', present_match: true }] },
    route: { cluster: 'c0', prefix_rewrite: '/b' },
    typed_per_filter_config: perRoute('second', 'route b'),
  },
  {
    name: 'q',
    match: { prefix: '/', query_parameters: [{ name: 'q', present_match: true }] },
    route: { cluster: 'c0', prefix_rewrite: '/q' },
    typed_per_filter_config: perRoute('second', 'route q'),
  },
  {
    name: 'a',
    match: { prefix: '/' },
    route: { cluster: 'c0', prefix_rewrite: '/a' },
    typed_per_filter_config: perRoute('second', 'route a'),
  },
];

const cases: readonly Case[] = [
  { name: 'as it is', requests: [{}] },
  { name: 'another query', requests: [{ path: '/?q=1' }] },
  { name: 'the header from the start', requests: [{ headers: { 'x-b': '1' } }] },
  {
    name: 'CORS',
    requests: [{ headers: { origin: 'http://a.test' } }],
  },
];

const scenario = (name: string, filters: readonly Json[], more: Json = {}): Scenario => ({
  feature: 'route after filters',
  name,
  bootstrap: (places) =>
    simple(places, {
      routes,
      manager: { access_log: [fileLog(places, format)], http_filters: [...filters, router()], ...more },
    }),
  cases,
});

const second = mutation('second', {});

export const scenarios: readonly Scenario[] = [
  scenario('a header that another route asks for', [
    mutation('first', { request_mutations: [append('x-b', '1')] }),
    second,
  ]),
  scenario('a header that its route asked for', [
    mutation('first', { request_mutations: [{ remove: 'x-b' }] }),
    second,
  ]),
  scenario('a query that another route asks for', [
    mutation('first', {
      query_parameter_mutations: [
        { append: { record: { key: 'q', value: '1' }, action: 'OVERWRITE_IF_EXISTS_OR_ADD' } },
      ],
    }),
    second,
  ]),
  scenario('other filters in between', [
    mutation('first', { request_mutations: [append('x-b', '1')] }),
    cors,
    rbac,
    second,
  ]),
  scenario('changed before the route is looked for', [second], {
    early_header_mutation_extensions: [
      {
        name: 'early',
        typed_config: typed('envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation', {
          mutations: [append('x-b', '1')],
        }),
      },
    ],
  }),
];
