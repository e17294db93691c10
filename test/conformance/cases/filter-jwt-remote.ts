import { cluster, fileLog, router, simple, typed } from '../config.ts';
import { jwk, jwks, token } from '../jwt.ts';
import type { Behaviour, Case, Json, Request, Scenario } from '../types.ts';

const TYPE = 'envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication';
const feature = 'JWT filter with remote keys';
const stats = [/^http\.in\.jwt_authn\./, /^cluster\.c1\.upstream_rq_(total|200|5xx|retry|timeout)$/];
const format = '%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%\n';

const good: Request = { headers: { authorization: `Bearer ${token()}` } };
const answer = (body: string, head = 'HTTP/1.1 200 OK'): Behaviour => ({
  raw: `${head}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
});
const set = jwks(jwk('rsa'));
const keys = answer(set);

/** Backend 1 has the keys. */
const remote = (more: Json = {}, uri = 'http://keys.test/jwks?a=b'): Json => ({
  http_uri: { uri, cluster: 'c1', timeout: '1s' },
  ...more,
});
const scenario = (name: string, jwksConfig: Json, cases: readonly Case[], more: Partial<Scenario> = {}): Scenario => ({
  feature,
  name,
  stats,
  backends: ['http', 'http'],
  bootstrap: (places) =>
    simple(places, {
      clusters: [cluster(places, 0), cluster(places, 1)],
      manager: {
        access_log: [fileLog(places, format)],
        http_filters: [
          {
            name: 'jwt',
            typed_config: typed(TYPE, {
              providers: { p: { issuer: 'issuer', remote_jwks: jwksConfig } },
              rules: [{ match: { prefix: '/' }, requires: { provider_name: 'p' } }],
            }),
          },
          router(),
        ],
      },
    }),
  cases,
  ...more,
});

const one = (name: string, behaviours: readonly Behaviour[], more: Partial<Case> = {}): Case => ({
  name,
  requests: [good],
  backends: { 1: behaviours },
  ...more,
});

/** Nothing is kept, so that each request asks. */
const answers: readonly Case[] = [
  one('keys', [keys]),
  one('keys twice', [keys, keys], { requests: [good, good] }),
  one('a request without a token', [], { requests: [{}] }),
  one('a broken token', [], { requests: [{ headers: { authorization: 'Bearer x' } }] }),
  one('a token of another issuer', [], {
    requests: [{ headers: { authorization: `Bearer ${token({ iss: 'other' })}` } }],
  }),
  one(
    'a body that comes meanwhile',
    [{ raw: [{ raw: '', afterMs: 100 }, { raw: `HTTP/1.1 200 OK\r\ncontent-length: ${set.length}\r\n\r\n${set}` }] }],
    {
      requests: [{ ...good, method: 'POST', body: 'abc'.repeat(100) }],
    },
  ),
  one('chunked keys', [
    { raw: `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${set.length.toString(16)}\r\n${set}\r\n0\r\n\r\n` },
  ]),
  one('keys until the end', [{ raw: `HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n${set}`, afterwards: 'close' }]),
  one('keys in pieces', [
    {
      raw: [
        { raw: `HTTP/1.1 200 OK\r\ncontent-length: ${set.length}\r\n\r\n${set.slice(0, 40)}` },
        { raw: set.slice(40), afterMs: 50 },
      ],
    },
  ]),
  one('201', [answer(set, 'HTTP/1.1 201 Created')]),
  one('204', [{ raw: 'HTTP/1.1 204 No Content\r\n\r\n' }]),
  one('302', [answer('', 'HTTP/1.1 302 Found\r\nlocation: http://keys.test/other')]),
  one('404', [answer(set, 'HTTP/1.1 404 Not Found')]),
  one('500', [answer(set, 'HTTP/1.1 500 Internal Server Error')]),
  one('503', [answer('', 'HTTP/1.1 503 Service Unavailable')]),
  one('nothing', [answer('')]),
  one('no JSON', [answer('<html>')]),
  one('no keys', [answer('{"keys":[]}')]),
  one('keys of nobody', [answer('{"keys":[{"kty":"x"}]}')]),
  one('other keys', [answer(jwks(jwk('otherRsa')))]),
  one('keys of another type', [answer(jwks(jwk('ec256')))]),
  one('good after bad', [answer('x'), keys], { requests: [good, good] }),
  one('no answer', ['hang'], { timeoutMs: 4000 }),
  one('half an answer', [{ raw: 'HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"keys":' }], { timeoutMs: 4000 }),
  one('an answer that breaks off', [
    { raw: 'HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"keys":', afterwards: 'close' },
  ]),
  one('a closed connection', [{ end: 'close' }]),
  one('a reset connection', [{ end: 'reset' }]),
  one('no HTTP', [{ raw: 'hello\r\n\r\n', afterwards: 'close' }]),
  one('good after no answer', ['hang', keys], { requests: [good, good], timeoutMs: 4000 }),
  one('100 before the keys', [
    { raw: `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: ${set.length}\r\n\r\n${set}` },
  ]),
];

/** A server that fails in ways that those above do not, and one more request that it answers well: nothing of the failure stays. */
const failures: readonly Case[] = [
  one('late', [{ raw: [{ raw: '', afterMs: 400 }] }, keys]),
  one('silent', ['hang', keys]),
  one('silent within the head', [{ raw: 'HTTP/1.1 200 OK\r\ncontent-le' }, keys]),
  one('silent within a chunk', [{ raw: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\n{"keys"' }, keys]),
  one('closed within the head', [{ raw: 'HTTP/1.1 200 OK\r\ncontent-le', afterwards: 'close' }, keys]),
  one('closed within a chunk', [
    { raw: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\n{"keys"', afterwards: 'close' },
    keys,
  ]),
  one('garbage', [{ raw: '\x00\x01\x02 hello'.repeat(30) }, keys]),
  one('an endless body', [
    { raw: `HTTP/1.1 200 OK\r\ncontent-length: 999999999999\r\n\r\n${' '.repeat(60_000)}` },
    keys,
  ]),
  one('an endless head', [{ raw: `HTTP/1.1 200 OK\r\nx: ${'x'.repeat(100_000)}` }, keys]),
  one('keys as HTML', [answer(set, 'HTTP/1.1 200 OK\r\ncontent-type: text/html')]),
  one('deep JSON', [answer('['.repeat(5_000)), keys]),
  one('keys cut off', [answer(set.slice(0, -5)), keys]),
].map((row) =>
  row.backends?.[1]?.length === 1
    ? row
    : { ...row, requests: [good, good], fresh: true, without: ['stats', 'backends'] },
);

/** Envoy writes its own GET as one with an empty chunked body when it sends it again. */
const again: Partial<Case> = { without: ['backends'] };

const kept: readonly Case[] = [
  one('the first asks, the others do not', [keys], { requests: [good, good, good] }),
  one('they are known', [], { requests: [good, { headers: { authorization: 'Bearer x' } }, {}] }),
];

const uris: readonly (readonly [string, string])[] = [
  ['without a path', 'http://keys.test'],
  ['a port', 'http://keys.test:81/jwks'],
  ['HTTPS', 'https://keys.test/jwks'],
  ['a fragment', 'http://keys.test/jwks#f'],
  ['an address', 'http://[::1]:80/jwks'],
  ['upper case', 'HTTP://Keys.Test/JWKS'],
];

const refused = (name: string, config: Json, difference?: string): Scenario => ({
  ...scenario(`refused: ${name}`, config, difference ? [{ name: 'start', difference }] : []),
  validateOnly: true,
});
const uri = (text: string): Json => ({ http_uri: { uri: text, cluster: 'c1', timeout: '1s' } });

export const scenarios: readonly Scenario[] = [
  scenario('answers', remote({ cache_duration: '0.5s' }), answers),
  scenario(
    'a failing server',
    { http_uri: { uri: 'http://keys.test/jwks', cluster: 'c1', timeout: '0.25s' }, cache_duration: '0.001s' },
    failures,
  ),
  scenario('kept', remote(), kept),
  scenario('kept for a second', remote({ cache_duration: '1s' }), [
    one('the first', [keys], { requests: [good, good] }),
    one('later', [keys], { requests: [good], settleMs: 1200 }),
    one('later still', [keys], { requests: [good, good] }),
  ]),
  scenario(
    'retries',
    remote({ cache_duration: '0.5s', retry_policy: { num_retries: 2, retry_back_off: { base_interval: '0.01s' } } }),
    [
      one('good at once', [keys]),
      one('good after 500', [answer('', 'HTTP/1.1 500 Internal Server Error'), keys], again),
      one('good after 404', [answer('', 'HTTP/1.1 404 Not Found'), keys]),
      one('good after a reset', [{ end: 'reset' }, keys], again),
      one(
        'bad for ever',
        [500, 502, 503].map((code) => answer('', `HTTP/1.1 ${code} No`)),
        again,
      ),
    ],
  ),
  scenario(
    'other retries',
    remote({
      cache_duration: '0.5s',
      retry_policy: { retry_on: 'retriable-4xx', retry_back_off: { base_interval: '0.01s' } },
    }),
    [
      one('409', [answer('', 'HTTP/1.1 409 Conflict'), keys], again),
      one('500', [answer('', 'HTTP/1.1 500 No'), keys], again),
    ],
  ),
  scenario(
    'ahead of requests',
    remote({ async_fetch: {} }),
    [one('known', [], { requests: [good, good], without: ['stats'] })],
    { warmUpMs: 300, stats: false, backends: ['http', 'http'] },
  ),
  ...uris.map(([name, text]) =>
    scenario(`URI: ${name}`, remote({ cache_duration: '0.5s' }, text), [one('a request', [keys])]),
  ),
  {
    ...scenario('nobody listens', remote(), [one('a request', [])]),
    backends: ['http', 'closed'],
  },
  {
    ...scenario('no such cluster', { http_uri: { uri: 'http://a', cluster: 'none', timeout: '1s' } }, [
      one('a request', []),
    ]),
  },
  {
    ...scenario('no host', { http_uri: { uri: 'http://a', cluster: 'empty', timeout: '1s' } }, [one('a request', [])]),
    bootstrap: (places) => {
      const base = scenario('', { http_uri: { uri: 'http://a', cluster: 'empty', timeout: '1s' } }, []).bootstrap(
        places,
      );
      const resources = base['static_resources'] as { readonly clusters: readonly Json[] };
      return {
        ...base,
        static_resources: {
          ...resources,
          clusters: [...resources.clusters, { name: 'empty', load_assignment: { cluster_name: 'empty' } }],
        },
      };
    },
  },
  refused('no URI', {}),
  refused('an empty URI', uri('')),
  refused('a URI without a scheme', uri('keys.test/jwks')),
  refused('a URI of another scheme', uri('ftp://keys.test/jwks')),
  refused('a URI with a space', uri('http://keys.test/a b')),
  refused('a URI without a host', uri('http:///jwks')),
  refused('a URI with a user', uri('http://a:b@keys.test/'), 'jwt-uri'),
  refused('a URI with a large port', uri('http://keys.test:99999/')),
  refused('a path alone', uri('/jwks')),
  refused('a query without a path', uri('http://keys.test?x=y'), 'jwt-uri'),
  refused('a fragment without a path', uri('http://keys.test#x')),
  refused('a scheme that is none', uri('1://keys.test/jwks')),
  refused('a scheme alone', uri('http://')),
  refused('retries of what is unknown', remote({ retry_policy: { retry_on: 'x' } })),
  refused('retries with host rules', remote({ retry_policy: { retry_host_predicate: [] } })),
  refused('a cluster that is not there', { http_uri: { uri: 'http://a', cluster: 'none', timeout: '1s' } }),
  refused('no cluster', { http_uri: { uri: 'http://a', timeout: '1s' } }),
  refused('no time-out', { http_uri: { uri: 'http://a', cluster: 'c1' } }),
  refused('a time-out of 0', { http_uri: { uri: 'http://a', cluster: 'c1', timeout: '0s' } }),
  refused('a cache of less than 0', remote({ cache_duration: '-1s' })),
  refused('a cache of 0', remote({ cache_duration: '0s' })),
  refused('an endless cache', remote({ cache_duration: '9223372036s' })),
  refused(
    'retries that wait less at most',
    remote({
      retry_policy: { retry_back_off: { base_interval: '1s', max_interval: '0.5s' } },
    }),
  ),
  refused('retries without an interval', remote({ retry_policy: { retry_back_off: {} } })),
  refused('fetched again after a negative time', remote({ async_fetch: { failed_refetch_duration: '-1s' } })),
];
