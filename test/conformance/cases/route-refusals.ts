import { forward, headerOption, named, refusal } from '../route-tables.ts';
import type { Json, Scenario } from '../types.ts';

const regex = (text: string): Json => ({ safe_regex: { regex: text } });
const typed = (type: string, config: Json): Json => ({
  name: 'x',
  typed_config: { '@type': `type.googleapis.com/envoy.extensions.path.${type}`, ...config },
});
const template = (text: string): Json => ({
  path_match_policy: typed('match.uri_template.v3.UriTemplateMatchConfig', { path_template: text }),
});
const toTemplate = (text: string): Json => ({
  path_rewrite_policy: typed('rewrite.uri_template.v3.UriTemplateRewriteConfig', { path_template_rewrite: text }),
});
const any = { prefix: '/' };
const host = (domains: readonly string[]): Json => ({ name: domains.join(), domains, routes: [] });

const matches: Readonly<Record<string, Json>> = {
  'empty prefix': { prefix: '' },
  'prefix without slash': { prefix: 'a' },
  'no path specifier': {},
  'separated prefix with a slash at the end': { path_separated_prefix: '/a/' },
  'separated prefix with a query': { path_separated_prefix: '/a?b' },
  'empty separated prefix': { path_separated_prefix: '' },
  'separated prefix of a slash': { path_separated_prefix: '/' },
  'broken expression': regex('('),
  'empty expression': regex(''),
  'look ahead': regex('(?=a)'),
  'back reference': regex('(a)\\1'),
  'too many repetitions': regex('a{1001}'),
  'named group': regex('(?P<n>a)'),
  'unknown escape': regex('\\y'),
  'header matcher without name': { ...any, headers: [{ name: '' }] },
  'header with an empty old prefix': { ...any, headers: [{ name: 'a', prefix_match: '' }] },
  'header with an empty exact match': { ...any, headers: [{ name: 'a', exact_match: '' }] },
  'header with an empty matcher': { ...any, headers: [{ name: 'a', string_match: {} }] },
  'header with a broken expression': { ...any, headers: [{ name: 'a', safe_regex_match: { regex: '[' } }] },
  'header range turned round': { ...any, headers: [{ name: 'a', range_match: { start: 5, end: 1 } }] },
  'query parameter without name': { ...any, query_parameters: [{ name: '' }] },
  'query parameter with a long name': { ...any, query_parameters: [{ name: 'a'.repeat(1025) }] },
  'query parameter with an empty prefix': { ...any, query_parameters: [{ name: 'a', string_match: { prefix: '' } }] },
  'cookie without name': { ...any, cookies: [{ name: '', string_match: { exact: 'a' } }] },
  'cookie without matcher': { ...any, cookies: [{ name: 'a' }] },
  'fraction without default': { ...any, runtime_fraction: { runtime_key: 'a' } },
  'metadata without path': { ...any, dynamic_metadata: [{ filter: 'f', path: [], value: { present_match: true } }] },
  'metadata without value': { ...any, dynamic_metadata: [{ filter: 'f', path: [{ key: 'a' }] }] },
  'filter state without key': { ...any, filter_state: [{ key: '', string_match: { exact: 'a' } }] },
  ...Object.fromEntries(
    [
      '/a/{x}/**',
      'a',
      '/{a}/{a}',
      '/{a}/{b}/{c}/{d}/{e}/{f}',
      '/**/a',
      '/***',
      '/{a=*',
      '/{1}',
      '/{abcdefghijklmnopq}',
      '/{}',
      '/a*b',
      '/a//b',
      '/a?b',
      '/{a}.txt',
      '/{a={b}}',
      '/{a=**}/b',
      '/**/**',
      '/pre{x}',
      '/{a}-{b}',
      '/*x/y',
      '/a[b]',
      '/{a=}',
      '/{a=x//y}',
      '/{a=x/}',
      '/{a=/x}',
      '/**/{a}',
      '/',
      '/{x}}',
      '/a{',
      '/{',
      '/{a=*/**}',
      '/{a=**}/**',
    ].map((text) => [`template ${text}`, template(text)]),
  ),
};

