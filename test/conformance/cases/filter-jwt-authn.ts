import { fileLog, router, simple, typed } from '../config.ts';
import { BEFORE, jwk, jwks, LATER, token } from '../jwt.ts';
import type { Case, Json, Places, Request, Scenario } from '../types.ts';

const TYPE = 'envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication';
const PER_ROUTE = 'envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig';
const feature = 'JWT filter';
const stats = [/^http\.in\.jwt_authn\./];
const format =
  '%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %ROUTE_NAME% %DYNAMIC_METADATA(envoy.filters.http.jwt_authn)%\n';

const all = jwks(jwk('rsa'), jwk('ec256'), jwk('ec384'), jwk('ec521'), jwk('ed'), {
  kty: 'oct',
  k: Buffer.from('secret').toString('base64url'),
});
const provider = (more: Json = {}): Json => ({ issuer: 'issuer', local_jwks: { inline_string: all }, ...more });
const everywhere = (requires: Json): Json => ({ match: { prefix: '/' }, requires });
const jwt = (config: Json): Json => ({ name: 'jwt', typed_config: typed(TYPE, config) });
const byOne = (more: Json = {}, config: Json = {}): Json =>
  jwt({ providers: { p: provider(more) }, rules: [everywhere({ provider_name: 'p' })], ...config });

const bearer = (text: string, more: Readonly<Record<string, string>> = {}): Request => ({
  headers: { authorization: `Bearer ${text}`, ...more },
});
const claims = (more: Json = {}): Json => ({ iss: 'issuer', sub: 'me', exp: LATER, ...more });
const says = (more: Json, options: Parameters<typeof token>[1] = {}): Request => bearer(token(claims(more), options));
const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64url');
const good = token();
const [goodHead = '', goodBody = '', goodSignature = ''] = good.split('.');

