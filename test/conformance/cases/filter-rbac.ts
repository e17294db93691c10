import { cluster, fileLog, router, simple, toCluster, typed } from '../config.ts';
import type { Case, Json, Request, Scenario } from '../types.ts';

const METADATA = 'envoy.filters.http.rbac';
const UPSTREAM_METADATA = 'envoy.filters.http.upstream_rbac';
const keys = [
  'enforced_engine_result',
  'enforced_effective_policy_id',
  'shadow_engine_result',
  'shadow_effective_policy_id',
];
const format = `%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% ${keys
  .map((key) => `%DYNAMIC_METADATA(${METADATA}:${key})%`)
  .join(' ')} log=%DYNAMIC_METADATA(envoy.common:access_log_hint)%\n`;

const rbac = (config: Json, name = 'rbac'): Json => ({
  name,
  typed_config: typed('envoy.extensions.filters.http.rbac.v3.RBAC', config),
});
const perRoute = (config?: Json): Json =>
  typed('envoy.extensions.filters.http.rbac.v3.RBACPerRoute', config === undefined ? {} : { rbac: config });

const any: Json = { any: true };
const policy = (permissions: readonly Json[], principals: readonly Json[] = [any]): Json => ({
  permissions,
  principals,
});
const allow = (permissions: readonly Json[], principals?: readonly Json[]): Json => ({
  rules: { policies: { p: policy(permissions, principals) } },
});
const exact = (value: string): Json => ({ exact: value });
const header = (name: string, more: Json = {}): Json => ({ header: { name, ...more } });
const template = (path_template: string): Json => ({
  uri_template: {
    name: 'template',
    typed_config: typed('envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig', { path_template }),
  },
});
const path = (matcher: Json): Json => ({ url_path: { path: matcher } });
const cidr = (address_prefix: string, prefix_len: number): Json => ({ address_prefix, prefix_len });

/** One route with a configuration of its own, and the requests that are sent to it; paths go below the route's prefix. */
interface Row {
  readonly name: string;
  readonly config: Json | undefined;
  readonly requests: Readonly<Record<string, Request>>;
}

const rules: readonly Row[] = [
  { name: 'no rules at all', config: {}, requests: { GET: {} } },
  { name: 'per route without rbac', config: undefined, requests: { GET: {} } },
  { name: 'ALLOW without policies', config: { rules: {} }, requests: { GET: {}, POST: { method: 'POST', body: 'x' } } },
  { name: 'DENY without policies', config: { rules: { action: 'DENY' } }, requests: { GET: {} } },
  { name: 'LOG without policies', config: { rules: { action: 'LOG' } }, requests: { GET: {} } },
  { name: 'ALLOW any', config: allow([any]), requests: { GET: {} } },
  {
    name: 'DENY any',
    config: { rules: { action: 'DENY', policies: { p: policy([any]) } } },
    requests: {
      GET: {},
      HEAD: { method: 'HEAD' },
      'POST with a body': { method: 'POST', body: 'hello' },
      'POST with chunks': { method: 'POST', body: 'hello', chunked: true },
      gRPC: { method: 'POST', headers: { 'content-type': 'application/grpc' }, body: 'x' },
    },
  },
  { name: 'LOG any', config: { rules: { action: 'LOG', policies: { p: policy([any]) } } }, requests: { GET: {} } },
  {
    name: 'policies match in lexical order',
    config: {
      rules: { action: 'DENY', policies: { b: policy([any]), a: policy([any]), C: policy([any]), aa: policy([any]) } },
    },
    requests: { GET: {} },
  },
  {
    name: 'only the policy that matches names itself',
    config: {
      rules: {
        action: 'DENY',
        policies: { a: policy([header('x-a')]), b: policy([header('x-b')]), c: policy([header('x-c')]) },
      },
    },
    requests: { none: {}, b: { headers: { 'x-b': '1' } }, 'c and b': { headers: { 'x-c': '1', 'x-b': '1' } } },
  },
  {
    name: 'a policy name with white space',
    config: { rules: { action: 'DENY', policies: { 'a b\tc\nd': policy([any]) } } },
    requests: { GET: {} },
  },
  {
    name: 'several permissions and principals',
    config: allow([header('x-a'), header('x-b')], [header('x-c'), header('x-d')]),
    requests: {
      none: {},
      'permission only': { headers: { 'x-a': '1' } },
      'principal only': { headers: { 'x-d': '1' } },
      both: { headers: { 'x-b': '1', 'x-c': '1' } },
    },
  },
];

