import { bootstrap, cluster, fileLog, listener, router, simple, typed } from '../config.ts';
import {
  act,
  all,
  connectionInput,
  custom,
  domainTree,
  either,
  environmentInput,
  exactMap,
  headerInput,
  ipTree,
  list,
  metadataInput,
  none,
  prefixMap,
  single,
  sslInput,
  subtree,
  valueTest,
} from '../matcher-trees.ts';
import type { Case, Json, Request, Scenario } from '../types.ts';

const keys = [
  'enforced_engine_result',
  'enforced_effective_policy_id',
  'shadow_engine_result',
  'shadow_effective_policy_id',
];
const verdicts = (filter: string): string =>
  keys.map((key) => `%DYNAMIC_METADATA(envoy.filters.${filter}.rbac:${key})%`).join(' ');
const format = `%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS% ${verdicts('http')} log=%DYNAMIC_METADATA(envoy.common:access_log_hint)%\n`;
const tcpFormat = `%CONNECTION_TERMINATION_DETAILS% %BYTES_SENT% ${verdicts('network')}\n`;

const decide = (action: string, name = action.toLowerCase()): Json =>
  act(typed('envoy.config.rbac.v3.Action', { name, action }));
const allow = decide('ALLOW');
const deny = decide('DENY');
const log = decide('LOG');
const named = (name: string): Json => decide('ALLOW', name);

const x = headerInput('x-a');
const source = connectionInput('SourceIPInput');
const is = (value: string): Json => single(x, { exact: value });

interface Row {
  readonly name: string;
  /** `matcher`, or all of the filter. */
  readonly matcher?: Json;
  readonly config?: Json;
  /** Values of the header `x-a`; undefined: it is absent. */
  readonly values?: readonly (string | undefined)[];
  readonly requests?: readonly Request[];
}

const strings: readonly (readonly [string, Json])[] = [
  ['exact', { exact: 'one' }],
  ['exact and empty', { exact: '' }],
  ['exact without case', { exact: 'One', ignore_case: true }],
  ['prefix', { prefix: 'on' }],
  ['suffix', { suffix: 'ne' }],
  ['suffix without case', { suffix: 'NE', ignore_case: true }],
  ['contains', { contains: 'n' }],
  ['contains without case', { contains: 'N', ignore_case: true }],
  ['regex', { safe_regex: { google_re2: {}, regex: 'o.*' } }],
];
const someValues = ['one', 'One', 'on', '', 'two one', undefined];

