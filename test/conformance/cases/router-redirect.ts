import { cluster, routeConfig, simple, typed } from '../config.ts';
import type { Behaviour, Json, Scenario } from '../types.ts';

const post = { method: 'POST', body: 'hello' } as const;
const predicate = (type: string, config: Json = {}): Json => ({
  name: 'predicate',
  typed_config: typed(`envoy.extensions.internal_redirect.${type}`, config),
});
const to = (status: number, location: string | undefined, more = ''): Behaviour => ({
  raw: `HTTP/1.1 ${status} Moved\r\n${location === undefined ? '' : `location: ${location}\r\n`}${more}content-length: 0\r\n\r\n`,
});
const route = (name: string, policy: Json, more: Json = {}): Json => ({
  name,
  match: { prefix: `/${name}` },
  route: { cluster: 'c0', internal_redirect_policy: policy, ...more },
});

export const scenarios: readonly Scenario[] = [
  {
    feature: 'internal redirects',
    name: 'policies',
    backends: ['http', 'http'],
    stats: [/^http\.in\.passthrough_internal_redirect/],
    bootstrap: (places) =>
      simple(places, {
        manager: {
          route_config: routeConfig(
            [
              route('default', {}),
              route('codes', { redirect_response_codes: [301, 303, 307, 308] }),
              route('wrongcodes', { redirect_response_codes: [200, 404] }),
              route('three', { max_internal_redirects: 3 }),
              route('zero', { max_internal_redirects: 0 }),
              route('cross', { allow_cross_scheme_redirect: true }),
              route('copy', { response_headers_to_copy: ['x-copied', 'x-gone'] }),
              route('previous', {
                max_internal_redirects: 5,
                predicates: [predicate('previous_routes.v3.PreviousRoutesConfig')],
              }),
              route('listed', {
                predicates: [
                  predicate('allow_listed_routes.v3.AllowListedRoutesConfig', { allowed_route_names: ['target'] }),
                ],
              }),
              route('safe', {
                allow_cross_scheme_redirect: true,
                predicates: [predicate('safe_cross_scheme.v3.SafeCrossSchemeConfig')],
              }),
              route('rewritten', {}, { prefix_rewrite: '/new', host_rewrite_literal: 'up.example' }),
              {
                name: 'old',
                match: { prefix: '/old' },
                route: { cluster: 'c0', internal_redirect_action: 'HANDLE_INTERNAL_REDIRECT' },
              },
              { name: 'target', match: { prefix: '/target' }, route: { cluster: 'c1' } },
              {
                name: 'direct',
                match: { prefix: '/direct' },
                direct_response: { status: 200, body: { inline_string: 'direct' } },
              },
              { name: 'away', match: { prefix: '/away' }, redirect: { host_redirect: 'elsewhere.example' } },
              { name: 'plain', match: { prefix: '/plain' }, route: { cluster: 'c0' } },
            ],
            { request_headers_to_add: [{ header: { key: 'x-added', value: 'again' } }] },
            { include_request_attempt_count: true },
          ),
        },
        clusters: [cluster(places, 0), cluster(places, 1)],
      }),
    cases: [
      { name: '302', requests: [{ path: '/default' }], backends: { 0: [to(302, 'http://example.com/target?a=b')] } },
      {
        name: '302 to another host',
        requests: [{ path: '/default?q=1' }],
        backends: { 0: [to(302, 'http://other.example:81/target')] },
      },
      {
        name: '302 without a path',
        requests: [{ path: '/default' }],
        backends: { 0: [to(302, 'http://example.com')] },
      },
      {
        name: '302 with a fragment',
        requests: [{ path: '/default' }],
        backends: { 0: [to(302, 'http://example.com/target#part')] },
      },
      {
        name: '302 with upper-case scheme and host',
        requests: [{ path: '/default' }],
        backends: { 0: [to(302, 'HTTP://Example.COM/target')] },
      },
      {
        name: '302 with a query and no path',
        requests: [{ path: '/default' }],
        backends: { 0: [to(302, 'http://example.com?a=b')] },
      },
      { name: '302 with a path alone', requests: [{ path: '/default' }], backends: { 0: [to(302, '/target')] } },
      { name: '302 without a location', requests: [{ path: '/default' }], backends: { 0: [to(302, undefined)] } },
      { name: '302 with an empty location', requests: [{ path: '/default' }], backends: { 0: [to(302, '')] } },
      { name: '302 with no URL', requests: [{ path: '/default' }], backends: { 0: [to(302, 'nowhere')] } },
      {
        name: '302 with another scheme',
        requests: [{ path: '/default' }],
        backends: { 0: [to(302, 'ftp://example.com/target')] },
      },
      {
        name: '302 to https',
        requests: [{ path: '/default' }],
        backends: { 0: [to(302, 'https://example.com/target')] },
      },
      {
        name: '302 to no route',
        requests: [{ path: '/default' }],
        backends: { 0: [to(302, 'http://example.com/nowhere')] },
      },
      {
        name: '302 to a direct response',
        requests: [{ path: '/default' }],
        backends: { 0: [to(302, 'http://example.com/direct')] },
      },
      {
        name: '302 to a redirect',
        requests: [{ path: '/default' }],
        backends: { 0: [to(302, 'http://example.com/away')] },
      },
      {
        name: '302 with a body',
        requests: [{ path: '/default' }],
        backends: {
          0: [{ raw: 'HTTP/1.1 302 Found\r\nlocation: http://example.com/target\r\ncontent-length: 4\r\n\r\nbody' }],
        },
      },
      {
        name: '302 of a POST',
        requests: [{ ...post, path: '/default' }],
        backends: { 0: [to(302, 'http://example.com/target')] },
      },
      {
        name: '302 of a chunked POST',
        requests: [{ ...post, chunked: true, path: '/default' }],
        backends: { 0: [to(302, 'http://example.com/target')] },
      },
      {
        name: '301 is not among the codes',
        requests: [{ path: '/default' }],
        backends: { 0: [to(301, 'http://example.com/target')] },
      },
      {
        name: 'a second redirect is too many',
        requests: [{ path: '/default' }],
        backends: { 0: [to(302, 'http://example.com/default/2'), to(302, 'http://example.com/target')] },
      },
      {
        name: 'another request on the connection',
        requests: [{ path: '/default' }, { path: '/plain' }],
        backends: { 0: [to(302, 'http://example.com/target')] },
      },
      {
        name: 'HEAD',
        requests: [{ method: 'HEAD', path: '/default' }],
        backends: { 0: [to(302, 'http://example.com/target')] },
      },
      ...[301, 302, 303, 307, 308].map((code) => ({
        name: `codes: ${code}`,
        requests: [{ path: '/codes' }],
        backends: { 0: [to(code, 'http://example.com/target')] },
      })),
      ...[301, 303, 307, 308].map((code) => ({
        name: `codes: ${code} of a POST`,
        requests: [{ ...post, path: '/codes' }],
        backends: { 0: [to(code, 'http://example.com/target')] },
      })),
      {
        name: '303 of a HEAD',
        requests: [{ method: 'HEAD', path: '/codes' }],
        backends: { 0: [to(303, 'http://example.com/target')] },
      },
      {
        name: 'only codes that are no redirects',
        requests: [{ path: '/wrongcodes' }],
        backends: { 0: [to(302, 'http://example.com/target')] },
      },
      {
        name: 'three in a row',
        // Envoy's connection is not free again before the redirect begins.
        without: ['connections'],
        requests: [{ path: '/three' }],
        backends: {
          0: [
            to(302, 'http://example.com/three/2'),
            to(302, 'http://example.com/three/3'),
            to(302, 'http://example.com/target'),
          ],
        },
      },
      {
        name: 'four in a row',
        without: ['connections'],
        requests: [{ path: '/three' }],
        backends: { 0: [1, 2, 3, 4].map((turn) => to(302, `http://example.com/three/${turn}`)) },
      },
      { name: 'none allowed', requests: [{ path: '/zero' }], backends: { 0: [to(302, 'http://example.com/target')] } },
      {
        name: 'cross scheme',
        requests: [{ path: '/cross' }],
        backends: { 0: [to(302, 'https://example.com/target')] },
      },
      {
        name: 'headers copied',
        requests: [{ path: '/copy', headers: { 'x-copied': 'own', 'x-gone': 'own', 'x-stays': '1' } }],
        backends: { 0: [to(302, 'http://example.com/target', 'x-copied: one\r\nx-copied: two\r\n')] },
      },
      {
        name: 'a route led to before',
        requests: [{ path: '/previous' }],
        backends: { 0: [to(302, 'http://example.com/previous/2'), to(302, 'http://example.com/previous/3')] },
      },
      {
        name: 'a listed route',
        requests: [{ path: '/listed' }],
        backends: { 0: [to(302, 'http://example.com/target')] },
      },
      {
        name: 'a route that is not listed',
        requests: [{ path: '/listed' }],
        backends: { 0: [to(302, 'http://example.com/plain')] },
      },
      {
        name: 'a scheme that is not safe',
        requests: [{ path: '/safe' }],
        backends: { 0: [to(302, 'https://example.com/target')] },
      },
      {
        name: 'a scheme that is safe',
        requests: [{ path: '/safe' }],
        backends: { 0: [to(302, 'http://example.com/target')] },
      },
      {
        name: 'from a rewritten request',
        requests: [{ path: '/rewritten/a' }],
        backends: { 0: [to(302, 'http://example.com/target')] },
      },
      {
        name: 'the deprecated field',
        requests: [{ path: '/old' }],
        backends: { 0: [to(302, 'http://example.com/target')] },
      },
      {
        name: 'without a policy',
        requests: [{ path: '/plain' }],
        backends: { 0: [to(302, 'http://example.com/target')] },
      },
      {
        name: 'before the request is complete',
        steps: [{ send: 'POST /default HTTP/1.1\r\nhost: example.com\r\ncontent-length: 4\r\n\r\nab' }, { sleep: 60 }],
        backends: {
          0: [{ early: 'HTTP/1.1 302 Found\r\nlocation: http://example.com/target\r\ncontent-length: 0\r\n\r\n' }],
        },
      },
      {
        name: 'the target fails',
        requests: [{ path: '/default' }],
        backends: { 0: [to(302, 'http://example.com/target')], 1: [{ end: 'close' }] },
      },
    ],
  },
];