/** Tokens that one provider with the issuer `issuer` is asked about. */
const tokens: Readonly<Record<string, Request>> = {
  'no token': {},
  'a good token': bearer(good),
  'an empty header': { headers: { authorization: '' } },
  'no scheme': { headers: { authorization: good } },
  'another scheme': { headers: { authorization: `Basic ${good}` } },
  'the scheme in lower case': { headers: { authorization: `bearer ${good}` } },
  'the scheme alone': { headers: { authorization: 'Bearer ' } },
  'two spaces': { headers: { authorization: `Bearer  ${good}` } },
  'quotes around it': { headers: { authorization: `Bearer "${good}"` } },
  'the scheme in the middle': { headers: { authorization: `x Bearer ${good}` } },
  'words behind it': { headers: { authorization: `Bearer ${good} x` } },
  'a comma behind it': { headers: { authorization: `Bearer ${good},Bearer x` } },
  'in the query': { path: `/?access_token=${good}` },
  'in the query beside others': { path: `/?b=%41&access_token=${good}&a=1` },
  'a broken one in the query': { path: '/?access_token=x' },
  'an empty one in the query': { path: '/?access_token=' },
  'good ones in both places': { ...bearer(good), path: `/?access_token=${good}` },
  'a good and a broken one': { ...bearer(good), path: '/?access_token=x' },
  'a broken and a good one': { ...bearer('x'), path: `/?access_token=${good}` },
  'two headers': {
    headers: [
      ['authorization', `Bearer ${good}`],
      ['authorization', `Bearer ${good}`],
    ],
  },
  'two headers, one broken': {
    headers: [
      ['authorization', 'Bearer a.b.c'],
      ['authorization', `Bearer ${good}`],
    ],
  },
  'two dots alone': bearer('..'),
  'one dot': bearer('a.b'),
  'three dots': bearer(`${good}.`),
  'no signature': bearer(`${goodHead}.${goodBody}.`),
  'no payload': bearer(`${goodHead}..${goodSignature}`),
  'another signature': bearer(`${goodHead}.${goodBody}.${base64('abc')}`),
  'a changed payload': bearer(`${goodHead}.${base64(JSON.stringify(claims({ sub: 'you' })))}.${goodSignature}`),
  'a header that is no base64': bearer(`${goodHead}%.${goodBody}.${goodSignature}`),
  'a header of impossible length': bearer(`a.${goodBody}.${goodSignature}`),
  'a payload that is no base64': bearer(`${goodHead}.${goodBody}%.${goodSignature}`),
  'a signature that is no base64': bearer(`${goodHead}.${goodBody}.${goodSignature}%`),
  'padding behind a part': bearer(`${goodHead}.${goodBody}.${goodSignature}==`),
  'a header that is no JSON': bearer(token(claims(), { header: 'x' })),
  'a header that is a list': bearer(token(claims(), { header: '[]' })),
  'a header that is text': bearer(token(claims(), { header: '"a"' })),
  'an empty header part': bearer(token(claims(), { header: '{}' })),
  'alg of a number': bearer(token(claims(), { header: '{"alg":1}' })),
  'alg of null': bearer(token(claims(), { header: '{"alg":null}' })),
  'alg none': bearer(token(claims(), { header: '{"alg":"none"}' })),
  'alg in lower case': bearer(token(claims(), { header: '{"alg":"rs256"}' })),
  'alg ES256K': bearer(token(claims(), { header: '{"alg":"ES256K"}' })),
  'alg twice': bearer(token(claims(), { header: '{"alg":"none","alg":"RS256"}' })),
  'alg of another type of key': bearer(token(claims(), { header: '{"alg":"ES256"}' })),
  'alg of a HMAC': bearer(token(claims(), { header: '{"alg":"HS256"}' })),
  'kid of a number': bearer(token(claims(), { header: { kid: 1 } })),
  'kid of null': bearer(token(claims(), { header: { kid: null } })),
  'a kid where keys have none': bearer(token(claims(), { header: { kid: 'a' } })),
  'more in the header': bearer(token(claims(), { header: { typ: 'JWT', crit: ['b64'], jku: 'http://x', x5c: [] } })),
  RS384: says({}, { alg: 'RS384' }),
  RS512: says({}, { alg: 'RS512' }),
  PS256: says({}, { alg: 'PS256' }),
  PS384: says({}, { alg: 'PS384' }),
  PS512: says({}, { alg: 'PS512' }),
  ES256: says({}, { key: 'ec256' }),
  ES384: says({}, { key: 'ec384' }),
  ES512: says({}, { key: 'ec521' }),
  EdDSA: says({}, { key: 'ed' }),
  HS256: says({}, { alg: 'HS256', secret: 'secret' }),
  HS384: says({}, { alg: 'HS384', secret: 'secret' }),
  HS512: says({}, { alg: 'HS512', secret: 'secret' }),
  'HS256 with another secret': says({}, { alg: 'HS256', secret: 'secrets' }),
  'HS256 with a public key as secret': says({}, { alg: 'HS256', secret: JSON.stringify(jwk('rsa')) }),
  'signed by another key': says({}, { key: 'otherRsa' }),
  'EdDSA of another length': bearer(token(claims(), { alg: 'EdDSA', key: 'rsa' })),
  'a payload that is no JSON': bearer(token('x')),
  'a payload that is a list': bearer(token('[]')),
  'an empty payload': bearer(token('{}')),
  'a payload of bad UTF-8': bearer(
    token(claims()).replace(goodBody, Buffer.from('{"iss":"\xff"}', 'latin1').toString('base64url')),
  ),
  'a payload with a key twice': bearer(token('{"iss":"other","iss":"issuer"}')),
  'a payload with half a surrogate pair': bearer(token('{"iss":"issuer","a":"\\ud800"}')),
  'a payload with a huge number': bearer(token('{"iss":"issuer","a":1e999}')),
  'a payload with a comment': bearer(token('{"iss":"issuer" /* a */}')),
  'a payload with a comma too many': bearer(token('{"iss":"issuer",}')),
  'a payload with single quotes': bearer(token("{'iss':'issuer'}")),
  'a payload that is deep': bearer(token(`{"iss":"issuer","a":${'['.repeat(90)}${']'.repeat(90)}}`)),
  'a payload that is too deep': bearer(token(`{"iss":"issuer","a":${'['.repeat(150)}${']'.repeat(150)}}`)),
  'white space around the payload': bearer(token(' {"iss":"issuer"}\n')),
  'something behind the payload': bearer(token('{"iss":"issuer"} x')),
  'iss of a number': says({ iss: 1 }),
  'iss of null': says({ iss: null }),
  'another iss': says({ iss: 'other' }),
  'no iss': bearer(token({ exp: LATER })),
  'an empty iss': says({ iss: '' }),
  'sub of a number': says({ sub: 1 }),
  'iat of text': says({ iat: '1' }),
  'iat in the future': says({ iat: LATER }),
  'iat below 0': says({ iat: -1 }),
  'nbf of text': says({ nbf: 'a' }),
  'nbf in the future': says({ nbf: LATER }),
  'nbf in the past': says({ nbf: BEFORE }),
  'nbf below 0': says({ nbf: -1 }),
  'exp of text': says({ exp: '1' }),
  'exp of null': says({ exp: null }),
  'exp in the past': says({ exp: BEFORE }),
  'exp below 0': says({ exp: -1 }),
  'exp 0': says({ exp: 0 }),
  'exp of a fraction': says({ exp: LATER + 0.5 }),
  'exp below 1': says({ exp: 0.5 }),
  'exp beyond 64 bits': bearer(token('{"iss":"issuer","exp":1e30}')),
  'no exp': bearer(token({ iss: 'issuer' })),
  'jti of a number': says({ jti: 1 }),
  'aud of text': says({ aud: 'a' }),
  'aud of a list': says({ aud: ['a', 'b'] }),
  'aud of a number': says({ aud: 1 }),
  'aud of a list with a number': says({ aud: ['a', 1] }),
  'aud of null': says({ aud: null }),
  'a long path': { path: `/${'a'.repeat(300)}` },
  'a path with quotes': { path: '/a"b\\c' },
  'a body': { method: 'POST', body: 'abc' },
  'a good token with a body': { ...bearer(good), method: 'POST', body: 'abc' },
  HEAD: { method: 'HEAD' },
  gRPC: { method: 'POST', headers: { 'content-type': 'application/grpc' } },
  'gRPC with a token of another audience': {
    method: 'POST',
    headers: { 'content-type': 'application/grpc', authorization: 'Bearer x' },
  },
  'a preflight': {
    method: 'OPTIONS',
    headers: { origin: 'http://a', 'access-control-request-method': 'PUT' },
  },
};