const headerRows: readonly Row[] = [
  {
    name: 'header exact',
    config: allow([header('x-h', { string_match: exact('v') })]),
    requests: {
      absent: {},
      equal: { headers: { 'x-h': 'v' } },
      'other case of the name': { headers: { 'X-H': 'v' } },
      'other case of the value': { headers: { 'x-h': 'V' } },
      'with blanks around': { headers: { 'x-h': '  v ' } },
      repeated: {
        headers: [
          ['x-h', 'v'],
          ['x-h', 'v'],
        ],
      },
      empty: { headers: { 'x-h': '' } },
    },
  },
  {
    name: 'header exact ignoring case',
    config: allow([header('x-h', { string_match: { exact: 'Va', ignore_case: true } })]),
    requests: { equal: { headers: { 'x-h': 'vA' } }, longer: { headers: { 'x-h': 'vAa' } } },
  },
  {
    name: 'header joined',
    config: allow([header('x-h', { string_match: exact('a,b') })]),
    requests: {
      'in two lines': {
        headers: [
          ['x-h', 'a'],
          ['x-h', 'b'],
        ],
      },
      'in one line': { headers: { 'x-h': 'a,b' } },
      'with a blank': { headers: { 'x-h': 'a, b' } },
    },
  },
  {
    name: 'header prefix',
    config: allow([header('x-h', { string_match: { prefix: 'ab' } })]),
    requests: { longer: { headers: { 'x-h': 'abc' } }, shorter: { headers: { 'x-h': 'a' } } },
  },
  {
    name: 'header suffix',
    config: allow([header('x-h', { string_match: { suffix: 'bc' } })]),
    requests: { longer: { headers: { 'x-h': 'abc' } }, other: { headers: { 'x-h': 'bcd' } } },
  },
  {
    name: 'header contains',
    config: allow([header('x-h', { string_match: { contains: 'bc' } })]),
    requests: { inside: { headers: { 'x-h': 'abcd' } }, other: { headers: { 'x-h': 'b c' } } },
  },
  {
    name: 'header regex is a full match',
    config: allow([header('x-h', { string_match: { safe_regex: { regex: 'a+' } } })]),
    requests: { full: { headers: { 'x-h': 'aaa' } }, part: { headers: { 'x-h': 'aab' } } },
  },
  {
    name: 'header range',
    config: allow([header('x-h', { range_match: { start: -2, end: 5 } })]),
    requests: {
      start: { headers: { 'x-h': '-2' } },
      below: { headers: { 'x-h': '-3' } },
      last: { headers: { 'x-h': '4' } },
      end: { headers: { 'x-h': '5' } },
      plus: { headers: { 'x-h': '+1' } },
      fraction: { headers: { 'x-h': '1.5' } },
      text: { headers: { 'x-h': 'one' } },
      'with letters': { headers: { 'x-h': '1a' } },
    },
  },
  {
    name: 'header present',
    config: allow([header('x-h', { present_match: true })]),
    requests: { absent: {}, present: { headers: { 'x-h': 'v' } }, empty: { headers: { 'x-h': '' } } },
  },
  {
    name: 'header absent',
    config: allow([header('x-h', { present_match: false })]),
    requests: { absent: {}, present: { headers: { 'x-h': 'v' } } },
  },
  {
    name: 'header inverted',
    config: allow([header('x-h', { string_match: exact('v'), invert_match: true })]),
    requests: { absent: {}, equal: { headers: { 'x-h': 'v' } }, other: { headers: { 'x-h': 'w' } } },
  },
  {
    name: 'header missing as empty',
    config: allow([header('x-h', { string_match: exact(''), treat_missing_header_as_empty: true })]),
    requests: { absent: {}, empty: { headers: { 'x-h': '' } }, present: { headers: { 'x-h': 'v' } } },
  },
  {
    name: 'header inverted, missing as empty',
    config: allow([
      header('x-h', { string_match: exact('v'), treat_missing_header_as_empty: true, invert_match: true }),
    ]),
    requests: { absent: {}, equal: { headers: { 'x-h': 'v' } } },
  },
  ...[
    ['exact', { string_match: exact('v') }],
    ['exact of the joined text', { string_match: exact('v,w') }],
    ['inverted exact', { string_match: exact('v'), invert_match: true }],
    ['inverted exact of the joined text', { string_match: exact('v,w'), invert_match: true }],
    ['regex', { safe_regex_match: { regex: 'w.*' } }],
    ['inverted prefix', { prefix_match: 'w', invert_match: true }],
    ['range', { range_match: { start: 1, end: 3 } }],
    ['missing as empty', { string_match: exact(''), treat_missing_header_as_empty: true }],
    ['present', { present_match: true }],
  ].map(
    ([what, matcher]): Row => ({
      name: `repeated header, ${String(what)}`,
      config: allow([header('x-h', matcher as Json)]),
      requests: {
        'v and w': {
          headers: [
            ['x-h', 'v'],
            ['x-h', 'w'],
          ],
        },
        'w and x': {
          headers: [
            ['x-h', 'w'],
            ['x-h', 'x'],
          ],
        },
        'v and v': {
          headers: [
            ['x-h', 'v'],
            ['x-h', 'v'],
          ],
        },
        '2 and 9': {
          headers: [
            ['x-h', '2'],
            ['x-h', '9'],
          ],
        },
        'empty and v': {
          headers: [
            ['x-h', ''],
            ['x-h', 'v'],
          ],
        },
      },
    }),
  ),
  {
    name: 'method',
    config: allow([header(':method', { string_match: exact('GET') })]),
    requests: { GET: {}, POST: { method: 'POST' }, HEAD: { method: 'HEAD' } },
  },
  {
    name: 'authority',
    config: allow([header(':authority', { string_match: exact('a.test') })]),
    requests: { equal: { host: 'a.test' }, 'with a port': { host: 'a.test:80' }, 'other case': { host: 'A.test' } },
  },
  {
    name: 'host means authority',
    config: allow([header('Host', { string_match: exact('a.test') })]),
    requests: { equal: { host: 'a.test' }, other: { host: 'b.test' } },
  },
  {
    name: 'scheme',
    config: allow([header(':scheme', { string_match: exact('http') })]),
    requests: { plain: {}, 'said otherwise': { headers: { 'x-forwarded-proto': 'https' } } },
  },
  {
    name: 'content-length',
    config: allow([header('content-length', { string_match: exact('5') })]),
    requests: { five: { method: 'POST', body: 'hello' }, chunked: { method: 'POST', body: 'hello', chunked: true } },
  },
];

