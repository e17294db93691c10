import { cluster, router, simple, toCluster, typed } from '../config.ts';
import { steering } from '../steering.ts';
import type { Behaviour, Json, Scenario } from '../types.ts';

const post = { method: 'POST', body: 'hello' } as const;
const late = (ms: number): Behaviour => ({
  raw: [{ raw: 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok', afterMs: ms }],
});
const slowBody = (ms: number): Behaviour => ({
  raw: [{ raw: 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nok' }, { raw: 'ok', afterMs: ms }],
});
const httpOptions = (more: Json): Json => ({
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': typed(
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      { explicit_http_config: { http_protocol_options: {} }, ...more },
    ),
  },
});
const retryOnce = (more: Json): Json => ({
  retry_policy: { retry_on: '5xx', num_retries: 1, retry_back_off: { base_interval: '0.001s' }, ...more },
});

export const scenarios: readonly Scenario[] = [
  {
    feature: 'router timeouts',
    name: 'route timeout',
    bootstrap: (places) =>
      simple(places, {
        routes: [
          toCluster('c0', { timeout: '0.15s' }, { prefix: '/short' }),
          toCluster('c0', { timeout: '0s' }, { prefix: '/none' }),
          toCluster('c0', { timeout: '0.0005s' }, { prefix: '/submillisecond' }),
          toCluster('c0', { timeout: '1.9999s' }, { prefix: '/fraction' }),
          toCluster('c0', { timeout: '0.15s', ...retryOnce({ per_try_timeout: '0.15s' }) }, { prefix: '/equal' }),
          toCluster('c0'),
        ],
      }),
    cases: [
      { name: 'in time', requests: [{ path: '/short' }] },
      { name: 'no answer', requests: [{ path: '/short' }], backends: { 0: ['hang'] } },
      { name: 'no answer to HEAD', requests: [{ method: 'HEAD', path: '/short' }], backends: { 0: ['hang'] } },
      { name: 'no answer to a body', requests: [{ ...post, path: '/short' }], backends: { 0: ['hang'] } },
      { name: 'a late answer', requests: [{ path: '/short' }], backends: { 0: [late(400)] }, settleMs: 400 },
      {
        name: 'a late answer, then another request',
        requests: [{ path: '/short' }, { path: '/none' }],
        backends: { 0: [late(250)] },
        settleMs: 300,
      },
      { name: 'a late body', requests: [{ path: '/short' }], backends: { 0: [slowBody(400)] } },
      {
        name: 'gRPC without an answer',
        requests: [{ ...post, path: '/short', headers: { 'content-type': 'application/grpc' } }],
        backends: { 0: ['hang'] },
      },
      { name: 'none', requests: [{ path: '/none' }], backends: { 0: [late(200)] } },
      {
        name: 'less than a millisecond is none',
        requests: [{ path: '/submillisecond' }],
        backends: { 0: [late(100)] },
      },
      { name: 'a fraction of a millisecond is cut', requests: [{ path: '/fraction' }] },
      {
        name: 'a per-try timeout as long as the whole is none',
        requests: [{ path: '/equal' }],
        backends: { 0: ['hang', 'hang'] },
      },
      { name: 'the default', requests: [{ path: '/' }] },
      {
        name: 'the clock starts with the end of the request',
        steps: [
          { send: 'POST /short HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nab' },
          { sleep: 300 },
          { send: 'cd' },
        ],
      },
      {
        name: 'an answer before the end of a slow request',
        steps: [{ send: 'POST /short HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nab' }, { sleep: 300 }],
        backends: { 0: [{ early: 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok' }] },
      },
    ],
  },
  {
    feature: 'router timeouts',
    name: 'per-try timeout',
    bootstrap: (places) =>
      simple(places, {
        routes: [
          toCluster('c0', { timeout: '5s', ...retryOnce({ per_try_timeout: '0.12s' }) }, { prefix: '/retry' }),
          toCluster('c0', { timeout: '5s', retry_policy: { per_try_timeout: '0.12s' } }, { prefix: '/alone' }),
          toCluster('c0', { timeout: '0s', ...retryOnce({ per_try_timeout: '0.12s' }) }, { prefix: '/endless' }),
          toCluster(
            'c0',
            { timeout: '5s', ...retryOnce({ retry_on: 'connect-failure', per_try_timeout: '0.12s' }) },
            { prefix: '/connect' },
          ),
          toCluster(
            'c0',
            { timeout: '5s', ...retryOnce({ retry_on: 'reset', per_try_timeout: '0.12s' }) },
            { prefix: '/reset' },
          ),
          toCluster(
            'c0',
            { timeout: '5s', ...retryOnce({ retry_on: 'gateway-error', per_try_timeout: '0.12s' }) },
            { prefix: '/gateway' },
          ),
          toCluster(
            'c0',
            { timeout: '5s', ...retryOnce({ retry_on: 'reset-before-request', per_try_timeout: '0.12s' }) },
            { prefix: '/before' },
          ),
          toCluster('c0', { timeout: '0s', ...retryOnce({ per_try_idle_timeout: '0.4s' }) }, { prefix: '/idle' }),
          toCluster('c0', { timeout: '5s', retry_policy: { per_try_idle_timeout: '0.4s' } }, { prefix: '/lone' }),
          toCluster(
            'c0',
            { timeout: '5s', ...retryOnce({ per_try_timeout: '0.1s', per_try_idle_timeout: '0.3s' }) },
            { prefix: '/both' },
          ),
        ],
      }),
    cases: [
      { name: 'in time', requests: [{ path: '/retry' }] },
      { name: 'once too late, then good', requests: [{ path: '/retry' }], backends: { 0: ['hang'] } },
      { name: 'twice too late', requests: [{ path: '/retry' }], backends: { 0: ['hang', 'hang'] } },
      { name: 'too late for a body, sent again', requests: [{ ...post, path: '/retry' }], backends: { 0: ['hang'] } },
      { name: 'without retries', requests: [{ path: '/alone' }], backends: { 0: ['hang'] } },
      { name: 'without a whole', requests: [{ path: '/endless' }], backends: { 0: ['hang', 'hang'] } },
      { name: 'not a connect failure', requests: [{ path: '/connect' }], backends: { 0: ['hang'] } },
      { name: 'counts as a reset', requests: [{ path: '/reset' }], backends: { 0: ['hang'] } },
      { name: 'counts as a gateway error', requests: [{ path: '/gateway' }], backends: { 0: ['hang'] } },
      { name: 'not before the request', requests: [{ path: '/before' }], backends: { 0: ['hang'] } },
      { name: 'no matter once the response began', requests: [{ path: '/retry' }], backends: { 0: [slowBody(250)] } },
      { name: 'idle before the response', requests: [{ path: '/idle' }], backends: { 0: ['hang'] } },
      {
        name: 'idle before the response, without retries',
        requests: [{ path: '/lone' }],
        backends: { 0: ['hang'] },
      },
      { name: 'idle in the response', requests: [{ path: '/idle' }], backends: { 0: [slowBody(900)] } },
      {
        name: 'not idle while pieces come',
        requests: [{ path: '/idle' }],
        backends: {
          0: [
            {
              raw: [
                { raw: 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\na' },
                { raw: 'b', afterMs: 180 },
                { raw: 'c', afterMs: 180 },
                { raw: 'd', afterMs: 180 },
              ],
            },
          ],
        },
      },
      { name: 'both, the shorter counts', requests: [{ path: '/both' }], backends: { 0: ['hang', 'hang'] } },
    ],
  },
  {
    feature: 'router timeouts',
    name: 'per-try timeout within a whole',
    bootstrap: (places) =>
      simple(places, {
        manager: { http_filters: [router({ suppress_envoy_headers: true })] },
        routes: [
          toCluster(
            'c0',
            { timeout: '0.2s', ...retryOnce({ num_retries: 5, per_try_timeout: '0.13s' }) },
            { prefix: '/whole' },
          ),
        ],
      }),
    cases: [
      {
        name: 'the whole ends during the retry',
        requests: [{ path: '/whole' }],
        backends: { 0: ['hang', 'hang', 'hang'] },
      },
    ],
  },
  {
    feature: 'router timeouts',
    name: 'longest duration of an attempt',
    bootstrap: (places) =>
      simple(places, {
        routes: [
          toCluster('c0', { timeout: '5s' }, { prefix: '/alone' }),
          toCluster('c0', { timeout: '0s', ...retryOnce({ retry_on: 'reset' }) }, { prefix: '/retry' }),
        ],
        clusters: [
          cluster(places, 0, [0], httpOptions({ common_http_protocol_options: { max_stream_duration: '0.15s' } })),
        ],
      }),
    cases: [
      { name: 'in time', requests: [{ path: '/alone' }] },
      { name: 'no answer', requests: [{ path: '/alone' }], backends: { 0: ['hang'] } },
      { name: 'no answer, tried again', requests: [{ path: '/retry' }], backends: { 0: ['hang'] } },
      { name: 'no answer, twice', requests: [{ path: '/retry' }], backends: { 0: ['hang', 'hang'] } },
      { name: 'in the response', requests: [{ path: '/alone' }], backends: { 0: [slowBody(400)] } },
      {
        name: 'before the request is complete',
        steps: [{ send: 'POST /alone HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nab' }],
      },
    ],
  },
  {
    feature: 'router timeouts',
    name: 'timeouts by headers',
    bootstrap: (places) =>
      simple(places, {
        manager: {
          http_filters: [
            steering(
              'upstream-rq-timeout-ms',
              'upstream-rq-per-try-timeout-ms',
              'upstream-rq-timeout-alt-response',
              'upstream-stream-duration-ms',
              'expected-rq-timeout-ms',
              'upstream-alt-stat-name',
            ),
            router(),
          ],
        },
        routes: [toCluster('c0', { timeout: '3s', ...retryOnce({ per_try_timeout: '2s' }) })],
      }),
    cases: [
      { name: 'none', requests: [{}] },
      { name: 'timeout', requests: [{ headers: { 't-upstream-rq-timeout-ms': '150' } }], backends: { 0: ['hang'] } },
      { name: 'timeout, not reached', requests: [{ headers: { 't-upstream-rq-timeout-ms': '1500' } }] },
      { name: 'timeout of 0', requests: [{ headers: { 't-upstream-rq-timeout-ms': '0' } }] },
      { name: 'timeout that is no number', requests: [{ headers: { 't-upstream-rq-timeout-ms': 'x' } }] },
      { name: 'timeout with a sign', requests: [{ headers: { 't-upstream-rq-timeout-ms': '+700' } }] },
      {
        name: 'per-try timeout',
        requests: [{ headers: { 't-upstream-rq-per-try-timeout-ms': '120' } }],
        backends: { 0: ['hang'] },
      },
      {
        name: 'per-try timeout that is no number',
        requests: [{ headers: { 't-upstream-rq-per-try-timeout-ms': 'x' } }],
      },
      {
        name: 'per-try timeout as long as the whole',
        requests: [{ headers: { 't-upstream-rq-per-try-timeout-ms': '3000' } }],
      },
      { name: 'per-try timeout of 0', requests: [{ headers: { 't-upstream-rq-per-try-timeout-ms': '0' } }] },
      {
        name: 'another answer when time is up',
        requests: [{ headers: { 't-upstream-rq-timeout-ms': '100', 't-upstream-rq-timeout-alt-response': '1' } }],
        backends: { 0: ['hang'] },
      },
      { name: 'another answer, not needed', requests: [{ headers: { 't-upstream-rq-timeout-alt-response': 'x' } }] },
      {
        name: 'stream duration',
        requests: [{ headers: { 't-upstream-stream-duration-ms': '120' } }],
        backends: { 0: ['hang', 'hang'] },
      },
      { name: 'stream duration that is no number', requests: [{ headers: { 't-upstream-stream-duration-ms': 'x' } }] },
      { name: 'expected timeout is not respected', requests: [{ headers: { 't-expected-rq-timeout-ms': '700' } }] },
      { name: 'a stat name of its own', requests: [{ headers: { 't-upstream-alt-stat-name': 'mine' } }] },
    ],
  },
  {
    feature: 'router timeouts',
    name: 'expected timeout respected',
    bootstrap: (places) =>
      simple(places, {
        manager: {
          http_filters: [
            steering('upstream-rq-timeout-ms', 'expected-rq-timeout-ms'),
            router({ respect_expected_rq_timeout: true }),
          ],
        },
        routes: [toCluster('c0', { timeout: '3s' })],
      }),
    cases: [
      { name: 'none', requests: [{}] },
      { name: 'expected', requests: [{ headers: { 't-expected-rq-timeout-ms': '150' } }], backends: { 0: ['hang'] } },
      { name: 'expected that is no number', requests: [{ headers: { 't-expected-rq-timeout-ms': 'x' } }] },
      {
        name: 'both',
        requests: [{ headers: { 't-expected-rq-timeout-ms': '900', 't-upstream-rq-timeout-ms': '700' } }],
      },
      { name: 'the other alone', requests: [{ headers: { 't-upstream-rq-timeout-ms': '700' } }] },
    ],
  },
  {
    feature: 'router timeouts',
    name: 'gRPC timeouts',
    bootstrap: (places) =>
      simple(places, {
        routes: [
          toCluster('c0', { max_grpc_timeout: '2s' }, { prefix: '/capped' }),
          toCluster('c0', { max_grpc_timeout: '0s', grpc_timeout_offset: '0.1s' }, { prefix: '/endless' }),
          toCluster('c0'),
        ],
      }),
    cases: (
      [
        ['/capped', '100m'],
        ['/capped', '5S'],
        ['/capped', '1H'],
        ['/capped', undefined],
        ['/capped', 'x'],
        ['/capped', '1500000u'],
        ['/endless', '1S'],
        ['/endless', '50m'],
        ['/endless', '9M'],
        ['/endless', undefined],
        ['/', '1S'],
      ] as const
    ).map(([path, timeout]) => ({
      name: `${path} with ${timeout ?? 'none'}`,
      requests: [
        {
          ...post,
          path,
          headers: {
            'content-type': 'application/grpc',
            ...(timeout === undefined ? {} : { 'grpc-timeout': timeout }),
          },
        },
      ],
    })),
  },
  {
    feature: 'router timeouts',
    name: 'hedging',
    bootstrap: (places) => {
      const hedge = (more: Json, retry: Json = {}): Json => ({
        timeout: '5s',
        hedge_policy: { hedge_on_per_try_timeout: true },
        ...retryOnce({ per_try_timeout: '0.3s', num_retries: 2, ...retry }),
        ...more,
      });
      return simple(places, {
        manager: { http_filters: [steering('hedge-on-per-try-timeout'), router({ suppress_envoy_headers: true })] },
        routes: [
          toCluster('c0', hedge({}), { prefix: '/hedge' }),
          toCluster('c0', hedge({ timeout: '1.2s' }), { prefix: '/whole' }),
          toCluster('c0', hedge({}, { retry_on: 'connect-failure' }), { prefix: '/other' }),
          toCluster('c0', hedge({ hedge_policy: { initial_requests: 3 } }), { prefix: '/initial' }),
        ],
      });
    },
    cases: [
      { name: 'in time', requests: [{ path: '/hedge' }] },
      { name: 'the second answers', requests: [{ path: '/hedge' }], backends: { 0: ['hang'] } },
      { name: 'the first answers after all', requests: [{ path: '/hedge' }], backends: { 0: [late(450), 'hang'] } },
      { name: 'the third answers', requests: [{ path: '/hedge' }], backends: { 0: ['hang', 'hang'] } },
      { name: 'none answers', requests: [{ path: '/whole' }], backends: { 0: ['hang', 'hang', 'hang'] } },
      {
        name: 'the second is bad, the first answers',
        requests: [{ path: '/hedge' }],
        backends: { 0: [late(500), { raw: 'HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n' }, 'hang'] },
      },
      { name: 'whatever the policy retries on', requests: [{ path: '/other' }], backends: { 0: ['hang'] } },
      { name: 'a body', requests: [{ ...post, path: '/hedge' }], backends: { 0: ['hang'] } },
      { name: 'initial requests are one', requests: [{ path: '/initial' }], backends: { 0: [late(20)] } },
      {
        name: 'switched off by header',
        requests: [{ path: '/hedge', headers: { 't-hedge-on-per-try-timeout': 'false' } }],
        backends: { 0: ['hang'] },
      },
      {
        name: 'switched on by header',
        requests: [{ path: '/initial', headers: { 't-hedge-on-per-try-timeout': 'true' } }],
        backends: { 0: [late(450), 'hang'] },
      },
      {
        name: 'neither true nor false',
        requests: [{ path: '/hedge', headers: { 't-hedge-on-per-try-timeout': 'yes' } }],
        backends: { 0: [late(450), 'hang'] },
      },
    ],
  },
];
