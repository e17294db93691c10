import { typed } from '../config.ts';
import { GRPC, GRPC_DOWN, type RemoteRow, remoteScenario } from '../remote-filters.ts';
import type { Behaviour, Json, Scenario } from '../types.ts';

const filter = { name: 'envoy.filters.http.ratelimit', type: 'envoy.extensions.filters.http.ratelimit.v3.RateLimit' };
const PER_ROUTE = 'envoy.extensions.filters.http.ratelimit.v3.RateLimitPerRoute';
const FAULT = 'envoy.extensions.filters.http.fault.v3.HTTPFault';

const service = (grpc: Json = GRPC): Json => ({ grpc_service: grpc, transport_api_version: 'V3' });
const config = (more: Json = {}): Json => ({ domain: 'd', timeout: '5s', rate_limit_service: service(), ...more });
const perRoute = (override: Json): Json => ({
  typed_per_filter_config: { [filter.name]: typed(PER_ROUTE, override) },
});
const key = (value: string, more: Json = {}): Json => ({ generic_key: { descriptor_value: value, ...more } });
const limits = (...list: readonly Json[]): Json => ({ rate_limits: list });
const one = (value = 'v', more: Json = {}): Json => ({ actions: [key(value)], ...more });
const ok = (more: Json = {}): Behaviour => ({ reply: { overall_code: 'OK', ...more } });
const over = (more: Json = {}): Behaviour => ({ reply: { overall_code: 'OVER_LIMIT', ...more } });
const NEVER: Json = { default_value: { numerator: 0 } };
const ALWAYS: Json = { default_value: { numerator: 100 } };

const row = (name: string, more: Partial<RemoteRow> & { readonly limit?: Json } = {}): RemoteRow => {
  const { limit, ...rest } = more;
  return { name, config: config(), route: limits(limit ?? one()), ...rest };
};

const metadataFilter = (metadata: Json): Json => ({
  name: 'first',
  typed_config: typed(FAULT, {
    filter_metadata: metadata,
    delay: { percentage: { numerator: 100 }, fixed_delay: '0.001s' },
  }),
});