const at = (row: number, rest: string): string => `/${String(row).padStart(3, '0')}${rest}`;

/** Rows whose rules speak of the path get the prefix of their own route. */
type PathRow = Omit<Row, 'config'> & { readonly config: (prefix: string) => Json };

const pathRows: readonly PathRow[] = [
  {
    name: 'url_path exact',
    config: (prefix) => allow([path(exact(`${prefix}/a`))]),
    requests: {
      equal: { path: '/a' },
      'with a query': { path: '/a?b=/c' },
      'with a slash more': { path: '/a/' },
      escaped: { path: '/%61' },
      'with dots': { path: '/b/../a' },
      doubled: { path: '//a' },
    },
  },
  {
    name: 'uri_template',
    config: (prefix) => allow([template(`${prefix}/a/{b=*}/c/**`)]),
    requests: {
      equal: { path: '/a/x/c/d/e' },
      'with a query': { path: '/a/x/c/d?e' },
      'in the query': { path: '/?/a/x/c/d' },
      'a segment less': { path: '/a/c/d' },
      'a segment more': { path: '/a/x/y/c/d' },
      'the end': { path: '/a/x/c/' },
    },
  },
  {
    name: 'not uri_template',
    config: (prefix) => allow([{ not_rule: template(`${prefix}/a/*`) }]),
    requests: { equal: { path: '/a/b' }, other: { path: '/b/a' } },
  },
  {
    name: 'url_path prefix',
    config: (prefix) => allow([path({ prefix: `${prefix}/a` })]),
    requests: { longer: { path: '/ab/c' }, 'in the query': { path: '/?/a' } },
  },
  {
    name: 'url_path suffix',
    config: () => allow([path({ suffix: '/z' })]),
    requests: { end: { path: '/y/z' }, 'end of the query': { path: '/y?/z' }, 'before a query': { path: '/z?q' } },
  },
  {
    name: 'url_path ignoring case',
    config: (prefix) => allow([path({ exact: `${prefix}/AbC`, ignore_case: true })]),
    requests: { lower: { path: '/abc' } },
  },
  {
    name: 'url_path regex',
    config: (prefix) => allow([path({ safe_regex: { regex: `${prefix}/\\d+` } })]),
    requests: { full: { path: '/12' }, part: { path: '/12a' }, 'with a query': { path: '/12?a' } },
  },
  {
    name: 'path header has the query',
    config: (prefix) => allow([header(':path', { string_match: exact(`${prefix}/a`) })]),
    requests: { without: { path: '/a' }, with: { path: '/a?b' } },
  },
  {
    name: 'path header with a regex for any query',
    config: (prefix) => allow([header(':path', { string_match: { safe_regex: { regex: `${prefix}/a(\\?.*)?` } } })]),
    requests: { without: { path: '/a' }, with: { path: '/a?b' }, other: { path: '/ab' } },
  },
  {
    name: 'url_path as principal',
    config: (prefix) => allow([any], [path({ prefix: `${prefix}/a` })]),
    requests: { equal: { path: '/a' }, other: { path: '/b' } },
  },
];

