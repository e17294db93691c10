import { fileLog, router, simple, typed } from '../config.ts';
import type { Case, Json, Request, Scenario } from '../types.ts';

const TYPE = 'envoy.extensions.filters.http.header_mutation.v3.HeaderMutation';
const PER_ROUTE = 'envoy.extensions.filters.http.header_mutation.v3.HeaderMutationPerRoute';
const format = '%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%\n';

interface Row {
  readonly name: string;
  readonly route: Json;
  /** Query of the request. */
  readonly query?: string;
  readonly request?: Request;
  readonly answer?: string;
}

const append = (key: string, value: string, action?: string, more: Json = {}): Json => ({
  append: { header: { key, value }, ...(action ? { append_action: action } : {}), ...more },
});
const remove = (name: string): Json => ({ remove: name });
const onMatch = (matcher: Json): Json => ({ remove_on_match: { key_matcher: matcher } });
const request = (...list: Json[]): Json => ({ request_mutations: list });
const response = (...list: Json[]): Json => ({ response_mutations: list });
const query = (...list: Json[]): Json => ({ query_parameter_mutations: list });
const param = (key: string, value: string, action?: string): Json => ({
  append: { record: { key, value }, ...(action ? { action } : {}) },
});
const sent: Request = { headers: { 'x-a': '1', 'x-b': '2', 'x-c': '3' } };
const ok = 'HTTP/1.1 200 OK\r\nx-a: 1\r\nx-b: 2\r\nserver: me\r\ncontent-length: 0\r\n\r\n';
const actions = ['APPEND_IF_EXISTS_OR_ADD', 'ADD_IF_ABSENT', 'OVERWRITE_IF_EXISTS_OR_ADD', 'OVERWRITE_IF_EXISTS'];

