import { bootstrap, cluster, fileLog, listener, manager, routeConfig, toCluster, typed } from '../config.ts';
import type { Case, Json, Places, Scenario } from '../types.ts';

const rbacKeys = [
  'enforced_engine_result',
  'enforced_effective_policy_id',
  'shadow_engine_result',
  'shadow_effective_policy_id',
];
const tcpFormat = `%RESPONSE_FLAGS% %CONNECTION_TERMINATION_DETAILS% %BYTES_RECEIVED% %BYTES_SENT% %UPSTREAM_CLUSTER% %UPSTREAM_REQUEST_ATTEMPT_COUNT% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" ${rbacKeys
  .map((key) => `%DYNAMIC_METADATA(envoy.filters.network.rbac:${key})%`)
  .join(' ')}\n`;

const tcpProxy = (places: Places, name = 'c0', more: Json = {}): Json => ({
  name: 'tcp',
  typed_config: typed('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', {
    stat_prefix: 'tcp',
    cluster: name,
    access_log: [fileLog(places, tcpFormat)],
    ...more,
  }),
});

const filter = (type: string, config: Json): Json => ({
  name: type,
  typed_config: typed(`envoy.extensions.filters.network.${type}`, { stat_prefix: 'f', ...config }),
});
const rbac = (config: Json): Json => filter('rbac.v3.RBAC', config);
const connectionLimit = (config: Json): Json => filter('connection_limit.v3.ConnectionLimit', config);
const rateLimit = (config: Json): Json => filter('local_ratelimit.v3.LocalRateLimit', config);

const any: Json = { any: true };
const policy = (permissions: readonly Json[], principals: readonly Json[] = [any]): Json => ({
  permissions,
  principals,
});
const cidr = (address_prefix: string, prefix_len: number): Json => ({ address_prefix, prefix_len });
const allow = (permissions: readonly Json[], principals?: readonly Json[]): Json => ({
  rules: { policies: { p: policy(permissions, principals) } },
});
const denyAll: Json = { rules: { action: 'DENY', policies: { 'no way': policy([any]) } } };

interface Row {
  readonly name: string;
  readonly filters: readonly Json[];
  readonly cases?: Readonly<Record<string, Omit<Case, 'name'>>>;
}

const echo: Omit<Case, 'name'> = { steps: [{ send: 'hello' }, { awaitBytes: 5 }, { do: 'halfClose' }, { sleep: 50 }] };
/** What the client has sent when the connection is closed at once may meet the close, or not. */
const refused: Omit<Case, 'name'> = { ...echo, without: ['fate'] };
const silent: Omit<Case, 'name'> = { steps: [{ sleep: 60 }, { do: 'close' }], settleMs: 30 };
const silentEnd: Omit<Case, 'name'> = { steps: [{ sleep: 30 }, { do: 'halfClose' }, { sleep: 60 }] };

/** A listener for each row, with the filters before a TCP proxy to an echo server. */
function tcpRows(name: string, feature: string, rows: readonly Row[], stats: readonly RegExp[]): Scenario {
  return {
    feature,
    name,
    backends: ['echo'],
    stats,
    bootstrap: (places) =>
      bootstrap(
        places,
        rows.map(({ filters }, index) => listener(places, index, [...filters, tcpProxy(places)])),
        [cluster(places, 0)],
      ),
    cases: rows.flatMap((row, index) =>
      Object.entries(row.cases ?? { 'a client that speaks': echo }).map(([what, one]) => ({
        tcp: true,
        ...one,
        name: `${row.name}: ${what}`,
        listener: index,
      })),
    ),
  };
}

const speakers: Row['cases'] = {
  'a client that speaks': echo,
  'a client that is silent': silent,
  'a client that ends at once': silentEnd,
};

