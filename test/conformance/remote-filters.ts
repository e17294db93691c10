import {
  bootstrap,
  cluster,
  endpoint,
  fileLog,
  listener,
  manager,
  routeConfig,
  router,
  toCluster,
  typed,
} from './config.ts';
import type { Behaviour, Case, Json, Places, Scenario } from './types.ts';

/** Builders for cases about filters that ask other servers: many configurations in one bootstrap, each with a listener of its own. */

export interface RemoteRow extends Partial<Omit<Case, 'name' | 'backends'>> {
  readonly name: string;
  /** The filter's configuration. */
  readonly config: Json;
  /** What the server that it asks answers, message by message. */
  readonly answers?: readonly Behaviour[];
  /** What the upstream answers. */
  readonly upstream?: readonly Behaviour[];
  /** Default: one route to `c0`. */
  readonly routes?: readonly Json[];
  /** What the one route says beside its cluster. */
  readonly route?: Json;
  /** What the route of the one route says beside its action. */
  readonly level?: Json;
  readonly host?: Json;
  readonly manager?: Json;
  readonly before?: readonly Json[];
  readonly after?: readonly Json[];
}

/** What of a row is no part of its case. */
const ABOUT_FILTER: ReadonlySet<string> = new Set(
  'config answers upstream routes route level host manager before after'.split(' '),
);
const HTTP2 = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/** Cluster of the gRPC server, which is backend 1; backend 2 is an HTTP server, nobody listens at backend 3. */
export const GRPC: Json = { envoy_grpc: { cluster_name: 'asked' } };
export const GRPC_DOWN: Json = { envoy_grpc: { cluster_name: 'down' } };

const grpcCluster = (places: Places, name: string, backend: number, more: Json = {}): Json => ({
  name,
  connect_timeout: '1s',
  typed_extension_protocol_options: {
    [HTTP2]: typed(HTTP2, { explicit_http_config: { http2_protocol_options: {} } }),
  },
  load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [endpoint(places, backend)] }] },
  ...more,
});

const clusters = (places: Places): readonly Json[] => [
  cluster(places, 0),
  grpcCluster(places, 'asked', 1),
  grpcCluster(places, 'down', 3),
  { ...grpcCluster(places, 'empty', 1), load_assignment: { cluster_name: 'empty', endpoints: [] } },
  cluster(places, 2, [2]),
  cluster(places, 3, [3]),
  cluster(places, 4, []),
];

/** Dynamic metadata as the filter left it stands in the log, too. */
const remoteLog = (namespace: string): string =>
  '%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %BYTES_RECEIVED% %BYTES_SENT% ' +
  `%ROUTE_NAME% %UPSTREAM_CLUSTER% %DYNAMIC_METADATA(${namespace})%\n`;

export function remoteScenario(
  about: Pick<Scenario, 'feature' | 'name' | 'stats'>,
  filter: { readonly name: string; readonly type: string },
  rows: readonly RemoteRow[],
  more: (places: Places) => Json = () => ({}),
): Scenario {
  return {
    ...about,
    backends: ['http', 'grpc', 'http', 'closed'],
    bootstrap: (places) => {
      const listeners = rows.map((row, index) => {
        const filters = [
          ...(row.before ?? []),
          { name: filter.name, typed_config: typed(filter.type, row.config) },
          ...(row.after ?? []),
          router(),
        ];
        const routes = row.routes ?? [{ ...toCluster('c0', row.route), ...row.level }];
        return listener(places, index, [
          manager(places, {
            access_log: [fileLog(places, remoteLog(filter.name))],
            http_filters: filters,
            route_config: routeConfig(routes, {}, row.host),
            ...row.manager,
          }),
        ]);
      });
      return bootstrap(places, listeners, clusters(places), more(places));
    },
    cases: rows.map((row, index): Case => {
      const asked = 'http_service' in row.config ? 2 : 1;
      const play = Object.entries(row).filter(([key]) => !ABOUT_FILTER.has(key));
      return {
        name: row.name,
        ...(row.steps ? {} : { requests: [{}] }),
        ...Object.fromEntries(play),
        listener: index,
        backends: {
          ...(row.answers ? { [asked]: row.answers } : {}),
          ...(row.upstream ? { 0: row.upstream } : {}),
        },
      };
    }),
  };
}