/** What protobuf's parser takes for JSON and nobody else does. */
const loose = new Set(['a payload with a comma too many', 'a payload with single quotes']);
const each = (requests: Readonly<Record<string, Request>>): readonly Case[] =>
  Object.entries(requests).map(([name, request]) => ({
    name,
    requests: [request],
    ...(loose.has(name) ? { difference: 'jwt-json' } : {}),
  }));
const some = (...names: readonly string[]): readonly Case[] =>
  names.map((name) => ({ name, requests: [tokens[name] ?? {}] }));

const manager = (places: Places, filters: readonly Json[], more: Json = {}): Json => ({
  access_log: [fileLog(places, format)],
  http_filters: [...filters, router()],
  ...more,
});
const scenario = (name: string, filter: Json, cases: readonly Case[], more: Json = {}): Scenario => ({
  feature,
  name,
  stats,
  bootstrap: (places) => simple(places, { manager: manager(places, [filter], more) }),
  cases,
});

const other = token({ iss: 'other', aud: 'a', exp: LATER });
const inHeader = (name: string): Json => ({ from_headers: [{ name }] });
const both = { p: provider(inHeader('x-p')), q: provider({ issuer: 'other', ...inHeader('x-q') }) };
const pq: Readonly<Record<string, Request>> = {
  neither: {},
  both: { headers: { 'x-p': good, 'x-q': other } },
  'the first': { headers: { 'x-p': good } },
  'the second': { headers: { 'x-q': other } },
  exchanged: { headers: { 'x-p': other, 'x-q': good } },
  'the first broken': { headers: { 'x-p': 'x' } },
  'the second broken': { headers: { 'x-q': 'x' } },
  'the first good, the second broken': { headers: { 'x-p': good, 'x-q': 'x' } },
  'both broken': { headers: { 'x-p': 'x', 'x-q': 'a.b.c' } },
  'the first expired, the second missing': { headers: { 'x-p': token(claims({ exp: BEFORE })) } },
  'the first of another audience': { headers: { 'x-p': token(claims({ aud: 'b' })) } },
};
const p: Json = { provider_name: 'p' };
const q: Json = { provider_name: 'q' };
const any = (...requirements: readonly Json[]): Json => ({ requires_any: { requirements } });
const every = (...requirements: readonly Json[]): Json => ({ requires_all: { requirements } });
const missing: Json = { allow_missing: {} };
const failed: Json = { allow_missing_or_failed: {} };
const audience = (name: string, audiences: readonly string[]): Json => ({
  provider_and_audiences: { provider_name: name, audiences },
});

const trees: Readonly<Record<string, Json>> = {
  nothing: {},
  any: any(p, q),
  all: every(p, q),
  'may be missing': missing,
  'may fail': failed,
  'any or missing': any(p, q, missing),
  'any or failed': any(p, q, failed),
  'one or missing': any(p, missing),
  'any of what may be missing': any(missing, missing),
  'any of what may be missing or fail': any(missing, failed),
  'all and missing': every(p, missing),
  'any of all': any(every(p, q), missing),
  'all of any': every(any(p, missing), any(q, missing)),
  'an audience': audience('p', ['b']),
  'no audiences': audience('p', []),
  'any of audiences': any(audience('p', ['b']), audience('q', ['a'])),
};
const metadata = { payload_in_metadata: 'payload', header_in_metadata: 'header', failed_status_in_metadata: 'failed' };

const requirements = Object.entries(trees).map(([name, requires]) =>
  scenario(
    `requirement: ${name}`,
    jwt({
      providers: {
        p: { ...both.p, payload_in_metadata: 'p', failed_status_in_metadata: 'p_failed' },
        q: { ...both.q, payload_in_metadata: 'q' },
      },
      rules: [everywhere(requires)],
    }),
    each(pq),
  ),
);

