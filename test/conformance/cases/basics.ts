import { cluster, simple, toCluster } from '../config.ts';
import type { Scenario } from '../types.ts';

export const scenarios: readonly Scenario[] = [
  {
    feature: 'proxying',
    name: 'one route to one backend',
    bootstrap: (places) => simple(places, {}),
    cases: [
      { name: 'GET', requests: [{}] },
      { name: 'HEAD', requests: [{ method: 'HEAD' }] },
      {
        name: 'GET with headers',
        requests: [{ path: '/a?b=c', headers: { 'User-Agent': 'test', Accept: '*/*', 'X-Mixed-Case': 'Kept Value' } }],
      },
      { name: 'POST with a body', requests: [{ method: 'POST', body: 'hello' }] },
      { name: 'POST with chunks', requests: [{ method: 'POST', body: 'hello', chunked: true }] },
      { name: 'POST without a body', requests: [{ method: 'POST' }] },
      { name: 'PUT with an empty body', requests: [{ method: 'PUT', body: '' }] },
      { name: 'DELETE', requests: [{ method: 'DELETE' }] },
      { name: 'OPTIONS', requests: [{ method: 'OPTIONS' }] },
      { name: 'three on one connection', requests: [{}, { path: '/2' }, { path: '/3' }] },
      { name: 'the client asks to close', requests: [{ headers: { Connection: 'close' } }] },
      {
        name: 'a response with odd headers',
        requests: [{}],
        backends: {
          0: [
            {
              raw: 'HTTP/1.1 200 Fine\r\nServer: mine\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nX-Two: a\r\nx-two: b\r\nContent-Length: 0\r\n\r\n',
            },
          ],
        },
      },
      {
        name: 'a chunked response',
        requests: [{}],
        backends: { 0: [{ raw: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n' }] },
      },
      {
        name: 'a response that ends with the connection',
        requests: [{}],
        backends: { 0: [{ raw: 'HTTP/1.1 200 OK\r\n\r\nabc', afterwards: 'close' }] },
      },
      { name: 'the backend closes without an answer', requests: [{}], backends: { 0: [{ end: 'close' }] } },
      { name: 'the backend resets without an answer', requests: [{}], backends: { 0: [{ end: 'reset' }] } },
    ],
  },
  {
    feature: 'proxying',
    name: 'without a backend',
    backends: ['closed'],
    bootstrap: (places) =>
      simple(places, {
        routes: [
          toCluster('c0', {}, { prefix: '/refused' }),
          toCluster('c1', {}, { prefix: '/empty' }),
          { match: { prefix: '/direct' }, direct_response: { status: 201, body: { inline_string: 'made' } } },
        ],
        clusters: [cluster(places, 0), cluster(places, 1, [])],
      }),
    cases: [
      { name: 'connection refused', requests: [{ path: '/refused' }] },
      { name: 'cluster without endpoints', requests: [{ path: '/empty' }] },
      { name: 'direct response', requests: [{ path: '/direct' }] },
      { name: 'HEAD of a direct response', requests: [{ method: 'HEAD', path: '/direct' }] },
      { name: 'no route', requests: [{ path: '/none' }] },
      { name: 'POST to no route', requests: [{ method: 'POST', path: '/none', body: 'hello' }] },
    ],
  },
];
