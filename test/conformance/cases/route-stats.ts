import { cluster } from '../config.ts';
import { forward, type Table, tableScenario } from '../route-tables.ts';
import type { Behaviour, Json, Scenario } from '../types.ts';

const method = (name: string): Json => ({
  name: name.toLowerCase(),
  headers: [{ name: ':method', string_match: { exact: name } }],
});

const table: Table = {
  name: 'host',
  host: {
    virtual_clusters: [
      method('POST'),
      { name: 'deep', headers: [{ name: ':path', string_match: { safe_regex: { regex: '/a/.*' } } }] },
    ],
  },
  routes: [
    forward({ prefix: '/retry' }, { retry_policy: { retry_on: '5xx', num_retries: 2 } }, { stat_prefix: 'again' }),
    forward({ prefix: '/slow' }, { timeout: '0.1s' }, { stat_prefix: 'slow' }),
    forward({ prefix: '/nobody' }, { cluster: 'c1' }, { stat_prefix: 'nobody' }),
    { match: { prefix: '/nowhere' }, route: { cluster_header: 'x-nope' }, stat_prefix: 'nowhere' },
    {
      match: { prefix: '/direct' },
      direct_response: { status: 200, body: { inline_string: 'd' } },
      stat_prefix: 'direct',
    },
    {
      match: { prefix: '/weighted' },
      route: { weighted_clusters: { clusters: [{ name: 'c0', weight: 1 }] } },
      stat_prefix: 'weighted',
    },
    forward({ prefix: '/' }),
  ],
  requests: [
    ['POST', { method: 'POST' }],
    ['deep', { path: '/a/b' }],
    ['other', { path: '/b' }],
    ['POST nobody', { method: 'POST', path: '/nobody' }],
    ['nowhere', { path: '/nowhere' }],
    ['direct', { path: '/direct' }],
    ['weighted', { path: '/weighted' }],
  ],
};

const error: Behaviour = { raw: 'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n' };

const scenario = tableScenario('virtual clusters', 'counts', [table], {
  clusters: (places) => [cluster(places, 0), cluster(places, 1, [])],
});

export const scenarios: readonly Scenario[] = [
  {
    ...scenario,
    stats: [/^vhost\./],
    cases: [
      ...scenario.cases,
      {
        name: 'a code of its own',
        requests: [{ host: 'host.test', path: '/c' }],
        backends: { 0: [{ raw: 'HTTP/1.1 418 Teapot\r\ncontent-length: 0\r\n\r\n' }] },
      },
      { name: 'retried', requests: [{ host: 'host.test', path: '/retry' }], backends: { 0: [error] } },
      {
        name: 'retried in vain',
        requests: [{ host: 'host.test', path: '/retry' }],
        backends: { 0: [error, error, error] },
      },
      { name: 'too slow', requests: [{ host: 'host.test', path: '/slow' }], backends: { 0: ['hang'] } },
      { name: 'reset', requests: [{ host: 'host.test', path: '/a/' }], backends: { 0: [{ end: 'reset' }] } },
    ],
  },
];