const actions: Readonly<Record<string, Json>> = {
  'two rewrites': forward(any, { prefix_rewrite: '/a', regex_rewrite: { pattern: { regex: 'a' }, substitution: 'b' } }),
  'prefix and format': forward(any, { prefix_rewrite: '/a', path_rewrite: '/b' }),
  'regex rewrite without pattern': forward(any, { regex_rewrite: { substitution: 'b' } }),
  'regex rewrite with an empty pattern': forward(any, { regex_rewrite: { pattern: { regex: '' }, substitution: 'b' } }),
  'regex rewrite with a missing group': forward(any, {
    regex_rewrite: { pattern: { regex: 'a' }, substitution: '\\1' },
  }),
  'broken path format': forward(any, { path_rewrite: '%BAD' }),
  'unknown command in a host': forward(any, { host_rewrite: '%NOPE%' }),
  'two host rewrites': forward(any, { host_rewrite_literal: 'a', host_rewrite_header: 'b' }),
  'line feed in a host': forward(any, { host_rewrite_literal: 'a\nb' }),
  'line feed in a prefix': forward(any, { prefix_rewrite: 'a\nb' }),
  'template rewrite alone': forward(any, toTemplate('/a')),
  'template rewrite': forward(template('/a/{x}'), toTemplate('/{x}')),
  'template rewrite of another variable': forward(template('/a/{x}'), toTemplate('/{y}')),
  'template rewrite without slash': forward(template('/a/{x}'), toTemplate('a')),
  'template rewrite with two slashes': forward(template('/a/{x}'), toTemplate('/a//{x}')),
  'template rewrite with a star': forward(template('/a/{x}'), toTemplate('/a/*')),
  'broken template rewrite': forward(template('/a/{x}'), toTemplate('/{x')),
  'prefix rewrite of a template': forward(template('/a/{x}'), { prefix_rewrite: '/a' }),
  'redirect prefix of a template': { match: template('/a/{x}'), redirect: { prefix_rewrite: '/x' } },
  'broken redirect format': { match: any, redirect: { path_rewrite: '%' } },
  'redirect with two paths': { match: any, redirect: { path_redirect: '/a', prefix_rewrite: '/b' } },
  'redirect with two schemes': { match: any, redirect: { https_redirect: true, scheme_redirect: 'a' } },
  'unknown cluster': forward(any, { cluster: 'zz' }),
  'empty cluster': forward(any, { cluster: '' }),
  'no cluster': { match: any, route: {} },
  'empty cluster header': { match: any, route: { cluster_header: '' } },
  'unknown mirror': forward(any, { request_mirror_policies: [{ cluster: 'zz' }] }),
  'mirror with both': forward(any, { request_mirror_policies: [{ cluster: 'c0', cluster_header: 'b' }] }),
  'mirror with neither': forward(any, { request_mirror_policies: [{}] }),
  'no action': { match: any },
  'no match': { direct_response: { status: 200 } },
  'direct response 199': { match: any, direct_response: { status: 199 } },
  'direct response 600': { match: any, direct_response: { status: 600 } },
  'direct response with a body of 4096': {
    match: any,
    direct_response: { status: 200, body: { inline_string: 'x'.repeat(4096) } },
  },
  'direct response with a body of 4097': {
    match: any,
    direct_response: { status: 200, body: { inline_string: 'x'.repeat(4097) } },
  },
  'direct response with no such file': {
    match: any,
    direct_response: { status: 200, body: { filename: '/no/such/file' } },
  },
  'direct response with no such variable': {
    match: any,
    direct_response: { status: 200, body: { environment_variable: 'CONFORMANCE_NOPE' } },
  },
  'direct response with nothing as body': { match: any, direct_response: { status: 200, body: {} } },
  'connect_config of another upgrade': forward(any, { upgrade_configs: [{ upgrade_type: 'a', connect_config: {} }] }),
  'connect_config in lower case': forward(any, { upgrade_configs: [{ upgrade_type: 'connect', connect_config: {} }] }),
  'CONNECT twice': forward(any, {
    upgrade_configs: [{ upgrade_type: 'CONNECT' }, { upgrade_type: 'connect', connect_config: {} }],
  }),
  'upgrade without a type': forward(any, { upgrade_configs: [{ enabled: true }] }),
  'duplicate upgrade': forward(any, { upgrade_configs: [{ upgrade_type: 'a' }, { upgrade_type: 'A' }] }),
  'negative timeout': forward(any, { timeout: '-1s' }),
  'unknown specifier plugin': { match: any, route: { cluster_specifier_plugin: 'nope' } },
  'weights of zero': { match: any, route: { weighted_clusters: { clusters: [{ name: 'c0', weight: 0 }] } } },
  'weights too high': {
    match: any,
    route: {
      weighted_clusters: {
        clusters: [
          { name: 'c0', weight: 4294967295 },
          { name: 'c0', weight: 1 },
        ],
      },
    },
  },
  'missing weight': { match: any, route: { weighted_clusters: { clusters: [{ name: 'c0' }] } } },
  'no weighted clusters': { match: any, route: { weighted_clusters: { clusters: [] } } },
  'weighted with both': {
    match: any,
    route: { weighted_clusters: { clusters: [{ name: 'c0', cluster_header: 'x', weight: 1 }] } },
  },
  'weighted with neither': { match: any, route: { weighted_clusters: { clusters: [{ weight: 1 }] } } },
  'weighted with an unknown cluster': {
    match: any,
    route: { weighted_clusters: { clusters: [{ name: 'zz', weight: 1 }] } },
  },
};