const rbacRows: readonly Row[] = [
  { name: 'without rules', filters: [rbac({})], cases: speakers },
  { name: 'ALLOW any', filters: [rbac(allow([any]))], cases: speakers },
  { name: 'ALLOW without policies', filters: [rbac({ rules: {} })], cases: speakers },
  { name: 'DENY any', filters: [rbac(denyAll)], cases: speakers },
  { name: 'LOG any', filters: [rbac({ rules: { action: 'LOG', policies: { p: policy([any]) } } })] },
  {
    name: 'shadow rules deny',
    filters: [rbac({ shadow_rules: { action: 'DENY', policies: { s: policy([any]) } } })],
    cases: speakers,
  },
  {
    name: 'shadow rules with a prefix',
    filters: [rbac({ shadow_rules_stat_prefix: 'sh_', shadow_rules: { policies: { s: policy([any]) } } })],
  },
  {
    name: 'shadow beside rules',
    filters: [rbac({ ...denyAll, shadow_rules: { policies: { s: policy([any]) } } })],
  },
  { name: 'direct_remote_ip', filters: [rbac(allow([any], [{ direct_remote_ip: cidr('127.0.0.1', 32) }]))] },
  { name: 'another direct_remote_ip', filters: [rbac(allow([any], [{ direct_remote_ip: cidr('10.0.0.0', 8) }]))] },
  { name: 'remote_ip', filters: [rbac(allow([any], [{ remote_ip: cidr('127.0.0.0', 8) }]))] },
  { name: 'source_ip', filters: [rbac(allow([any], [{ source_ip: cidr('127.0.0.1', 32) }]))] },
  { name: 'destination_port', filters: [rbac(allow([{ destination_port: 10_012 }]))] },
  { name: 'another destination_port', filters: [rbac(allow([{ destination_port: 1 }]))] },
  {
    name: 'destination_port_range',
    filters: [rbac(allow([{ destination_port_range: { start: 10_014, end: 10_015 } }]))],
  },
  { name: 'destination_ip', filters: [rbac(allow([{ destination_ip: cidr('127.64.0.0', 10) }]))] },
  { name: 'not_rule', filters: [rbac(allow([{ not_rule: { destination_port: 1 } }]))] },
  { name: 'requested_server_name', filters: [rbac(allow([{ requested_server_name: { exact: '' } }]))] },
  { name: 'authenticated', filters: [rbac(allow([any], [{ authenticated: {} }]))] },
  { name: 'url_path', filters: [rbac(allow([{ url_path: { path: { prefix: '/' } } }]))] },
  {
    name: 'metadata',
    filters: [rbac(allow([{ metadata: { filter: 'f', path: [{ key: 'k' }], value: { present_match: false } } }]))],
  },
  {
    name: 'metadata of a filter before',
    filters: [
      rbac({ shadow_rules: { policies: { s: policy([any]) } } }),
      rbac(
        allow([
          {
            metadata: {
              filter: 'envoy.filters.network.rbac',
              path: [{ key: 'shadow_effective_policy_id' }],
              value: { string_match: { exact: 's' } },
            },
          },
        ]),
      ),
    ],
  },
  {
    name: 'CONTINUOUS',
    filters: [rbac({ ...allow([any]), enforcement_type: 'CONTINUOUS' })],
    cases: {
      'two pieces': {
        steps: [{ send: 'a' }, { awaitBytes: 1 }, { send: 'b' }, { awaitBytes: 2 }, { do: 'halfClose' }, { sleep: 50 }],
      },
    },
  },
  {
    name: 'ONE_TIME',
    filters: [rbac(allow([any]))],
    cases: {
      'two pieces': {
        steps: [{ send: 'a' }, { awaitBytes: 1 }, { send: 'b' }, { awaitBytes: 2 }, { do: 'halfClose' }, { sleep: 50 }],
      },
    },
  },
  {
    name: 'shadow CONTINUOUS',
    filters: [rbac({ shadow_rules: { policies: {} }, enforcement_type: 'CONTINUOUS' })],
    cases: {
      'two pieces': {
        steps: [{ send: 'a' }, { awaitBytes: 1 }, { send: 'b' }, { awaitBytes: 2 }, { do: 'halfClose' }, { sleep: 50 }],
      },
    },
  },
  {
    name: 'delay_deny',
    filters: [rbac({ ...denyAll, delay_deny: '0.15s' })],
    cases: {
      'before it': { steps: [{ send: 'a' }, { sleep: 30 }], settleMs: 250 },
      'after it': { steps: [{ send: 'a' }, { sleep: 250 }] },
      'more bytes meanwhile': { steps: [{ send: 'a' }, { sleep: 60 }, { send: 'b' }, { sleep: 200 }] },
      'the client ends first': { steps: [{ send: 'a' }, { sleep: 30 }, { do: 'halfClose' }, { sleep: 250 }] },
      'the client resets first': { steps: [{ send: 'a' }, { sleep: 30 }, { do: 'reset' }], settleMs: 250 },
    },
  },
  {
    name: 'allowed by the first, denied by the second',
    filters: [rbac({ ...allow([any]), stat_prefix: 'one' }), rbac({ ...denyAll, stat_prefix: 'two.' })],
    cases: speakers,
  },
];

const bucket = (max_tokens: number, more: Json = {}): Json => ({ max_tokens, fill_interval: '3600s', ...more });

