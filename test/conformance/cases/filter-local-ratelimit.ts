import { bootstrap, cluster, fileLog, listener, manager, routeConfig, router, simple, typed } from '../config.ts';
import type { Case, Json, Places, Request, Scenario } from '../types.ts';

const TYPE = 'envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit';
const format = '%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %UPSTREAM_CLUSTER%\n';
const ALWAYS: Json = { default_value: { numerator: 100 } };
const NEVER: Json = { default_value: { numerator: 0 } };
/** Nothing is refilled while a case runs. */
const bucket = (max_tokens: number, more: Json = {}): Json => ({ max_tokens, fill_interval: '3600s', ...more });
const config = (more: Json): Json =>
  typed(TYPE, { stat_prefix: 'rl', filter_enabled: ALWAYS, filter_enforced: ALWAYS, ...more });

interface Row {
  readonly name: string;
  readonly config: Json;
  readonly action?: Json;
  readonly route?: Json;
  readonly requests: readonly Request[];
  readonly settleMs?: number;
}

const twice: readonly Request[] = [{}, {}];
const thrice: readonly Request[] = [{}, {}, {}];
const header = (key: string, value: string, more: Json = {}): Json => ({ header: { key, value }, ...more });

const basics: readonly Row[] = [
  { name: 'one token', config: config({ token_bucket: bucket(1) }), requests: twice },
  { name: 'no token', config: config({ token_bucket: bucket(0) }), requests: [{}] },
  { name: 'three tokens', config: config({ token_bucket: bucket(3) }), requests: [{}, {}, {}, {}, {}] },
  {
    name: 'refused requests of all kinds',
    config: config({ token_bucket: bucket(0) }),
    requests: [{ method: 'HEAD' }, { method: 'OPTIONS' }, { headers: { 'content-type': 'application/grpc' } }],
  },
  {
    name: 'refused with a body',
    config: config({ token_bucket: bucket(0) }),
    requests: [{ method: 'POST', body: 'hello' }],
  },
  { name: 'not enabled', config: config({ token_bucket: bucket(1), filter_enabled: NEVER }), requests: twice },
  {
    name: 'enabled is absent',
    config: typed(TYPE, { stat_prefix: 'rl', filter_enforced: ALWAYS, token_bucket: bucket(1) }),
    requests: twice,
  },
  { name: 'not enforced', config: config({ token_bucket: bucket(1), filter_enforced: NEVER }), requests: twice },
  {
    name: 'enforced is absent',
    config: typed(TYPE, { stat_prefix: 'rl', filter_enabled: ALWAYS, token_bucket: bucket(1) }),
    requests: twice,
  },
  {
    name: 'switched off by runtime',
    config: config({
      token_bucket: bucket(1),
      filter_enabled: { default_value: { numerator: 100 }, runtime_key: 'rl.off' },
    }),
    requests: twice,
  },
  {
    name: 'switched on by runtime',
    config: config({
      token_bucket: bucket(1),
      filter_enforced: { default_value: { numerator: 0 }, runtime_key: 'rl.on' },
    }),
    requests: twice,
  },
  ...[200, 307, 400, 403, 503].map(
    (code): Row => ({
      name: `status ${code}`,
      config: config({ token_bucket: bucket(0), status: { code } }),
      requests: [{}],
    }),
  ),
  {
    name: 'status by name',
    config: config({ token_bucket: bucket(0), status: { code: 'ServiceUnavailable' } }),
    requests: [{}],
  },
  {
    name: 'resource exhausted',
    config: config({ token_bucket: bucket(0), rate_limited_as_resource_exhausted: true }),
    requests: [{}, { headers: { 'content-type': 'application/grpc' } }],
  },
];