const headers: Readonly<Record<string, Json>> = Object.fromEntries(
  [
    '%REQ(X-A?)%',
    '%REQ(?X-B)%',
    '%REQ( x-a )%',
    '%REQ(a?b?c)%',
    '%REQ()%',
    '%REQ%',
    '%',
    '%%',
    '%%%',
    'a%',
    '%a%',
    '%REQ(a%',
    '%REQ(a)b%',
    '%REQ(a):x%',
    '%REQ(a):-1%',
    '%REQ(a):99999999999999999999999%',
    '%NOPE%',
    '%PROTOCOL()%',
    '%PROTOCOL(x)%',
    '%PROTOCOL:3%',
    '%START_TIME(%n)%',
    '%DYNAMIC_METADATA(["a","b"])%',
    '%DYNAMIC_METADATA(["a"%',
    '%UPSTREAM_METADATA(["a", "b"])%',
    '%PER_REQUEST_STATE(k)%',
    '%FILTER_STATE%',
    '%FILTER_STATE(a:X)%',
    '%FILTER_STATE(a:FIELD)%',
    '%FILTER_STATE(a:PLAIN:b)%',
    '%QUERY_PARAM%',
    '%QUERY_PARAMS(X)%',
    '%PATH(X)%',
    '%PATH(NQ:X)%',
    '%COMMON_DURATION(a)%',
    '%COMMON_DURATION(a:b:q)%',
    '%GRPC_STATUS(X)%',
    '%METADATA(X:y)%',
    '%DYNAMIC_METADATA()%',
    '%START_TIME():3%',
    '%START_TIME(%Y):3%',
    '%RESPONSE_CODE_DETAILS(x)%',
    '%REQ(a b)%',
    '%REQ(:nope)%',
    '%VIRTUAL_HOST_NAME%',
    '%UPSTREAM_METADATA(a:b):3%',
    '%DYNAMIC_METADATA(a:b):3%',
    '%REQUESTED_SERVER_NAME(x)%',
    '%ENVIRONMENT%',
  ].map((value) => [`format ${value}`, forward(any, {}, { request_headers_to_add: [headerOption('x', value)] })]),
);

const mirrors = (policy: Json): Json => ({ route: { cluster: 'c0', request_mirror_policies: [policy] } });

const destinations: Readonly<Record<string, Json>> = {
  'mirror to an unknown cluster': mirrors({ cluster: 'nope' }),
  'mirror to nothing': mirrors({}),
  'mirror to two': mirrors({ cluster: 'c0', cluster_header: 'x' }),
  'mirror without a share': mirrors({ cluster: 'c0', runtime_fraction: { runtime_key: 'a' } }),
  'weighted: two numbers': {
    route: {
      weighted_clusters: { clusters: [{ name: 'c0', weight: 1 }], header_name: 'a', use_hash_policy: true },
    },
  },
};