const rows: readonly Row[] = [
  { name: 'an empty tree', matcher: {}, values: ['one'] },
  { name: 'no match alone', matcher: { on_no_match: allow }, values: ['one'] },
  ...strings.map(([name, value]): Row => ({ name, matcher: list([[single(x, value), allow]]), values: someValues })),
  {
    name: 'actions',
    matcher: list([
      [is('a'), allow],
      [is('d'), deny],
      [is('l'), log],
    ]),
    values: ['a', 'd', 'l', 'x'],
  },
  {
    name: 'actions without LOG',
    matcher: list([
      [is('a'), allow],
      [is('d'), deny],
    ]),
    values: ['a', 'd', 'x'],
  },
  {
    name: 'a name with white space',
    matcher: list([[is('a'), decide('DENY', 'no way\tout')]]),
    values: ['a'],
  },
  {
    name: 'the first of a list',
    matcher: list(
      [
        [single(x, { prefix: 'a' }), named('1')],
        [single(x, { prefix: 'ab' }), named('2')],
      ],
      named('else'),
    ),
    values: ['a', 'ab', 'b', undefined],
  },
  {
    name: 'or, and, not',
    matcher: list([
      [either(is('1'), is('2')), named('or')],
      [all(single(x, { prefix: 'a' }), single(x, { suffix: 'z' })), named('and')],
      [none(single(x, { prefix: 'n' })), named('not')],
    ]),
    values: ['1', '2', 'a', 'az', 'n', undefined],
  },
  {
    name: 'not of what is absent',
    matcher: list([[none(single(headerInput('absent'), { exact: '' })), allow]]),
    values: ['1'],
  },
  {
    name: 'a list that leads nowhere goes on',
    matcher: list(
      [
        [single(x, { prefix: 'a' }), subtree(list([[is('ab'), named('inner')]]))],
        [single(x, { suffix: 'c' }), named('outer')],
      ],
      named('else'),
    ),
    values: ['ab', 'ac', 'ad', 'bc', 'x'],
  },
  {
    name: 'exact map',
    matcher: exactMap(x, { one: named('1'), two: named('2'), '': named('empty') }, named('else')),
    values: ['one', 'two', 'three', 'ONE', '', undefined],
  },
  {
    name: 'exact map without an else',
    matcher: exactMap(x, { one: allow }),
    values: ['one', 'two', undefined],
  },
  {
    name: 'exact map that leads nowhere',
    matcher: exactMap(x, { one: subtree(exactMap(headerInput('x-b'), { b: named('inner') })) }, named('else')),
    requests: [{ headers: { 'x-a': 'one' } }, { headers: { 'x-a': 'one', 'x-b': 'b' } }],
  },
  {
    name: 'prefix map',
    matcher: prefixMap(x, { a: named('a'), abc: named('abc'), ab: named('ab') }, named('else')),
    values: ['a', 'ab', 'abc', 'abcd', 'b', '', undefined],
  },
  {
    name: 'prefix map with an empty prefix',
    matcher: prefixMap(x, { '': named('all'), a: named('a') }, named('else')),
    values: ['a', 'b', '', undefined],
  },
  {
    name: 'prefix map whose longest leads nowhere',
    matcher: prefixMap(x, { a: named('short'), ab: subtree(list([[is('abc'), named('long')]])) }, named('else')),
    values: ['abc', 'abd', 'ac', 'b'],
  },
  {
    name: 'the path',
    matcher: prefixMap(headerInput(':path'), { '/': named('root') }, named('else')),
    requests: [{}],
  },
  {
    name: 'pseudo headers',
    matcher: list([
      [single(headerInput(':method'), { exact: 'PUT' }), named('method')],
      [single(headerInput('HOST'), { exact: 'h.test' }), named('host')],
      [single(headerInput(':authority'), { exact: 'a.test' }), named('authority')],
      [single(headerInput(':scheme'), { exact: 'http' }), named('scheme')],
    ]),
    requests: [{ method: 'PUT' }, { host: 'h.test' }, { host: 'a.test' }, {}],
  },
  {
    name: 'a repeated header',
    matcher: exactMap(x, { '1,2': named('joined'), '1': named('first'), '2': named('second') }, named('else')),
    requests: [
      {
        headers: [
          ['x-a', '1'],
          ['x-a', '2'],
        ],
      },
    ],
  },
  { name: 'a name in capitals', matcher: exactMap(headerInput('X-A'), { one: allow }), values: ['one'] },
  { name: 'a name that is none', matcher: exactMap(headerInput('x a'), { one: allow }, deny), values: ['one'] },
  {
    name: 'bytes outside of ASCII',
    matcher: exactMap(x, { '\u00e9': named('e') }, named('else')),
    requests: [{ headers: { 'x-a': '\u00c3\u00a9' } }, { headers: { 'x-a': '\u00e9' } }],
  },
  {
    name: 'the source address',
    matcher: exactMap(source, { '127.0.0.1': named('loopback'), '127.0.0.7': named('seven') }, named('else')),
    requests: [{}],
  },
  {
    name: 'the direct source address',
    matcher: exactMap(connectionInput('DirectSourceIPInput'), { '127.0.0.1': named('loopback') }, named('else')),
    requests: [{ headers: { 'x-forwarded-for': '10.1.1.1' } }],
  },
  {
    name: 'the port',
    matcher: exactMap(connectionInput('DestinationPortInput'), { '10000': named('port') }, named('else')),
    requests: [{}],
  },
  {
    name: 'the source port is a number',
    matcher: list([
      [single(connectionInput('SourcePortInput'), { safe_regex: { google_re2: {}, regex: '[1-9][0-9]{3,4}' } }), allow],
    ]),
    requests: [{}],
  },
  {
    name: 'the destination address',
    matcher: list([[single(connectionInput('DestinationIPInput'), { prefix: '127.' }), allow]]),
    requests: [{}],
  },
  ...['ServerNameInput', 'NetworkNamespaceInput'].map(
    (name): Row => ({
      name,
      matcher: list(
        [
          [single(connectionInput(name), { exact: '' }), named('empty')],
          [none(single(connectionInput(name), { contains: 'a' })), named('absent')],
        ],
        named('else'),
      ),
      requests: [{}],
    }),
  ),
  ...['UriSanInput', 'DnsSanInput', 'SubjectInput'].map(
    (name): Row => ({
      name,
      matcher: list([[single(sslInput(name), { exact: '' }), named('empty')]], named('else')),
      requests: [{}],
    }),
  ),
  {
    name: 'filter state that is not there',
    matcher: exactMap(connectionInput('FilterStateInput', { key: 'k' }), { v: named('v') }, named('else')),
    requests: [{}],
  },
  {
    name: 'environment',
    matcher: list([[single(environmentInput('CILIATE_NO_SUCH_NAME'), { exact: '' }), named('empty')]], named('else')),
    requests: [{}],
  },
  {
    name: 'metadata',
    matcher: list(
      [
        [
          custom(
            metadataInput('envoy.filters.http.rbac', 'first_shadow_engine_result'),
            valueTest('metadata.v3.Metadata', { value: { string_match: { exact: 'allowed' } } }),
          ),
          named('allowed'),
        ],
        [
          custom(
            metadataInput('envoy.filters.http.rbac', 'nothing'),
            valueTest('metadata.v3.Metadata', { value: { string_match: { exact: 'allowed' } }, invert: true }),
          ),
          named('inverted'),
        ],
      ],
      named('else'),
    ),
    values: ['shadow', 'x'],
  },
  {
    name: 'text asked of metadata',
    matcher: list(
      [
        [single(metadataInput('envoy.filters.http.rbac', 'first_shadow_engine_result'), { exact: 'allowed' }), allow],
        [custom(x, valueTest('metadata.v3.Metadata', { value: { present_match: true } })), allow],
      ],
      deny,
    ),
    values: ['shadow'],
  },
  {
    name: 'an address',
    matcher: list([
      [
        custom(x, valueTest('ip.v3.Ip', { cidr_ranges: [cidr('10.0.0.0', 8), cidr('::1', 128)], stat_prefix: 'sp' })),
        allow,
      ],
    ]),
    values: ['10.1.2.3', '11.1.2.3', '::1', '::2', 'x', '', '10.1.2.3:80', undefined],
  },
  ...[0, 7].map(
    (seed): Row => ({
      name: `consistent hashing with seed ${seed}`,
      matcher: list([
        [custom(x, valueTest('consistent_hashing.v3.ConsistentHashing', { threshold: 5, modulo: 10, seed })), allow],
      ]),
      values: ['a', 'b', 'c', 'd', 'e', 'f', '', undefined],
    }),
  ),
  ...['HUNDRED', 'TEN_THOUSAND', 'MILLION'].map(
    (denominator): Row => ({
      name: `a fraction of ${denominator}`,
      matcher: list([
        [
          custom(
            x,
            valueTest('runtime_fraction.v3.RuntimeFraction', {
              runtime_fraction: {
                default_value: {
                  numerator: { HUNDRED: 50, TEN_THOUSAND: 5000, MILLION: 500_000 }[denominator],
                  denominator,
                },
                runtime_key: 'no.such.key',
              },
              seed: 12,
            }),
          ),
          allow,
        ],
      ]),
      values: ['a', 'b', 'c', 'd', 'e', 'f', '', undefined],
    }),
  ),
  {
    name: 'ranges',
    matcher: ipTree(
      x,
      [
        { ranges: [['10.0.0.0', 8]], leads: named('8') },
        {
          ranges: [
            ['10.1.0.0', 16],
            ['fd00::', 8],
          ],
          leads: named('16'),
        },
        { ranges: [['10.1.0.0', 16]], leads: named('16 again') },
        { ranges: [['0.0.0.0', 0]], leads: named('0') },
      ],
      named('else'),
    ),
    values: ['10.2.2.2', '10.1.1.1', '11.1.1.1', 'fd00::1', 'fe00::1', 'x', '', undefined],
  },
  {
    name: 'ranges that lead nowhere',
    matcher: ipTree(
      source,
      [
        { ranges: [['127.0.0.0', 8]], leads: subtree(list([[is('8'), named('8')]])) },
        { ranges: [['127.0.0.0', 16]], leads: subtree(list([[is('16'), named('16')]])), exclusive: true },
        { ranges: [['127.0.0.0', 24]], leads: subtree(list([[is('24'), named('24')]])) },
      ],
      named('else'),
    ),
    values: ['8', '16', '24', 'x'],
  },
  {
    name: 'an exclusive range that comes first',
    matcher: ipTree(
      source,
      [
        { ranges: [['127.0.0.0', 8]], leads: subtree(list([[is('8'), named('8')]])) },
        { ranges: [['127.0.0.0', 16]], leads: subtree(list([[is('16'), named('16')]])), exclusive: true },
      ],
      named('else'),
    ),
    values: ['8', '16', 'x'],
  },
  {
    name: 'domains',
    matcher: domainTree(
      x,
      [
        [['*'], named('all')],
        [['*.b.test', 'c.test'], named('below')],
        [['a.b.test'], named('exact')],
        [['*.a.b.test'], named('deeper')],
      ],
      named('else'),
    ),
    values: [
      'a.b.test',
      'x.b.test',
      'x.y.b.test',
      'x.a.b.test',
      'b.test',
      'c.test',
      'x.c.test',
      'A.B.test',
      '.b.test',
      '',
      undefined,
    ],
  },
  {
    name: 'domains that lead nowhere',
    matcher: domainTree(
      x,
      [
        [['a.b.test'], subtree(exactMap(headerInput('x-b'), { '1': named('exact') }))],
        [['*.b.test'], subtree(exactMap(headerInput('x-b'), { '2': named('below') }))],
        [['*'], subtree(exactMap(headerInput('x-b'), { '3': named('all') }))],
      ],
      named('else'),
    ),
    requests: ['1', '2', '3', '4'].map((value) => ({ headers: { 'x-a': 'a.b.test', 'x-b': value } })),
  },
  {
    name: 'rules beside it',
    config: {
      matcher: list([[is('a'), named('tree')]]),
      rules: { action: 'ALLOW', policies: { rule: { permissions: [{ any: true }], principals: [{ any: true }] } } },
    },
    values: ['a', 'b'],
  },
  {
    name: 'a shadow beside it',
    config: { matcher: list([[is('a'), named('tree')]]), shadow_matcher: list([[is('b'), log]]) },
    values: ['a', 'b'],
  },
  {
    name: 'a shadow alone',
    config: { shadow_matcher: list([[is('a'), decide('ALLOW', 'shadow')]]) },
    values: ['a', 'b'],
  },
  {
    name: 'a shadow with rules beside it',
    config: {
      shadow_matcher: list([[is('a'), decide('ALLOW', 'shadow')]]),
      shadow_rules: { policies: { rule: { permissions: [{ any: true }], principals: [{ any: true }] } } },
    },
    values: ['a', 'b'],
  },
  {
    name: 'counted by policy',
    config: {
      matcher: list([
        [is('a'), allow],
        [is('d'), deny],
      ]),
      track_per_rule_stats: true,
    },
    values: ['a', 'd', 'x'],
  },
];

