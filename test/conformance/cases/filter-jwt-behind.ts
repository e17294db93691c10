import { fileLog, router, simple, typed } from '../config.ts';
import { jwk, jwks, LATER, token } from '../jwt.ts';
import type { Case, Json, Request, Scenario } from '../types.ts';

const TYPE = 'envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication';
const MUTATION = 'envoy.extensions.filters.http.header_mutation.v3.HeaderMutation';
const PER_ROUTE = 'envoy.extensions.filters.http.header_mutation.v3.HeaderMutationPerRoute';
const OFF = typed('envoy.config.route.v3.FilterConfig', { disabled: true });
const feature = 'filters behind the JWT filter';
const format = '%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %ROUTE_NAME% %RESP(X-SAYS)%\n';

const append = (key: string, value: string): Json => ({ append: { header: { key, value } } });
const says = (value: string): Json => ({
  mutations: {
    request_mutations: [append('x-says', value)],
    response_mutations: [append('x-says', value)],
  },
});
const own = (value: string): Json => typed(PER_ROUTE, says(value));
const mutation = (name: string, value: string, more: Json = {}): Json => ({
  name,
  typed_config: typed(MUTATION, says(value)),
  ...more,
});
const jwt = (more: Json): Json => ({
  name: 'jwt',
  typed_config: typed(TYPE, {
    providers: {
      p: {
        issuer: 'issuer',
        local_jwks: { inline_string: jwks(jwk('rsa')) },
        claim_to_headers: [{ header_name: 'x-sub', claim_name: 'sub' }],
        ...more,
      },
    },
    rules: [
      {
        match: { prefix: '/' },
        requires: { requires_any: { requirements: [{ provider_name: 'p' }, { allow_missing: {} }] } },
      },
    ],
  }),
});

const route = (sub: string, more: Json): Json => ({
  name: sub,
  match: { prefix: '/', headers: [{ name: 'x-sub', string_match: { exact: sub } }] },
  route: { cluster: 'c0', prefix_rewrite: `/${sub}` },
  ...more,
});
const plain = (more: Json): Json => ({
  name: 'plain',
  match: { prefix: '/' },
  route: { cluster: 'c0', prefix_rewrite: '/plain' },
  ...more,
});
const per = (behind: Json): Json => ({ typed_per_filter_config: { behind } });

const as = (sub: string, more: Request = {}): Request => ({
  headers: { authorization: `Bearer ${token({ iss: 'issuer', sub, exp: LATER })}` },
  ...more,
});
const cases: readonly Case[] = [
  { name: 'nobody', requests: [{}] },
  { name: 'own configuration', requests: [as('own')] },
  { name: 'off', requests: [as('off')] },
  { name: 'nothing said', requests: [as('silent')] },
  { name: 'no cluster', requests: [as('lost')] },
  { name: 'an answer of the proxy', requests: [as('direct')] },
  { name: 'another route without a token', requests: [{ headers: { 'x-sub': 'own' } }] },
  { name: 'a body', requests: [as('own', { method: 'POST', body: 'abc' })] },
  { name: 'one after the other', requests: [as('own'), {}, as('off'), as('own')] },
];

const scenario = (name: string, clears: boolean, first: Json, behind: Json = {}): Scenario => ({
  feature,
  name,
  bootstrap: (places) =>
    simple(places, {
      routes: [
        route('own', per(own('own'))),
        route('off', per(OFF)),
        route('silent', {}),
        route('lost', { route: { cluster_header: 'x-none' }, ...per(own('lost')) }),
        {
          name: 'direct',
          match: { prefix: '/', headers: [{ name: 'x-sub', string_match: { exact: 'direct' } }] },
          direct_response: { status: 418 },
        },
        plain(first),
      ],
      manager: {
        access_log: [fileLog(places, format)],
        http_filters: [
          mutation('before', 'before'),
          jwt(clears ? { clear_route_cache: true } : {}),
          mutation('behind', 'chain', behind),
          router(),
        ],
      },
    }),
  cases,
});

export const scenarios: readonly Scenario[] = [
  scenario('another route', true, {}),
  scenario('the first route stays', false, {}),
  scenario('the first route says its own', true, per(own('first'))),
  scenario('the first route has it off', true, per(OFF)),
  scenario('the chain has it off', true, {}, { disabled: true }),
];