const claimToHeaders = (...names: readonly string[]): Json => ({
  claim_to_headers: names.map((claim_name, index) => ({ header_name: `X-Claim-${index}`, claim_name })),
});
const rich = token(
  claims({
    text: 'tëxt "q"',
    empty: '',
    number: 5,
    negative: -3,
    fraction: 1.25,
    large: 1e300,
    yes: true,
    no: false,
    nothing: null,
    list: ['a', 1],
    map: { inner: { deep: 'value' } },
    'a.b': 'dotted',
    scope: 'read  write',
    lines: 'a\r\nx-evil: 1',
  }),
);

const providers: readonly (readonly [string, Json, readonly Case[]])[] = [
  ['forward', { forward: true }, some('a good token', 'in the query beside others', 'no token')],
  [
    'payload header',
    { forward_payload_header: 'X-Payload' },
    each({
      good: bearer(good, { 'x-payload': 'forged' }),
      missing: { headers: { 'x-payload': 'forged' } },
      twice: { headers: { authorization: `Bearer ${good}` }, path: `/?access_token=${good}` },
    }),
  ],
  [
    'padded payload header',
    { forward_payload_header: 'x-payload', pad_forward_payload_header: true },
    ['', 'a', 'ab', 'abc'].map((sub) => ({ name: `sub ${sub}`, requests: [says({ sub })] })),
  ],
  [
    'claims to headers',
    claimToHeaders(
      'sub',
      'text',
      'empty',
      'number',
      'negative',
      'fraction',
      'large',
      'yes',
      'no',
      'nothing',
      'list',
      'map',
      'map.inner',
      'map.inner.deep',
      'map.none.deep',
      'a.b',
      'none',
      'constructor',
    ),
    each({
      rich: bearer(rich, { 'x-claim-0': 'forged', 'x-claim-16': 'forged' }),
      missing: { headers: { 'x-claim-0': 'x' } },
    }),
  ],
  [
    'claims by path',
    {
      claim_to_headers: [
        { header_name: 'x-a', claim_path: [{ key: 'a.b' }] },
        { header_name: 'x-b', claim_path: [{ key: 'map' }, { key: 'inner' }, { key: 'deep' }] },
      ],
    },
    each({ rich: bearer(rich) }),
  ],
  [
    'metadata',
    metadata,
    [...each({ rich: bearer(rich) }), ...some('a good token', 'no token', 'a payload that is no JSON')],
  ],
  ['payload alone', { payload_in_metadata: 'payload' }, some('a good token', 'no token')],
  [
    'normalised payload',
    {
      payload_in_metadata: 'payload',
      normalize_payload_in_metadata: { space_delimited_claims: ['scope', 'sub', 'list'] },
    },
    each({ rich: bearer(rich), 'no scope': bearer(good) }),
  ],
  [
    'other headers',
    {
      from_headers: [
        { name: 'X-Token' },
        { name: 'x-auth', value_prefix: 'Token ' },
        { name: 'x-auth', value_prefix: 'JWT' },
      ],
    },
    each({
      plain: { headers: { 'x-token': good } },
      prefixed: { headers: { 'x-auth': `Token ${good}` } },
      'other prefix': { headers: { 'x-auth': `JWT${good}` } },
      'without prefix': { headers: { 'x-auth': good } },
      'the usual one': bearer(good),
      'in the query': { path: `/?access_token=${good}` },
    }),
  ],
  [
    'other parameters',
    { from_params: ['t', 'u'] },
    each({
      first: { path: `/?t=${good}&z=%20` },
      second: { path: `/a?u=${good}` },
      'both, one broken': { path: `/?t=${good}&u=x` },
      twice: { path: `/?t=${good}&t=x` },
      'twice, the second good': { path: `/?t=x&t=${good}` },
      encoded: { path: `/?t=${good.replaceAll('.', '%2E')}` },
      'the usual one': bearer(good),
    }),
  ],
  [
    'cookies',
    { from_cookies: ['c', 'd'] },
    each({
      first: { headers: { cookie: `a=b; c=${good}` } },
      second: { headers: { cookie: `d=${good}; x=y` } },
      quoted: { headers: { cookie: `c="${good}"` } },
      'two of the name': { headers: { cookie: `c=${good}; c=x` } },
      'both, one broken': { headers: { cookie: `c=${good}; d=x` } },
      empty: { headers: { cookie: 'c=' } },
      'two headers': {
        headers: [
          ['cookie', 'a=b'],
          ['cookie', `c=${good}`],
        ],
      },
    }),
  ],
  [
    'all places',
    { from_headers: [{ name: 'x-t' }], from_params: ['t'], from_cookies: ['c'] },
    each({
      good: { headers: { 'x-t': good, cookie: `c=${good}` }, path: `/?t=${good}` },
      'a broken cookie': { headers: { 'x-t': good, cookie: 'c=x' } },
    }),
  ],
  [
    'audiences',
    { audiences: ['a', 'https://b.test/', 'http://c.test', ''] },
    each({
      none: bearer(good),
      first: says({ aud: 'a' }),
      'with a scheme': says({ aud: 'https://a' }),
      'with a slash': says({ aud: 'a/' }),
      'with two slashes': says({ aud: 'a//' }),
      'without a scheme': says({ aud: 'b.test' }),
      'another scheme': says({ aud: 'http://b.test' }),
      'upper case': says({ aud: 'A' }),
      'one of several': says({ aud: ['x', 'c.test/'] }),
      'none of several': says({ aud: ['x', 'y'] }),
      empty: says({ aud: '' }),
      'empty list': says({ aud: [] }),
    }),
  ],
  ['any issuer', { issuer: '' }, some('another iss', 'no iss', 'a good token')],
  [
    'subjects',
    { subjects: { prefix: 'm' } },
    each({ good: bearer(good), other: says({ sub: 'you' }), none: bearer(token({ iss: 'issuer' })) }),
  ],
  ['an end is needed', { require_expiration: true }, some('a good token', 'no exp', 'exp 0', 'exp in the past')],
  ['a short life', { max_lifetime: '100s' }, some('a good token', 'no exp', 'exp in the past')],
  ['a long life', { max_lifetime: '9000000000s' }, some('a good token', 'no exp')],
  ['clock skew', { clock_skew_seconds: 2_000_000_000 }, some('exp in the past', 'a good token')],
  ['clock skew of 0', { clock_skew_seconds: 0 }, some('exp in the past', 'a good token')],
  [
    'cache',
    { jwt_cache_config: { jwt_cache_size: 2 } },
    [
      { name: 'twice', requests: [bearer(good), bearer(good)] },
      { name: 'bad twice', requests: [says({ exp: BEFORE }), says({ exp: BEFORE })] },
      {
        name: 'three of them',
        requests: [says({ a: 1 }), says({ a: 2 }), says({ a: 3 }), says({ a: 1 }), says({ a: 3 })],
      },
    ],
  ],
  [
    'cache of short tokens',
    { jwt_cache_config: { jwt_max_token_size: 10 } },
    [{ name: 'twice', requests: [bearer(good), bearer(good)] }],
  ],
];