function cidr(address_prefix: string, prefix_len: number): Json {
  return { address_prefix, prefix_len };
}

const rbac = (config: Json, name = 'rbac'): Json => ({
  name,
  typed_config: typed('envoy.extensions.filters.http.rbac.v3.RBAC', config),
});
const configOf = ({ matcher, config }: Row): Json => config ?? { matcher };
const prefixOf = (index: number): string => `/r${String(index).padStart(2, '0')}`;

const requestsOf = (row: Row): readonly Request[] =>
  row.requests ??
  (row.values ?? []).map((value): Request => (value === undefined ? {} : { headers: { 'x-a': value } }));

const http: Scenario = {
  feature: 'RBAC matcher',
  name: 'RBAC trees',
  stats: [/^http\.in\.rbac\./, /^matching/, /ip_parsing/],
  bootstrap: (places) =>
    simple(places, {
      routes: rows.map((row, index) => ({
        match: { prefix: prefixOf(index) },
        route: { cluster: 'c0' },
        typed_per_filter_config: {
          rbac: typed('envoy.extensions.filters.http.rbac.v3.RBACPerRoute', { rbac: configOf(row) }),
        },
      })),
      manager: {
        access_log: [fileLog(places, format)],
        http_filters: [
          rbac({ shadow_matcher: list([[is('shadow'), allow]], deny), shadow_rules_stat_prefix: 'first_' }, 'first'),
          rbac({ matcher: { on_no_match: deny } }),
          router(),
        ],
      },
    }),
  cases: rows.flatMap((row, index) =>
    requestsOf(row).map(
      (request, at): Case => ({
        name: `${row.name}: ${at} ${JSON.stringify(row.values?.[at] ?? null)}`,
        requests: [{ ...request, path: prefixOf(index) }],
      }),
    ),
  ),
};

