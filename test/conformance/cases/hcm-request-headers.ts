import { typed } from '../config.ts';
import type { Case, Json, Request, Scenario } from '../types.ts';
import { type Variant, variants } from '../variants.ts';

type Headers = readonly (readonly [string, string])[];

const edge = { use_remote_address: true };
const own = { internal_address_config: { cidr_ranges: [{ address_prefix: '127.0.0.0', prefix_len: 8 }] } };

const one = (name: string, headers: Headers, request: Request = {}): Case => ({
  name,
  requests: [{ ...request, headers }],
});
const values = (header: string, list: readonly string[]): readonly Case[] =>
  list.map((value) => one(`${header}: ${value}`, [[header, value]]));

const controls: Headers = [
  ['x-envoy-internal', 'true'],
  ['x-envoy-retriable-status-codes', '418'],
  ['x-envoy-retriable-header-names', 'a'],
  ['x-envoy-retry-on', '5xx'],
  ['x-envoy-retry-grpc-on', 'cancelled'],
  ['x-envoy-max-retries', '1'],
  ['x-envoy-upstream-alt-stat-name', 'a'],
  ['x-envoy-upstream-rq-timeout-ms', '1000'],
  ['x-envoy-upstream-rq-per-try-timeout-ms', '900'],
  ['x-envoy-upstream-rq-timeout-alt-response', '1'],
  ['x-envoy-expected-rq-timeout-ms', '5'],
  ['x-envoy-force-trace', 'true'],
  ['x-envoy-ip-tags', 'a'],
  ['x-envoy-original-url', 'a'],
  ['x-envoy-hedge-on-per-try-timeout', 'true'],
  ['x-envoy-upstream-stream-duration-ms', '5000'],
  ['x-envoy-decorator-operation', 'd'],
  ['x-envoy-downstream-service-cluster', 'c'],
  ['x-envoy-downstream-service-node', 'n'],
  ['x-envoy-original-path', '/o'],
  ['x-envoy-original-host', 'h'],
  ['x-envoy-external-address', '9.9.9.9'],
  ['x-envoy-attempt-count', '7'],
  ['x-envoy-peer-metadata', 'm'],
  ['x-envoy-is-timeout-retry', '1'],
  ['x-envoy-immediate-health-check-fail', '1'],
  ['x-forwarded-client-cert', 'By=a'],
  ['x-in', '1'],
];
const each: readonly Case[] = controls.map((header) => one(header[0], [header]));
const onlyInternal = { internal_only_headers: ['x-in', 'X-Upper'] };

const sanitizing: readonly Variant[] = [
  { name: 'external', routeConfig: onlyInternal, cases: [...each, one('all', controls)] },
  { name: 'edge', manager: edge, routeConfig: onlyInternal, cases: each },
  {
    name: 'internal',
    manager: { ...edge, ...own },
    routeConfig: onlyInternal,
    cases: controls
      .filter(([name]) => !/retry|retries|timeout|alt-stat|duration|retriable/.test(name))
      .map((header) => one(header[0], [header])),
  },
];

const forwarding: readonly Variant[] = [
  {
    name: 'x-forwarded-proto',
    cases: [
      ...values('X-Forwarded-Proto', ['http', 'https', 'HTTPS', 'ftp', '']),
      one('twice', [
        ['X-Forwarded-Proto', 'http'],
        ['X-Forwarded-Proto', 'https'],
      ]),
    ],
  },
  { name: 'x-forwarded-proto at the edge', manager: edge, cases: values('X-Forwarded-Proto', ['https', 'ftp']) },
  {
    name: 'x-forwarded-proto of a trusted hop',
    manager: { ...edge, xff_num_trusted_hops: 1 },
    cases: values('X-Forwarded-Proto', ['https', 'ftp', 'HTTPS']),
  },
  {
    name: 'x-forwarded-port',
    manager: { append_x_forwarded_port: true },
    cases: [one('absent', []), ...values('X-Forwarded-Port', ['77', ''])],
  },
  {
    name: 'x-forwarded-port at the edge',
    manager: { ...edge, append_x_forwarded_port: true },
    cases: [one('absent', []), ...values('X-Forwarded-Port', ['77'])],
  },
  {
    name: 'x-forwarded-port of a trusted hop',
    manager: { ...edge, xff_num_trusted_hops: 1, append_x_forwarded_port: true },
    cases: [one('absent', []), ...values('X-Forwarded-Port', ['77'])],
  },
  ...['http', 'https'].map(
    (scheme): Variant => ({
      name: `scheme ${scheme}`,
      manager: { scheme_header_transformation: { scheme_to_overwrite: scheme } },
      cases: [
        one('absent', []),
        ...values('X-Forwarded-Proto', ['http', 'https']),
        one('absolute', [], { path: 'https://a.example/p' }),
      ],
    }),
  ),
  {
    name: 'scheme of the upstream',
    manager: { scheme_header_transformation: { match_upstream: true } },
    routes: [
      { match: { prefix: '/redirect' }, redirect: { path_redirect: '/there' } },
      { match: { prefix: '/' }, route: { cluster: 'c0' } },
    ],
    cases: [
      ...values('X-Forwarded-Proto', ['https']),
      one('redirected', [['X-Forwarded-Proto', 'https']], { path: '/redirect' }),
    ],
  },
  {
    name: 'via',
    manager: { via: '1.1 me' },
    cases: [
      one('absent', []),
      one('present', [['Via', '1.0 x']]),
      one('twice', [
        ['Via', '1.0 x'],
        ['Via', '1.0 y'],
      ]),
      one('empty', [['Via', '']]),
    ],
  },
  {
    name: 'user agent',
    manager: { add_user_agent: true },
    cases: [
      one('absent', []),
      ...values('User-Agent', ['x', '']),
      one('service node', [
        ['x-envoy-downstream-service-node', 'q'],
        ['x-envoy-downstream-service-cluster', 'p'],
      ]),
    ],
  },
  {
    name: 'te',
    cases: [
      ...values('TE', ['trailers', 'gzip', 'gzip, trailers', 'trailers;q=0.5', 'TRAILERS', 'trailers, trailers', '']),
      one('twice', [
        ['TE', 'gzip'],
        ['TE', 'trailers'],
      ]),
    ],
  },
  {
    name: 'hop by hop',
    cases: [
      one('keep-alive', [['Keep-Alive', 'timeout=5']]),
      one('proxy-connection', [['Proxy-Connection', 'keep-alive']]),
      one('upgrade without connection', [['Upgrade', 'websocket']]),
      one('trailer', [['Trailer', 'x']]),
      one('proxy-authorization', [['Proxy-Authorization', 'x']]),
    ],
  },
];