const keySets: Readonly<Record<string, string>> = {
  none: '',
  'no JSON': 'x',
  'a list': '[]',
  'an empty object': '{}',
  'no list of keys': '{"keys":1}',
  'an empty list': '{"keys":[]}',
  'a list of numbers': '{"keys":[1]}',
  'no type': jwks({ ...jwk('rsa'), kty: undefined }),
  'a type that nobody knows': jwks({ kty: 'x' }),
  'a broken key before a good one': jwks({ kty: 'x' }, jwk('rsa')),
  'a good key before a broken one': jwks(jwk('rsa'), { kty: 'RSA', n: 'a' }),
  'the wrong key before the right one': jwks(jwk('otherRsa'), jwk('rsa')),
  'the wrong key alone': jwks(jwk('otherRsa')),
  'a key of another type': jwks(jwk('ec256')),
  'the same kid': jwks(jwk('rsa', { kid: 'k' })),
  'another kid': jwks(jwk('rsa', { kid: 'l' })),
  'the same kid on the wrong key': jwks(jwk('otherRsa', { kid: 'k' }), jwk('rsa', { kid: 'l' })),
  'kid of a number': jwks(jwk('rsa', { kid: 1 })),
  'the same alg': jwks(jwk('rsa', { alg: 'RS256' })),
  'another alg': jwks(jwk('rsa', { alg: 'RS512' })),
  'alg PS256': jwks(jwk('rsa', { alg: 'PS256' })),
  'alg of another type': jwks(jwk('rsa', { alg: 'ES256' })),
  'alg of a number': jwks(jwk('rsa', { alg: 1 })),
  'for encryption': jwks(jwk('rsa', { use: 'enc' })),
  'n is missing': jwks(jwk('rsa', { n: undefined })),
  'n is no base64': jwks(jwk('rsa', { n: '%' })),
  'e is missing': jwks(jwk('rsa', { e: undefined })),
  'e is a number': jwks(jwk('rsa', { e: 65537 })),
  'certificates that are none': '{"k":"-----BEGIN CERTIFICATE-----"}',
  'e is another one': jwks(jwk('rsa', { e: 'AQAD' })),
};
const withKid = token(claims(), { header: { kid: 'k' } });