const headers: readonly Row[] = [
  {
    name: 'response headers to add',
    config: config({
      token_bucket: bucket(1),
      response_headers_to_add: [
        header('x-limited', 'yes'),
        header('x-path', '%REQ(:PATH)%'),
        header('content-type', 'a/b'),
      ],
    }),
    requests: twice,
  },
  {
    name: 'response headers to add and those of the route',
    config: config({ token_bucket: bucket(0), response_headers_to_add: [header('x-a', 'filter')] }),
    route: { response_headers_to_add: [header('x-a', 'route'), header('x-b', 'route')] },
    requests: [{}],
  },
  {
    name: 'request headers when not enforced',
    config: config({
      token_bucket: bucket(1),
      filter_enforced: NEVER,
      request_headers_to_add_when_not_enforced: [
        header('x-limited', 'yes'),
        header('x-set', 'new', { append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' }),
      ],
    }),
    requests: [{}, { headers: { 'x-set': 'old', 'x-limited': 'no' } }],
  },
  {
    name: 'x-ratelimit headers',
    config: config({ token_bucket: bucket(2), enable_x_ratelimit_headers: 'DRAFT_VERSION_03' }),
    requests: thrice,
  },
  {
    name: 'x-ratelimit headers without a bucket left',
    config: config({ token_bucket: bucket(0), enable_x_ratelimit_headers: 'DRAFT_VERSION_03' }),
    requests: [{}],
  },
  {
    name: 'x-ratelimit headers not enforced',
    config: config({ token_bucket: bucket(1), filter_enforced: NEVER, enable_x_ratelimit_headers: 'DRAFT_VERSION_03' }),
    requests: twice,
  },
  {
    name: 'x-ratelimit headers not enabled',
    config: config({ token_bucket: bucket(1), filter_enabled: NEVER, enable_x_ratelimit_headers: 'DRAFT_VERSION_03' }),
    requests: [{}],
  },
  {
    name: 'retry-after',
    config: config({ token_bucket: bucket(1), enable_retry_after_header: true }),
    requests: twice,
  },
  {
    name: 'retry-after without room',
    config: config({ token_bucket: bucket(0), enable_retry_after_header: true }),
    requests: [{}],
  },
  {
    name: 'retry-after beside others',
    config: config({
      token_bucket: bucket(1, { tokens_per_fill: 2 }),
      enable_retry_after_header: true,
      enable_x_ratelimit_headers: 'DRAFT_VERSION_03',
      response_headers_to_add: [header('x-a', '1'), header('retry-after', '5')],
    }),
    requests: twice,
  },
];

const entry = (key: string, value?: string): Json => ({ key, ...(value === undefined ? {} : { value }) });
const descriptor = (entries: readonly Json[], max: number, more: Json = {}): Json => ({
  entries,
  token_bucket: bucket(max),
  ...more,
});
const generic = (descriptor_value: string, more: Json = {}): Json => ({ generic_key: { descriptor_value, ...more } });
const actions = (...list: readonly Json[]): Json => ({ actions: list });
const h = (name: string, value: string): Request => ({ headers: { [name]: value } });

/** An action that stands alone, a descriptor that it meets once, and requests that do or do not lead to it. */
const actionRow = (
  name: string,
  action: Json | readonly Json[],
  entries: readonly Json[],
  requests: readonly Request[],
): Row => ({
  name: `action ${name}`,
  config: config({
    token_bucket: bucket(100),
    descriptors: [descriptor(entries, 1)],
    rate_limits: [actions(...(Array.isArray(action) ? (action as Json[]) : [action as Json]))],
  }),
  route: { metadata: { filter_metadata: { m: { k: 'v', n: { i: 'deep' }, number: 5 } } } },
  requests,
});

const actionRows: readonly Row[] = [
  actionRow('generic_key', generic('a'), [entry('generic_key', 'a')], thrice),
  actionRow('generic_key of another value', generic('b'), [entry('generic_key', 'a')], twice),
  actionRow('generic_key with a key', generic('a', { descriptor_key: 'k' }), [entry('k', 'a')], twice),
  actionRow('two of them', [generic('a'), generic('b')], [entry('generic_key', 'a'), entry('generic_key', 'b')], twice),
  actionRow('two of them, one asked', [generic('a'), generic('b')], [entry('generic_key', 'a')], twice),
  actionRow(
    'two of them, other order',
    [generic('b'), generic('a')],
    [entry('generic_key', 'a'), entry('generic_key', 'b')],
    twice,
  ),
  actionRow(
    'request_headers',
    { request_headers: { header_name: 'x-id', descriptor_key: 'id' } },
    [entry('id', 'a')],
    [
      {},
      h('x-id', 'a'),
      h('x-id', 'a'),
      h('x-id', 'b'),
      h('X-Id', 'a'),
      {
        headers: [
          ['x-id', 'a'],
          ['x-id', 'b'],
        ],
      },
      {
        headers: [
          ['x-id', 'b'],
          ['x-id', 'a'],
        ],
      },
      h('x-id', 'A'),
    ],
  ),
  actionRow(
    'request_headers of the path',
    { request_headers: { header_name: ':path', descriptor_key: 'p' } },
    [entry('p', '/006?q')],
    [{ path: '?q' }, { path: '?q' }, {}],
  ),
  actionRow(
    'request_headers that may be absent',
    [{ request_headers: { header_name: 'x-id', descriptor_key: 'id', skip_if_absent: true } }, generic('a')],
    [entry('generic_key', 'a')],
    [{}, {}, h('x-id', '1')],
  ),
  actionRow(
    'request_headers that must be there',
    [{ request_headers: { header_name: 'x-id', descriptor_key: 'id' } }, generic('a')],
    [entry('generic_key', 'a')],
    [{}, {}],
  ),
  actionRow(
    'request_headers, empty',
    { request_headers: { header_name: 'x-id', descriptor_key: 'id' } },
    [entry('id', 'a')],
    [h('x-id', ''), h('x-id', '')],
  ),
  actionRow(
    'query_parameters',
    { query_parameters: { query_parameter_name: 'q', descriptor_key: 'k' } },
    [entry('k', '1')],
    [
      { path: '?q=1' },
      { path: '?q=1' },
      { path: '?q=2' },
      { path: '?a=b&q=1' },
      {},
      { path: '?q' },
      { path: '?q=%31' },
    ],
  ),
  actionRow(
    'query_parameters that may be absent',
    [{ query_parameters: { query_parameter_name: 'q', descriptor_key: 'k', skip_if_absent: true } }, generic('a')],
    [entry('generic_key', 'a')],
    twice,
  ),
  actionRow('remote_address', { remote_address: {} }, [entry('remote_address', '127.0.0.1')], twice),
  actionRow(
    'masked_remote_address',
    { masked_remote_address: { v4_prefix_mask_len: 8 } },
    [entry('masked_remote_address', '127.0.0.0/8')],
    twice,
  ),
  actionRow(
    'masked_remote_address without a length',
    { masked_remote_address: {} },
    [entry('masked_remote_address', '127.0.0.1/32')],
    twice,
  ),
  actionRow('source_cluster', { source_cluster: {} }, [entry('source_cluster', 'conformance')], twice),
  actionRow('destination_cluster', { destination_cluster: {} }, [entry('destination_cluster', 'c0')], twice),
  actionRow(
    'header_value_match',
    { header_value_match: { descriptor_value: 'm', headers: [{ name: 'x-a', string_match: { exact: '1' } }] } },
    [entry('header_match', 'm')],
    [{}, h('x-a', '1'), h('x-a', '1'), h('x-a', '2')],
  ),
  actionRow(
    'header_value_match not',
    {
      header_value_match: {
        descriptor_value: 'm',
        descriptor_key: 'k',
        expect_match: false,
        headers: [{ name: 'x-a', string_match: { exact: '1' } }],
      },
    },
    [entry('k', 'm')],
    [h('x-a', '1'), {}, {}],
  ),
  actionRow(
    'query_parameter_value_match',
    {
      query_parameter_value_match: {
        descriptor_value: 'm',
        query_parameters: [{ name: 'q', string_match: { exact: '1' } }],
      },
    },
    [entry('query_match', 'm')],
    [{}, { path: '?q=1' }, { path: '?q=1' }, { path: '?q=2' }, { path: '?q=%31' }],
  ),
  actionRow(
    'query_parameter_value_match not',
    { query_parameter_value_match: { descriptor_value: 'm', expect_match: false, query_parameters: [{ name: 'q' }] } },
    [entry('query_match', 'm')],
    [{ path: '?q=1' }, {}, {}],
  ),
  actionRow(
    'metadata of the route',
    { metadata: { descriptor_key: 'k', source: 'ROUTE_ENTRY', metadata_key: { key: 'm', path: [{ key: 'k' }] } } },
    [entry('k', 'v')],
    twice,
  ),
  actionRow(
    'metadata of the route, deep',
    {
      metadata: {
        descriptor_key: 'k',
        source: 'ROUTE_ENTRY',
        metadata_key: { key: 'm', path: [{ key: 'n' }, { key: 'i' }] },
      },
    },
    [entry('k', 'deep')],
    twice,
  ),
  actionRow(
    'metadata that is a number',
    { metadata: { descriptor_key: 'k', source: 'ROUTE_ENTRY', metadata_key: { key: 'm', path: [{ key: 'number' }] } } },
    [entry('k', '5')],
    twice,
  ),
  actionRow(
    'metadata with a default',
    { metadata: { descriptor_key: 'k', default_value: 'd', metadata_key: { key: 'm', path: [{ key: 'k' }] } } },
    [entry('k', 'd')],
    twice,
  ),
  actionRow(
    'metadata that may be absent',
    [
      { metadata: { descriptor_key: 'k', skip_if_absent: true, metadata_key: { key: 'm', path: [{ key: 'k' }] } } },
      generic('a'),
    ],
    [entry('generic_key', 'a')],
    twice,
  ),
  actionRow(
    'remote_address_match',
    {
      remote_address_match: {
        descriptor_value: 'm',
        address_matcher: { ranges: [{ address_prefix: '127.0.0.0', prefix_len: 8 }] },
      },
    },
    [entry('remote_address_match', 'm')],
    twice,
  ),
  actionRow(
    'remote_address_match of others',
    {
      remote_address_match: {
        descriptor_value: 'm',
        descriptor_key: 'k',
        address_matcher: { ranges: [{ address_prefix: '10.0.0.0', prefix_len: 8 }] },
      },
    },
    [entry('k', 'm')],
    twice,
  ),
];

const both = [descriptor([entry('generic_key', 'a')], 2), descriptor([entry('generic_key', 'b')], 1)];
const limiterRows: readonly Row[] = [
  {
    name: 'descriptors without actions',
    config: config({ token_bucket: bucket(1), descriptors: both }),
    requests: twice,
  },
  {
    name: 'the default bucket counts as well',
    config: config({
      token_bucket: bucket(1),
      descriptors: [descriptor([entry('generic_key', 'a')], 5)],
      rate_limits: [actions(generic('a'))],
    }),
    requests: twice,
  },
  {
    name: 'the default bucket only where nothing matches',
    config: config({
      token_bucket: bucket(1),
      always_consume_default_token_bucket: false,
      descriptors: [descriptor([entry('id', 'a')], 2)],
      rate_limits: [actions({ request_headers: { header_name: 'x-id', descriptor_key: 'id' } })],
    }),
    requests: [h('x-id', 'a'), {}, {}, h('x-id', 'a'), h('x-id', 'a')],
  },
  {
    name: 'two descriptors, both must have room',
    config: config({
      token_bucket: bucket(100),
      descriptors: both,
      rate_limits: [actions(generic('a')), actions(generic('b'))],
      enable_x_ratelimit_headers: 'DRAFT_VERSION_03',
    }),
    requests: thrice,
  },
  {
    name: 'the slower bucket comes first',
    config: config({
      token_bucket: bucket(100),
      descriptors: [
        { entries: [entry('generic_key', 'a')], token_bucket: bucket(1, { tokens_per_fill: 10 }) },
        { entries: [entry('generic_key', 'b')], token_bucket: bucket(3) },
      ],
      rate_limits: [actions(generic('a')), actions(generic('b'))],
      enable_x_ratelimit_headers: 'DRAFT_VERSION_03',
    }),
    requests: thrice,
  },
  {
    name: 'x-ratelimit headers of a descriptor',
    config: config({
      token_bucket: bucket(9),
      descriptors: [descriptor([entry('generic_key', 'a')], 2)],
      rate_limits: [actions(generic('a'))],
      enable_x_ratelimit_headers: 'DRAFT_VERSION_03',
    }),
    requests: thrice,
  },
  ...(['OFF', 'DRAFT_VERSION_03', 'UNSPECIFIED'] as const).flatMap((x_ratelimit_option) =>
    (['OFF', 'DRAFT_VERSION_03'] as const).map(
      (enable_x_ratelimit_headers): Row => ({
        name: `x_ratelimit_option ${x_ratelimit_option} in a filter with ${enable_x_ratelimit_headers}`,
        config: config({
          token_bucket: bucket(9),
          descriptors: [descriptor([entry('generic_key', 'a')], 1)],
          rate_limits: [{ ...actions(generic('a')), x_ratelimit_option }],
          enable_x_ratelimit_headers,
        }),
        requests: twice,
      }),
    ),
  ),
  {
    name: 'an open value has a bucket for each',
    config: config({
      token_bucket: bucket(100),
      descriptors: [descriptor([entry('id')], 1)],
      rate_limits: [actions({ request_headers: { header_name: 'x-id', descriptor_key: 'id' } })],
      enable_x_ratelimit_headers: 'DRAFT_VERSION_03',
    }),
    requests: [h('x-id', 'a'), h('x-id', 'b'), h('x-id', 'a'), h('x-id', 'b'), {}],
  },
  {
    name: 'the least recently used open value is forgotten',
    config: config({
      token_bucket: bucket(100),
      max_dynamic_descriptors: 2,
      descriptors: [descriptor([entry('id')], 1)],
      rate_limits: [actions({ request_headers: { header_name: 'x-id', descriptor_key: 'id' } })],
    }),
    requests: [h('x-id', 'a'), h('x-id', 'b'), h('x-id', 'a'), h('x-id', 'c'), h('x-id', 'a'), h('x-id', 'b')],
  },
  {
    name: 'a fixed value goes before an open one',
    config: config({
      token_bucket: bucket(100),
      descriptors: [descriptor([entry('id')], 5), descriptor([entry('id', 'a')], 1)],
      rate_limits: [actions({ request_headers: { header_name: 'x-id', descriptor_key: 'id' } })],
    }),
    requests: [h('x-id', 'a'), h('x-id', 'a'), h('x-id', 'b'), h('x-id', 'b')],
  },
  {
    name: 'an open and a fixed value in one descriptor',
    config: config({
      token_bucket: bucket(100),
      descriptors: [descriptor([entry('generic_key', 'a'), entry('id')], 1)],
      rate_limits: [actions(generic('a'), { request_headers: { header_name: 'x-id', descriptor_key: 'id' } })],
    }),
    requests: [h('x-id', 'a'), h('x-id', 'a'), h('x-id', 'b')],
  },
  {
    name: 'shadow mode',
    config: config({
      token_bucket: bucket(100),
      descriptors: [descriptor([entry('generic_key', 'a')], 1, { shadow_mode: true })],
      rate_limits: [actions(generic('a'))],
      enable_x_ratelimit_headers: 'DRAFT_VERSION_03',
    }),
    requests: thrice,
  },
  {
    name: 'shadow mode before an enforced descriptor',
    config: config({
      token_bucket: bucket(100),
      descriptors: [
        descriptor([entry('generic_key', 'a')], 1, { shadow_mode: true }),
        { entries: [entry('generic_key', 'b')], token_bucket: bucket(2, { tokens_per_fill: 2 }) },
      ],
      rate_limits: [actions(generic('a')), actions(generic('b'))],
      enable_x_ratelimit_headers: 'DRAFT_VERSION_03',
    }),
    requests: [{}, {}, {}, {}],
  },
  {
    name: 'shadow mode before the default bucket',
    config: config({
      token_bucket: bucket(2),
      descriptors: [descriptor([entry('generic_key', 'a')], 1, { shadow_mode: true })],
      rate_limits: [actions(generic('a'))],
      enable_x_ratelimit_headers: 'DRAFT_VERSION_03',
    }),
    requests: [{}, {}, {}, {}],
  },
  ...[0, 2, 3].map(
    (number): Row => ({
      name: `hits_addend ${number}`,
      config: config({
        token_bucket: bucket(100),
        descriptors: [descriptor([entry('generic_key', 'a')], 4)],
        rate_limits: [{ ...actions(generic('a')), hits_addend: { number } }],
        enable_x_ratelimit_headers: 'DRAFT_VERSION_03',
      }),
      requests: thrice,
    }),
  ),
  {
    name: 'hits_addend from a header',
    config: config({
      token_bucket: bucket(100),
      descriptors: [descriptor([entry('generic_key', 'a')], 4)],
      rate_limits: [{ ...actions(generic('a')), hits_addend: { format: '%REQ(x-hits)%' } }],
      enable_x_ratelimit_headers: 'DRAFT_VERSION_03',
    }),
    requests: [
      h('x-hits', '3'),
      h('x-hits', 'x'),
      {},
      h('x-hits', '-1'),
      h('x-hits', '1.9'),
      h('x-hits', '1'),
      h('x-hits', '1000000001'),
    ],
  },
  {
    name: 'hits_addend that gives back',
    config: config({
      token_bucket: bucket(100),
      descriptors: [descriptor([entry('generic_key', 'a')], 2)],
      rate_limits: [
        actions(generic('a')),
        {
          actions: [{ request_headers: { header_name: 'x-back', descriptor_key: 'id' } }],
          hits_addend: { number: 1, is_negative_hits: true },
        },
      ],
      enable_x_ratelimit_headers: 'DRAFT_VERSION_03',
    }),
    requests: thrice,
  },
  {
    name: 'apply_on_stream_done',
    config: config({
      token_bucket: bucket(100),
      descriptors: [descriptor([entry('generic_key', 'a')], 1)],
      rate_limits: [{ ...actions(generic('a')), apply_on_stream_done: true }],
    }),
    requests: thrice,
  },
];

const routeLimits = (more: Json): Json => ({ rate_limits: [{ ...actions(generic('a')), ...more }] });
const routeRows: readonly Row[] = [
  {
    name: 'actions of the route',
    config: config({ token_bucket: bucket(100), descriptors: both }),
    action: routeLimits({}),
    requests: thrice,
  },
  {
    name: 'actions of the route at another stage',
    config: config({ token_bucket: bucket(100), descriptors: both }),
    action: routeLimits({ stage: 1 }),
    requests: thrice,
  },
  {
    name: 'a filter of another stage',
    config: config({ token_bucket: bucket(100), stage: 2, descriptors: both }),
    action: routeLimits({ stage: 2 }),
    requests: thrice,
  },
  {
    name: 'a disable key',
    config: config({ token_bucket: bucket(100), descriptors: both }),
    action: routeLimits({ disable_key: 'x' }),
    requests: thrice,
  },
  {
    name: 'actions of the virtual host',
    config: config({ token_bucket: bucket(100), descriptors: both }),
    requests: twice,
  },
  {
    name: 'the virtual host ignored',
    config: config({ token_bucket: bucket(100), vh_rate_limits: 'IGNORE', descriptors: both }),
    requests: twice,
  },
  {
    name: 'the virtual host included',
    config: config({ token_bucket: bucket(100), vh_rate_limits: 'INCLUDE', descriptors: both }),
    action: routeLimits({}),
    requests: twice,
  },
  {
    name: 'the virtual host overridden',
    config: config({ token_bucket: bucket(100), vh_rate_limits: 'OVERRIDE', descriptors: both }),
    action: routeLimits({}),
    requests: twice,
  },
  {
    name: 'the virtual host included by the route',
    config: config({ token_bucket: bucket(100), vh_rate_limits: 'IGNORE', descriptors: both }),
    action: { ...routeLimits({}), include_vh_rate_limits: true },
    requests: twice,
  },
  {
    name: 'actions of the filter win over those of the route',
    config: config({ token_bucket: bucket(100), descriptors: both, rate_limits: [actions(generic('c'))] }),
    action: routeLimits({}),
    requests: twice,
  },
];

const stats = [/http_local_rate_limit/];
const prefixOf = (index: number): string => `/${String(index).padStart(3, '0')}`;

function rows(name: string, list: readonly Row[], host: Json = {}): Scenario {
  return {
    feature: 'local rate limit filter',
    name,
    stats,
    bootstrap: (places) => ({
      ...simple(places, {
        manager: {
          access_log: [fileLog(places, format)],
          route_config: routeConfig(
            list.map((row, index) => ({
              match: { prefix: prefixOf(index) },
              route: { cluster: 'c0', ...row.action },
              ...row.route,
              typed_per_filter_config: { rl: row.config },
            })),
            {},
            host,
          ),
          http_filters: [{ name: 'rl', typed_config: typed(TYPE, { stat_prefix: 'chain' }) }, router()],
        },
      }),
      layered_runtime: { layers: [{ name: 'base', static_layer: { rl: { off: 0, on: 100 } } }] },
    }),
    cases: list.map(
      (row, index): Case => ({
        name: row.name,
        requests: row.requests.map((request) => ({ ...request, path: `${prefixOf(index)}${request.path ?? ''}` })),
        ...(row.settleMs === undefined ? {} : { settleMs: row.settleMs }),
      }),
    ),
  };
}

const chain = (places: Places, name: string, limit: Json, routes: readonly Json[], index: number): Json =>
  listener(places, index, [
    manager(places, {
      access_log: [fileLog(places, format)],
      route_config: routeConfig(routes),
      http_filters: [{ name, typed_config: typed(TYPE, { stat_prefix: `l${index}`, ...limit }) }, router()],
    }),
  ]);
const everything: Json = { match: { prefix: '/' }, route: { cluster: 'c0' } };
const on: Json = { filter_enabled: ALWAYS, filter_enforced: ALWAYS };

const chains: Scenario = {
  feature: 'local rate limit filter',
  name: 'rate limits of a chain',
  stats,
  bootstrap: (places) =>
    bootstrap(
      places,
      [
        chain(places, 'rl', { ...on, token_bucket: bucket(2) }, [everything], 0),
        chain(places, 'rl', on, [everything], 1),
        chain(
          places,
          'rl',
          { ...on, token_bucket: bucket(2), local_rate_limit_per_downstream_connection: true },
          [everything],
          2,
        ),
        chain(
          places,
          'rl',
          {
            ...on,
            token_bucket: { max_tokens: 1, fill_interval: '0.3s' },
            enable_x_ratelimit_headers: 'DRAFT_VERSION_03',
          },
          [everything],
          3,
        ),
        chain(
          places,
          'rl',
          { ...on, token_bucket: bucket(0) },
          [{ match: { prefix: '/none' }, direct_response: { status: 200 } }],
          4,
        ),
        chain(
          places,
          'rl',
          {
            ...on,
            token_bucket: { max_tokens: 3, tokens_per_fill: 2, fill_interval: '0.4s' },
            enable_x_ratelimit_headers: 'DRAFT_VERSION_03',
          },
          [everything],
          5,
        ),
      ],
      [cluster(places, 0)],
    ),
  cases: [
    { name: 'counts over connections', requests: thrice, fresh: true },
    { name: 'enabled without a bucket', listener: 1, requests: twice },
    { name: 'each connection on its own', listener: 2, requests: thrice },
    { name: 'another connection', listener: 2, requests: twice, fresh: true },
    {
      name: 'refilled',
      listener: 3,
      steps: [
        { send: 'GET /1 HTTP/1.1\r\nhost: a\r\n\r\n' },
        { awaitResponses: 1 },
        { send: 'GET /2 HTTP/1.1\r\nhost: a\r\n\r\n' },
        { awaitResponses: 2 },
        { sleep: 330 },
        { send: 'GET /3 HTTP/1.1\r\nhost: a\r\n\r\n' },
      ],
      responses: 3,
    },
    { name: 'without a route', listener: 4, requests: [{}, { path: '/none' }] },
    {
      name: 'refilled in part',
      listener: 5,
      steps: [
        { send: 'GET /1 HTTP/1.1\r\nhost: a\r\n\r\n' },
        { awaitResponses: 1 },
        { send: 'GET /2 HTTP/1.1\r\nhost: a\r\n\r\n' },
        { awaitResponses: 2 },
        { send: 'GET /3 HTTP/1.1\r\nhost: a\r\n\r\n' },
        { awaitResponses: 3 },
        { sleep: 260 },
        { send: 'GET /4 HTTP/1.1\r\nhost: a\r\n\r\n' },
        { awaitResponses: 4 },
        { send: 'GET /5 HTTP/1.1\r\nhost: a\r\n\r\n' },
      ],
      responses: 5,
    },
  ],
};

const validate = (name: string, limit: Json, perRoute = false): Scenario => ({
  feature: 'local rate limit filter',
  name: `rate limit configuration: ${name}`,
  validateOnly: true,
  bootstrap: (places) =>
    simple(places, {
      routes: [
        {
          ...everything,
          ...(perRoute ? { typed_per_filter_config: { rl: typed(TYPE, { stat_prefix: 'x', ...limit }) } } : {}),
        },
      ],
      manager: {
        http_filters: [
          { name: 'rl', typed_config: typed(TYPE, { stat_prefix: 'x', ...(perRoute ? {} : limit) }) },
          router(),
        ],
      },
    }),
  cases: [],
});

export const scenarios: readonly Scenario[] = [
  rows('rate limits', basics),
  rows('rate limit headers', headers),
  rows('rate limit actions', actionRows),
  rows('rate limit descriptors', limiterRows),
  rows('rate limits of routes', routeRows, { rate_limits: [actions(generic('b'))] }),
  chains,
  validate('no prefix', { stat_prefix: '' }),
  validate('a route without a bucket', {}, true),
  validate('a bucket that fills every 49 ms', { token_bucket: { max_tokens: 1, fill_interval: '0.049s' } }),
  validate('a bucket without room that fills every 49 ms', {
    token_bucket: { max_tokens: 0, fill_interval: '0.049s' },
  }),
  validate('a bucket without an interval', { token_bucket: { max_tokens: 1 } }),
  validate('a descriptor that fills every 49 ms', {
    token_bucket: bucket(1),
    descriptors: [{ entries: [entry('a', 'b')], token_bucket: { max_tokens: 1, fill_interval: '0.049s' } }],
  }),
  validate('a descriptor twice', {
    token_bucket: bucket(1),
    descriptors: [descriptor([entry('a', 'b')], 1), descriptor([entry('a', 'b')], 2)],
  }),
  validate('an open descriptor twice', {
    token_bucket: bucket(1),
    descriptors: [descriptor([entry('a')], 1), descriptor([entry('a')], 2)],
  }),
  validate('a descriptor without entries', { token_bucket: bucket(1), descriptors: [descriptor([], 1)] }),
  validate('a stage in the filter', { token_bucket: bucket(1), rate_limits: [{ ...actions(generic('a')), stage: 1 }] }),
  validate('a disable key in the filter', {
    token_bucket: bucket(1),
    rate_limits: [{ ...actions(generic('a')), disable_key: 'x' }],
  }),
  validate('a limit in the filter', {
    token_bucket: bucket(1),
    rate_limits: [
      { ...actions(generic('a')), limit: { dynamic_metadata: { metadata_key: { key: 'a', path: [{ key: 'b' }] } } } },
    ],
  }),
  validate('no actions', { token_bucket: bucket(1), rate_limits: [actions()] }),
  validate('hits by number and by format', {
    token_bucket: bucket(1),
    rate_limits: [{ ...actions(generic('a')), hits_addend: { number: 1, format: '%PROTOCOL%' } }],
  }),
  validate('hits by nothing', {
    token_bucket: bucket(1),
    rate_limits: [{ ...actions(generic('a')), hits_addend: {} }],
  }),
  validate('hits by two commands', {
    token_bucket: bucket(1),
    rate_limits: [{ ...actions(generic('a')), hits_addend: { format: '%PROTOCOL%%PROTOCOL%' } }],
  }),
  validate('hits by text', {
    token_bucket: bucket(1),
    rate_limits: [{ ...actions(generic('a')), hits_addend: { format: 'a%PROTOCOL%' } }],
  }),
  validate('a share of a local cluster that is not there', { token_bucket: bucket(1), local_cluster_rate_limit: {} }),
  validate('stage 11', { token_bucket: bucket(1), stage: 11 }),
];