const referers: readonly Variant[] = [
  {
    name: 'referer',
    cases: [
      ...values('Referer', [
        'http://a/b',
        'https://a.example:8443/b?c',
        'HTTP://A/',
        'http://[::1]/',
        'http://[::1]:80/b',
        'http://[::1',
        'http://a/%zz',
        'http://a/"b',
        'http://a/?q=#',
        'https://a/b#f',
        'http://u:p@a/',
        'http://@b',
        'http://a_b/',
        'http://-/',
        'http://',
        'http:///b',
        'http://a:99999/',
        'http://a:x/',
        'http://a:/',
        'http://a b/',
        'http:a/b',
        'ftp://a/',
        'foo://h',
        'foo://',
        'about:blank',
        '/relative',
        'relative',
        '//a/b',
        '//u@h/',
        '/a:b',
        'a:b',
        '/x#',
        '#',
        '?q',
        '/a[b]',
        '/a"b',
        'x?y:z',
        '',
      ]),
      one('twice', [
        ['Referer', 'http://a/'],
        ['Referer', 'http://b/'],
      ]),
    ],
  },
];

const append = (key: string, value: string, more: Json = {}): Json => ({ append: { header: { key, value }, ...more } });
const early = (...mutations: readonly Json[]): Json => ({
  early_header_mutation_extensions: [
    {
      name: 'early',
      typed_config: typed('envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation', {
        mutations,
      }),
    },
  ],
});
const mutations: readonly Variant[] = [
  {
    name: 'early mutation',
    manager: early(append('x-new', 'v'), { remove: 'x-del' }, append('x-path', '%REQ(:PATH)%')),
    cases: [one('plain', [['x-del', '1']]), one('present', [['x-new', 'sent']])],
  },
  {
    name: 'early mutation of what is looked at',
    manager: {
      ...early(
        append('x-forwarded-for', '9.9.9.9'),
        append('x-request-id', 'set'),
        append('x-envoy-max-retries', '5'),
        append('te', 'gzip'),
        append('x-forwarded-proto', 'https'),
      ),
    },
    cases: [one('plain', [])],
  },
  {
    name: 'early mutation before the path is shaped',
    manager: { ...early(append('x-path', '%REQ(:PATH)%')), normalize_path: true },
    cases: [one('plain', [], { path: '/a/../b' })],
  },
  {
    name: 'early mutation with an action',
    manager: early(append('x-a', 'v', { append_action: 'OVERWRITE_IF_EXISTS' }), { remove: 'x-b' }),
    cases: [one('present', [['x-a', '1']]), one('absent', [])],
  },
];

const certificates: readonly Variant[] = [
  'SANITIZE',
  'FORWARD_ONLY',
  'APPEND_FORWARD',
  'SANITIZE_SET',
  'ALWAYS_FORWARD_ONLY',
].map((mode) => ({
  name: mode,
  manager: {
    forward_client_cert_details: mode,
    set_current_client_cert_details: { subject: true, cert: true, uri: true, dns: true, chain: true },
  },
  cases: [one('sent', [['x-forwarded-client-cert', 'By=a;Hash=b']]), one('not sent', [])],
}));

const log = '%RESPONSE_CODE% %RESPONSE_FLAGS% %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %REQ(:SCHEME)%\n';

export const scenarios: readonly Scenario[] = [
  variants('request headers', 'sanitising', sanitizing, { log }),
  variants('request headers', 'forwarding', forwarding, { log }),
  variants('request headers', 'referer', referers, { log }),
  variants('request headers', 'early mutation', mutations, { log }),
  variants('request headers', 'client certificates', certificates, { log }),
];