const curves: readonly (readonly [string, Json, Request])[] = [
  ['no curve', jwk('ec256', { crv: undefined }), says({}, { key: 'ec256' })],
  ['no curve but an alg', jwk('ec384', { crv: undefined, alg: 'ES384' }), says({}, { key: 'ec384' })],
  ['alg and curve differ', jwk('ec384', { alg: 'ES256' }), says({}, { key: 'ec384' })],
  ['a curve of another length', jwk('ec384', { crv: 'P-256' }), says({}, { key: 'ec384' })],
  ['a curve that nobody knows', jwk('ec256', { crv: 'secp256k1' }), says({}, { key: 'ec256' })],
  ['a point beside the curve', jwk('ec256', { x: 'AAAA' }), says({}, { key: 'ec256' })],
  ['x is missing', jwk('ec256', { x: undefined }), says({}, { key: 'ec256' })],
  ['Ed25519 without alg', jwk('ed'), says({}, { key: 'ed' })],
  ['Ed25519 with alg', jwk('ed', { alg: 'EdDSA' }), says({}, { key: 'ed' })],
  ['Ed25519 with another alg', jwk('ed', { alg: 'ES256' }), says({}, { key: 'ed' })],
  ['Ed25519 without curve', jwk('ed', { crv: undefined }), says({}, { key: 'ed' })],
  ['Ed25519 with a short key', jwk('ed', { x: 'AAAA' }), says({}, { key: 'ed' })],
  ['a secret', { kty: 'oct', k: 'c2VjcmV0' }, says({}, { alg: 'HS256', secret: 'secret' })],
  [
    'a secret of another alg',
    { kty: 'oct', k: 'c2VjcmV0', alg: 'HS512' },
    says({}, { alg: 'HS256', secret: 'secret' }),
  ],
  ['an empty secret', { kty: 'oct', k: '' }, says({}, { alg: 'HS256', secret: '' })],
  ['a P-384 key for ES256', jwk('ec384'), bearer(token(claims(), { key: 'ec384', alg: 'ES256' }))],
];

/** Key sets that Envoy refuses where they are local. */
const broken = new Set([
  'no JSON',
  'a list',
  'an empty object',
  'no list of keys',
  'an empty list',
  'a list of numbers',
  'no type',
  'a type that nobody knows',
  'alg of another type',
  'n is missing',
  'n is no base64',
  'e is missing',
  'e is a number',
  'alg and curve differ',
  'a curve of another length',
  'a curve that nobody knows',
  'a point beside the curve',
  'x is missing',
  'Ed25519 with another alg',
  'Ed25519 without curve',
  'Ed25519 with a short key',
  'an empty secret',
  'e is another one',
  'certificates that are none',
]);
const keyCases: readonly (readonly [string, string, Request])[] = [
  ...Object.entries(keySets).map(([name, text]) => [name, text, bearer(withKid)] as const),
  ...curves.map(([name, key, request]) => [name, jwks(key), request] as const),
];
const usable = keyCases.filter(([name]) => !broken.has(name));

/** A provider for each of the key sets, behind a path of its own. */
const keys: Scenario = scenario(
  'keys',
  jwt({
    providers: Object.fromEntries(
      usable.map(([, inline_string], index) => [`p${index}`, provider({ local_jwks: { inline_string } })]),
    ),
    rules: usable.map((_, index) => ({
      match: { prefix: `/${index}/` },
      requires: { provider_name: `p${index}` },
    })),
  }),
  usable.map(([name, , request], index): Case => ({ name, requests: [{ ...request, path: `/${index}/` }] })),
);

const rules: Scenario = scenario(
  'rules',
  jwt({
    providers: both,
    requirement_map: { named: p, open: {} },
    rules: [
      { match: { path: '/exact' }, requires: p },
      { match: { path: '/Folded', case_sensitive: false }, requires: p },
      { match: { prefix: '/open' } },
      { match: { prefix: '/named' }, requirement_name: 'named' },
      { match: { prefix: '/header', headers: [{ name: 'x-h', present_match: true }] }, requires: p },
      { match: { prefix: '/query', query_parameters: [{ name: 'q', string_match: { exact: '1' } }] }, requires: p },
      { match: { safe_regex: { regex: '/r[0-9]+' } }, requires: p },
      { match: { path_separated_prefix: '/separated' }, requires: p },
      { match: { prefix: '/both' }, requires: p },
      { match: { prefix: '/both' }, requires: q },
      { match: { connect_matcher: {} }, requires: p },
      { match: { prefix: '/p?x' }, requires: p },
    ],
  }),
  [
    '/exact',
    '/exact?q',
    '/exact/',
    '/exact#f',
    '/folded',
    '/FOLDED?',
    '/open/a',
    '/named',
    '/header',
    '/query?q=1',
    '/query?q=2',
    '/query',
    '/r1',
    '/r1?x',
    '/r1a',
    '/separated',
    '/separated/a',
    '/separateda',
    '/both',
    '/p?x',
    '/none',
    '//exact',
    '/%65xact',
  ].flatMap((path): readonly Case[] => [
    { name: path, requests: [{ path }] },
    { name: `${path} with a token`, requests: [{ path, headers: { 'x-p': good, 'x-h': '1' } }] },
  ]),
);