const options: Readonly<Record<string, Json>> = {
  'header :path': { request_headers_to_add: [headerOption(':path', 'a')] },
  'header Host': { request_headers_to_add: [headerOption('Host', 'a')] },
  'header without name': { request_headers_to_add: [headerOption('', 'a')] },
  'header with a line feed': { request_headers_to_add: [headerOption('x', 'a\nb')] },
  'header with NUL': { request_headers_to_add: [headerOption('x', 'a\0b')] },
  'header too long': { request_headers_to_add: [headerOption('x', 'a'.repeat(17000))] },
  'option without header': { request_headers_to_add: [{}] },
  'append and action': {
    request_headers_to_add: [headerOption('x', 'a', { append: true, append_action: 'ADD_IF_ABSENT' })],
  },
  'append and the default action': {
    request_headers_to_add: [headerOption('x', 'a', { append: true, append_action: 'APPEND_IF_EXISTS_OR_ADD' })],
  },
  'remove :path': { request_headers_to_remove: [':path'] },
  'remove HOST': { request_headers_to_remove: ['HOST'] },
  'remove nothing': { request_headers_to_remove: [''] },
  'remove from the response': { response_headers_to_remove: [':status'] },
  'add to the response': { response_headers_to_add: [headerOption(':status', '200')] },
};

const tables: readonly Scenario[] = [
  refusal('duplicate domain', [], { config: { virtual_hosts: [host(['x']), host(['X'])] } }),
  refusal('duplicate domain of one host', [], { config: { virtual_hosts: [host(['x', 'x'])] } }),
  refusal('two wildcards', [], { config: { virtual_hosts: [host(['*']), { ...host(['*']), name: 'b' }] } }),
  refusal('duplicate suffix', [], { config: { virtual_hosts: [host(['*.x']), host(['*.X'])] } }),
  refusal('duplicate prefix', [], { config: { virtual_hosts: [host(['x.*', 'x.*'])] } }),
  refusal('no domains', [], { config: { virtual_hosts: [host([])] } }),
  refusal('empty domain', [], { config: { virtual_hosts: [{ ...host(['']), name: 'n' }] } }),
  refusal('star in the middle', [], { config: { virtual_hosts: [host(['*x*'])] } }),
  refusal('host without name', [], { host: { name: '' } }),
  refusal('two hosts of one name', [], {
    config: {
      virtual_hosts: [
        { ...host(['a']), name: 'n' },
        { ...host(['b']), name: 'n' },
      ],
    },
  }),
  refusal('virtual cluster without headers', [], { host: { virtual_clusters: [{ name: 'v' }] } }),
  refusal('virtual cluster without name', [], { host: { virtual_clusters: [{ headers: [{ name: 'a' }] }] } }),
  refusal('unknown cluster not validated', [forward(any, { cluster: 'zz' })], { config: { validate_clusters: false } }),
  refusal(
    'larger direct response',
    [{ match: any, direct_response: { status: 200, body: { inline_string: 'x'.repeat(4097) } } }],
    { config: { max_direct_response_body_size_bytes: 5000 } },
  ),
  refusal('matcher and routes', [named('a', any)], {
    host: {
      matcher: {
        on_no_match: {
          action: {
            name: 'a',
            typed_config: {
              '@type': 'type.googleapis.com/envoy.config.route.v3.Route',
              match: any,
              direct_response: { status: 200 },
            },
          },
        },
      },
    },
  }),
  refusal('unknown per-filter type', [
    named('a', any, { typed_per_filter_config: { x: { '@type': 'type.googleapis.com/google.protobuf.Struct' } } }),
  ]),
];

export const scenarios: readonly Scenario[] = [
  ...Object.entries(matches).map(([name, match]) => refusal(name, [named('a', match)])),
  ...Object.entries(actions).map(([name, route]) => refusal(name, [route])),
  ...Object.entries(headers).map(([name, route]) => refusal(name, [route])),
  ...Object.entries(options).map(([name, settings]) => refusal(name, [forward(any, {}, settings)])),
  ...Object.entries(destinations).map(([name, action]) => refusal(name, [{ match: any, ...action }])),
  ...tables,
];