const network = (config: Json): Json => ({
  name: 'rbac',
  typed_config: typed('envoy.extensions.filters.network.rbac.v3.RBAC', { stat_prefix: 'f', ...config }),
});

const networkRows: readonly (readonly [string, Json])[] = [
  ['an empty tree', { matcher: {} }],
  ['allowed', { matcher: exactMap(source, { '127.0.0.1': named('me') }) }],
  ['denied', { matcher: exactMap(source, { '127.0.0.1': deny }) }],
  ['logged', { matcher: exactMap(source, { '127.0.0.1': log }) }],
  ['not found', { matcher: exactMap(source, { '127.0.0.2': allow }) }],
  ['a range', { matcher: ipTree(source, [{ ranges: [['127.0.0.0', 8]], leads: allow }]) }],
  ['the port', { matcher: exactMap(connectionInput('DestinationPortInput'), { '10006': named('port') }, deny) }],
  ['a shadow', { shadow_matcher: exactMap(source, { '127.0.0.1': deny }) }],
  ['no name', { matcher: list([[single(connectionInput('ServerNameInput'), { exact: '' }), allow]], deny) }],
  [
    'rules beside it',
    {
      matcher: exactMap(source, { '127.0.0.1': named('tree') }),
      rules: { action: 'DENY', policies: { rule: { permissions: [{ any: true }], principals: [{ any: true }] } } },
    },
  ],
];

