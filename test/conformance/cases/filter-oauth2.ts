import { createCipheriv, createHash, createHmac } from 'node:crypto';
import { bootstrap, cluster, fileLog, listener, manager, routeConfig, router, toCluster, typed } from '../config.ts';
import { LATER, token } from '../jwt.ts';
import type { Behaviour, Case, Json, Places, Request, Scenario } from '../types.ts';

const TYPE = 'envoy.extensions.filters.http.oauth2.v3.OAuth2';
const feature = 'OAuth filter';
const stats = [/^http\.in\..*oauth_/];
const format = '%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%\n';
const SECRET = 'hmac secret';

const hmac = (text: string): Buffer => createHmac('sha256', SECRET).update(text).digest();
const flow = 'abcdef0123456789';
const csrf = (of = flow): string => `${of}.${hmac(of).toString('base64')}`;
/** As the filter does it, but for the initialisation vector. */
const seal = (text: string): string => {
  const iv = Buffer.alloc(16, 7);
  const cipher = createCipheriv('aes-256-cbc', createHash('sha256').update(SECRET).digest(), iv);
  return Buffer.concat([iv, cipher.update(text), cipher.final()]).toString('base64url');
};
const stateOf = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const state = stateOf({ url: 'http://example.com/asked?a=b', csrf_token: csrf(), flow_id: flow });

interface Cookies {
  readonly bearer?: string;
  readonly idToken?: string;
  readonly refresh?: string;
  readonly expires?: string;
  readonly domain?: string;
  readonly plain?: boolean;
  readonly hmac?: string;
  readonly more?: readonly string[];
}
/** Cookies of a session. */
const session = ({
  bearer = 'bearer',
  idToken = '',
  refresh = '',
  expires = String(LATER),
  domain = 'example.com',
  plain,
  hmac: said,
  more = [],
}: Cookies = {}): Readonly<Record<string, string>> => {
  const put = (name: string, value: string): readonly string[] =>
    value === '' ? [] : [`${name}=${plain ? value : seal(value)}`];
  const signature = said ?? hmac([domain, expires, bearer, idToken, refresh].join('\n')).toString('base64');
  return {
    cookie: [
      `OauthHMAC=${signature}`,
      `OauthExpires=${expires}`,
      ...put('BearerToken', bearer),
      ...put('IdToken', idToken),
      ...put('RefreshToken', refresh),
      ...more,
    ].join('; '),
  };
};
const round = (...more: readonly string[]): Readonly<Record<string, string>> => ({
  cookie: [`OauthNonce.${flow}=${csrf()}`, `CodeVerifier.${flow}=${seal('verifier')}`, ...more].join('; '),
});

const config = (more: Json = {}, credentials: Json = {}): Json => ({
  token_endpoint: { uri: 'http://auth.test/token', cluster: 'c1', timeout: '1s' },
  authorization_endpoint: 'https://auth.test/authorize',
  redirect_uri: '%REQ(x-forwarded-proto)%://%REQ(:authority)%/callback',
  redirect_path_matcher: { path: { exact: '/callback' } },
  signout_path: { path: { exact: '/signout' } },
  credentials: { client_id: 'client', token_secret: { name: 'token' }, hmac_secret: { name: 'hmac' }, ...credentials },
  auth_scopes: ['openid', 'e mail'],
  ...more,
});
const boot = (places: Places, own: Json): Json => {
  const base = bootstrap(
    places,
    [
      listener(places, 0, [
        manager(places, {
          route_config: routeConfig([toCluster()]),
          access_log: [fileLog(places, format)],
          http_filters: [{ name: 'oauth', typed_config: typed(TYPE, own) }, router()],
        }),
      ]),
    ],
    [cluster(places, 0), cluster(places, 1)],
  );
  const secret = (name: string, text: string): Json => ({ name, generic_secret: { secret: { inline_string: text } } });
  return {
    ...base,
    static_resources: {
      ...(base['static_resources'] as Json),
      secrets: [secret('token', 'client secret&='), secret('hmac', SECRET)],
    },
  };
};
const scenario = (name: string, own: Json, cases: readonly Case[]): Scenario => ({
  feature,
  name,
  stats,
  backends: ['http', 'http'],
  bootstrap: (places) => boot(places, { config: own }),
  cases,
});
const one = (name: string, request: Request, more: Partial<Case> = {}): Case => ({
  name,
  requests: [request],
  ...more,
});
/** What the filter says of it in the log differs. */
const told = (name: string, request: Request, more: Partial<Case> = {}): Case =>
  one(name, request, { ...more, difference: 'oauth-answers' });
