import { cluster, routeConfig, router, simple, toCluster, typed } from '../config.ts';
import { steering } from '../steering.ts';
import type { Behaviour, Case, Json, Scenario } from '../types.ts';

const post = { method: 'POST', body: 'hello' } as const;
const status = (code: number, headers = ''): Behaviour => ({
  raw: `HTTP/1.1 ${code} Some\r\n${headers}content-length: 4\r\n\r\nsome`,
});
const close: Behaviour = { end: 'close' };
const reset: Behaviour = { end: 'reset' };
const noHttp: Behaviour = { raw: 'hello\r\n\r\n' };
const cut: Behaviour = { raw: 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc', afterwards: 'close' };

/** A route `/<name>` with a retry policy without a long wait. */
const retrying = (name: string, policy: Json, more: Json = {}, to = 'c0'): Json =>
  toCluster(
    to,
    { timeout: '0s', retry_policy: { retry_back_off: { base_interval: '0.001s' }, ...policy }, ...more },
    { prefix: `/${name}` },
  );

/** Each condition with what may happen to it: the first attempt ends so, later ones are good. */
const events: readonly (readonly [string, Behaviour])[] = [
  ['500', status(500)],
  ['501', status(501)],
  ['502', status(502)],
  ['503', status(503)],
  ['504', status(504)],
  ['599', status(599)],
  ['409', status(409)],
  ['404', status(404)],
  ['425', status(425)],
  ['rate limited', status(503, 'x-envoy-ratelimited: true\r\n')],
  ['close', close],
  ['protocol error', noHttp],
  ['gRPC 1', status(200, 'grpc-status: 1\r\n')],
  ['gRPC 4', status(200, 'grpc-status: 4\r\n')],
  ['gRPC 8', status(200, 'grpc-status: 8\r\n')],
  ['gRPC 13', status(200, 'grpc-status: 13\r\n')],
  ['gRPC 14', status(200, 'grpc-status: 14\r\n')],
];

const conditions: readonly (readonly [string, Json, readonly string[]])[] = [
  [
    '5xx',
    { retry_on: '5xx' },
    ['500', '501', '503', '599', '409', 'close', 'protocol error', 'rate limited', 'gRPC 14'],
  ],
  [
    'gateway-error',
    { retry_on: 'gateway-error' },
    ['500', '501', '502', '503', '504', '599', 'close', 'protocol error'],
  ],
  ['connect-failure', { retry_on: 'connect-failure' }, ['503', 'close']],
  ['reset', { retry_on: 'reset' }, ['503', 'close', 'protocol error']],
  ['reset-before-request', { retry_on: 'reset-before-request' }, ['503', 'close']],
  ['refused-stream', { retry_on: 'refused-stream' }, ['503', 'close']],
  ['retriable-4xx', { retry_on: 'retriable-4xx' }, ['409', '404', '503', 'close']],
  ['envoy-ratelimited', { retry_on: 'envoy-ratelimited' }, ['503', 'rate limited']],
  ['both-limits', { retry_on: '5xx,envoy-ratelimited' }, ['rate limited', '503']],
  [
    'status-codes',
    { retry_on: 'retriable-status-codes', retriable_status_codes: [404, 425, 503] },
    ['404', '409', '425', '503', '500'],
  ],
  ['no-status-codes', { retry_on: 'retriable-status-codes' }, ['404', '503']],
  ['codes-without-token', { retry_on: 'connect-failure', retriable_status_codes: [404] }, ['404']],
  ['http3', { retry_on: 'http3-post-connect-failure' }, ['503', 'close']],
  ['cancelled', { retry_on: 'cancelled' }, ['gRPC 1', 'gRPC 4', '503']],
  ['deadline-exceeded', { retry_on: 'deadline-exceeded' }, ['gRPC 4', 'gRPC 14']],
  ['resource-exhausted', { retry_on: 'resource-exhausted' }, ['gRPC 8', 'gRPC 1']],
  ['internal', { retry_on: 'internal' }, ['gRPC 13', 'gRPC 8']],
  ['unavailable', { retry_on: 'unavailable' }, ['gRPC 14', 'gRPC 13']],
  ['unknown-token', { retry_on: 'bogus' }, ['503', 'close']],
  ['spaces', { retry_on: ' 5xx , reset ' }, ['503', 'close']],
  ['case', { retry_on: '5XX' }, ['503']],
  ['empty', { retry_on: '' }, ['503', 'close']],
];

const matrix = conditions.flatMap(([name, , wanted]): readonly Case[] =>
  wanted.map((event) => ({
    name: `${name}: ${event}`,
    requests: [{ path: `/${name}` }],
    backends: { 0: [(events.find(([known]) => known === event) ?? ['', close])[1]] },
  })),
);

export const scenarios: readonly Scenario[] = [
  {
    feature: 'router retries',
    name: 'conditions',
    bootstrap: (places) => simple(places, { routes: conditions.map(([name, policy]) => retrying(name, policy)) }),
    cases: matrix,
  },
  {
    feature: 'router retries',
    name: 'how often',
    backends: ['http', 'closed'],
    bootstrap: (places) =>
      simple(places, {
        manager: {
          route_config: routeConfig(
            [
              retrying('three', { retry_on: '5xx', num_retries: 3 }),
              retrying('zero', { retry_on: '5xx', num_retries: 0 }),
              retrying('default', { retry_on: '5xx' }),
              retrying('refused', { retry_on: 'connect-failure', num_retries: 2 }, {}, 'c1'),
              retrying('seed', { retry_on: '5xx', num_retries: 3 }, {}, 'c1'),
              retrying('wait', {
                retry_on: '5xx',
                num_retries: 2,
                retry_back_off: { base_interval: '0.05s', max_interval: '0.06s' },
              }),
            ],
            {},
            { include_request_attempt_count: true, include_attempt_count_in_response: true },
          ),
        },
        clusters: [cluster(places, 0), cluster(places, 1)],
      }),
    cases: [
      { name: 'good at once', requests: [{ path: '/three' }] },
      { name: 'good at the second', requests: [{ path: '/three' }], backends: { 0: [status(503)] } },
      {
        name: 'good at the fourth',
        requests: [{ path: '/three' }],
        backends: { 0: [status(503), close, status(500)] },
      },
      {
        name: 'never good',
        requests: [{ path: '/three' }],
        backends: { 0: [status(503), status(503), status(500), status(504)] },
      },
      {
        name: 'never good, the last is closed',
        requests: [{ path: '/three' }],
        backends: { 0: [status(503), close, status(500), close] },
      },
      { name: 'never an answer', requests: [{ path: '/three' }], backends: { 0: [close, close, close, close] } },
      { name: 'reset before the answer', requests: [{ path: '/three' }], backends: { 0: [reset] } },
      { name: 'zero retries', requests: [{ path: '/zero' }], backends: { 0: [status(503)] } },
      { name: 'one by default', requests: [{ path: '/default' }], backends: { 0: [status(503), status(503)] } },
      { name: 'refused', requests: [{ path: '/refused' }] },
      { name: 'refused, any 5xx', requests: [{ path: '/seed' }] },
      { name: 'with a wait', requests: [{ path: '/wait' }], backends: { 0: [status(503), status(503)] } },
      { name: 'not once the response began', requests: [{ path: '/three' }], backends: { 0: [cut] } },
      {
        name: 'HEAD',
        requests: [{ method: 'HEAD', path: '/three' }],
        backends: { 0: [{ raw: 'HTTP/1.1 503 No\r\ncontent-length: 9\r\n\r\n' }] },
      },
      {
        name: 'two requests on one connection',
        requests: [{ path: '/three' }, { path: '/three' }],
        backends: { 0: [status(503), status(200), close] },
      },
    ],
  },
  {
    feature: 'router retries',
    name: 'bodies',
    bootstrap: (places) =>
      simple(places, {
        listener: { per_connection_buffer_limit_bytes: 30_000 },
        routes: [
          retrying('plain', { retry_on: '5xx,retriable-4xx', num_retries: 2 }),
          { ...retrying('old', { retry_on: '5xx', num_retries: 2 }), per_request_buffer_limit_bytes: 8 },
          { ...retrying('new', { retry_on: '5xx', num_retries: 2 }), request_body_buffer_limit: 8 },
          { ...retrying('large', { retry_on: '5xx', num_retries: 2 }), request_body_buffer_limit: 50_000 },
          { ...retrying('zero', { retry_on: '5xx', num_retries: 2 }), request_body_buffer_limit: 0 },
          retrying('slow', {
            retry_on: '5xx',
            num_retries: 2,
            retry_back_off: { base_interval: '0.5s', max_interval: '0.5s' },
          }),
        ],
      }),
    stats: [/retry_or_shadow_abandoned/],
    cases: [
      { name: 'length', requests: [{ ...post, path: '/plain' }], backends: { 0: [status(503), close] } },
      { name: 'chunks', requests: [{ ...post, chunked: true, path: '/plain' }], backends: { 0: [status(503)] } },
      { name: 'none', requests: [{ method: 'POST', path: '/plain' }], backends: { 0: [status(503)] } },
      {
        name: '20 KiB',
        requests: [{ method: 'POST', path: '/plain', body: 'x'.repeat(20_480) }],
        backends: { 0: [status(503)] },
      },
      {
        name: 'more than the connection may keep',
        requests: [{ method: 'POST', path: '/plain', body: 'x'.repeat(40_000) }],
        backends: { 0: [status(503)] },
      },
      {
        name: 'as much as the old limit',
        requests: [{ method: 'POST', path: '/old', body: '12345678' }],
        backends: { 0: [status(503)] },
      },
      {
        name: 'more than the old limit',
        requests: [{ method: 'POST', path: '/old', body: '123456789' }],
        backends: { 0: [status(503)] },
      },
      {
        name: 'as much as the new limit',
        requests: [{ method: 'POST', path: '/new', body: '12345678' }],
        backends: { 0: [status(503)] },
      },
      {
        name: 'more than the new limit',
        requests: [{ method: 'POST', path: '/new', body: '123456789' }],
        backends: { 0: [status(503)] },
      },
      {
        name: 'less than a limit above that of the connection',
        requests: [{ method: 'POST', path: '/large', body: 'x'.repeat(40_000) }],
        backends: { 0: [status(503)] },
      },
      {
        name: 'a limit of 0',
        requests: [{ method: 'POST', path: '/zero', body: 'x' }],
        backends: { 0: [status(503)] },
      },
      { name: 'a limit of 0 without a body', requests: [{ path: '/zero' }], backends: { 0: [status(503)] } },
      {
        name: 'an early bad answer',
        steps: [
          { send: 'POST /plain HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nab' },
          { sleep: 100 },
          { send: 'cd' },
        ],
        backends: { 0: [{ early: 'HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n' }] },
        // The bytes that come after the answer may end the connection before its time.
        without: ['backends', 'fate'],
      },
    ],
  },
  {
    feature: 'router retries',
    name: 'by request and response headers',
    bootstrap: (places) =>
      simple(places, {
        routes: [
          retrying('response', {
            retry_on: 'retriable-headers',
            retriable_headers: [
              { name: 'x-retry', string_match: { exact: 'yes' } },
              { name: 'X-Again', present_match: true },
              { name: ':status', string_match: { exact: '418' } },
            ],
          }),
          retrying('token', { retry_on: '5xx', retriable_headers: [{ name: 'x-retry', present_match: true }] }),
          retrying('request', {
            retry_on: '5xx',
            retriable_request_headers: [{ name: ':method', string_match: { exact: 'GET' } }, { name: 'x-may-retry' }],
          }),
        ],
      }),
    cases: [
      {
        name: 'response header',
        requests: [{ path: '/response' }],
        backends: { 0: [status(200, 'x-retry: yes\r\n')] },
      },
      {
        name: 'response header with another value',
        requests: [{ path: '/response' }],
        backends: { 0: [status(200, 'x-retry: no\r\n')] },
      },
      {
        name: 'response header that is present',
        requests: [{ path: '/response' }],
        backends: { 0: [status(503, 'x-again: 1\r\n')] },
      },
      { name: 'status as a header', requests: [{ path: '/response' }], backends: { 0: [status(418)] } },
      { name: 'no such header', requests: [{ path: '/response' }], backends: { 0: [status(503)] } },
      {
        name: 'header without its token',
        requests: [{ path: '/token' }],
        backends: { 0: [status(200, 'x-retry: yes\r\n')] },
      },
      { name: 'request header', requests: [{ path: '/request' }], backends: { 0: [status(503)] } },
      {
        name: 'another request header',
        requests: [{ method: 'PUT', path: '/request', headers: { 'x-may-retry': '' } }],
        backends: { 0: [status(503)] },
      },
      {
        name: 'no such request header',
        requests: [{ method: 'PUT', path: '/request' }],
        backends: { 0: [status(503)] },
      },
    ],
  },
  {
    feature: 'router retries',
    name: 'as the request asks',
    bootstrap: (places) =>
      simple(places, {
        manager: {
          http_filters: [
            steering(
              'retry-on',
              'retry-grpc-on',
              'max-retries',
              'retriable-status-codes',
              'retriable-header-names',
              'upstream-rq-per-try-timeout-ms',
            ),
            router(),
          ],
        },
        routes: [
          retrying('policy', { retry_on: 'retriable-4xx', num_retries: 1 }),
          retrying('limited', { retry_on: '5xx', retriable_request_headers: [{ name: 'x-may-retry' }] }),
          {
            ...toCluster('c0', { timeout: '0s' }, { prefix: '/added' }),
            request_headers_to_add: [
              { header: { key: 'x-envoy-retry-on', value: '5xx' } },
              { header: { key: 'x-envoy-max-retries', value: '2' } },
            ],
          },
          toCluster('c0', { timeout: '0s' }),
        ],
      }),
    cases: [
      { name: 'retry-on', requests: [{ headers: { 't-retry-on': '5xx' } }], backends: { 0: [status(503)] } },
      {
        name: 'retry-on beside the policy',
        requests: [{ path: '/policy', headers: { 't-retry-on': '5xx' } }],
        backends: { 0: [status(503)] },
      },
      {
        name: 'the policy still counts',
        requests: [{ path: '/policy', headers: { 't-retry-on': '5xx' } }],
        backends: { 0: [status(409)] },
      },
      { name: 'unknown token', requests: [{ headers: { 't-retry-on': 'bogus' } }], backends: { 0: [status(503)] } },
      {
        name: 'gRPC token in the plain header',
        requests: [{ headers: { 't-retry-on': 'cancelled' } }],
        backends: { 0: [status(200, 'grpc-status: 1\r\n')] },
      },
      {
        name: 'retry-grpc-on',
        requests: [{ headers: { 't-retry-grpc-on': 'cancelled' } }],
        backends: { 0: [status(200, 'grpc-status: 1\r\n')] },
      },
      {
        name: 'max-retries',
        requests: [{ headers: { 't-retry-on': '5xx', 't-max-retries': '3' } }],
        backends: { 0: [status(503), status(503), status(503)] },
      },
      {
        name: 'max-retries of 0',
        requests: [{ headers: { 't-retry-on': '5xx', 't-max-retries': '0' } }],
        backends: { 0: [status(503)] },
      },
      {
        name: 'max-retries that is no number',
        requests: [{ headers: { 't-retry-on': '5xx', 't-max-retries': 'x' } }],
        backends: { 0: [status(503), status(503)] },
      },
      {
        name: 'max-retries over the policy',
        requests: [{ path: '/policy', headers: { 't-max-retries': '2' } }],
        backends: { 0: [status(409), status(409)] },
      },
      { name: 'max-retries alone', requests: [{ headers: { 't-max-retries': '3' } }], backends: { 0: [status(503)] } },
      {
        name: 'status codes',
        requests: [{ headers: { 't-retry-on': 'retriable-status-codes', 't-retriable-status-codes': '404,418' } }],
        backends: { 0: [status(418)] },
      },
      {
        name: 'status codes with spaces and words',
        requests: [{ headers: { 't-retry-on': 'retriable-status-codes', 't-retriable-status-codes': 'x, 418 ,' } }],
        backends: { 0: [status(418)] },
      },
      {
        name: 'header names',
        requests: [{ headers: { 't-retry-on': 'retriable-headers', 't-retriable-header-names': 'x-a, X-B' } }],
        backends: { 0: [status(200, 'x-b: 1\r\n')] },
      },
      {
        name: 'against the policy on request headers',
        requests: [{ path: '/limited', headers: { 't-retry-on': '5xx' } }],
        backends: { 0: [status(503)] },
      },
      { name: 'added by the route', requests: [{ path: '/added' }], backends: { 0: [status(503), status(503)] } },
      { name: 'nothing', requests: [{}], backends: { 0: [status(503)] } },
      {
        name: 'early data is the client’s to send again',
        requests: [
          { headers: { 't-retry-on': 'retriable-status-codes', 't-retriable-status-codes': '425', 'early-data': '1' } },
        ],
        backends: { 0: [status(425)] },
      },
    ],
  },
  {
    feature: 'router retries',
    name: 'where the policy stands',
    bootstrap: (places) =>
      simple(places, {
        manager: {
          route_config: routeConfig(
            [
              retrying('own', { retry_on: 'retriable-4xx' }),
              toCluster('c0', { timeout: '0s', retry_policy: {} }, { prefix: '/empty' }),
              toCluster('c1', { timeout: '0s' }, { prefix: '/cluster' }),
              toCluster('c0', { timeout: '0s' }),
            ],
            {},
            {
              retry_policy: { retry_on: '5xx', num_retries: 2, retry_back_off: { base_interval: '0.001s' } },
              include_is_timeout_retry_header: true,
            },
          ),
        },
        clusters: [
          cluster(places, 0),
          cluster(places, 1, [0], {
            typed_extension_protocol_options: {
              'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': typed(
                'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
                {
                  explicit_http_config: { http_protocol_options: {} },
                  retry_policy: { retry_on: 'retriable-4xx', retry_back_off: { base_interval: '0.001s' } },
                },
              ),
            },
          }),
        ],
      }),
    cases: [
      { name: 'virtual host', requests: [{}], backends: { 0: [status(503), status(503)] } },
      { name: 'route instead of virtual host', requests: [{ path: '/own' }], backends: { 0: [status(503)] } },
      {
        name: 'route instead of virtual host, its condition',
        requests: [{ path: '/own' }],
        backends: { 0: [status(409)] },
      },
      { name: 'an empty policy of the route', requests: [{ path: '/empty' }], backends: { 0: [status(503)] } },
      { name: 'cluster, its condition', requests: [{ path: '/cluster' }], backends: { 0: [status(409)] } },
      { name: 'cluster, that of the virtual host', requests: [{ path: '/cluster' }], backends: { 0: [status(503)] } },
    ],
  },
  {
    feature: 'router retries',
    name: 'limits of the cluster',
    bootstrap: (places) => {
      const limit = (more: Json): Json => ({ circuit_breakers: { thresholds: [more] } });
      return simple(places, {
        routes: [
          retrying('none', { retry_on: '5xx', num_retries: 3 }, {}, 'c0'),
          retrying('budget', { retry_on: '5xx', num_retries: 3 }, {}, 'c1'),
          retrying('nobudget', { retry_on: '5xx', num_retries: 3 }, {}, 'c2'),
          retrying('high', { retry_on: '5xx', num_retries: 3 }, { priority: 'HIGH' }, 'c0'),
        ],
        clusters: [
          cluster(places, 0, [0], limit({ max_retries: 0 })),
          cluster(
            places,
            1,
            [0],
            limit({ max_retries: 0, retry_budget: { budget_percent: { value: 100 }, min_retry_concurrency: 1 } }),
          ),
          cluster(places, 2, [0], limit({ retry_budget: { budget_percent: { value: 0 }, min_retry_concurrency: 0 } })),
        ],
      });
    },
    cases: [
      { name: 'no retries at a time', requests: [{ path: '/none' }], backends: { 0: [status(503)] } },
      { name: 'no retries at a time after a close', requests: [{ path: '/none' }], backends: { 0: [close] } },
      {
        name: 'a budget takes the place of the limit',
        requests: [{ path: '/budget' }],
        backends: { 0: [status(503), status(503)] },
      },
      { name: 'an empty budget', requests: [{ path: '/nobudget' }], backends: { 0: [status(503)] } },
      { name: 'the other priority has its own', requests: [{ path: '/high' }], backends: { 0: [status(503)] } },
    ],
  },
  {
    feature: 'router retries',
    name: 'when the upstream says to wait',
    bootstrap: (places) =>
      simple(places, {
        routes: [
          retrying('seconds', {
            retry_on: '5xx',
            rate_limited_retry_back_off: {
              reset_headers: [{ name: 'Retry-After', format: 'SECONDS' }],
              max_interval: '2s',
            },
          }),
          retrying('time', {
            retry_on: '5xx',
            rate_limited_retry_back_off: { reset_headers: [{ name: 'x-reset', format: 'UNIX_TIMESTAMP' }] },
          }),
        ],
      }),
    cases: [
      { name: 'a second', requests: [{ path: '/seconds' }], backends: { 0: [status(503, 'retry-after: 1\r\n')] } },
      { name: 'zero', requests: [{ path: '/seconds' }], backends: { 0: [status(503, 'retry-after: 0\r\n')] } },
      {
        name: 'longer than allowed',
        requests: [{ path: '/seconds' }],
        backends: { 0: [status(503, 'retry-after: 9\r\n')] },
      },
      {
        name: 'as long as allowed',
        requests: [{ path: '/seconds' }],
        backends: { 0: [status(503, 'retry-after: 2\r\n')] },
        timeoutMs: 6000,
      },
      { name: 'no number', requests: [{ path: '/seconds' }], backends: { 0: [status(503, 'retry-after: soon\r\n')] } },
      { name: 'not for a close', requests: [{ path: '/seconds' }], backends: { 0: [close] } },
      {
        name: 'a time that has passed',
        requests: [{ path: '/time' }],
        backends: { 0: [status(503, 'x-reset: 1000\r\n')] },
      },
      {
        name: 'a time that is far away',
        requests: [{ path: '/time' }],
        backends: { 0: [status(503, 'x-reset: 99999999999\r\n')] },
      },
    ],
  },
  {
    feature: 'router retries',
    name: 'other hosts',
    backends: ['http', 'http', 'http'],
    bootstrap: (places) => {
      const host = (type: string, config: Json = {}): Json => ({ name: 'rule', typed_config: typed(type, config) });
      const previous = host('envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate');
      const other = (name: string, rule: Json, to: string): Json =>
        retrying(
          name,
          { retry_on: '5xx', num_retries: 2, retry_host_predicate: [rule], host_selection_retry_max_attempts: 100 },
          {},
          to,
        );
      const marked = (index: number, metadata: Json): Json => ({
        endpoint: { address: { socket_address: { address: places.host, port_value: places.backend(index) } } },
        metadata: { filter_metadata: { 'envoy.lb': metadata } },
      });
      const labelled = (index: number, endpoints: readonly Json[]): Json => ({
        ...cluster(places, index),
        load_assignment: { cluster_name: `c${index}`, endpoints: [{ lb_endpoints: endpoints }] },
      });
      return simple(places, {
        routes: [
          other('previous', previous, 'c0'),
          other('canary', host('envoy.extensions.retry.host.omit_canary_hosts.v3.OmitCanaryHostsPredicate'), 'c1'),
          other(
            'metadata',
            host('envoy.extensions.retry.host.omit_host_metadata.v3.OmitHostMetadataConfig', {
              metadata_match: { filter_metadata: { 'envoy.lb': { zone: 'bad' } } },
            }),
            'c2',
          ),
        ],
        clusters: [
          cluster(places, 0, [0, 1, 2]),
          labelled(1, [marked(0, { canary: true }), marked(1, { canary: true }), marked(2, {})]),
          labelled(2, [marked(0, { zone: 'bad' }), marked(1, { zone: 'bad' }), marked(2, { zone: 'good' })]),
        ],
      });
    },
    cases: [
      {
        name: 'each attempt at another host',
        requests: [{ path: '/previous' }],
        repeat: 12,
        backends: {
          0: new Array<Behaviour>(12).fill(status(503)),
          1: new Array<Behaviour>(12).fill(status(503)),
          2: new Array<Behaviour>(12).fill(status(503)),
        },
      },
      {
        name: 'never again at a canary',
        requests: [{ path: '/canary' }],
        repeat: 60,
        tolerance: 0.2,
        backends: { 0: new Array<Behaviour>(60).fill(status(503)), 1: new Array<Behaviour>(60).fill(status(503)) },
      },
      {
        name: 'never again at a host with that label',
        requests: [{ path: '/metadata' }],
        repeat: 60,
        tolerance: 0.2,
        backends: { 0: new Array<Behaviour>(60).fill(status(503)), 1: new Array<Behaviour>(60).fill(status(503)) },
      },
    ],
  },
];
