import fc from 'fast-check';
import { headerOption } from './route-tables.ts';
import type { Json, Request } from './types.ts';

/** A route configuration and requests for it, at random. */
export interface RandomTable {
  readonly hosts: readonly Json[];
  readonly config: Json;
  readonly requests: readonly Request[];
}

const of = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
/** Any of these fields, each seldom. */
const seldom = (fields: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<Json> =>
  fc
    .tuple(fc.record(fields), fc.array(fc.nat(4), { minLength: 30, maxLength: 30 }))
    .map(([record, dice]) => Object.fromEntries(Object.entries(record).filter((_, index) => dice[index] === 0)));

const segment = of('a', 'b', 'ab', 'A', 'api', 'x.y', 'a;v=1', '%41', '-');
const path = fc
  .tuple(fc.array(segment, { maxLength: 4 }), of('', '', '/'))
  .map(([parts, end]) => `/${parts.join('/')}${parts.length > 0 ? end : ''}`);
const bare = path.map((value) => (value === '/' ? '/a' : value.replace(/\/$/, '')));
const expression = fc
  .array(of('a', 'b', '/', '[^/]+', '.*', '(a|b)', '[ab]*', '\\d*', '(?i)api', 'x.y'), { minLength: 1, maxLength: 5 })
  .map((parts) => `/${parts.join('')}`);
const template = fc
  .array(of('a', 'b', '*', 'api', '{x}', '{y=*}'), { minLength: 1, maxLength: 3 })
  .filter((parts) => new Set(parts).size === parts.length)
  .map((parts) => `/${parts.join('/')}`);

const text = of('', 'a', 'b', 'ab', 'aB', '7', 'a,b');
const stringMatcher: fc.Arbitrary<Json> = fc.oneof(
  text.map((exact) => ({ exact })),
  of('a', 'b', 'A').chain((value) => of({ prefix: value }, { suffix: value }, { contains: value })),
  of('a.*', '[ab]+', '', 'a|b').map((regex) => ({ safe_regex: { regex } })),
  of('a', 'AB').map((exact) => ({ exact, ignore_case: true })),
);
const headerMatcher: fc.Arbitrary<Json> = fc
  .tuple(
    of('x-a', 'x-b', 'x-m', ':method', ':path', 'accept'),
    fc.oneof(
      stringMatcher.map((match): Json => ({ string_match: match })),
      fc.boolean().map((present): Json => ({ present_match: present })),
      of({ range_match: { start: 0, end: 10 } }, { range_match: { start: -5, end: 7 } }, {}),
    ),
    seldom({ invert_match: of(true), treat_missing_header_as_empty: of(true) }),
  )
  .map(([name, how, more]) => ({ name, ...how, ...more }));
const queryMatcher: fc.Arbitrary<Json> = fc
  .tuple(
    of('q', 'r', 'a b'),
    fc.oneof(
      stringMatcher.map((match): Json => ({ string_match: match })),
      fc.boolean().map((present): Json => ({ present_match: present })),
    ),
  )
  .map(([name, how]) => ({ name, ...how }));

const conditions = seldom({
  headers: fc.array(headerMatcher, { minLength: 1, maxLength: 2 }),
  query_parameters: fc.array(queryMatcher, { minLength: 1, maxLength: 2 }),
  runtime_fraction: of({ default_value: { numerator: 0 } }, { default_value: { numerator: 100 } }),
  grpc: of({}),
});

type Kind = 'path' | 'prefix' | 'separated' | 'regex' | 'template';

const specifier: fc.Arbitrary<{ readonly kind: Kind; readonly match: Json }> = fc.oneof(
  fc
    .tuple(path, of({}, {}, { case_sensitive: false }))
    .chain(([value, more]) =>
      of(
        { kind: 'path' as const, match: { path: value, ...more } },
        { kind: 'prefix' as const, match: { prefix: value, ...more } },
      ),
    ),
  bare.map((value) => ({ kind: 'separated' as const, match: { path_separated_prefix: value } })),
  expression.map((regex) => ({ kind: 'regex' as const, match: { safe_regex: { regex } } })),
  template.map((value) => ({
    kind: 'template' as const,
    match: {
      path_match_policy: {
        name: 'envoy.path.match.uri_template.uri_template_matcher',
        typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig',
          path_template: value,
        },
      },
    },
  })),
);