const get = (path: string, headers: Readonly<Record<string, string>> = {}, more: Request = {}): Request => ({
  path,
  headers,
  ...more,
});
const json = (value: unknown, head = 'HTTP/1.1 200 OK'): Behaviour => {
  const body = typeof value === 'string' ? value : JSON.stringify(value);
  return { raw: `${head}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}` };
};
const answers = (...behaviours: readonly Behaviour[]): Partial<Case> => ({ backends: { 1: behaviours } });
const good = {
  access_token: 'bearer',
  expires_in: 3600,
  id_token: 'id',
  refresh_token: 'refresh',
  token_type: 'bearer',
};
const callback = (query = `code=the-code&state=${state}`): string => `/callback?${query}`;
const jwt = token({ exp: LATER - 1_000_000_000 });

const sessions: readonly Case[] = [
  one('valid', get('/', session())),
  one('with all tokens', get('/', session({ idToken: 'id', refresh: 'refresh' })), { without: ['backends'] }),
  one(
    'signed in hexadecimal',
    get(
      '/',
      session({ hmac: Buffer.from(hmac(`example.com\n${LATER}\nbearer\n\n`).toString('hex')).toString('base64') }),
    ),
  ),
  one('another signature', get('/', session({ hmac: 'AAAA' }))),
  one('an empty signature', get('/', session({ hmac: '' }))),
  one('of another host', get('/', session({ domain: 'other.test' }))),
  one('expired', get('/', session({ expires: '1000' }))),
  one('expires never', get('/', session({ expires: '' }))),
  one('expires at no number', get('/', session({ expires: 'abc' }))),
  one(
    'a changed token',
    get('/', { cookie: `${session()['cookie']?.replace(/BearerToken=[^;]+/, `BearerToken=${seal('other')}`)}` }),
  ),
  one('a plain token', get('/', session({ plain: true }))),
  one('quoted', get('/', { cookie: `${session()['cookie']?.replace(/OauthHMAC=([^;]+)/, 'OauthHMAC="$1"')}` })),
  one('other cookies besides', get('/', session({ bearer: '', more: ['a=b'] }))),
  one(
    'cookies of rounds besides',
    get('/', session({ more: [`OauthNonce=${csrf()}`, 'OauthNonce.1=a', 'CodeVerifier.2=b'] })),
  ),
  one('an authorization of its own', get('/', { ...session(), authorization: 'Basic abc' })),
  one('a body', get('/', session(), { method: 'POST', body: 'abc' })),
  one('back from the server', get(callback(), { cookie: `${session()['cookie']}; ${round()['cookie']}` })),
  one('back without a round', get(callback(), session())),
];
const strangers: readonly Case[] = [
  one('nobody', get('/')),
  one('a path with a query', get('/a/b?c=d&e=%20"')),
  one('POST', get('/', {}, { method: 'POST', body: 'a' })),
  one('an authorization', get('/', { authorization: 'Bearer x' })),
  one('another host', get('/', {}, { host: 'other.test:8080' })),
  one('cookies of others', get('/', { cookie: 'a=b' })),
];
const callbacks: readonly Case[] = [
  one('good', get(callback(), round()), answers(json(good))),
  one('without other tokens', get(callback(), round()), answers(json({ access_token: 'bearer', expires_in: 60 }))),
  one('with tokens that end', get(callback(), round()), {
    ...answers(json({ ...good, id_token: jwt, refresh_token: jwt })),
    without: [],
  }),
  one('expires_in as text', get(callback(), round()), answers(json({ ...good, expires_in: '60' }))),
  told('no expires_in', get(callback(), round()), answers(json({ access_token: 'bearer' }))),
  told('expires_in of 0', get(callback(), round()), answers(json({ access_token: 'bearer', expires_in: 0 }))),
  told('no token', get(callback(), round()), answers(json({ expires_in: 60 }))),
  told('a token of a number', get(callback(), round()), answers(json({ access_token: { a: 1 }, expires_in: 60 }))),
  told('no JSON', get(callback(), round()), answers(json('x'))),
  told('a list', get(callback(), round()), answers(json('[]'))),
  told('an error', get(callback(), round()), answers(json({ error: 'invalid_grant' }, 'HTTP/1.1 400 Bad Request'))),
  told('201', get(callback(), round()), answers(json(good, 'HTTP/1.1 201 Created'))),
  told('500', get(callback(), round()), answers(json('', 'HTTP/1.1 500 No'))),
  told('a reset', get(callback(), round()), answers({ end: 'reset' })),
  told('no answer', get(callback(), round()), { ...answers('hang'), timeoutMs: 4000 }),
  one(
    'cookies of older instances',
    get(callback(), { cookie: `OauthNonce=${csrf()}; CodeVerifier=${seal('verifier')}` }),
    answers(json(good)),
  ),
  one(
    'cookies of a session that is over',
    get(callback(), {
      cookie: `${round()['cookie']}; ${session({ expires: '1', idToken: 'id', refresh: 'r' })['cookie']}`,
    }),
    answers(json({ access_token: 'b', expires_in: 60 })),
  ),
  one('no cookies', get(callback())),
  one('no verifier', get(callback(), { cookie: `OauthNonce.${flow}=${csrf()}` })),
  told('a broken verifier', get(callback(), { cookie: `OauthNonce.${flow}=${csrf()}; CodeVerifier.${flow}=abc` })),
  one(
    'another nonce',
    get(callback(), { cookie: `OauthNonce.${flow}=${csrf('1')}; CodeVerifier.${flow}=${seal('v')}` }),
  ),
  one(
    'a nonce that was not signed',
    get(callback(`code=a&state=${stateOf({ url: 'http://a/', csrf_token: 'a.b', flow_id: flow })}`), {
      cookie: `OauthNonce.${flow}=a.b`,
    }),
  ),
  one('an error of the server', get(callback(`error=access_denied&state=${state}`), round())),
  one('an error without a state', get(callback('error=access_denied&b=c&a=d'), round())),
  one('no code', get(callback(`state=${state}`), round())),
  one('no state', get(callback('code=a'), round())),
  one('nothing', get('/callback', round())),
  one('a state that is no base64', get(callback('code=a&state=%25'), round())),
  one('a state that is no JSON', get(callback(`code=a&state=${stateOf('x')}`), round())),
  one('a state without a URL', get(callback(`code=a&state=${stateOf({ csrf_token: csrf() })}`), round())),
  one('a state without a token', get(callback(`code=a&state=${stateOf({ url: 'http://a/' })}`), round())),
  one(
    'a state with a URL that is none',
    get(callback(`code=a&state=${stateOf({ url: '/a', csrf_token: csrf(), flow_id: flow })}`), round()),
  ),
  one(
    'a state that leads back here',
    get(
      callback(`code=a&state=${stateOf({ url: 'http://example.com/callback', csrf_token: csrf(), flow_id: flow })}`),
      { cookie: `${session()['cookie']}; ${round()['cookie']}` },
    ),
  ),
];
/** A token endpoint that fails in ways that those above do not. */
const failures: readonly Case[] = (
  [
    ['late', { raw: [{ raw: '', afterMs: 400 }] }],
    ['silent', 'hang'],
    ['silent within the head', { raw: 'HTTP/1.1 200 OK\r\ncontent-le' }],
    ['silent within the body', { raw: 'HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{"access' }],
    ['closed', { end: 'close' }],
    ['closed within the body', { raw: 'HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{"access', afterwards: 'close' }],
    ['garbage', { raw: '\x00\x01\x02 hello'.repeat(30) }],
    ['an endless body', { raw: `HTTP/1.1 200 OK\r\ncontent-length: 999999999999\r\n\r\n${' '.repeat(60_000)}` }],
    ['an endless head', { raw: `HTTP/1.1 200 OK\r\nx: ${'x'.repeat(100_000)}` }],
    ['tokens cut off', json(JSON.stringify(good).slice(0, -5))],
  ] as const
).flatMap(([name, behaviour]) => [
  told(name, get(callback(), round()), { ...answers(behaviour), without: ['stats', 'backends'] }),
  (name === 'tokens cut off' ? told : one)(
    `${name}, at a refresh`,
    get('/', session({ expires: '1', refresh: 'old' })),
    {
      ...answers(behaviour),
      without: ['stats', 'backends'],
    },
  ),
]);

