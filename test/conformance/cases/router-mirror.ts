import { cluster, routeConfig, router, simple, toCluster, typed } from '../config.ts';
import type { Behaviour, Case, Json, Scenario } from '../types.ts';

const post = { method: 'POST', body: 'hello' } as const;
const to = (name: string, policies: readonly Json[], more: Json = {}): Json =>
  toCluster('c0', { request_mirror_policies: policies, ...more }, { prefix: `/${name}` });
const share = (numerator: number): Json => ({ runtime_fraction: { default_value: { numerator } } });
const bad: Behaviour = { raw: 'HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n' };
const mirrored = (cases: readonly Case[]): readonly Case[] =>
  cases.map((one) => ({ sideBySide: true, settleMs: 80, ...one }));

export const scenarios: readonly Scenario[] = [
  {
    feature: 'router mirroring',
    name: 'policies of routes',
    backends: ['http', 'http', 'http'],
    stats: [/^cluster\.c1\.internal\./],
    bootstrap: (places) =>
      simple(places, {
        routes: [
          to('one', [{ cluster: 'c1' }]),
          to('two', [{ cluster: 'c1' }, { cluster: 'c2' }]),
          to('twice', [{ cluster: 'c1' }, { cluster: 'c1' }]),
          to('header', [{ cluster_header: 'X-Mirror' }]),
          to('all', [{ cluster: 'c1', ...share(100) }]),
          to('none', [{ cluster: 'c1', ...share(0) }]),
          to('plain', [{ cluster: 'c1', disable_shadow_host_suffix_append: true }]),
          to('host', [{ cluster: 'c1', host_rewrite_literal: 'mirror.example' }]),
          to('bare', [
            { cluster: 'c1', host_rewrite_literal: 'mirror.example', disable_shadow_host_suffix_append: true },
          ]),
          to('mutate', [
            {
              cluster: 'c1',
              request_headers_mutations: [
                { append: { header: { key: 'x-mirrored', value: '%REQ(:path)%' } } },
                { append: { header: { key: 'x-kept', value: 'over' }, append_action: 'OVERWRITE_IF_EXISTS' } },
                { remove: 'x-removed' },
              ],
            },
          ]),
          to('rewritten', [{ cluster: 'c1' }], { prefix_rewrite: '/new', host_rewrite_literal: 'other.example' }),
          to('sampled', [{ cluster: 'c1', trace_sampled: false }]),
          to('timeout', [{ cluster: 'c1' }], { timeout: '0.15s' }),
          to('retry', [{ cluster: 'c1' }], {
            timeout: '0s',
            retry_policy: { retry_on: '5xx', num_retries: 2, retry_back_off: { base_interval: '0.001s' } },
          }),
        ],
        clusters: [cluster(places, 0), cluster(places, 1), cluster(places, 2)],
      }),
    cases: mirrored([
      { name: 'one', requests: [{ path: '/one' }] },
      { name: 'one, with a port in the host', requests: [{ path: '/one', host: 'example.com:8080' }] },
      { name: 'one, with an address for a host', requests: [{ path: '/one', host: '10.0.0.1' }] },
      {
        name: 'one, with a forwarding header',
        requests: [{ path: '/one', headers: { 'x-forwarded-for': '10.1.1.1' } }],
      },
      { name: 'HEAD', requests: [{ method: 'HEAD', path: '/one' }] },
      { name: 'a body', requests: [{ ...post, path: '/one' }] },
      { name: 'chunks', requests: [{ ...post, chunked: true, path: '/one' }] },
      { name: 'an empty POST', requests: [{ method: 'POST', path: '/one' }] },
      { name: '100 KiB', requests: [{ method: 'POST', path: '/one', body: 'm'.repeat(102_400) }] },
      { name: 'two', requests: [{ path: '/two' }] },
      { name: 'two, with a body', requests: [{ ...post, path: '/two' }] },
      { name: 'the same cluster twice', requests: [{ path: '/twice' }], without: ['connections'] },
      { name: 'by header', requests: [{ path: '/header', headers: { 'x-mirror': 'c2' } }] },
      { name: 'by header, none', requests: [{ path: '/header' }] },
      { name: 'by header, unknown', requests: [{ path: '/header', headers: { 'x-mirror': 'nope' } }] },
      { name: 'by header, empty', requests: [{ path: '/header', headers: { 'x-mirror': '' } }] },
      { name: 'every request', requests: [{ path: '/all' }] },
      { name: 'no request', requests: [{ path: '/none' }] },
      { name: 'host without suffix', requests: [{ path: '/plain' }] },
      { name: 'another host', requests: [{ path: '/host' }] },
      { name: 'another host without suffix', requests: [{ path: '/bare' }] },
      { name: 'headers changed', requests: [{ path: '/mutate', headers: { 'x-kept': 'own', 'x-removed': '1' } }] },
      { name: 'the rewritten request', requests: [{ path: '/rewritten/a?b=c' }] },
      { name: 'not sampled', requests: [{ path: '/sampled' }] },
      { name: 'two requests', requests: [{ path: '/one/1' }, { path: '/one/2' }] },
      { name: 'the mirror answers badly', requests: [{ path: '/one' }], backends: { 1: [bad] } },
      { name: 'the mirror closes', requests: [{ path: '/one' }], backends: { 1: [{ end: 'close' }] } },
      { name: 'the mirror never answers', requests: [{ path: '/timeout' }], backends: { 1: ['hang'] }, settleMs: 300 },
      {
        name: 'only the client’s request is tried again',
        requests: [{ path: '/retry' }],
        backends: { 0: [bad], 1: [bad] },
      },
      {
        name: 'only the client’s body is sent again',
        requests: [{ ...post, path: '/retry' }],
        backends: { 0: [bad], 1: [bad] },
      },
      {
        name: 'a body in pieces',
        steps: [
          { send: 'POST /one HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\nab' },
          { sleep: 50 },
          { send: 'cd' },
          { sleep: 50 },
          { send: 'ef' },
        ],
      },
      {
        name: 'the client goes before the end of its body',
        steps: [
          { send: 'POST /one HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\nab' },
          { sleep: 80 },
          { do: 'close' },
        ],
        responses: 0,
        // How the connection ends is the client's own doing here.
        without: ['fate'],
      },
    ]),
  },
  {
    feature: 'router mirroring',
    name: 'a share of the requests',
    backends: ['http', 'http'],
    bootstrap: (places) =>
      simple(places, {
        routes: [to('half', [{ cluster: 'c1', ...share(50) }])],
        clusters: [cluster(places, 0), cluster(places, 1)],
      }),
    cases: [{ name: 'half', requests: [{ path: '/half' }], repeat: 150, tolerance: 0.18 }],
  },
  {
    feature: 'router mirroring',
    name: 'levels',
    backends: ['http', 'http', 'http', 'http'],
    bootstrap: (places) =>
      simple(places, {
        manager: {
          route_config: {
            name: 'routes',
            request_mirror_policies: [{ cluster: 'c1' }],
            virtual_hosts: [
              {
                name: 'own',
                domains: ['own.example'],
                request_mirror_policies: [{ cluster: 'c2' }],
                routes: [to('route', [{ cluster: 'c3' }]), toCluster('c0')],
              },
              { name: 'other', domains: ['*'], routes: [to('route', [{ cluster: 'c3' }]), toCluster('c0')] },
            ],
          },
        },
        clusters: [cluster(places, 0), cluster(places, 1), cluster(places, 2), cluster(places, 3)],
      }),
    cases: mirrored([
      { name: 'route over virtual host', requests: [{ path: '/route', host: 'own.example' }] },
      { name: 'virtual host over table', requests: [{ host: 'own.example' }] },
      { name: 'route over table', requests: [{ path: '/route' }] },
      { name: 'table', requests: [{}] },
    ]),
  },
  {
    feature: 'router mirroring',
    name: 'of clusters, without host and beside other options',
    backends: ['http', 'http', 'closed'],
    bootstrap: (places) => {
      const options = typed('envoy.extensions.upstreams.http.v3.HttpProtocolOptions', {
        explicit_http_config: { http_protocol_options: {} },
        request_mirror_policies: [{ cluster: 'c1' }],
      });
      return simple(places, {
        manager: {
          http_filters: [router({ suppress_envoy_headers: true })],
          route_config: routeConfig(
            [
              toCluster('c3', {}, { prefix: '/cluster' }),
              to('refused', [{ cluster: 'c2' }]),
              to('empty', [{ cluster: 'c4' }]),
              toCluster('c0', { request_mirror_policies: [{ cluster: 'c1' }] }, { prefix: '/' }),
            ],
            {},
            { include_request_attempt_count: true },
          ),
        },
        clusters: [
          cluster(places, 0),
          cluster(places, 1),
          cluster(places, 2),
          cluster(places, 3, [0], {
            typed_extension_protocol_options: { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': options },
          }),
          cluster(places, 4, []),
        ],
      });
    },
    cases: mirrored([
      { name: 'the cluster mirrors', requests: [{ path: '/cluster' }] },
      { name: 'nobody listens', requests: [{ path: '/refused' }] },
      { name: 'no host', requests: [{ path: '/empty' }] },
      { name: 'without Envoy headers', requests: [{}] },
    ]),
  },
];