const regexRewrite: fc.Arbitrary<Json> = fc
  .tuple(of('a', '^/(a|b)', '/([^/]*)', 'b+', '$'), of('', 'X', '<\\0>', '\\\\'))
  .map(([regex, substitution]) => ({ pattern: { regex }, substitution }));
const hostRewrite: fc.Arbitrary<Json> = fc.oneof(
  of<Json>({ host_rewrite_literal: 'new.test' }, { host_rewrite_header: 'x-a' }),
  regexRewrite.map((rewrite): Json => ({ host_rewrite_path_regex: rewrite })),
);
const pathRewrite = (kind: Kind): fc.Arbitrary<Json> =>
  kind === 'template' || kind === 'regex'
    ? regexRewrite.map((rewrite): Json => ({ regex_rewrite: rewrite }))
    : fc.oneof(
        of('/', '/new', '/new/', 'new').map((value): Json => ({ prefix_rewrite: value })),
        regexRewrite.map((rewrite): Json => ({ regex_rewrite: rewrite })),
      );

const option = fc
  .tuple(
    of('x-a', 'x-b', 'x-new', 'accept'),
    of('v', '', '%REQ(x-a)%', '[%REQ(:path)%]', '%ROUTE_NAME%', '%PROTOCOL%:%REQ(x-n?x-b):1%', '%QUERY_PARAM(q)%'),
    seldom({
      append_action: of('ADD_IF_ABSENT', 'OVERWRITE_IF_EXISTS_OR_ADD', 'OVERWRITE_IF_EXISTS'),
      keep_empty_value: of(true),
    }),
  )
  .map(([key, value, more]) => headerOption(key, value.replace(/:1%$/, '%'), more));
const mutations = seldom({
  request_headers_to_add: fc.array(option, { minLength: 1, maxLength: 3 }),
  request_headers_to_remove: of(['x-a'], ['x-b', 'accept']),
  response_headers_to_add: fc.array(option, { minLength: 1, maxLength: 3 }),
  response_headers_to_remove: of(['x-backend'], ['x-a']),
});

const weighted = fc.array(fc.tuple(of('c0', 'c1'), fc.nat(5), mutations), { minLength: 1, maxLength: 3 }).map(
  (clusters): Json => ({
    weighted_clusters: {
      clusters: [...clusters, ['c0', 1, {}] as const].map(([name, weight, more]) => ({ name, weight, ...more })),
      header_name: 'x-n',
    },
  }),
);

const forward = (kind: Kind): fc.Arbitrary<Json> =>
  fc
    .tuple(
      fc.oneof(of<Json>({ cluster: 'c0' }, { cluster: 'c1' }, { cluster_header: 'x-c' }), weighted),
      fc.oneof(fc.constant<Json>({}), pathRewrite(kind)),
      fc.oneof(fc.constant<Json>({}), fc.constant<Json>({}), hostRewrite),
      seldom({ append_x_forwarded_host: of(true) }),
    )
    .map(([cluster, onPath, host, more]) => ({ route: { ...cluster, ...onPath, ...host, ...more } }));

const redirect = (kind: Kind): fc.Arbitrary<Json> =>
  fc
    .tuple(
      seldom({
        host_redirect: of('other.test', 'other.test:81'),
        port_redirect: of(80, 443, 8080),
        scheme_redirect: of('https', 'http'),
        strip_query: of(true),
        response_code: of('FOUND', 'SEE_OTHER', 'TEMPORARY_REDIRECT', 'PERMANENT_REDIRECT'),
      }),
      fc.oneof(
        of<Json>({}, { path_redirect: '/moved' }, { path_redirect: '/moved?z=1' }),
        kind === 'regex' || kind === 'template'
          ? fc.constant<Json>({})
          : of<Json>({ prefix_rewrite: '/moved/' }, { prefix_rewrite: '/' }),
        regexRewrite.map((rewrite): Json => ({ regex_rewrite: rewrite })),
      ),
    )
    .map(([more, onPath]) => ({ redirect: { ...more, ...onPath } }));