const rows: readonly Row[] = [
  { name: 'nothing', route: {} },
  ...actions.flatMap((action): Row[] => [
    { name: `${action} of a present header`, route: request(append('x-a', 'new', action)), request: sent },
    { name: `${action} of an absent header`, route: request(append('x-new', 'new', action)), request: sent },
    { name: `${action} in a response`, route: response(append('x-a', 'new', action)), answer: ok },
    { name: `${action} of a parameter`, route: query(param('a', 'new', action)), query: '?a=1&b=2' },
    { name: `${action} of an absent parameter`, route: query(param('c', 'new', action)), query: '?b=2&a=1' },
    { name: `${action} of a repeated parameter`, route: query(param('a', 'new', action)), query: '?a=1&b=2&a=3' },
  ]),
  { name: 'remove', route: request(remove('x-a'), remove('x-none')), request: sent },
  { name: 'remove by another case', route: request(remove('X-A')), request: sent },
  { name: 'remove, then append', route: request(remove('x-a'), append('x-a', 'new')), request: sent },
  { name: 'append, then remove', route: request(append('x-a', 'new'), remove('x-a')), request: sent },
  { name: 'append twice', route: request(append('x-n', '1'), append('x-n', '2')), request: sent },
  {
    name: 'append, then overwrite what is there',
    route: request(append('x-n', '1'), append('x-n', '2', 'OVERWRITE_IF_EXISTS')),
    request: sent,
  },
  { name: 'a command', route: request(append('x-n', '%REQ(x-a)% %PROTOCOL%')), request: sent },
  {
    name: 'a command that sees the mutation before',
    route: request(append('x-n', '1'), append('x-m', '[%REQ(x-n)%]')),
    request: sent,
  },
  { name: 'an empty value', route: request(append('x-n', '')), request: sent },
  {
    name: 'a kept empty value',
    route: request(append('x-n', '', undefined, { keep_empty_value: true })),
    request: sent,
  },
  { name: 'a command without a value', route: request(append('x-n', '%REQ(x-none)%')), request: sent },
  { name: 'removal by prefix', route: request(onMatch({ prefix: 'x-' })), request: sent },
  { name: 'removal by exact name', route: request(onMatch({ exact: 'x-b' })), request: sent },
  { name: 'removal by expression', route: request(onMatch({ safe_regex: { regex: 'x-[ab]' } })), request: sent },
  { name: 'removal in a response', route: response(onMatch({ prefix: 'x-' })), answer: ok },
  { name: 'remove in a response', route: response(remove('x-b'), remove('server')), answer: ok },
  { name: 'a command in a response', route: response(append('x-n', '%RESPONSE_CODE% %REQ(x-a)%')), request: sent },
  { name: 'a command of a response', route: response(append('x-n', '%RESP(x-b)%')), answer: ok },
  { name: 'both directions', route: { ...request(append('x-n', '1')), ...response(append('x-n', '2')) } },
  { name: 'remove a parameter', route: query(remove('a')), query: '?a=1&b=2' },
  { name: 'remove the only parameter', route: query(remove('a')), query: '?a=1' },
  { name: 'remove a repeated parameter', route: query(remove('a')), query: '?a=1&b=2&a=3' },
  { name: 'remove an absent parameter', route: query(remove('z')), query: '?b=2&a=1' },
  { name: 'remove a parameter without a query', route: query(remove('z')) },
  { name: 'a parameter without a query', route: query(param('a', '1')) },
  { name: 'a parameter after an empty query', route: query(param('a', '1')), query: '?' },
  { name: 'parameters without values', route: query(param('a', '1')), query: '?x&y=&z' },
  {
    name: 'parameters with strange characters',
    route: query(param('k', 'a b&c=d/e?f~g-h_i.j+k%%*!()[]\'"<>ä')),
    query: '?x=1',
  },
  { name: 'encoded parameters', route: query(param('k', '1')), query: '?x=a%20b&y=%2f%2F&%7a=1&p=a+b' },
  { name: 'broken encodings', route: query(param('k', '1')), query: '?x=%2&y=%zz&z=%' },
  { name: 'a parameter with strange bytes', route: query(param('k', '1')), query: '?x=a!*()b&y=%c3%a4' },
  { name: 'encoded line ends', route: query(param('k', '1')), query: '?x=a%0d%0ax-h:%20b&y=%00' },
  { name: 'a parameter named strangely', route: query(param('a b', '1')) },
  { name: 'empty pairs', route: query(param('k', '1')), query: '?&&x=1&&=2&' },
  { name: 'a command in a parameter', route: query(param('k', '%REQ(x-a)%')), request: sent },
  { name: 'a command without a value in a parameter', route: query(param('k', '%REQ(x-none)%')), query: '?a=1' },
  {
    name: 'several parameters',
    route: query(param('b', '1'), param('a', '2'), remove('b'), param('a', '3')),
    query: '?b=0',
  },
  { name: 'parameters and headers', route: { ...query(param('k', '1')), ...request(append('x-p', '%REQ(:path)%')) } },
  { name: 'a fragment', route: query(param('k', '1')), query: '?a=1%23b' },
];

const prefixOf = (index: number): string => `/${index}/`;

const requestOf = ({ query: text, request: more, answer }: Row, index: number): Omit<Case, 'name'> => ({
  requests: [{ ...more, path: `${prefixOf(index)}${text ?? ''}` }],
  ...(answer ? { backends: { 0: [{ raw: answer }] } } : {}),
});

const table: Scenario = {
  feature: 'header mutation filter',
  name: 'mutations',
  bootstrap: (places) =>
    simple(places, {
      routes: rows.map(({ route }, index) => ({
        match: { prefix: prefixOf(index) },
        route: { cluster: 'c0' },
        typed_per_filter_config: { mutate: typed(PER_ROUTE, { mutations: route }) },
      })),
      manager: {
        access_log: [fileLog(places, format)],
        http_filters: [{ name: 'mutate', typed_config: typed(TYPE, {}) }, router()],
      },
    }),
  cases: rows.map((row, index): Case => ({ name: row.name, ...requestOf(row, index) })),
};

const level = (value: string, action?: string): Json => ({
  mutate: typed(PER_ROUTE, {
    mutations: { ...request(append('x-l', value, action)), ...response(append('x-l', value, action)) },
  }),
});

