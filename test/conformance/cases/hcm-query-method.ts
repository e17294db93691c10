import { simple, toCluster } from '../config.ts';
import type { Case, Scenario } from '../types.ts';

const types: readonly (readonly [string, string])[][] = [
  [],
  [['Content-Type', 'text/plain']],
  [['Content-Type', '']],
  [
    ['Content-Type', 'a'],
    ['Content-Type', 'b'],
  ],
];

const query = (method: string, headers: readonly (readonly [string, string])[], path = '/'): Case => ({
  name: `${method} ${path} with ${JSON.stringify(headers)}`,
  requests: [{ method, path, headers, body: 'q' }],
});

export const scenarios: readonly Scenario[] = [
  {
    feature: 'request headers',
    name: 'QUERY and its content type',
    bootstrap: (places) =>
      simple(places, {
        routes: [{ match: { prefix: '/direct' }, direct_response: { status: 200 } }, toCluster()],
      }),
    cases: [
      ...types.map((headers) => query('QUERY', headers)),
      query('QUERY', [], '/direct'),
      query('QUERY', [], '/../x'),
      query('QUERYX', []),
      query('query', []),
      query('POST', []),
      { name: 'no body', requests: [{ method: 'QUERY' }] },
      { name: 'no host', requests: [{ method: 'QUERY', host: null }] },
      { name: 'no route', requests: [{ method: 'QUERY', path: '*' }] },
    ],
  },
  {
    feature: 'response headers',
    name: 'headers of the connection that a route adds',
    bootstrap: (places) => {
      const add = (key: string, value = 'added') => ({
        header: { key, value },
        append_action: 'OVERWRITE_IF_EXISTS_OR_ADD',
      });
      const names = ['keep-alive', 'connection', 'proxy-connection', 'upgrade', 'transfer-encoding', 'te', 'trailer'];
      return simple(places, {
        routes: [
          ...names.flatMap((name) => [
            { ...toCluster('c0', {}, { prefix: `/${name}` }), response_headers_to_add: [add(name)] },
            {
              match: { prefix: `/direct-${name}` },
              direct_response: { status: 200, body: { inline_string: 'x' } },
              response_headers_to_add: [add(name)],
            },
          ]),
          toCluster(),
        ],
      });
    },
    cases: [
      ...['keep-alive', 'connection', 'proxy-connection', 'upgrade', 'te', 'trailer'].flatMap((name): Case[] => [
        { name, requests: [{ path: `/${name}` }] },
        { name: `${name} of a direct response`, requests: [{ path: `/direct-${name}` }] },
        {
          name: `${name} of the upstream too`,
          requests: [{ path: `/${name}` }],
          backends: { 0: [{ raw: `HTTP/1.1 200 OK\r\n${name}: theirs\r\ncontent-length: 0\r\n\r\n` }] },
        },
      ]),
      {
        name: 'keep-alive of the upstream alone',
        requests: [{}],
        backends: { 0: [{ raw: 'HTTP/1.1 200 OK\r\nkeep-alive: timeout=5\r\ncontent-length: 0\r\n\r\n' }] },
      },
      {
        name: 'keep-alive that the upstream names in connection',
        requests: [{}],
        backends: {
          0: [
            { raw: 'HTTP/1.1 200 OK\r\nconnection: keep-alive\r\nkeep-alive: timeout=5\r\ncontent-length: 0\r\n\r\n' },
          ],
        },
      },
    ],
  },
];