const per = (config: Json): Json => ({ typed_per_filter_config: { jwt: typed(PER_ROUTE, config) } });
const routes: Scenario = {
  feature,
  name: 'routes',
  stats,
  bootstrap: (places) =>
    simple(places, {
      manager: manager(
        places,
        [jwt({ providers: both, requirement_map: { p, q, open: {} }, rules: [everywhere(p)] })],
        {
          route_config: {
            name: 'routes',
            virtual_hosts: [
              {
                name: 'all',
                domains: ['*'],
                ...per({ requirement_name: 'q' }),
                routes: [
                  { match: { prefix: '/p' }, route: { cluster: 'c0' }, ...per({ requirement_name: 'p' }) },
                  { match: { prefix: '/open' }, route: { cluster: 'c0' }, ...per({ requirement_name: 'open' }) },
                  { match: { prefix: '/off' }, route: { cluster: 'c0' }, ...per({ disabled: true }) },
                  { match: { prefix: '/unknown' }, route: { cluster: 'c0' }, ...per({ requirement_name: 'none' }) },
                  {
                    match: { prefix: '/disabled' },
                    route: { cluster: 'c0' },
                    typed_per_filter_config: { jwt: typed('envoy.config.route.v3.FilterConfig', { disabled: true }) },
                  },
                  { match: { prefix: '/direct' }, direct_response: { status: 200 } },
                  { match: { prefix: '/' }, route: { cluster: 'c0' } },
                ],
              },
            ],
          },
        },
      ),
    }),
  cases: ['/p', '/open', '/off', '/unknown', '/disabled', '/direct', '/host'].flatMap((path): readonly Case[] => [
    { name: path, requests: [{ path }] },
    { name: `${path}: first`, requests: [{ path, headers: { 'x-p': good } }] },
    { name: `${path}: second`, requests: [{ path, headers: { 'x-q': other } }] },
  ]),
};

const rerouted: Scenario = {
  feature,
  name: 'claims decide about the route',
  stats,
  bootstrap: (places) =>
    simple(places, {
      routes: [
        {
          name: 'header',
          match: { prefix: '/', headers: [{ name: 'x-sub', string_match: { exact: 'me' } }] },
          route: { cluster: 'c0', prefix_rewrite: '/header' },
        },
        {
          name: 'metadata',
          match: {
            prefix: '/',
            dynamic_metadata: [
              {
                filter: 'envoy.filters.http.jwt_authn',
                path: [{ key: 'payload' }, { key: 'sub' }],
                value: { string_match: { exact: 'you' } },
              },
            ],
          },
          route: { cluster: 'c0', prefix_rewrite: '/metadata' },
        },
        { name: 'plain', match: { prefix: '/' }, route: { cluster: 'c0', prefix_rewrite: '/plain' } },
      ],
      manager: manager(places, [
        jwt({
          providers: {
            p: provider({
              clear_route_cache: true,
              payload_in_metadata: 'payload',
              claim_to_headers: [{ header_name: 'x-sub', claim_name: 'sub' }],
            }),
            q: provider({
              from_headers: [{ name: 'x-q' }],
              claim_to_headers: [{ header_name: 'x-sub', claim_name: 'sub' }],
            }),
            r: provider({
              clear_route_cache: true,
              from_headers: [{ name: 'x-r' }],
              claim_to_headers: [{ header_name: 'x-none', claim_name: 'none' }],
            }),
          },
          rules: [everywhere(any(p, q, { provider_name: 'r' }, missing))],
        }),
      ]),
    }),
  cases: each({
    nobody: {},
    me: bearer(good),
    you: says({ sub: 'you' }),
    another: says({ sub: 'he' }),
    'a forged header': bearer(token(claims({ sub: 'he' })), { 'x-sub': 'me' }),
    'a provider that clears nothing': { headers: { 'x-q': good } },
    'a provider that has nothing to tell': { headers: { 'x-r': good } },
  }),
};

const rbac: Scenario = {
  feature,
  name: 'claims decide about access',
  stats,
  bootstrap: (places) =>
    simple(places, {
      manager: manager(places, [
        byOne({ payload_in_metadata: 'payload' }),
        {
          name: 'rbac',
          typed_config: typed('envoy.extensions.filters.http.rbac.v3.RBAC', {
            rules: {
              policies: {
                admins: {
                  permissions: [{ any: true }],
                  principals: [
                    {
                      metadata: {
                        filter: 'envoy.filters.http.jwt_authn',
                        path: [{ key: 'payload' }, { key: 'groups' }],
                        value: { list_match: { one_of: { string_match: { exact: 'admins' } } } },
                      },
                    },
                  ],
                },
              },
            },
          }),
        },
      ]),
    }),
  cases: each({
    'of the group': says({ groups: ['users', 'admins'] }),
    'of another': says({ groups: ['users'] }),
    'of none': bearer(good),
  }),
};

