import { createHash } from 'node:crypto';
import { fileLog, router, simple, typed } from '../config.ts';
import type { Case, Json, Request, Scenario } from '../types.ts';

const TYPE = 'envoy.extensions.filters.http.basic_auth.v3.BasicAuth';
const PER_ROUTE = 'envoy.extensions.filters.http.basic_auth.v3.BasicAuthPerRoute';
const feature = 'basic auth filter';
const stats = [/^http\.in\.basic_auth\./];
const format = '%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %DYNAMIC_METADATA(auth)%\n';

const sha = (password: string): string => `{SHA}${createHash('sha1').update(password).digest('base64')}`;
const line = (user: string, password: string): string => `${user}:${sha(password)}`;
const inline = (...lines: readonly string[]): Json => ({ inline_string: lines.join('\n') });
const known = inline('# who may', line('user1', 'test1'), '', line('user2', 'a:b'), line('é', 'ü'), line('empty', ''));

const basicAuth = (config: Json = {}): Json => ({
  name: 'auth',
  typed_config: typed(TYPE, { users: known, ...config }),
});
const says = (value: string, more: Readonly<Record<string, string>> = {}): Request => ({
  headers: { authorization: value, ...more },
});
const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
const as = (user: string, password: string): Request => says(`Basic ${base64(`${user}:${password}`)}`);

const requests: Readonly<Record<string, Request>> = {
  'no credentials': {},
  'the right password': as('user1', 'test1'),
  'the wrong password': as('user1', 'test2'),
  'another user': as('user2', 'a:b'),
  'the password of another user': as('user1', 'a:b'),
  'a user that is not known': as('user3', 'test1'),
  'an empty user': as('', 'test1'),
  'an empty password': as('user1', ''),
  'an empty password that is right': as('empty', ''),
  'a user in other case': as('USER1', 'test1'),
  'letters beyond ASCII': as('é', 'ü'),
  'an empty header': says(''),
  'another scheme': says('Bearer abc'),
  'the scheme alone': says('Basic'),
  'the scheme in lower case': says(`basic ${base64('user1:test1')}`),
  'the scheme and a tab': says(`Basic\t${base64('user1:test1')}`),
  'two spaces': says(`Basic  ${base64('user1:test1')}`),
  'no colon': says(`Basic ${base64('user1')}`),
  'no base64': says('Basic ???'),
  'a broken end of base64': says(`Basic ${base64('user1:test1')}A`),
  'base64 without padding': says(`Basic ${base64('user1:test1').replace(/=+$/, '')}`),
  'base64 with more padding': says(`Basic ${base64('user1:test1').replace(/=+$/, '')}====`),
  'base64 with other bits at its end': says(`Basic ${base64('user1:test1').replace(/E=$/, 'F=')}`),
  'base64 for URLs': says(`Basic ${base64('user1:>>>???').replaceAll('+', '-').replaceAll('/', '_')}`),
  'space behind': says(`Basic ${base64('user1:test1')} x`),
  'two headers, the first right': {
    headers: [
      ['authorization', `Basic ${base64('user1:test1')}`],
      ['authorization', 'Basic x'],
    ],
  },
  'two headers, the second right': {
    headers: [
      ['authorization', 'Basic x'],
      ['authorization', `Basic ${base64('user1:test1')}`],
    ],
  },
  'a header of the upstream': says(`Basic ${base64('user1:test1')}`, { 'x-user': 'forged' }),
  'a header of the upstream without credentials': { headers: { 'x-user': 'forged' } },
  'credentials elsewhere': { headers: { 'x-auth': `Basic ${base64('user1:test1')}` } },
  'a path with a query': { path: '/a/b?c=d' },
  'a long path': { path: `/${'a'.repeat(300)}` },
  'a path with quotes': { path: '/a"b' },
  'a path with backslashes': { path: '/a\\b\\"c' },
  'a body': { method: 'POST', body: 'abc' },
  HEAD: { method: 'HEAD' },
  gRPC: { method: 'POST', headers: { 'content-type': 'application/grpc' } },
  'another host': { host: 'other.test:81' },
  'a forged original path': { headers: { 'x-envoy-original-path': '/forged' } },
  'a scheme': { headers: { 'x-forwarded-proto': 'https' } },
};
const few = ['no credentials', 'the right password', 'the wrong password', 'another scheme', 'credentials elsewhere'];

const each = (names: readonly string[], path?: string): readonly Case[] =>
  names.map((what) => ({
    name: path ? `${path}: ${what}` : what,
    requests: [{ ...requests[what], ...(path ? { path } : {}) }],
  }));

const per = (config: Json): Json => ({ typed_per_filter_config: { auth: typed(PER_ROUTE, config) } });
const forward = (prefix: string, more: Json = {}): Json => ({ match: { prefix }, route: { cluster: 'c0' }, ...more });

const scenario = (name: string, config: Json, names: readonly string[], manager: Json = {}): Scenario => ({
  feature,
  name,
  stats,
  bootstrap: (places) =>
    simple(places, {
      manager: { access_log: [fileLog(places, format)], http_filters: [basicAuth(config), router()], ...manager },
    }),
  cases: each(names),
});

