import { server } from '../../../src/proxy/testing/certificates.ts';
import { bootstrap, cluster, fileLog, listener, manager, routeConfig, router, toCluster, typed } from '../config.ts';
import { OPTIONS, plays } from '../http2.ts';
import { downstreamTls } from '../tls-config.ts';
import type { Case, Fields, Json, Scenario } from '../types.ts';

/** The resources that a policy with TLS contexts is planned to, and what clients hear of requests that it refuses. */
const any: Json = { any: true };
const rbac = (name: string, action: string, policies: Json): Json => ({
  name,
  typed_config: typed('envoy.extensions.filters.http.rbac.v3.RBAC', { rules: { action, policies } }),
});
const named = (name: string, path: string): Json => ({
  permissions: [
    {
      and_rules: {
        rules: [{ requested_server_name: { exact: name } }, { url_path: { path: { exact: path } } }],
      },
    },
  ],
  principals: [any],
});
const anyName = (path: string): Json => ({
  permissions: [{ header: { name: ':path', string_match: { safe_regex: { regex: path } } } }],
  principals: [any],
});
const denial: Json = {
  filter: {
    and_filter: {
      filters: [
        { status_code_filter: { comparison: { op: 'EQ', value: { default_value: 403, runtime_key: 'denial' } } } },
        {
          metadata_filter: {
            matcher: {
              filter: 'envoy.filters.http.upstream_rbac',
              path: [{ key: 'enforced_engine_result' }],
              value: { present_match: true },
            },
            match_if_key_not_found: false,
          },
        },
      ],
    },
  },
  body: { inline_string: 'Access denied\r\n' },
};
const inspector: Json = {
  name: 'envoy.filters.listener.tls_inspector',
  typed_config: typed('envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector'),
};
const codec: Json = {
  name: 'envoy.filters.http.upstream_codec',
  typed_config: typed('envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec'),
};
const judged: Json = {
  typed_extension_protocol_options: {
    [OPTIONS]: typed(OPTIONS, {
      use_downstream_protocol_config: {},
      http_filters: [
        rbac('deny', 'DENY', {}),
        rbac('allow', 'ALLOW', { open: anyName('/open'), named: named('a.test', '/named') }),
        codec,
      ],
    }),
  },
};

const GRPC = { 'content-type': 'application/grpc' };
const call = (path: string): Fields => [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':authority', 'a.test'],
  [':path', path],
  ['content-type', 'application/grpc'],
  ['te', 'trailers'],
];
const get = (name: string, path: string, more: Partial<Case> = {}): Case => ({ name, requests: [{ path }], ...more });
const hello = (serverName: string): Partial<Case> => ({ tls: { serverName } });

export const scenarios: readonly Scenario[] = [
  {
    feature: 'Policy denials',
    name: 'policy denials',
    stats: [/rbac/],
    bootstrap: (places) => {
      const http = manager(places, {
        access_log: [fileLog(places)],
        http_filters: [router()],
        local_reply_config: { mappers: [denial] },
        route_config: routeConfig([toCluster()]),
      });
      const filter_chains = [
        {
          filter_chain_match: { transport_protocol: 'tls', server_names: ['*.test'] },
          filters: [http],
          transport_socket: downstreamTls([server]),
        },
        { filter_chain_match: { transport_protocol: 'raw_buffer' }, filters: [http] },
      ];
      const one = listener(places, 0, [], { listener_filters: [inspector], filter_chains });
      return bootstrap(places, [one], [cluster(places, 0, [0], judged)]);
    },
    cases: [
      get('plain, allowed', '/open'),
      get('plain, denied', '/closed'),
      get('plain, of a rule that asks for a server name', '/named'),
      {
        name: 'plain gRPC over HTTP/1.1, denied',
        requests: [{ method: 'POST', path: '/closed', headers: GRPC, body: 'x' }],
      },
      plays('gRPC over HTTP/2, denied', [{ fields: call('/closed'), body: 'x' }], []),
      plays('gRPC over HTTP/2 without a body, denied', [{ fields: call('/closed') }], []),
      get('TLS, allowed', '/open', hello('b.test')),
      get('TLS, denied', '/closed', hello('a.test')),
      get('TLS with the name', '/named', hello('a.test')),
      get('TLS with another name of the chain', '/named', hello('b.test')),
      get('TLS with a name of no chain', '/named', hello('a.other')),
      {
        name: 'gRPC inside of TLS, denied',
        requests: [{ method: 'POST', path: '/closed', headers: GRPC, body: 'x' }],
        ...hello('a.test'),
      },
    ],
  },
];