const tcp: Scenario = {
  feature: 'RBAC matcher',
  name: 'network RBAC trees',
  backends: ['echo'],
  stats: [/rbac\./],
  bootstrap: (places) =>
    bootstrap(
      places,
      networkRows.map(([, config], index) =>
        listener(places, index, [
          network(config),
          {
            name: 'tcp',
            typed_config: typed('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', {
              stat_prefix: 'tcp',
              cluster: 'c0',
              access_log: [fileLog(places, tcpFormat)],
            }),
          },
        ]),
      ),
      [cluster(places, 0)],
    ),
  cases: networkRows.map(
    ([name], index): Case => ({
      name,
      listener: index,
      tcp: true,
      steps: [{ send: 'hello' }, { sleep: 80 }, { do: 'halfClose' }, { sleep: 50 }],
      without: ['fate'],
    }),
  ),
};

const faults: readonly (readonly [string, Json])[] = [
  ['an input of responses', list([[single(responseInput('HttpResponseHeaderMatchInput'), { exact: '' }), allow]])],
  [
    'an input of queries',
    list([
      [
        single(extensionOf('envoy.type.matcher.v3.HttpRequestQueryParamMatchInput', { query_param: 'a' }), {
          exact: '',
        }),
        allow,
      ],
    ]),
  ],
  ['the source type', exactMap(connectionInput('SourceTypeInput'), { local: allow })],
  ['the transport protocol', exactMap(connectionInput('TransportProtocolInput'), { raw_buffer: allow })],
  ['a match that is passed over', list([[is('a'), { ...allow, keep_matching: true }]])],
  ['an action without a name', { on_no_match: decide('ALLOW', '') }],
  [
    'an action of another type',
    { on_no_match: act(typed('envoy.config.route.v3.Route', { match: { prefix: '/' }, redirect: {} })) },
  ],
  ['nothing on a match', { on_no_match: {} }],
  ['an empty list', { matcher_list: {} }],
  ['an empty map', exactMap(x, {})],
  ['one alternative', list([[either(is('a')), allow]])],
  ['a prefix of nothing', list([[single(x, { prefix: '' }), allow]])],
  ['a broken expression', list([[single(x, { safe_regex: { google_re2: {}, regex: '(' } }), allow]])],
  [
    'an expression without case',
    list([[single(x, { safe_regex: { google_re2: {}, regex: 'a' }, ignore_case: true }), allow]]),
  ],
  ['a star in a domain', domainTree(x, [[['a*'], allow]])],
  ['two stars in a domain', domainTree(x, [[['*.*.a'], allow]])],
  ['an empty domain', domainTree(x, [[[''], allow]])],
  [
    'a domain twice',
    domainTree(x, [
      [['a'], allow],
      [['a'], allow],
    ]),
  ],
  ['a range that is none', ipTree(x, [{ ranges: [['x', 8]], leads: allow }])],
  ['a modulo of 0', list([[custom(x, valueTest('consistent_hashing.v3.ConsistentHashing', { threshold: 5 })), allow]])],
  [
    'a threshold above the modulo',
    list([[custom(x, valueTest('consistent_hashing.v3.ConsistentHashing', { threshold: 5, modulo: 3 })), allow]]),
  ],
  [
    'ranges without a name for statistics',
    list([[custom(x, valueTest('ip.v3.Ip', { cidr_ranges: [cidr('10.0.0.0', 8)] })), allow]]),
  ],
];