const refreshes: readonly Case[] = [
  one('refreshed', get('/', session({ expires: '1', refresh: 'old', more: ['a=b'] })), {
    ...answers(json(good)),
    without: ['backends'],
  }),
  one(
    'without a new one',
    get('/', session({ expires: '1', refresh: 'old', bearer: '' })),
    answers(json({ access_token: 'new', expires_in: 60 })),
  ),
  one('refused', get('/', session({ expires: '1', refresh: 'old' })), answers(json('', 'HTTP/1.1 400 No'))),
  one('no answer', get('/', session({ expires: '1', refresh: 'old' })), { ...answers('hang'), timeoutMs: 4000 }),
  one(
    'with a body',
    get('/', session({ expires: '1', refresh: 'old', bearer: '' }), { method: 'POST', body: 'abc' }),
    answers(json({ access_token: 'new', expires_in: 60 })),
  ),
];
const signOuts: readonly Case[] = [
  one('nobody signs out', get('/signout')),
  one('somebody', get('/signout?a=b', session({ idToken: 'id' }))),
  one('with a round', get('/signout', { cookie: `OauthNonce.${flow}=${csrf()}` })),
];
const refused = (name: string, own: Json, difference?: string): Scenario => ({
  ...scenario(`refused: ${name}`, own, difference ? [{ name: 'start', difference }] : []),
  validateOnly: true,
});
const without = (key: string): Json => Object.fromEntries(Object.entries(config()).filter(([name]) => name !== key));