const routes: Scenario = {
  feature,
  name: 'routes',
  stats,
  bootstrap: (places) =>
    simple(places, {
      manager: {
        access_log: [fileLog(places, format)],
        http_filters: [basicAuth({ realm: 'of the filter', forward_username_header: 'x-user' }), router()],
        route_config: {
          name: 'routes',
          virtual_hosts: [
            {
              name: 'all',
              domains: ['*'],
              ...per({ users: inline(line('user1', 'test2')) }),
              routes: [
                forward('/own', per({ users: inline(line('user1', 'test1')), realm: 'of the route' })),
                forward('/nobody', per({ users: inline('#') })),
                forward('/disabled', {
                  typed_per_filter_config: { auth: typed('envoy.config.route.v3.FilterConfig', { disabled: true }) },
                }),
                {
                  match: { prefix: '/direct' },
                  direct_response: { status: 200, body: { inline_string: 'hi' } },
                },
                { match: { prefix: '/redirect' }, redirect: { path_redirect: '/x' } },
                forward('/'),
              ],
            },
          ],
        },
      },
    }),
  cases: ['/own', '/nobody', '/disabled', '/direct', '/redirect', '/host'].flatMap((path) => each(few, path)),
};

const refusal = (name: string, config: Json, route: Json = {}): Scenario => ({
  feature,
  name: `refused: ${name}`,
  validateOnly: true,
  bootstrap: (places) =>
    simple(places, {
      routes: [forward('/', route)],
      manager: { http_filters: [{ name: 'auth', typed_config: typed(TYPE, config) }, router()] },
    }),
  cases: [],
});

export const scenarios: readonly Scenario[] = [
  scenario('credentials', {}, Object.keys(requests)),
  scenario('all said', { forward_username_header: 'X-User', emit_dynamic_metadata: true, realm: 'a "b" \\c' }, [
    ...few,
    'letters beyond ASCII',
    'a header of the upstream',
    'an empty password that is right',
  ]),
  scenario('another header', { authentication_header: 'X-Auth' }, few),
  scenario(
    'nothing need be said',
    { allow_missing: true, emit_dynamic_metadata: true, forward_username_header: 'x-user' },
    [
      ...few,
      'an empty header',
      'the scheme alone',
      'no colon',
      'a user that is not known',
      'a header of the upstream without credentials',
    ],
  ),
  scenario('words of the connection manager', {}, few, {
    local_reply_config: {
      mappers: [
        {
          filter: { status_code_filter: { comparison: { op: 'EQ', value: { default_value: 401, runtime_key: 'r' } } } },
          status_code: 403,
          headers_to_add: [{ header: { key: 'x-mapped', value: '1' } }],
        },
      ],
    },
  }),
  routes,
  refusal('nothing said', {}),
  refusal('users of nothing', { users: {} }),
  refusal('no text', { users: { inline_string: '' } }),
  refusal('no bytes', { users: { inline_bytes: '' } }),
  refusal('bytes', { users: { inline_bytes: Buffer.from(line('a', 'b')).toString('base64') } }),
  refusal('a comment alone', { users: inline('# nobody') }),
  refusal('no colon', { users: inline('user1') }),
  refusal('no user', { users: inline(`:${sha('a')}`) }),
  refusal('no hash', { users: inline('user1:') }),
  refusal('two of a name', { users: inline(line('a', 'b'), line('a', 'c')) }),
  refusal('a hash of another kind', { users: inline('a:$apr1$x$y') }),
  refusal('plain text', { users: inline('a:b') }),
  refusal('a short hash', { users: inline('a:{SHA}abc') }),
  refusal('a long hash', { users: inline(`${line('a', 'b')}A`) }),
  refusal('a hash that is no base64', { users: inline(`a:{SHA}${'?'.repeat(28)}`) }),
  refusal('a carriage return', { users: { inline_string: `${line('a', 'b')}\r\n` } }),
  refusal('a space before a comment', { users: inline(' # a', line('a', 'b')) }),
  refusal('a colon in the hash', { users: inline(`a:b:${sha('a')}`) }),
  refusal('a file that is not there', { users: { filename: '/nowhere/users' } }),
  refusal('an environment variable that is not there', { users: { environment_variable: 'CILIATE_NO_SUCH' } }),
  refusal('an empty header', { users: known, forward_username_header: '' }),
  refusal('a header to read with a line feed', { users: known, authentication_header: 'a\nb' }),
  refusal('a realm with a line feed', { users: known, realm: 'a\nb' }),
  refusal('a realm beyond ASCII', { users: known, realm: 'é' }),
  refusal('a realm with quotes', { users: known, realm: '"' }),
  refusal('a route without users', { users: known }, per({})),
  refusal('a route with a realm alone', { users: known }, per({ realm: 'a' })),
  refusal('a route with a broken line', { users: known }, per({ users: inline('a') })),
  refusal('a route with a realm with a line feed', { users: known }, per({ users: known, realm: 'a\r\nb' })),
  refusal(
    'a route with the filter itself',
    { users: known },
    { typed_per_filter_config: { auth: typed(TYPE, { users: known }) } },
  ),
];
