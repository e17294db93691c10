import { bootstrap, endpoint, listener, manager, routeConfig, toCluster, typed } from './config.ts';
import type { Case, Json, Places, PlaneForm, PlaneStep, Scenario } from './types.ts';

const options = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/** The static cluster that the control plane is. */
const planeCluster = ({ host, plane }: Places): Json => ({
  name: 'plane',
  connect_timeout: '1s',
  typed_extension_protocol_options: {
    [options]: typed(options, { explicit_http_config: { http2_protocol_options: {} } }),
  },
  load_assignment: {
    cluster_name: 'plane',
    endpoints: [
      { lb_endpoints: [{ endpoint: { address: { socket_address: { address: host, port_value: plane } } } }] },
    ],
  },
});

/** A config source: the one stream, with the time to wait for the first answer on demand. */
export const ads = (initial_fetch_timeout?: string): Json => ({
  ads: {},
  resource_api_version: 'V3',
  ...(initial_fetch_timeout === undefined ? {} : { initial_fetch_timeout }),
});

export interface Discovering {
  readonly listeners?: readonly Json[];
  readonly clusters?: readonly Json[];
  readonly cds?: Json;
  readonly lds?: Json;
  readonly secrets?: readonly Json[];
}

/** A bootstrap with one control plane for everything; static clusters and listeners on demand. */
const discovering = (places: Places, form: PlaneForm, own: Discovering = {}): Json =>
  bootstrap(places, own.listeners ?? [], [planeCluster(places), ...(own.clusters ?? [])], {
    ...(own.secrets
      ? {
          static_resources: {
            listeners: own.listeners ?? [],
            clusters: [planeCluster(places), ...(own.clusters ?? [])],
            secrets: own.secrets,
          },
        }
      : {}),
    dynamic_resources: {
      ads_config: {
        api_type: form === 'sotw' ? 'GRPC' : 'DELTA_GRPC',
        transport_api_version: 'V3',
        grpc_services: [{ envoy_grpc: { cluster_name: 'plane' } }],
      },
      cds_config: own.cds ?? ads(),
      lds_config: own.lds ?? ads(),
    },
  });

/** A cluster that gets its endpoints as `service-<name>`. */
export const edsCluster = (name: string, more: Json = {}): Json => ({
  name,
  type: 'EDS',
  connect_timeout: '1s',
  eds_cluster_config: { eds_config: ads(), service_name: `service-${name}` },
  ...more,
});

export const assignment = (places: Places, name: string, group: Json = {}): Json => ({
  cluster_name: `service-${name}`,
  endpoints: [{ lb_endpoints: [endpoint(places, 0)], ...group }],
});

/** A listener whose routes are discovered by that name. */
export const rdsListener = (places: Places, index: number, name: string, source: Json = ads()): Json =>
  listener(places, index, [manager(places, { rds: { route_config_name: name, config_source: source } })]);

/** A listener with routes of its own, all to a cluster. */
export const plainListener = (places: Places, index: number, cluster: string, more: Json = {}): Json =>
  listener(places, index, [manager(places, { route_config: routeConfig([toCluster(cluster)]), ...more })]);

export const routes = (name: string, cluster: string): Json => routeConfig([toCluster(cluster)], { name });

/** What the managers count of a control plane's resources. */
export const counted: PlaneStep = {
  stats:
    /^(listener_manager\.lds|cluster_manager\.cds)\.update_(success|rejected)$|^(cluster_manager\.cluster|listener_manager\.listener)_(added|modified|removed|create_success|create_failure)$/,
};

export interface Script {
  readonly name: string;
  readonly steps: readonly PlaneStep[];
  readonly own?: (places: Places) => Discovering;
  readonly more?: Partial<Case>;
  readonly forms?: readonly PlaneForm[];
}

/** A proxy and its control plane for each form of the protocol. */
export const scripted = (
  feature: string,
  { name, steps, own, more, forms = ['sotw', 'delta'] }: Script,
): readonly Scenario[] =>
  forms.map((form) => ({
    feature,
    name: `${name}, ${form}`,
    plane: form,
    early: true,
    stats: false,
    bootstrap: (places) => discovering(places, form, own?.(places)),
    cases: [{ name: 'script', requests: [], plane: steps, without: ['log', 'backends'], ...more }],
  }));