const rateRows: readonly Row[] = [
  {
    name: 'two tokens',
    filters: [rateLimit({ token_bucket: bucket(2) })],
    cases: { first: echo, second: echo, third: refused, 'third, silent': silent },
  },
  {
    name: 'refilled',
    filters: [rateLimit({ token_bucket: { max_tokens: 1, fill_interval: '0.2s' } })],
    cases: { first: { ...echo, settleMs: 300 }, 'after a fill': echo, 'before the next': { steps: [{ sleep: 10 }] } },
  },
  {
    name: 'switched off',
    filters: [rateLimit({ token_bucket: bucket(1), runtime_enabled: { default_value: false, runtime_key: 'k' } })],
    cases: { first: echo, second: echo },
  },
  {
    name: 'switched off by runtime',
    filters: [rateLimit({ token_bucket: bucket(1), runtime_enabled: { default_value: true, runtime_key: 'off' } })],
    cases: { first: echo, second: echo },
  },
  {
    name: 'shared, one side',
    filters: [rateLimit({ token_bucket: bucket(3), share_key: 'x' })],
    cases: { first: echo, second: echo },
  },
  {
    name: 'shared, other side',
    filters: [rateLimit({ token_bucket: bucket(3), share_key: 'x', stat_prefix: 'other' })],
    cases: { first: echo, second: refused },
  },
  {
    name: 'same key, other bucket',
    filters: [rateLimit({ token_bucket: bucket(4), share_key: 'x', stat_prefix: 'another' })],
    cases: { first: echo },
  },
  {
    name: 'limited before the rules',
    filters: [rateLimit({ token_bucket: bucket(1) }), rbac(denyAll)],
    cases: { first: refused, second: refused },
  },
  {
    name: 'a bucket without room',
    filters: [rateLimit({ token_bucket: bucket(0) })],
    cases: { first: refused },
  },
];

const withRuntime = (scenario: Scenario): Scenario => ({
  ...scenario,
  bootstrap: (places) => ({
    ...scenario.bootstrap(places),
    layered_runtime: { layers: [{ name: 'base', static_layer: { off: false } }] },
  }),
});

/** The first listener's proxy leads to the second, which has a limit and leads to itself: the connection it makes is one too many. */
const limits: Scenario = {
  feature: 'network connection limit',
  name: 'network connection limit',
  backends: ['echo'],
  stats: [/^connection_limit\.f\.limited/, /^tcp\./],
  bootstrap: (places) =>
    bootstrap(
      places,
      [
        listener(places, 0, [connectionLimit({ max_connections: 1 }), tcpProxy(places, 'c1')]),
        listener(places, 1, [connectionLimit({ max_connections: 2 }), tcpProxy(places, 'c2')]),
        listener(places, 2, [connectionLimit({ max_connections: 1, delay: '0.2s' }), tcpProxy(places, 'c3')]),
        listener(places, 3, [
          connectionLimit({ max_connections: 1, runtime_enabled: { default_value: false, runtime_key: 'k' } }),
          tcpProxy(places, 'c0'),
        ]),
        listener(places, 4, [connectionLimit({ max_connections: 1 }), tcpProxy(places, 'c0')]),
        listener(places, 5, [connectionLimit({ max_connections: 1 }), rbac(denyAll), tcpProxy(places, 'c0')]),
      ],
      [
        cluster(places, 0),
        ...[1, 2, 3].map((index) => ({
          name: `c${index}`,
          connect_timeout: '1s',
          load_assignment: {
            cluster_name: `c${index}`,
            endpoints: [
              {
                lb_endpoints: [
                  {
                    endpoint: {
                      address: { socket_address: { address: places.host, port_value: places.listener(index - 1) } },
                    },
                  },
                ],
              },
            ],
          },
        })),
      ],
    ),
  cases: [
    { name: 'one too many', tcp: true, listener: 0, steps: [{ sleep: 80 }], settleMs: 80 },
    { name: 'again after they are gone', tcp: true, listener: 0, steps: [{ send: 'a' }, { sleep: 80 }], settleMs: 20 },
    { name: 'two allowed', tcp: true, listener: 1, steps: [{ sleep: 80 }], settleMs: 20 },
    { name: 'with a delay, before it', tcp: true, listener: 2, steps: [{ sleep: 80 }, { do: 'close' }], settleMs: 300 },
    { name: 'with a delay, after it', tcp: true, listener: 2, steps: [{ sleep: 350 }], settleMs: 20 },
    { name: 'switched off', tcp: true, listener: 3, ...echo },
    { name: 'one at a time', tcp: true, listener: 4, ...echo, settleMs: 30 },
    { name: 'one after the other', tcp: true, listener: 4, ...echo, settleMs: 30 },
    { name: 'denied by a filter behind', tcp: true, listener: 5, ...echo, settleMs: 30 },
  ],
};