const refused = (name: string, config: Json, route: Json = {}): Scenario => ({
  feature,
  name: `refused: ${name}`,
  validateOnly: true,
  bootstrap: (places) =>
    simple(places, {
      routes: [{ match: { prefix: '/' }, route: { cluster: 'c0' }, ...route }],
      manager: { http_filters: [jwt(config), router()] },
    }),
  cases: [],
});
const ofProvider = (name: string, more: Json): Scenario => refused(name, { providers: { p: provider(more) } });

const refusals: readonly Scenario[] = [
  refused('nothing said', {}),
  refused('a provider of nothing', { providers: { p: {} } }),
  refused('no keys', { providers: { p: { issuer: 'a' } } }),
  refused('an unknown provider', { providers: { p: provider() }, rules: [everywhere({ provider_name: 'q' })] }),
  refused('an empty provider', { providers: { p: provider() }, rules: [everywhere({ provider_name: '' })] }),
  refused('an unknown provider with audiences', {
    providers: { p: provider() },
    rules: [everywhere(audience('q', []))],
  }),
  refused('an unknown requirement', {
    providers: { p: provider() },
    rules: [{ match: { prefix: '/' }, requirement_name: 'a' }],
  }),
  refused('an empty requirement', {
    providers: { p: provider() },
    rules: [{ match: { prefix: '/' }, requirement_name: '' }],
  }),
  refused('one of any', { providers: { p: provider() }, rules: [everywhere(any(p))] }),
  refused('one of all', { providers: { p: provider() }, rules: [everywhere(every(p))] }),
  refused('a rule without a match', { providers: { p: provider() }, rules: [{ requires: p }] }),
  refused('a rule without a path', { providers: { p: provider() }, rules: [{ match: {}, requires: p }] }),
  ofProvider('a file that is not there', { local_jwks: { filename: '/nowhere/jwks' } }),
  ofProvider('keys of nothing', { local_jwks: {} }),
  ofProvider('keys that are none', { local_jwks: { inline_string: 'x' } }),
  ofProvider('a header without a name', { from_headers: [{ name: '' }] }),
  ofProvider('a header with a line feed', { from_headers: [{ name: 'a\nb' }] }),
  ofProvider('a prefix with a line feed', { from_headers: [{ name: 'a', value_prefix: 'a\nb' }] }),
  ofProvider('a payload header with a line feed', { forward_payload_header: 'a\nb' }),
  ofProvider('a claim without a header', { claim_to_headers: [{ claim_name: 'a' }] }),
  ofProvider('a claim without a name', { claim_to_headers: [{ header_name: 'a' }] }),
  ofProvider('a claim with name and path', {
    claim_to_headers: [{ header_name: 'a', claim_name: 'b', claim_path: [{ key: 'c' }] }],
  }),
  ofProvider('a claim path of nothing', { claim_to_headers: [{ header_name: 'a', claim_path: [{ key: '' }] }] }),
  ofProvider('a life of 0', { max_lifetime: '0s' }),
  ofProvider('a life below 0', { max_lifetime: '-1s' }),
  ofProvider('subjects of nothing', { subjects: {} }),
  refused('a route that says nothing', { providers: { p: provider() } }, per({})),
  refused('a route that is not disabled', { providers: { p: provider() } }, per({ disabled: false })),
  refused('a route without a name', { providers: { p: provider() } }, per({ requirement_name: '' })),
];

export const scenarios: readonly Scenario[] = [
  scenario('tokens', byOne({ failed_status_in_metadata: 'failed' }), each(tokens)),
  ...providers.map(([name, more, cases]) => scenario(`provider: ${name}`, byOne(more), cases)),
  ...requirements,
  keys,
  rules,
  routes,
  rerouted,
  rbac,
  scenario(
    'nothing told',
    byOne({}, { strip_failure_response: true }),
    some('no token', 'two dots alone', 'a good token'),
  ),
  scenario('preflights pass', byOne({}, { bypass_cors_preflight: true }), some('a preflight', 'no token')),
  {
    ...scenario('a prefix of its own', byOne({}, { stat_prefix: 'mine' }), some('a good token', 'no token')),
  },
  scenario('an odd prefix', byOne({}, { stat_prefix: 'a.b:c' }), some('a good token')),
  scenario('no rules', jwt({ providers: { p: provider() } }), some('a good token', 'no token')),
  ...refusals,
  ...Object.entries(keySets).map(([name, text]) =>
    ofProvider(`keys: ${name}`, { local_jwks: { inline_string: text } }),
  ),
];