const setRows: readonly Row[] = [
  {
    name: 'and_rules',
    config: allow([{ and_rules: { rules: [header('x-a'), header('x-b')] } }]),
    requests: { one: { headers: { 'x-a': '1' } }, both: { headers: { 'x-a': '1', 'x-b': '1' } } },
  },
  {
    name: 'or_rules',
    config: allow([{ or_rules: { rules: [header('x-a'), header('x-b')] } }]),
    requests: { none: {}, second: { headers: { 'x-b': '1' } } },
  },
  {
    name: 'not_rule',
    config: allow([{ not_rule: header('x-a') }]),
    requests: { none: {}, present: { headers: { 'x-a': '1' } } },
  },
  {
    name: 'not of and of or',
    config: allow([
      { not_rule: { and_rules: { rules: [header('x-a'), { or_rules: { rules: [header('x-b'), header('x-c')] } }] } } },
    ]),
    requests: {
      none: {},
      a: { headers: { 'x-a': '1' } },
      'a and c': { headers: { 'x-a': '1', 'x-c': '1' } },
      'b and c': { headers: { 'x-b': '1', 'x-c': '1' } },
    },
  },
  {
    name: 'and_ids',
    config: allow([any], [{ and_ids: { ids: [header('x-a'), header('x-b')] } }]),
    requests: { one: { headers: { 'x-a': '1' } }, both: { headers: { 'x-a': '1', 'x-b': '1' } } },
  },
  {
    name: 'or_ids',
    config: allow([any], [{ or_ids: { ids: [header('x-a'), header('x-b')] } }]),
    requests: { none: {}, first: { headers: { 'x-a': '1' } } },
  },
  {
    name: 'not_id',
    config: allow([any], [{ not_id: header('x-a') }]),
    requests: { none: {}, present: { headers: { 'x-a': '1' } } },
  },
  {
    name: 'requested_server_name is empty without TLS',
    config: allow([{ requested_server_name: exact('') }]),
    requests: { GET: {} },
  },
  {
    name: 'requested_server_name of somebody',
    config: allow([{ requested_server_name: { prefix: 'a' } }]),
    requests: { GET: { host: 'a' } },
  },
  { name: 'authenticated anybody', config: allow([any], [{ authenticated: {} }]), requests: { GET: {} } },
  {
    name: 'not authenticated',
    config: allow([any], [{ not_id: { authenticated: { principal_name: exact('x') } } }]),
    requests: { GET: {} },
  },
  {
    name: 'destination_port_range beside the port',
    config: allow([{ destination_port_range: { start: 1, end: 10_000 } }]),
    requests: { GET: {} },
  },
  {
    name: 'destination_port_range with the port as last',
    config: allow([{ destination_port_range: { start: 1, end: 10_001 } }]),
    requests: { GET: {} },
  },
  { name: 'destination_port', config: allow([{ destination_port: 10_000 }]), requests: { GET: {} } },
  { name: 'another destination_port', config: allow([{ destination_port: 80 }]), requests: { GET: {} } },
  {
    name: 'destination_ip',
    config: allow([{ destination_ip: cidr('127.64.0.0', 10) }]),
    requests: { GET: {} },
  },
  { name: 'another destination_ip', config: allow([{ destination_ip: cidr('10.0.0.0', 8) }]), requests: { GET: {} } },
  {
    name: 'destination_ip of the other family',
    config: allow([{ destination_ip: cidr('::', 0) }]),
    requests: { GET: {} },
  },
  {
    name: 'metadata that nobody set',
    config: allow([{ metadata: { filter: 'f', path: [{ key: 'k' }], value: { present_match: true } } }]),
    requests: { GET: {} },
  },
  {
    name: 'metadata that nobody set, inverted',
    config: allow([{ metadata: { filter: 'f', path: [{ key: 'k' }], value: { present_match: true }, invert: true } }]),
    requests: { GET: {} },
  },
  ...(['DYNAMIC', 'ROUTE'] as const).flatMap((metadata_source): Row[] =>
    [
      { path: [{ key: 'k' }], value: { string_match: exact('v') } },
      { path: [{ key: 'k' }], value: { string_match: exact('w') }, invert: true },
      { path: [{ key: 'x' }], value: { present_match: true } },
      { path: [{ key: 'n' }, { key: 'i' }], value: { double_match: { exact: 5 } } },
      { path: [{ key: 'l' }], value: { list_match: { one_of: { string_match: exact('b') } } } },
      { path: [{ key: 'o' }], value: { bool_match: true } },
      { path: [{ key: 'z' }], value: { null_match: {} } },
      ...['k', 'n', 'l', 'z', 'o', 'absent'].flatMap((key) =>
        [true, false].map((present_match) => ({ path: [{ key }], value: { present_match } })),
      ),
      { path: [{ key: 'absent' }], value: { present_match: true }, invert: true },
      {
        path: [{ key: 'k' }],
        value: { or_match: { value_matchers: [{ bool_match: true }, { string_match: exact('v') }] } },
      },
      { path: [{ key: 'l' }], value: { string_match: exact('a') } },
      { path: [{ key: 'n' }, { key: 'i' }], value: { double_match: { range: { start: 5, end: 6 } } } },
      { path: [{ key: 'n' }, { key: 'i' }], value: { double_match: { range: { start: 4, end: 5 } } } },
      { path: [{ key: 'absent' }], value: { null_match: {} } },
      { path: [{ key: 'absent' }], value: { string_match: exact('') } },
      { path: [{ key: 'absent' }], value: { bool_match: false } },
    ].map((matcher, index) => ({
      name: `sourced_metadata ${metadata_source} ${index}`,
      config: allow([{ sourced_metadata: { metadata_source, metadata_matcher: { filter: 'm', ...matcher } } }]),
      requests: { GET: {} },
    })),
  ),
  {
    name: 'filter_state that nobody set',
    config: allow([any], [{ filter_state: { key: 'k', string_match: exact('v') } }]),
    requests: { GET: {} },
  },
];