const asked: readonly RemoteRow[] = [
  row('one descriptor'),
  row('no rate limits', { route: {} }),
  row('several descriptors', { route: limits(one('a'), { actions: [key('b'), key('c', { descriptor_key: 'k' })] }) }),
  row('a descriptor that falls away', {
    route: limits({ actions: [key('a'), { request_headers: { header_name: 'x-a', descriptor_key: 'h' } }] }, one('b')),
  }),
  row('all descriptors fall away', {
    route: limits({ actions: [{ request_headers: { header_name: 'x-a', descriptor_key: 'h' } }] }),
  }),
  row('every kind of action', {
    route: limits({
      actions: [
        { source_cluster: {} },
        { destination_cluster: {} },
        { request_headers: { header_name: 'x-a', descriptor_key: 'h' } },
        { query_parameters: { query_parameter_name: 'q', descriptor_key: 'q' } },
        { remote_address: {} },
        { masked_remote_address: { v4_prefix_mask_len: 8 } },
        { header_value_match: { descriptor_value: 'm', headers: [{ name: 'x-a', present_match: true }] } },
        {
          query_parameter_value_match: {
            descriptor_value: 'm',
            query_parameters: [{ name: 'q', present_match: true }],
          },
        },
      ],
    }),
    requests: [{ path: '/?q=1', headers: { 'x-a': 'b' } }],
  }),
  row('other stages', {
    config: config({ stage: 2 }),
    route: limits(one('a'), one('b', { stage: 2 }), one('c', { stage: 3 })),
  }),
  row('stage 0', {
    config: config({ stage: 0 }),
    route: limits(one('a'), one('b', { stage: 1 }), one('c', { stage: 0 })),
  }),
  row('the virtual host', { route: {}, host: limits(one('host')) }),
  row('the virtual host and the route', { host: limits(one('host')) }),
  row('the virtual host is included', {
    host: limits(one('host')),
    route: { ...limits(one('route')), include_vh_rate_limits: true },
  }),
  row('the virtual host is included by the filter', {
    host: limits(one('host')),
    level: perRoute({ vh_rate_limits: 'INCLUDE' }),
  }),
  row('the virtual host is ignored by the filter', {
    host: limits(one('host')),
    route: {},
    level: perRoute({ vh_rate_limits: 'IGNORE' }),
  }),
  row('the virtual host is overridden by the filter', {
    host: limits(one('host')),
    level: perRoute({ vh_rate_limits: 'OVERRIDE' }),
  }),
  row('another domain on a route', { level: perRoute({ domain: 'other' }) }),
  row('rate limits of the filter on a route', { level: perRoute({ rate_limits: [one('filter'), one('later')] }) }),
  row('rate limits of the filter', { config: config({ rate_limits: [one('filter')] }) }),
  row('rate limits of the filter and of the filter on a route', {
    config: config({ rate_limits: [one('filter')] }),
    level: perRoute({ rate_limits: [one('route')] }),
  }),
  row('rate limits of the filter where the route has none', {
    config: config({ rate_limits: [one('filter')] }),
    route: {},
  }),
  row('hits', {
    route: limits(one('a', { hits_addend: { number: 3 } }), one('b', { hits_addend: { number: 0 } })),
  }),
  row('hits of the filter', {
    config: config({
      rate_limits: [
        one('a', { hits_addend: { number: 3 } }),
        one('b', { hits_addend: { number: 0 } }),
        one('c', { hits_addend: { number: 2, is_negative_hits: true } }),
        one('d', { hits_addend: { format: '%REQ(x-hits)%' } }),
        one('e'),
      ],
    }),
    requests: [{ headers: { 'x-hits': '7' } }, { headers: { 'x-hits': 'x' } }, {}],
  }),
  row('hits of the filter on a route', {
    level: perRoute({
      rate_limits: [
        one('a', { hits_addend: { number: 3 } }),
        one('b', { hits_addend: { number: 2, is_negative_hits: true } }),
      ],
    }),
  }),
  row('a limit of its own of the filter', {
    config: config({
      rate_limits: [
        one('a', { limit: { dynamic_metadata: { metadata_key: { key: 'first', path: [{ key: 'limit' }] } } } }),
      ],
    }),
    before: [metadataFilter({ limit: { requests_per_unit: 42, unit: 'HOUR' } })],
  }),
  row('a limit of its own of the filter on a route', {
    level: perRoute({
      rate_limits: [
        one('a', { limit: { dynamic_metadata: { metadata_key: { key: 'first', path: [{ key: 'limit' }] } } } }),
      ],
    }),
    before: [metadataFilter({ limit: { requests_per_unit: 42, unit: 'HOUR' } })],
  }),
  row('when the stream is done, by the filter', {
    config: config({ rate_limits: [one('now'), one('later', { apply_on_stream_done: true })] }),
    settleMs: 80,
  }),
  row('when the stream is done, only by the filter', {
    config: config({ rate_limits: [one('later', { apply_on_stream_done: true })] }),
    settleMs: 80,
  }),
  row('when the stream is done, hits of a format', {
    level: perRoute({
      rate_limits: [one('later', { apply_on_stream_done: true, hits_addend: { format: '%BYTES_SENT%' } })],
    }),
    settleMs: 80,
  }),
  row('hits of a format', {
    limit: one('a', { hits_addend: { format: '%REQ(x-hits)%' } }),
    requests: [{ headers: { 'x-hits': '7' } }, { headers: { 'x-hits': 'x' } }, {}],
  }),
  row('hits given back', { limit: one('a', { hits_addend: { number: 3, is_negative_hits: true } }) }),
  row('a limit of its own', {
    limit: one('a', { limit: { dynamic_metadata: { metadata_key: { key: 'first', path: [{ key: 'limit' }] } } } }),
    before: [metadataFilter({ limit: { requests_per_unit: 42, unit: 'HOUR' } })],
  }),
  row('a limit of its own without a unit', {
    limit: one('a', { limit: { dynamic_metadata: { metadata_key: { key: 'first', path: [{ key: 'limit' }] } } } }),
    before: [metadataFilter({ limit: { requests_per_unit: 42 } })],
  }),
  row('a limit of its own of another kind', {
    limit: one('a', { limit: { dynamic_metadata: { metadata_key: { key: 'first', path: [{ key: 'limit' }] } } } }),
    before: [metadataFilter({ limit: { requests_per_unit: 'x', unit: 'HOUR' } })],
  }),
  row('a limit of its own of an unknown unit', {
    limit: one('a', { limit: { dynamic_metadata: { metadata_key: { key: 'first', path: [{ key: 'limit' }] } } } }),
    before: [metadataFilter({ limit: { requests_per_unit: 1, unit: 'CENTURY' } })],
  }),
  row('no limit of its own', {
    limit: one('a', { limit: { dynamic_metadata: { metadata_key: { key: 'gone', path: [{ key: 'limit' }] } } } }),
  }),
  row('a disable key', { limit: one('a', { disable_key: 'k' }) }),
  row('a disable key that is switched off', { limit: one('a', { disable_key: 'off' }) }),
  row('when the stream is done', {
    route: limits(one('now'), one('later', { apply_on_stream_done: true, hits_addend: { format: '%BYTES_SENT%' } })),
    settleMs: 80,
  }),
  row('only when the stream is done', { limit: one('later', { apply_on_stream_done: true }), settleMs: 80 }),
  row('when the stream is done, over the limit', {
    route: limits(one('now'), one('later', { apply_on_stream_done: true })),
    answers: [over()],
    settleMs: 80,
  }),
  row('when the stream is done, by the filter on a route', {
    level: perRoute({ rate_limits: [one('now'), one('later', { apply_on_stream_done: true })] }),
    settleMs: 80,
  }),
  row('requests of insiders', {
    config: config({ request_type: 'internal' }),
    manager: {
      use_remote_address: true,
      internal_address_config: { cidr_ranges: [{ address_prefix: '127.0.0.0', prefix_len: 8 }] },
    },
  }),
  row('requests of insiders, from outside', {
    config: config({ request_type: 'internal' }),
    requests: [{ headers: { 'x-forwarded-for': '8.8.8.8' } }],
  }),
  row('requests of outsiders', {
    config: config({ request_type: 'external' }),
    requests: [{ headers: { 'x-forwarded-for': '8.8.8.8' } }],
  }),
  row('requests of outsiders, from inside', {
    config: config({ request_type: 'external' }),
    manager: {
      use_remote_address: true,
      internal_address_config: { cidr_ranges: [{ address_prefix: '127.0.0.0', prefix_len: 8 }] },
    },
  }),
  row('requests of all', { config: config({ request_type: 'both' }) }),
  row('no route', { routes: [{ match: { prefix: '/x' }, route: { cluster: 'c0' } }] }),
  row('a redirect', {
    routes: [{ match: { prefix: '/' }, redirect: { path_redirect: '/x' } }],
    host: limits(one('host')),
  }),
  row('a cluster that is not there', {
    routes: [{ match: { prefix: '/' }, route: { cluster_header: 'x-cluster', ...limits(one()) } }],
    requests: [{ headers: { 'x-cluster': 'gone' } }],
  }),
  row('a body', {
    requests: [
      { method: 'POST', body: 'hello' },
      { method: 'POST', body: 'hello', chunked: true },
    ],
  }),
  row('a large body', {
    requests: [{ method: 'POST', body: 'x'.repeat(1_500_000) }],
    timeoutMs: 8000,
    answers: [{ reply: { overall_code: 'OK' }, afterMs: 50 }],
  }),
  row('disabled on a route', {
    level: {
      typed_per_filter_config: { [filter.name]: typed('envoy.config.route.v3.FilterConfig', { disabled: true }) },
    },
  }),
];