const levels = (name: string, own: Json, action?: string): Scenario => ({
  feature: 'header mutation filter',
  name: `levels, ${name}`,
  bootstrap: (places) =>
    simple(places, {
      manager: {
        access_log: [fileLog(places, format)],
        route_config: {
          name: 'routes',
          typed_per_filter_config: level('table', action),
          virtual_hosts: [
            {
              name: 'all',
              domains: ['*'],
              typed_per_filter_config: level('host', action),
              routes: [
                { match: { prefix: '/plain' }, route: { cluster: 'c0' } },
                { match: { prefix: '/direct' }, direct_response: { status: 200, body: { inline_string: 'hi' } } },
                {
                  match: { prefix: '/route' },
                  route: { cluster: 'c0' },
                  request_headers_to_add: [{ header: { key: 'x-l', value: 'added' } }],
                  response_headers_to_add: [{ header: { key: 'x-l', value: 'added' } }],
                  typed_per_filter_config: level('route', action),
                },
                {
                  match: { prefix: '/weighted' },
                  typed_per_filter_config: level('route', action),
                  route: {
                    weighted_clusters: {
                      clusters: [{ name: 'c0', weight: 1, typed_per_filter_config: level('weighted', action) }],
                    },
                  },
                },
              ],
            },
          ],
        },
        http_filters: [
          {
            name: 'mutate',
            typed_config: typed(TYPE, {
              mutations: { ...request(append('x-l', 'own')), ...response(append('x-l', 'own')) },
              ...own,
            }),
          },
          router(),
        ],
      },
    }),
  cases: ['/plain', '/direct', '/route', '/weighted', '/none'].map((path) => ({ name: path, requests: [{ path }] })),
});

const upstream: Scenario = {
  feature: 'header mutation filter',
  name: 'upstream',
  bootstrap: (places) =>
    simple(places, {
      manager: {
        access_log: [fileLog(places, format)],
        http_filters: [
          router({
            upstream_http_filters: [
              {
                name: 'mutate',
                typed_config: typed(TYPE, {
                  mutations: { ...request(append('x-u', '%UPSTREAM_CLUSTER%'), remove('x-a')) },
                }),
              },
              {
                name: 'codec',
                typed_config: typed('envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec'),
              },
            ],
          }),
        ],
      },
    }),
  cases: [{ name: 'a request', requests: [sent] }],
};

const refusals: readonly [string, Json][] = [
  ['a pseudo header is appended', request(append(':path', '/x'))],
  ['host is appended', request(append('host', 'b'))],
  ['a pseudo header is removed', request(remove(':path'))],
  ['host is removed', request(remove('host'))],
  ['a name is empty', request(append('', 'x'))],
  ['a removed name is empty', request(remove(''))],
  ['an action is empty', request({})],
  ['a parameter has no record', query({ append: {} })],
  ['a parameter mutation is empty', query({})],
  ['a parameter has no name', query(param('', 'x'))],
  ['a value is no string', query({ append: { record: { key: 'a', value: 1 } } })],
  ['a command is unknown', request(append('x', '%NONE%'))],
  ['a parameter command is unknown', query(param('x', '%NONE%'))],
];

export const scenarios: readonly Scenario[] = [
  table,
  levels('least specific last', {}),
  levels('most specific last', { most_specific_header_mutations_wins: true }),
  levels('overwriting, least specific last', {}, 'OVERWRITE_IF_EXISTS_OR_ADD'),
  levels(
    'overwriting, most specific last',
    { most_specific_header_mutations_wins: true },
    'OVERWRITE_IF_EXISTS_OR_ADD',
  ),
  upstream,
  ...refusals.map(
    ([name, mutations]): Scenario => ({
      feature: 'header mutation filter',
      name: `refusal: ${name}`,
      validateOnly: true,
      bootstrap: (places) =>
        simple(places, {
          manager: { http_filters: [{ name: 'mutate', typed_config: typed(TYPE, { mutations }) }, router()] },
        }),
      cases: [],
    }),
  ),
];
