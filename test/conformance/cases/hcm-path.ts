import { toCluster } from '../config.ts';
import type { Case, Json, Scenario } from '../types.ts';
import { type Variant, variants } from '../variants.ts';

const log = '%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %REQ(:SCHEME)%\n';

const paths = (list: readonly string[]): readonly Case[] => list.map((path) => ({ name: path, requests: [{ path }] }));
const hosts = (list: readonly string[]): readonly Case[] =>
  list.map((host) => ({ name: `<${host}>`, requests: [{ host }] }));

const dots = [
  '/a/../b',
  '/a/./b',
  '/a/b/..',
  '/a/b/.',
  '/..',
  '/../a',
  '/a/../../b',
  '/a%2e/b',
  '/a/%2e%2E/b',
  '/a/.%2e/b',
  '/a/...',
  '/..a/b',
  '/.a',
  '/a/?x=/../y',
  '/a?..',
];
const parameters = [
  '/a/.;/b',
  '/a/..;/b',
  '/a/..;x=1/b',
  '/a;x/../b',
  '/a/..;',
  '/a/%2e%2e;/b',
  '/a/..%3b/b',
  '/a/b..;/c',
  '/a/.;.;/b',
];
const triplets = [
  '/%41%7e%5F%2d',
  '/a%2Fb%2fc',
  '/a%5cb',
  '/%',
  '/%2',
  '/%zz',
  '/%00',
  '/a%3Fb%23c%20d',
  '/%E4%BD',
  '/a%2525',
  '/%%41',
  '/%%30%30',
  '/%4%31',
];
const odd = ['/a\\b', '/a\\..\\b', '/a//b', '//a///b//', '/{}|^`"<>', "/a!$&'()*+,;=:@[]", '/?', '/??', '/a?%2f%5c'];

const slashes = ['/a%2Fb', '/a%5Cb%2fc', '/a%2f..%2fb', '/plain', '/a?x=%2f', '/a%2F%2Fb', '/%00%2f'];
const actions = [
  'IMPLEMENTATION_SPECIFIC_DEFAULT',
  'KEEP_UNCHANGED',
  'REJECT_REQUEST',
  'UNESCAPE_AND_REDIRECT',
  'UNESCAPE_AND_FORWARD',
];
const everything = { normalize_path: true, merge_slashes: true };
const escaped = actions.flatMap((action): Variant[] => [
  { name: action, manager: { path_with_escaped_slashes_action: action }, cases: paths(slashes) },
  {
    name: `${action} with everything`,
    manager: { path_with_escaped_slashes_action: action, ...everything },
    cases: paths(slashes),
  },
]);
const grpc = (name: string): Case => ({
  name: `${name} of gRPC`,
  requests: [
    { method: 'POST', path: '/a%2fb', headers: { 'content-type': 'application/grpc', 'content-length': '0' } },
  ],
});

const names = ['example.com:80', 'example.com:10001', 'example.com:', 'example.com.', 'example.com.:80', 'a..', '.'];
const more = ['[::1]:80', '[::1]', 'example.com:080', 'example.com:99999', 'example.com:4294967296', 'A.B'];
const stripping = (manager: Json): Variant => ({
  name: Object.keys(manager).join(' ') || 'as it comes',
  manager,
  cases: hosts([...names, ...more]),
});

const routed: readonly Json[] = [
  toCluster('c0', {}, { prefix: '/b' }),
  { match: { prefix: '/' }, direct_response: { status: 418 } },
];

const runtime = (values: Json): Json => ({
  layered_runtime: { layers: [{ name: 'static', static_layer: values }] },
});

export const scenarios: readonly Scenario[] = [
  variants(
    'path normalisation',
    'normalize_path',
    [
      { name: 'off', cases: paths([...dots.slice(0, 3), ...triplets.slice(0, 2), ...odd]) },
      {
        name: 'on',
        manager: { normalize_path: true },
        cases: paths([...dots, ...parameters, ...triplets, ...odd, '/a#b', '/a?b#c', '/#']),
      },
      {
        name: 'before routing',
        manager: { normalize_path: true },
        routes: routed,
        cases: paths(['/a/../b/c', '/b/../a']),
      },
      {
        name: 'merging',
        manager: { merge_slashes: true },
        cases: paths(['//a///b//', '/a//?x=//', '/%2f/', '///', '///?', '/a/..//b', '/a//']),
      },
      { name: 'both', manager: everything, cases: paths(['/a/..//b', '//a/.//b', '/a\\\\b']) },
      {
        name: 'path_normalization_options, on which Envoy does not act',
        manager: {
          path_normalization_options: {
            forwarding_transformation: { operations: [{ normalize_path_rfc_3986: {} }, { merge_slashes: {} }] },
            http_filter_transformation: { operations: [{ normalize_path_rfc_3986: {} }] },
          },
        },
        cases: paths(['/a/..//b']),
      },
    ],
    { log, stats: [/^http\.in\.downstream_rq_failed_path_normalization$/] },
  ),
  variants(
    'path normalisation',
    'escaped slashes',
    [
      ...escaped,
      {
        name: 'of gRPC',
        manager: { path_with_escaped_slashes_action: 'UNESCAPE_AND_REDIRECT' },
        cases: [grpc('a redirect')],
      },
    ],
    { log, stats: [/^http\.in\.downstream_rq_failed_path_normalization$/] },
  ),
  variants('path normalisation', 'by runtime', [{ name: 'set', cases: paths(['/a/../b%2fc', '/a?b#c', '/#a']) }], {
    log,
    bootstrap: runtime({
      'http_connection_manager.normalize_path': 100,
      'http_connection_manager.path_with_escaped_slashes_action': 4,
      'envoy.reloadable_features.http_reject_path_with_fragment': false,
    }),
  }),
  variants(
    'host normalisation',
    'ports and dots',
    [
      stripping({}),
      stripping({ strip_matching_host_port: true }),
      stripping({ strip_any_host_port: true }),
      stripping({ strip_trailing_host_dot: true }),
      stripping({ strip_trailing_host_dot: true, strip_any_host_port: true }),
    ],
    { log },
  ),
  variants(
    'host normalisation',
    'targets',
    [
      {
        name: 'absolute',
        cases: [
          'http://x.y/p?q',
          'https://x.y/p',
          'HTTP://X.Y/p',
          'http://x.y',
          'http://x.y?q',
          'http://x.y:81/',
          'http://[::1]:80/p',
          'http://x.y/a#b',
          'http://u@x.y/',
        ].map((path): Case => ({ name: path, requests: [{ path }] })),
      },
      {
        name: 'absolute not allowed',
        manager: { http_protocol_options: { allow_absolute_url: false } },
        cases: paths(['http://x.y/p', '/p']),
      },
      {
        name: 'other forms',
        cases: [
          { name: 'OPTIONS *', requests: [{ method: 'OPTIONS', path: '*' }] },
          { name: 'no host', requests: [{ host: null }] },
          { name: 'empty host', requests: [{ host: '' }] },
          { name: 'absolute without host', requests: [{ path: 'http://x.y/', host: null }] },
        ],
      },
      {
        name: 'HTTP/1.0',
        manager: { http_protocol_options: { accept_http_10: true, default_host_for_http_10: 'old.example' } },
        cases: [
          { name: 'no host', requests: [{ host: null, version: 'HTTP/1.0' }] },
          { name: 'host', requests: [{ version: 'HTTP/1.0' }] },
          { name: 'no host in 1.1', requests: [{ host: null }] },
        ],
      },
    ],
    { log },
  ),
];