export const scenarios: readonly Scenario[] = [
  scenario('sessions', config(), sessions),
  scenario('strangers', config(), strangers),
  scenario('callbacks', config(), callbacks),
  scenario(
    'a failing server',
    config({ token_endpoint: { uri: 'http://auth.test/token', cluster: 'c1', timeout: '0.25s' } }),
    failures,
  ),
  scenario('refreshes', config(), refreshes),
  scenario('sign-outs', config(), signOuts),
  scenario('OpenID sign-outs', config({ end_session_endpoint: 'https://auth.test/end' }), signOuts),
  scenario('bearer forwarded', config({ forward_bearer_token: true }), [
    ...sessions.slice(0, 2),
    ...refreshes.slice(1, 2),
    ...sessions.slice(14, 15),
  ]),
  scenario('authorization kept', config({ preserve_authorization_header: true }), [
    ...strangers.slice(3, 4),
    ...sessions.slice(14, 15),
  ]),
  scenario('basic authentication', config({ auth_type: 'BASIC_AUTH' }), [
    ...callbacks.slice(0, 1),
    ...refreshes.slice(1, 2),
  ]),
  scenario('no refreshes', config({ use_refresh_token: false }), [...refreshes.slice(0, 1), ...callbacks.slice(0, 1)]),
  scenario('plain tokens', config({ disable_token_encryption: true }), [
    one('plain', get('/', session({ plain: true }))),
    one('sealed', get('/', session())),
    ...callbacks.slice(0, 1),
  ]),
  scenario(
    'no cookies for tokens',
    config({
      disable_access_token_set_cookie: true,
      disable_id_token_set_cookie: true,
      disable_refresh_token_set_cookie: true,
    }),
    callbacks.slice(0, 1),
  ),
  scenario('a default life', config({ default_expires_in: '90s', default_refresh_token_expires_in: '100s' }), [
    ...callbacks.slice(0, 1),
    ...callbacks.slice(5, 6),
    one('of no expires_in', get(callback(), round()), answers(json({ access_token: 'bearer' }))),
  ]),
  scenario(
    'lives of rounds',
    config({ csrf_token_expires_in: '5s', code_verifier_token_expires_in: '6s' }),
    strangers.slice(0, 1),
  ),
  scenario(
    'resources and a query',
    config({ resources: ['http://a/b c', 'd'], authorization_endpoint: 'http://auth.test:81/a?z=1&client_id=x&a=%20' }),
    strangers.slice(0, 2),
  ),
  scenario('no scopes', config({ auth_scopes: [] }), strangers.slice(0, 1)),
  scenario('passed by', config({ pass_through_matcher: [{ name: ':method', string_match: { exact: 'OPTIONS' } }] }), [
    one('OPTIONS', get('/', { authorization: 'a' }, { method: 'OPTIONS' })),
    ...strangers.slice(0, 1),
  ]),
  scenario('no redirects', config({ deny_redirect_matcher: [{ name: 'accept', string_match: { exact: 'json' } }] }), [
    one('denied', get('/a b'.replace(' ', '')), {}),
    one('denied by it', get('/x', { accept: 'json' })),
    one(
      'refresh fails',
      get('/x', { ...session({ expires: '1', refresh: 'old' }), accept: 'json' }),
      answers(json('', 'HTTP/1.1 400 No')),
    ),
  ]),
  scenario('a domain', config({}, { cookie_domain: 'test.com' }), [
    one('of it', get('/', session({ domain: 'test.com' }))),
    one('of the host', get('/', session())),
    ...strangers.slice(0, 1),
    ...callbacks.slice(0, 1),
    ...signOuts,
  ]),
  scenario(
    'cookie settings',
    config({
      cookie_configs: {
        oauth_nonce_cookie_config: { same_site: 'STRICT', path: '/n' },
        bearer_token_cookie_config: { same_site: 'NONE', partitioned: true },
        oauth_hmac_cookie_config: { same_site: 'LAX' },
      },
    }),
    [...strangers.slice(0, 1), ...callbacks.slice(0, 1), ...signOuts.slice(1)],
  ),
  scenario('a prefix', config({ stat_prefix: 'mine' }), [...strangers.slice(0, 1), ...sessions.slice(0, 1)]),
  scenario(
    'retries of what is said',
    config({ retry_policy: { retry_on: '5xx', num_retries: 1, retry_back_off: { base_interval: '0.01s' } } }),
    [one('after 500', get(callback(), round()), answers(json('', 'HTTP/1.1 500 No'), json(good)))],
  ),
  scenario('retries', config({ retry_policy: { num_retries: 1, retry_back_off: { base_interval: '0.01s' } } }), [
    told('not after 500', get(callback(), round()), answers(json('', 'HTTP/1.1 500 No'), json(good))),
  ]),
  ...[
    'token_endpoint',
    'authorization_endpoint',
    'redirect_uri',
    'redirect_path_matcher',
    'signout_path',
    'credentials',
  ].map((key) => refused(`no ${key}`, without(key), key === 'token_endpoint' ? 'filter-mistakes' : undefined)),
  refused('an authorization endpoint that is none', config({ authorization_endpoint: 'x' })),
  refused('signing out without OpenID', config({ end_session_endpoint: 'https://a/', auth_scopes: ['a'] })),
  refused('a secret that is not there', config({}, { hmac_secret: { name: 'none' } })),
  refused('no client', config({}, { client_id: '' })),
  refused('a cookie with a space', config({}, { cookie_names: { oauth_hmac: 'a b' } })),
  refused('a redirect format that is none', config({ redirect_uri: '%NOPE%' })),
  refused(
    'bearer forwarded and authorization kept',
    config({ forward_bearer_token: true, preserve_authorization_header: true }),
  ),
  refused('a type that is none', config({ auth_type: 'NOPE' })),
];