function extensionOf(type: string, config: Json): Json {
  return { name: 'any', typed_config: typed(type, config) };
}

function responseInput(name: string): Json {
  return extensionOf(`envoy.type.matcher.v3.${name}`, { header_name: 'x' });
}

const networkFaults: readonly (readonly [string, Json])[] = [
  ['a header', exactMap(x, { a: allow })],
  ['metadata', list([[single(metadataInput('f', 'a'), { exact: 'a' }), allow]])],
  ['the source type', exactMap(connectionInput('SourceTypeInput'), { local: allow })],
];

export const scenarios: readonly Scenario[] = [
  http,
  tcp,
  ...faults.map(
    ([name, matcher]): Scenario => ({
      feature: 'RBAC matcher',
      name: `refused: ${name}`,
      validateOnly: true,
      bootstrap: (places) => simple(places, { manager: { http_filters: [rbac({ matcher }), router()] } }),
      cases: [],
    }),
  ),
  ...networkFaults.map(
    ([name, matcher]): Scenario => ({
      feature: 'RBAC matcher',
      name: `refused of connections: ${name}`,
      validateOnly: true,
      bootstrap: (places) => bootstrap(places, [listener(places, 0, [network({ matcher })])], [cluster(places, 0)]),
      cases: [],
    }),
  ),
];