const addressRows: readonly Row[] = (
  [
    ['direct_remote_ip', '127.0.0.1', 32],
    ['direct_remote_ip', '127.0.0.2', 32],
    ['direct_remote_ip', '127.0.0.0', 8],
    ['direct_remote_ip', '0.0.0.0', 0],
    ['direct_remote_ip', '10.1.2.3', 32],
    ['remote_ip', '127.0.0.1', 32],
    ['remote_ip', '10.1.2.3', 32],
    ['remote_ip', '10.0.0.0', 8],
    ['source_ip', '127.0.0.1', 32],
    ['source_ip', '10.1.2.3', 32],
    ['remote_ip', '2001:db8::', 32],
  ] as const
).map(([kind, address, length]) => ({
  name: `${kind} ${address}/${length}`,
  config: allow([any], [{ [kind]: cidr(address, length) }]),
  requests: {
    direct: {},
    forwarded: { headers: { 'x-forwarded-for': '10.1.2.3' } },
    'forwarded from v6': { headers: { 'x-forwarded-for': '2001:db8::5' } },
  },
}));

const shadowRows: readonly Row[] = [
  {
    name: 'shadow rules alone deny',
    config: { shadow_rules: { action: 'DENY', policies: { 'the shadow': policy([any]) } } },
    requests: { GET: {} },
  },
  {
    name: 'shadow rules alone allow',
    config: { shadow_rules: { policies: { s: policy([any]) } } },
    requests: { GET: {} },
  },
  { name: 'shadow rules alone match nothing', config: { shadow_rules: {} }, requests: { GET: {} } },
  {
    name: 'shadow rules beside rules',
    config: {
      rules: { policies: { r: policy([header('x-r')]) } },
      shadow_rules: { action: 'DENY', policies: { s: policy([header('x-s')]) } },
    },
    requests: {
      none: {},
      allowed: { headers: { 'x-r': '1' } },
      'allowed and shadow denied': { headers: { 'x-r': '1', 'x-s': '1' } },
    },
  },
  {
    name: 'LOG as shadow',
    config: { shadow_rules: { action: 'LOG', policies: { s: policy([header('x-s')]) } } },
    requests: { none: {}, match: { headers: { 'x-s': '1' } } },
  },
  {
    name: 'LOG beside shadow',
    config: {
      rules: { action: 'LOG', policies: { r: policy([header('x-r')]) } },
      shadow_rules: { policies: { s: policy([header('x-s')]) } },
    },
    requests: { none: {}, both: { headers: { 'x-r': '1', 'x-s': '1' } } },
  },
];