/** Filters before an HTTP connection manager. */
const beforeHttp: Scenario = {
  feature: 'network filter chains',
  name: 'network filters before HTTP',
  stats: [/^f\.rbac/],
  bootstrap: (places) => {
    const hcm = (): Json => manager(places, { route_config: routeConfig([toCluster()]) });
    return bootstrap(
      places,
      [
        listener(places, 0, [rbac(allow([any])), hcm()]),
        listener(places, 1, [rbac(denyAll), hcm()]),
        listener(places, 2, [rbac({ ...denyAll, delay_deny: '0.1s' }), hcm()]),
        listener(places, 3, [rateLimit({ token_bucket: bucket(1) }), connectionLimit({ max_connections: 5 }), hcm()]),
        listener(places, 4, [rbac({ ...allow([any]), enforcement_type: 'CONTINUOUS' }), hcm()]),
      ],
      [cluster(places, 0)],
    );
  },
  cases: [
    { name: 'allowed', requests: [{}, { path: '/2' }] },
    {
      name: 'allowed with a body in pieces',
      steps: [
        { send: 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\n' },
        { sleep: 20 },
        { send: 'ab' },
        { sleep: 20 },
        { send: 'cd' },
      ],
    },
    { name: 'allowed, head byte by byte', steps: [{ sendSplit: 'GET / HTTP/1.1\r\nhost: a\r\n\r\n' }] },
    {
      name: 'denied',
      listener: 1,
      steps: [{ send: 'GET / HTTP/1.1\r\nhost: a\r\n\r\n' }, { sleep: 40 }],
      responses: 0,
    },
    { name: 'denied, silent', listener: 1, steps: [{ sleep: 40 }], responses: 0 },
    {
      name: 'denied late',
      listener: 2,
      steps: [{ send: 'GET / HTTP/1.1\r\nhost: a\r\n\r\n' }, { sleep: 180 }],
      responses: 0,
    },
    { name: 'the first connection', listener: 3, requests: [{}, {}] },
    { name: 'over the limit', listener: 3, steps: [{ sleep: 30 }], responses: 0 },
    { name: 'judged again and again', listener: 4, requests: [{}, {}, {}] },
  ],
};

const chainOf =
  (filters: (places: Places) => readonly Json[]) =>
  (places: Places): Json =>
    bootstrap(places, [listener(places, 0, filters(places))], [cluster(places, 0)]);
const validate = (name: string, filters: (places: Places) => readonly Json[]): Scenario => ({
  feature: 'network filter chains',
  name: `network chain: ${name}`,
  validateOnly: true,
  bootstrap: chainOf(filters),
  cases: [],
});

const validations: readonly Scenario[] = [
  validate('no terminal filter', () => [rbac(allow([any]))]),
  validate('two terminal filters', (places) => [tcpProxy(places), tcpProxy(places)]),
  validate('a terminal filter first', (places) => [tcpProxy(places), rbac(allow([any]))]),
  validate('a header in network RBAC', (places) => [rbac(allow([{ header: { name: 'x' } }])), tcpProxy(places)]),
  validate('a header deep in network RBAC', (places) => [
    rbac(allow([{ not_rule: { and_rules: { rules: [any, { header: { name: 'x' } }] } } }])),
    tcpProxy(places),
  ]),
  validate('a header as principal in network RBAC', (places) => [
    rbac(allow([any], [{ header: { name: 'x' } }])),
    tcpProxy(places),
  ]),
  validate('RBAC without a prefix', (places) => [rbac({ stat_prefix: '' }), tcpProxy(places)]),
  validate('a policy without principals', (places) => [
    rbac({ rules: { policies: { p: { permissions: [any] } } } }),
    tcpProxy(places),
  ]),
  validate('connection limit without a limit', (places) => [connectionLimit({}), tcpProxy(places)]),
  validate('connection limit of 0', (places) => [connectionLimit({ max_connections: 0 }), tcpProxy(places)]),
  validate('rate limit without a bucket', (places) => [rateLimit({}), tcpProxy(places)]),
  validate('rate limit that fills every 49 ms', (places) => [
    rateLimit({ token_bucket: { max_tokens: 1, fill_interval: '0.049s' } }),
    tcpProxy(places),
  ]),
  validate('rate limit that fills every 50 ms', (places) => [
    rateLimit({ token_bucket: { max_tokens: 1, fill_interval: '0.05s' } }),
    tcpProxy(places),
  ]),
  validate('rate limit that fills nothing', (places) => [
    rateLimit({ token_bucket: { max_tokens: 1, tokens_per_fill: 0, fill_interval: '1s' } }),
    tcpProxy(places),
  ]),
];

export const scenarios: readonly Scenario[] = [
  tcpRows('network RBAC', 'network RBAC', rbacRows, [/rbac\./, /^tcp\./]),
  withRuntime(
    tcpRows('network rate limit', 'network local rate limit', rateRows, [/^local_rate_limit\./, /rbac\./, /^tcp\./]),
  ),
  limits,
  beforeHttp,
  ...validations,
];