const status = (
  requests_per_unit: number,
  unit: string,
  limit_remaining: number,
  reset: string,
  more: Json = {},
): Json => ({
  code: 'OK',
  current_limit: { requests_per_unit, unit, ...more },
  limit_remaining,
  duration_until_reset: reset,
});

const answered: readonly RemoteRow[] = [
  row('under the limit'),
  row('over the limit', { answers: [over()] }),
  row('an unknown code', { answers: [{ reply: {} }] }),
  row('over the limit: HEAD, gRPC, a body', {
    answers: [over(), over(), over()],
    requests: [
      { method: 'HEAD' },
      { headers: { 'content-type': 'application/grpc' } },
      { method: 'POST', body: 'hello' },
    ],
  }),
  row('over the limit with a body', { answers: [over({ raw_body: Buffer.from('too {many}').toString('base64') })] }),
  row('over the limit with a body and a type', {
    answers: [
      over({
        raw_body: Buffer.from('{}').toString('base64'),
        response_headers_to_add: [
          { key: 'content-type', value: 'application/json' },
          { key: 'X-A', value: 'b' },
        ],
      }),
    ],
  }),
  row('resource exhausted', {
    config: config({ rate_limited_as_resource_exhausted: true }),
    answers: [over(), over()],
    requests: [{}, { headers: { 'content-type': 'application/grpc' } }],
  }),
  ...['ServiceUnavailable', 'OK', 'NotFound', 'Found'].map((code) =>
    row(`limited with ${code}`, { config: config({ rate_limited_status: { code } }), answers: [over()] }),
  ),
  row('without the header', { config: config({ disable_x_envoy_ratelimited_header: true }), answers: [over()] }),
  row('headers to add, under and over', {
    answers: [
      ok({
        response_headers_to_add: [
          { key: 'x-a', value: 'limit' },
          { key: 'x-a', value: 'limit2' },
        ],
        request_headers_to_add: [
          { key: 'x-b', value: 'limit' },
          { key: 'X-C', value: 'limit' },
        ],
      }),
      over({
        response_headers_to_add: [{ key: 'x-a', value: 'limit' }],
        request_headers_to_add: [{ key: 'x-b', value: 'limit' }],
      }),
    ],
    requests: [{ headers: { 'x-b': 'mine' } }, {}],
    upstream: [{ raw: 'HTTP/1.1 200 OK\r\nx-a: mine\r\ncontent-length: 0\r\n\r\n' }],
  }),
  row('headers that are kept once', {
    answers: [
      ok({
        response_headers_to_add: [
          { key: 'server', value: 'limit' },
          { key: 'vary', value: 'limit' },
        ],
        request_headers_to_add: [
          { key: 'user-agent', value: 'limit' },
          { key: 'accept', value: 'limit' },
        ],
      }),
    ],
    requests: [{ headers: { accept: 'mine' } }],
    upstream: [{ raw: 'HTTP/1.1 200 OK\r\nvary: mine\r\ncontent-length: 0\r\n\r\n' }],
  }),
  row('headers of the configuration', {
    config: config({
      response_headers_to_add: [
        { header: { key: 'x-limited', value: 'yes' } },
        { header: { key: 'x-path', value: '%REQ(:PATH)%' } },
        { header: { key: 'x-a', value: 'configured' }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' },
        { header: { key: 'x-code', value: '%RESPONSE_CODE%' } },
      ],
    }),
    answers: [ok(), over({ response_headers_to_add: [{ key: 'x-a', value: 'limit' }] })],
    requests: [{}, {}],
    level: { response_headers_to_add: [{ header: { key: 'x-limited', value: 'route' } }] },
  }),
  row('limit headers', {
    config: config({ enable_x_ratelimit_headers: 'DRAFT_VERSION_03' }),
    answers: [
      ok({ statuses: [status(10, 'MINUTE', 5, '30s'), status(1000, 'HOUR', 3, '60.7s', { name: 'per-ip' })] }),
      over({ statuses: [status(1, 'SECOND', 0, '1s'), status(2, 'DAY', 0, '2s')] }),
      ok({ statuses: [] }),
      ok({ statuses: [{ code: 'OK' }] }),
      ok({ statuses: [status(5, 'UNKNOWN', 1, '0s')] }),
      ok({ statuses: [status(5, 'WEEK', 1, '0s'), status(6, 'MONTH', 2, '0s'), status(7, 'YEAR', 3, '0s')] }),
      ok({ statuses: [status(5, 'MINUTE', 1, '9s', { unit_multiplier: 3 })] }),
    ],
    requests: [{}, {}, {}, {}, {}, {}, {}],
  }),
  row('limit headers that are off', { answers: [ok({ statuses: [status(10, 'MINUTE', 5, '30s')] })] }),
  row('limit headers of the upstream', {
    config: config({ enable_x_ratelimit_headers: 'DRAFT_VERSION_03' }),
    answers: [ok({ statuses: [status(10, 'MINUTE', 5, '30s')] })],
    upstream: [{ raw: 'HTTP/1.1 200 OK\r\nx-ratelimit-limit: 7\r\ncontent-length: 0\r\n\r\n' }],
  }),
  row('limit headers wanted by a route', {
    limit: one('a', { x_ratelimit_option: 'DRAFT_VERSION_03' }),
    answers: [ok({ statuses: [status(10, 'MINUTE', 5, '30s')] })],
  }),
  row('limit headers not wanted by a route', {
    config: config({ enable_x_ratelimit_headers: 'DRAFT_VERSION_03' }),
    limit: one('a', { x_ratelimit_option: 'OFF' }),
    answers: [ok({ statuses: [status(10, 'MINUTE', 5, '30s')] })],
  }),
  row('limit headers wanted by some', {
    route: limits(
      one('a', { x_ratelimit_option: 'DRAFT_VERSION_03' }),
      one('b'),
      one('c', { x_ratelimit_option: 'OFF' }),
    ),
    answers: [
      ok({
        statuses: [status(10, 'MINUTE', 5, '30s'), status(11, 'MINUTE', 4, '30s'), status(12, 'MINUTE', 3, '30s')],
      }),
    ],
  }),
  ...(['', 'DRAFT_VERSION_03'] as const).flatMap((filterWide) =>
    [
      ['DRAFT_VERSION_03', 'UNSPECIFIED'],
      ['UNSPECIFIED', 'DRAFT_VERSION_03'],
      ['OFF', 'UNSPECIFIED'],
      ['UNSPECIFIED', 'OFF'],
      ['OFF', 'DRAFT_VERSION_03'],
      ['DRAFT_VERSION_03', 'OFF'],
      ['DRAFT_VERSION_03', 'DRAFT_VERSION_03'],
    ].map((options) =>
      row(`limit headers: filter ${filterWide || 'off'}, descriptors ${options.join(' ')}`, {
        config: config(filterWide === '' ? {} : { enable_x_ratelimit_headers: filterWide }),
        route: limits(...options.map((x_ratelimit_option, at) => one(`v${at}`, { x_ratelimit_option }))),
        answers: [ok({ statuses: [status(10, 'MINUTE', 5, '30s'), status(11, 'HOUR', 6, '40s')] })],
      }),
    ),
  ),
  row('limit headers wanted by the filter on a route', {
    level: perRoute({ rate_limits: [one('a', { x_ratelimit_option: 'DRAFT_VERSION_03' })] }),
    answers: [ok({ statuses: [status(10, 'MINUTE', 5, '30s')] })],
  }),
  row('limit headers, retry-after and those of the service', {
    config: config({
      enable_retry_after_header: true,
      enable_x_ratelimit_headers: 'DRAFT_VERSION_03',
      response_headers_to_add: [{ header: { key: 'x-c', value: 'configured' } }],
    }),
    answers: [
      over({
        statuses: [{ ...status(1, 'SECOND', 0, '7s'), code: 'OVER_LIMIT' }],
        response_headers_to_add: [
          { key: 'x-a', value: 'limit' },
          { key: 'x-envoy-ratelimited', value: 'theirs' },
        ],
      }),
    ],
  }),
  row('retry-after that is not enforced', {
    config: config({ enable_retry_after_header: true, filter_enforced: NEVER }),
    answers: [over({ statuses: [{ ...status(1, 'SECOND', 0, '7s'), code: 'OVER_LIMIT' }] })],
  }),
  row('headers that none may be', {
    answers: [
      ok({
        response_headers_to_add: [{ key: 'x-b', value: 'a\nb' }],
        request_headers_to_add: [{ key: 'x-c', value: 'd' }],
      }),
    ],
    difference: 'filter-answer-invalid',
  }),
  row('fields of the head', {
    answers: [
      ok({
        request_headers_to_add: [
          { key: ':path', value: '/other' },
          { key: 'host', value: 'other.test' },
        ],
      }),
    ],
    difference: 'filter-answer-head',
  }),
  row('retry-after', {
    config: config({ enable_retry_after_header: true }),
    answers: [
      over({
        statuses: [
          { ...status(1, 'SECOND', 0, '7s'), code: 'OVER_LIMIT' },
          { ...status(2, 'DAY', 0, '20.5s'), code: 'OVER_LIMIT' },
          status(9, 'DAY', 1, '90s'),
        ],
      }),
      over(),
      ok({ statuses: [status(1, 'SECOND', 1, '7s')] }),
      over({ statuses: [{ ...status(1, 'SECOND', 0, '0.2s'), code: 'OVER_LIMIT' }] }),
      over({
        statuses: [{ ...status(1, 'SECOND', 0, '7s'), code: 'OVER_LIMIT' }],
        response_headers_to_add: [{ key: 'retry-after', value: '99' }],
      }),
      over({ statuses: [{ code: 'OVER_LIMIT', duration_until_reset: '5s' }] }),
    ],
    requests: [{}, {}, {}, {}, {}, {}],
  }),
  row('dynamic metadata', { answers: [ok({ dynamic_metadata: { a: 1, b: { c: 'd' } } })] }),
  row('dynamic metadata of a refusal', { answers: [over({ dynamic_metadata: { a: 1 } })] }),
  row('dynamic metadata of another name', {
    config: config({ metadata_namespace: 'mine' }),
    answers: [ok({ dynamic_metadata: { a: 1 } })],
    manager: {},
  }),
  row('a prefix of the statistics', {
    config: config({ stat_prefix: 'p' }),
    answers: [ok(), over(), { status: 14 }],
    requests: [{}, {}, {}],
  }),
  row('the answer of an upstream that is limited', {
    upstream: [{ raw: 'HTTP/1.1 429 Too\r\nx-envoy-ratelimited: true\r\ncontent-length: 0\r\n\r\n' }],
  }),
  row('mapped', {
    answers: [over()],
    manager: {
      local_reply_config: {
        mappers: [
          {
            filter: { response_flag_filter: { flags: ['RL'] } },
            body_format_override: { text_format_source: { inline_string: '%RESPONSE_FLAGS% %RESPONSE_CODE%' } },
          },
        ],
      },
    },
  }),
];

const failed: readonly RemoteRow[] = [
  ...[1, 8, 13, 14].map((code) => row(`the call ends with ${code}`, { answers: [{ status: code }] })),
  row('denied', { config: config({ failure_mode_deny: true }), answers: [{ status: 14 }] }),
  row('denied, gRPC', {
    config: config({ failure_mode_deny: true }),
    answers: [{ status: 14 }],
    requests: [{ headers: { 'content-type': 'application/grpc' } }],
  }),
  ...['ServiceUnavailable', 'OK', 'Forbidden'].map((code) =>
    row(`denied with ${code}`, {
      config: config({ failure_mode_deny: true, status_on_error: { code } }),
      answers: [{ status: 14 }],
    }),
  ),
  row('denied always by share', { config: config({ failure_mode_deny_percent: ALWAYS }), answers: [{ status: 14 }] }),
  row('denied never by share', {
    config: config({ failure_mode_deny: true, failure_mode_deny_percent: NEVER }),
    answers: [{ status: 14 }],
  }),
  row('denied by runtime', {
    config: config({ failure_mode_deny_percent: { ...NEVER, runtime_key: 'share.on' } }),
    answers: [{ status: 14 }],
  }),
  row('nobody listens', { config: config({ rate_limit_service: service(GRPC_DOWN) }) }),
  row('nobody listens and it is denied', {
    config: config({ rate_limit_service: service(GRPC_DOWN), failure_mode_deny: true }),
  }),
  row('no cluster', {
    config: config({ rate_limit_service: service({ envoy_grpc: { cluster_name: 'unknown' } }) }),
    requests: [{ method: 'POST', body: 'hello' }],
  }),
  row('no cluster and it is denied', {
    config: config({
      rate_limit_service: service({ envoy_grpc: { cluster_name: 'unknown' } }),
      failure_mode_deny: true,
    }),
  }),
  row('no hosts', { config: config({ rate_limit_service: service({ envoy_grpc: { cluster_name: 'empty' } }) }) }),
  row('a server that says nothing', { config: config({ timeout: '0.1s' }), answers: ['hang'], settleMs: 80 }),
  row('a server that says nothing, by default', {
    config: { domain: 'd', rate_limit_service: service() },
    answers: ['hang'],
    requests: [{ method: 'POST', body: 'hello' }],
    settleMs: 80,
  }),
  row('a time-out of the service', {
    config: { domain: 'd', rate_limit_service: service({ ...GRPC, timeout: '0.1s' }) },
    answers: [{ reply: { overall_code: 'OVER_LIMIT' }, afterMs: 50 }],
  }),
  row('no time-out', {
    config: config({ timeout: '0s' }),
    answers: [{ reply: { overall_code: 'OVER_LIMIT' }, afterMs: 300 }],
  }),
  row('the client goes away', {
    answers: ['hang'],
    steps: [{ send: 'GET / HTTP/1.1\r\nhost: a\r\n\r\n' }, { sleep: 80 }, { do: 'close' }, { sleep: 80 }],
    responses: 0,
    settleMs: 100,
  }),
];

const enabled: readonly RemoteRow[] = [
  row('not enabled', { config: config({ filter_enabled: NEVER }), answers: [over()] }),
  row('enabled by runtime', {
    config: config({ filter_enabled: { ...NEVER, runtime_key: 'share.on' } }),
    answers: [over()],
  }),
  row('not enforced', {
    config: config({ filter_enforced: NEVER }),
    answers: [
      over({
        response_headers_to_add: [{ key: 'x-a', value: 'b' }],
        request_headers_to_add: [{ key: 'x-b', value: 'c' }],
      }),
    ],
  }),
  row('enforced by runtime', {
    config: config({ filter_enforced: { ...NEVER, runtime_key: 'share.on' } }),
    answers: [over()],
  }),
];

const stats: readonly RegExp[] = [/ratelimit\./, /^cluster\.c0\.(internal|external)\.upstream_rq_/];
const scenario = (name: string, rows: readonly RemoteRow[], layer: Json = {}): Scenario =>
  remoteScenario({ feature: 'rate limit filter', name, stats }, filter, rows, () => ({
    layered_runtime: {
      layers: [
        { name: 'static', static_layer: { share: { on: 100 }, 'ratelimit.off.http_filter_enabled': 0, ...layer } },
      ],
    },
  }));

const refused = (name: string, filterConfig: Json, override?: Json): Scenario => ({
  ...remoteScenario({ feature: 'rate limit filter', name: `configuration: ${name}` }, filter, [
    row('', { config: filterConfig, ...(override ? { level: perRoute(override) } : {}) }),
  ]),
  validateOnly: true,
  cases: [],
});

const refusals: readonly Scenario[] = [
  refused('no domain', { rate_limit_service: service() }),
  refused('no service', { domain: 'd' }),
  refused('no gRPC service', config({ rate_limit_service: {} })),
  refused('no target', config({ rate_limit_service: { grpc_service: {}, transport_api_version: 'V3' } })),
  refused('no version', config({ rate_limit_service: { grpc_service: GRPC } })),
  refused('version 2', config({ rate_limit_service: { grpc_service: GRPC, transport_api_version: 'V2' } })),
  refused('stage 11', config({ stage: 11 })),
  refused('another type of requests', config({ request_type: 'some' })),
  refused(
    'eleven headers',
    config({
      response_headers_to_add: Array.from({ length: 11 }, (_, at) => ({ header: { key: `x-${at}`, value: 'v' } })),
    }),
  ),
  refused(
    'a header with a bad format',
    config({ response_headers_to_add: [{ header: { key: 'x', value: '%NOPE%' } }] }),
  ),
  refused('a status that is none', config({ rate_limited_status: { code: 99 } })),
  refused('a share without a default', config({ filter_enabled: { runtime_key: 'x' } })),
  refused('rate limits with a stage', config({ rate_limits: [one('a', { stage: 1 })] })),
  refused('rate limits with a disable key', config({ rate_limits: [one('a', { disable_key: 'k' })] })),
  refused(
    'rate limits with a limit',
    config({
      rate_limits: [
        one('a', { limit: { dynamic_metadata: { metadata_key: { key: 'first', path: [{ key: 'limit' }] } } } }),
      ],
    }),
  ),
  refused('rate limits without actions', config({ rate_limits: [{}] })),
  refused('rate limits applied at the end', config({ rate_limits: [one('a', { apply_on_stream_done: true })] })),
  refused('a route with a stage', config(), { rate_limits: [one('a', { stage: 1 })] }),
  refused('a route with a disable key', config(), { rate_limits: [one('a', { disable_key: 'k' })] }),
  refused('a route with a limit', config(), {
    rate_limits: [
      one('a', { limit: { dynamic_metadata: { metadata_key: { key: 'first', path: [{ key: 'limit' }] } } } }),
    ],
  }),
  refused('a route with an override option', config(), { override_option: 'INCLUDE_POLICY' }),
  refused('a route with everything', config(), { domain: 'x', vh_rate_limits: 'IGNORE', rate_limits: [one('a')] }),
];

export const scenarios: readonly Scenario[] = [
  scenario('asked', asked),
  scenario('answered', answered),
  scenario('failed', failed),
  scenario('enabled', enabled),
  scenario('switched off', [row('by runtime', { answers: [over()] })], { 'ratelimit.http_filter_enabled': 0 }),
  scenario('not enforcing', [row('by runtime', { answers: [over()] })], { 'ratelimit.http_filter_enforcing': 0 }),
  scenario('names', [row('names of all statistics', { requests: [], statNames: true })]),
  ...refusals,
];