interface Compiled {
  readonly route: Json;
  readonly cases: readonly Case[];
}

/** Routes and cases of rows, each below a prefix of its own. */
function compile(rows: readonly (Row | PathRow)[]): readonly Compiled[] {
  return rows.map((row, index) => {
    const prefix = at(index, '');
    const config = typeof row.config === 'function' ? row.config(prefix) : row.config;
    return {
      route: {
        match: { prefix },
        route: { cluster: 'c0' },
        typed_per_filter_config: { rbac: perRoute(config) },
        metadata: { filter_metadata: { m: { k: 'v', n: { i: 5 }, l: ['a', 'b'], o: true, z: null } } },
      },
      cases: Object.entries(row.requests).map(([name, request]) => ({
        name: `${row.name}: ${name}`,
        requests: [{ ...request, path: `${prefix}${request.path ?? ''}` }],
      })),
    };
  });
}

const stats = [/^http\.in\.rbac\./, /^cluster\.c0\..*rbac/];

function rows(name: string, list: readonly (Row | PathRow)[], managerConfig: Json = {}): Scenario {
  const compiled = compile(list);
  return {
    feature: 'RBAC filter',
    name,
    stats,
    bootstrap: (places) =>
      simple(places, {
        routes: compiled.map(({ route }) => route),
        manager: {
          access_log: [fileLog(places, format)],
          http_filters: [rbac({ rules: { action: 'DENY', policies: { chain: policy([any]) } } }), router()],
          ...managerConfig,
        },
      }),
    cases: compiled.flatMap(({ cases }) => cases),
  };
}

const codec: Json = {
  name: 'envoy.filters.http.upstream_codec',
  typed_config: typed('envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec'),
};
const upstreamAddress = (ip: Json | undefined, range: Json | undefined): Json => ({
  matcher: {
    name: 'envoy.rbac.matchers.upstream_ip_port',
    typed_config: typed('envoy.extensions.rbac.matchers.upstream_ip_port.v3.UpstreamIpPortMatcher', {
      ...(ip ? { upstream_ip: ip } : {}),
      ...(range ? { upstream_port_range: range } : {}),
    }),
  },
});

interface UpstreamRow {
  readonly name: string;
  readonly config: Json;
  readonly action?: Json;
  readonly request?: Request;
}