const direct: fc.Arbitrary<Json> = of(200, 200, 201, 302, 404, 503).map((status) => ({
  direct_response: { status, body: { inline_string: 'direct' } },
}));

const route: fc.Arbitrary<Json> = fc
  .tuple(specifier, conditions)
  .chain(([{ kind, match }, more]) =>
    fc
      .tuple(fc.oneof(direct, forward(kind), redirect(kind)), mutations)
      .map(([action, changes]) => ({ match: { ...match, ...more }, ...action, ...changes })),
  );

const domains = of(
  'a.test',
  'b.a.test',
  'A.test',
  '*.test',
  '*.a.test',
  '*-x.test',
  'a.*',
  'a.te*',
  'b*',
  'a.test:80',
  '*:80',
  '*',
  'c',
);

const host: fc.Arbitrary<Json> = fc
  .tuple(
    fc.array(route, { maxLength: 12 }),
    mutations,
    seldom({ require_tls: of('ALL', 'EXTERNAL_ONLY'), include_request_attempt_count: of(true) }),
  )
  .map(([routes, changes, more]) => ({ routes, ...changes, ...more }));

/** Each domain stands in one virtual host, and routes go by their place. */
function assemble(owned: readonly string[], contents: readonly Json[]): readonly Json[] {
  return contents.flatMap(({ routes, ...more }, index) => {
    const own = owned.filter((_, at) => at % contents.length === index);
    const named = (routes as readonly Json[]).map((one, at) => ({ name: `h${index}r${at}`, ...one }));
    return own.length > 0 ? [{ name: `h${index}`, domains: own, routes: named, ...more }] : [];
  });
}

const config = fc
  .tuple(
    seldom({
      most_specific_header_mutations_wins: of(true),
      ignore_port_in_host_matching: of(true),
      ignore_path_parameters_in_path_matching: of(true),
      internal_only_headers: of(['x-a']),
    }),
    mutations,
  )
  .map(([more, changes]) => ({ ...more, ...changes }));

const request: fc.Arbitrary<Request> = fc
  .record({
    host: of(
      'a.test',
      'a.test',
      'b.a.test',
      'A.TEST',
      'z.test',
      'z-x.test',
      'a.com',
      'a.test:80',
      'b:80',
      'c',
      '.test',
    ),
    path,
    query: of('', '', '?', '?q=a', '?q=b&q=a', '?r&q=', '?a%20b=a', '?q=a?b', '?q'),
    method: of('GET', 'GET', 'GET', 'POST', 'HEAD'),
    number: of('0', '3', '7', '99999999999'),
    headers: fc.array(
      fc.oneof(
        fc.tuple(of('X-A', 'x-a', 'X-B'), text),
        fc.tuple(of('X-M'), of('0', '7', '-3', 'a', '99999999999')),
        fc.tuple(of('Accept'), of('a', 'b')),
        fc.tuple(of('X-C'), of('c0', 'c1', 'none')),
        of<[string, string]>(['Content-Type', 'application/grpc'], ['X-Forwarded-Proto', 'https']),
      ),
      { maxLength: 4 },
    ),
  })
  .map(({ query, path: target, number, headers, ...more }) => ({
    ...more,
    path: `${target}${query}`,
    // Every request says which of weighted clusters it goes to.
    headers: [['X-N', number], ...headers.filter(isFirst)],
  }));

/** Only `x-a` and `x-b` may come again. */
function isFirst([name]: readonly [string, string], at: number, all: readonly (readonly [string, string])[]): boolean {
  return /^x-[ab]$/i.test(name) || all.findIndex(([other]) => other === name) === at;
}

export const randomTable: fc.Arbitrary<RandomTable> = fc
  .tuple(
    fc.uniqueArray(domains, { minLength: 1, maxLength: 8, selector: (one) => one.toLowerCase() }),
    fc.array(host, { minLength: 1, maxLength: 3 }),
    config,
    fc.array(request, { minLength: 20, maxLength: 40 }),
  )
  .map(([owned, contents, more, requests]) => ({ hosts: assemble(owned, contents), config: more, requests }));