const upstreamRows: readonly UpstreamRow[] = [
  { name: 'allows', config: allow([any]) },
  { name: 'denies', config: { rules: {} } },
  { name: 'denies a POST', config: { rules: {} }, request: { method: 'POST', body: 'hello' } },
  { name: 'denies a chunked POST', config: { rules: {} }, request: { method: 'POST', body: 'hello', chunked: true } },
  { name: 'denies a HEAD', config: { rules: {} }, request: { method: 'HEAD' } },
  {
    name: 'denies gRPC',
    config: { rules: {} },
    request: { method: 'POST', headers: { 'content-type': 'application/grpc' }, body: 'x' },
  },
  {
    name: 'denies where 403 is retried',
    config: { rules: {} },
    action: {
      retry_policy: { retry_on: 'retriable-4xx,retriable-status-codes', retriable_status_codes: [403], num_retries: 2 },
    },
  },
  { name: 'sees the rewritten path', config: allow([path(exact('/new'))]), action: { prefix_rewrite: '/new' } },
  {
    name: 'sees the rewritten host',
    config: allow([header(':authority', { string_match: exact('new.test') })]),
    action: { host_rewrite_literal: 'new.test' },
  },
  { name: 'sees added headers', config: allow([header('x-added')]) },
  { name: 'sees the expected timeout', config: allow([header('x-envoy-expected-rq-timeout-ms')]) },
  { name: 'upstream address', config: allow([upstreamAddress(cidr('127.64.0.0', 10), undefined)]) },
  { name: 'upstream port', config: allow([upstreamAddress(undefined, { start: 10_100, end: 10_101 })]) },
  {
    name: 'upstream port as the last of a range',
    config: allow([upstreamAddress(undefined, { start: 1, end: 10_100 })]),
  },
  {
    name: 'upstream port as the only one of a range',
    config: allow([upstreamAddress(undefined, { start: 10_100, end: 10_100 })]),
  },
  { name: 'upstream port after a range', config: allow([upstreamAddress(undefined, { start: 1, end: 10_099 })]) },
  { name: 'upstream port before a range', config: allow([upstreamAddress(undefined, { start: 10_101, end: 10_110 })]) },
  { name: 'another upstream address', config: allow([upstreamAddress(cidr('10.0.0.0', 8), undefined)]) },
  {
    name: 'upstream address and port',
    config: allow([upstreamAddress(cidr('127.64.0.0', 10), { start: 10_100, end: 10_101 })]),
  },
  { name: 'destination port is the listener', config: allow([{ destination_port: 10_000 }]) },
  { name: 'destination port is not the backend', config: allow([{ destination_port: 10_100 }]) },
  { name: 'client address', config: allow([any], [{ direct_remote_ip: cidr('127.0.0.1', 32) }]) },
  { name: 'source address', config: allow([any], [{ source_ip: cidr('127.0.0.1', 32) }]) },
  { name: 'shadow rules', config: { shadow_rules: { action: 'DENY', policies: { s: policy([any]) } } } },
  {
    name: 'metadata of the route',
    config: allow([
      {
        sourced_metadata: {
          metadata_source: 'ROUTE',
          metadata_matcher: { filter: 'm', path: [{ key: 'k' }], value: { string_match: exact('v') } },
        },
      },
    ]),
  },
  {
    name: 'metadata of a filter before',
    config: allow([
      { metadata: { filter: METADATA, path: [{ key: 'enforced_engine_result' }], value: { present_match: true } } },
    ]),
  },
];

const upstreamOptions = (filters: readonly Json[]): Json => ({
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': typed(
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      {
        explicit_http_config: { http_protocol_options: {} },
        http_filters: [...filters, codec],
      },
    ),
  },
});

const upstreamOf = (name: string, log: string | undefined, cases: Scenario['cases']): Scenario => ({
  feature: 'RBAC filter',
  name,
  stats: [/rbac/],
  bootstrap: (places) =>
    simple(places, {
      manager: {
        access_log: [fileLog(places, log)],
        http_filters: [rbac(allow([any]), 'first'), router()],
      },
      routes: upstreamRows.map(({ action = {} }, index) => ({
        ...toCluster(`c${index}`, action, { prefix: at(index, '') }),
        request_headers_to_add: [{ header: { key: 'x-added', value: '1' } }],
        metadata: { filter_metadata: { m: { k: 'v' } } },
      })),
      clusters: upstreamRows.map(({ config }, index) => cluster(places, index, [0], upstreamOptions([rbac(config)]))),
    }),
  cases,
});

export const scenarios: readonly Scenario[] = [
  upstreamOf(
    'RBAC of a cluster',
    undefined,
    upstreamRows.map(({ name, request }, index) => ({ name, requests: [{ ...request, path: at(index, '') }] })),
  ),
  upstreamOf('RBAC of a cluster in the access log', `${format.trimEnd()} %DYNAMIC_METADATA(${UPSTREAM_METADATA})%\n`, [
    { name: 'the verdict shows', requests: [{ path: at(1, '') }] },
    { name: 'the verdict shows beside that of the listener', requests: [{ path: at(0, '') }] },
  ]),
  rows('RBAC rules', rules),
  rows('RBAC headers', headerRows),
  rows('RBAC paths', pathRows),
  rows('RBAC sets and destinations', setRows),
  rows('RBAC addresses', addressRows),
  rows('RBAC addresses at the edge', addressRows.slice(0, 8), { use_remote_address: true, xff_num_trusted_hops: 1 }),
  rows('RBAC shadow rules', shadowRows),
];
