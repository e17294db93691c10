import { compileRe2 } from '../../base/index.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { isObject, type JsonObject, type JsonValue } from '../config/fields.ts';
import type { ListenerManager } from '../listener/manager.ts';
import type { AcceptedConfig, ConfigRecord } from '../server/records.ts';
import { addressJson } from './addresses.ts';
import { type AdminSubject, type Endpoint, json, type Page, text } from './page.ts';
import { re2Error } from './re2-error.ts';
import { redacted } from './redact.ts';

const ADMIN = 'type.googleapis.com/envoy.admin.v3.';
const CONFIG = 'type.googleapis.com/envoy.config.';

/** One dump message with the type of the elements of each of its lists. */
interface Dump {
  readonly type: string;
  readonly lists: Readonly<Record<string, string>>;
  readonly body: JsonObject;
}

export const configDump: Endpoint = {
  path: '/config_dump',
  help: 'dump current Envoy configs',
  parameters: [
    ['resource', 'The resource to dump'],
    [
      'mask',
      'The mask to apply. When both resource and mask are specified, the mask is applied to every element in the desired repeated field so that only a subset of fields are returned. The mask is parsed as a Protobuf::FieldMask',
    ],
    [
      'name_regex',
      'Dump only the currently loaded configurations whose names match the specified regex. Can be used with both resource and mask query parameters.',
    ],
    [
      'include_eds',
      'Dump currently loaded configuration including EDS. See the response definition for more information',
    ],
  ],
  answer: answerDump,
};

function answerDump(query: URLSearchParams, subject: AdminSubject): Page {
  const pattern = query.get('name_regex') ?? '';
  const regex = pattern === '' ? undefined : compileRe2(pattern);
  if (regex && !regex.ok) {
    return text(`INVALID_ARGUMENT: Error while parsing name_regex from ${pattern}: ${re2Error(regex.error)}`, 400);
  }
  const named = (name: string): boolean => !regex?.ok || regex.value.matcher(name).matches();
  const dumps = dumpsOf(subject, named, query.has('include_eds')).map((dump) => ({
    ...dump,
    body: redacted(dump.body),
  }));
  const resource = query.get('resource');
  const mask = query.get('mask');
  if (resource !== null) return oneResource(dumps, resource, mask);
  if (mask === null) return json({ configs: dumps.map(({ type, body }) => ({ '@type': ADMIN + type, ...body })) });
  const paths = mask.split(',');
  const configs = dumps.flatMap((dump) =>
    paths.every((path) => fitsDump(dump, path)) ? [{ '@type': ADMIN + dump.type, ...masked(dump.body, paths) }] : [],
  );
  if (configs.length === 0) return text(`FieldMask ${mask} could not be successfully applied to any configs.`, 400);
  return json({ configs });
}

function oneResource(dumps: readonly Dump[], resource: string, mask: string | null): Page {
  const dump = dumps.find(({ lists, body }) => Object.hasOwn(lists, resource) || Object.hasOwn(body, resource));
  if (!dump) return text(`${resource} not found in config dump`, 404);
  const elementType = dump.lists[resource];
  if (elementType === undefined) {
    return text(`${resource} is not a repeated field. Use ?mask=${resource} to get only this field`, 400);
  }
  const elements = dump.body[resource] as readonly JsonObject[] | undefined;
  const paths = mask?.split(',');
  if (paths && elements?.some((element) => !paths.every((path) => fitsElement(element, path)))) {
    return text(`FieldMask ${maskText(paths)} could not be successfully used.`, 400);
  }
  const configs = (elements ?? []).map((element) => ({
    '@type': `${ADMIN}${dump.type}.${elementType}`,
    ...(paths ? masked(element, paths) : element),
  }));
  return json(configs.length === 0 ? {} : { configs });
}

const maskText = (paths: readonly string[]): string => paths.map((path) => `paths: "${path}"`).join(' ');

/** A mask may not go through lists. */
function fitsDump({ lists, body, type }: Dump, path: string): boolean {
  const [first = '', ...rest] = path.split('.');
  if (Object.hasOwn(lists, first)) return rest.length === 0;
  return first === 'last_updated' || first === 'version_info'
    ? Object.hasOwn(body, first)
    : type === 'BootstrapConfigDump' && first === 'bootstrap';
}

const ELEMENT_FIELDS = ['version_info', 'last_updated', 'error_state', 'client_status', 'name'];

function fitsElement(element: JsonObject, path: string): boolean {
  const [first = ''] = path.split('.');
  return Object.hasOwn(element, first) || ELEMENT_FIELDS.includes(first);
}

function masked(value: JsonObject, paths: readonly string[]): JsonObject {
  const out: Record<string, JsonValue> = {};
  if (value['@type'] !== undefined) out['@type'] = value['@type'];
  for (const [key, inner] of Object.entries(value)) {
    const own = paths.filter((path) => path === key || path.startsWith(`${key}.`));
    if (own.length === 0) continue;
    const rest = own.map((path) => path.slice(key.length + 1));
    out[key] = rest.includes('') || !isObject(inner) ? inner : masked(inner, rest);
  }
  return out;
}

function dumpsOf({ records, config, workers }: AdminSubject, named: (name: string) => boolean, eds: boolean): Dump[] {
  const of = (kind: ConfigRecord['kind']): readonly ConfigRecord[] =>
    records.of(kind).filter(({ name }) => named(name));
  const { clusters } = workers.first;
  const warm = (name: string): boolean => clusters.get(name)?.warm ?? false;
  const routes = of('route');
  const filters = of('filter');
  return [
    {
      type: 'BootstrapConfigDump',
      lists: {},
      body: { bootstrap: config.shown, last_updated: records.startedAt },
    },
    clustersDump(of('cluster'), warm),
    ...(filters.length > 0 ? [filtersDump(filters)] : []),
    ...(eds
      ? [
          endpointsDump(
            clusters.all().filter((cluster) => named(cluster.config.name)),
            records.of('endpoints'),
          ),
        ]
      : []),
    listenersDump(of('listener'), workers.first.listeners),
    scopesDump(records.of('listener')),
    routesDump(routes, records.of('listener'), named),
    {
      type: 'SecretsConfigDump',
      lists: { static_secrets: '', dynamic_active_secrets: '', dynamic_warming_secrets: '' },
      body: {},
    },
  ];
}

/** Leaves out empty parts, as protobuf JSON does. */
function compact(fields: Readonly<Record<string, JsonValue | undefined>>): JsonObject {
  return Object.fromEntries(
    Object.entries(fields).filter(
      (entry): entry is [string, JsonValue] =>
        entry[1] !== undefined && entry[1] !== '' && !(Array.isArray(entry[1]) && entry[1].length === 0),
    ),
  );
}

const typed = (type: string, body: JsonObject): JsonObject => ({ '@type': `${CONFIG}${type}`, ...body });
/** The version of a whole type: that of the response which came last. */
const newest = (records: readonly ConfigRecord[]): string =>
  records.reduce((last, record) => (record.updated >= last.updated ? record : last), { updated: '', version: '' })
    .version;

function errorState(record: ConfigRecord, type: string): JsonObject | undefined {
  const { error } = record;
  if (!error) return undefined;
  return compact({
    failed_configuration: typed(type, error.json),
    last_update_attempt: error.at,
    details: error.details,
    version_info: error.version,
  });
}

function clustersDump(records: readonly ConfigRecord[], warm: (name: string) => boolean): Dump {
  const type = 'cluster.v3.Cluster';
  const dynamic = (active: boolean): readonly JsonObject[] =>
    records.flatMap((record) => {
      if (record.fixed || (record.json !== undefined && warm(record.name)) !== active) return [];
      const state = errorState(record, type);
      return [
        compact({
          version_info: record.version,
          cluster: record.json && typed(type, record.json),
          last_updated: record.json && record.updated,
          error_state: state,
        }),
      ];
    });
  return {
    type: 'ClustersConfigDump',
    lists: {
      static_clusters: 'StaticCluster',
      dynamic_active_clusters: 'DynamicCluster',
      dynamic_warming_clusters: 'DynamicCluster',
    },
    body: compact({
      version_info: newest(records.filter(({ fixed }) => !fixed)),
      static_clusters: records.flatMap(({ fixed, json: cluster, updated }) =>
        fixed && cluster ? [{ cluster: typed(type, cluster), last_updated: updated }] : [],
      ),
      dynamic_active_clusters: dynamic(true),
      dynamic_warming_clusters: dynamic(false),
    }),
  };
}

function listenersDump(records: readonly ConfigRecord[], listeners: ListenerManager): Dump {
  const type = 'listener.v3.Listener';
  return {
    type: 'ListenersConfigDump',
    lists: { static_listeners: 'StaticListener', dynamic_listeners: 'DynamicListener' },
    body: compact({
      version_info: newest(records.filter(({ fixed }) => !fixed)),
      static_listeners: records.flatMap(({ fixed, json: listener, updated }) =>
        fixed && listener ? [{ listener: typed(type, listener), last_updated: updated }] : [],
      ),
      dynamic_listeners: records.flatMap((record) => {
        if (record.fixed) return [];
        const { name } = record;
        const stateOf = ({ json, version, updated }: AcceptedConfig): JsonObject | undefined =>
          json && compact({ version_info: version, listener: typed(type, json), last_updated: updated });
        const state = listeners.warmth(name);
        const active = state === 'active' ? record : state === 'newer' ? record.before : undefined;
        return [
          compact({
            name,
            active_state: active && stateOf(active),
            warming_state: state === 'active' ? undefined : stateOf(record),
            draining_state: listeners.drains(name) && record.before ? stateOf(record.before) : undefined,
            error_state: errorState(record, type),
          }),
        ];
      }),
    }),
  };
}

function routesDump(
  records: readonly ConfigRecord[],
  listeners: readonly ConfigRecord[],
  named: (name: string) => boolean,
): Dump {
  const type = 'route.v3.RouteConfiguration';
  const inline = listeners.flatMap(({ json: listener, updated }) =>
    managerParts(listener, 'route_config').flatMap((route) =>
      named(String(route['name'] ?? '')) ? [{ route_config: typed(type, route), last_updated: updated }] : [],
    ),
  );
  return {
    type: 'RoutesConfigDump',
    lists: { static_route_configs: 'StaticRouteConfig', dynamic_route_configs: 'DynamicRouteConfig' },
    body: compact({
      static_route_configs: inline,
      dynamic_route_configs: records.map((record) => {
        const { version, json: route, updated } = record;
        const state = errorState(record, type);
        return compact({
          version_info: version,
          route_config: route && typed(type, route),
          last_updated: updated,
          error_state: state,
        });
      }),
    }),
  };
}

function scopesDump(listeners: readonly ConfigRecord[]): Dump {
  const inline = listeners.flatMap(({ json: listener, updated }) =>
    managerParts(listener, 'scoped_routes').map((scoped) => {
      const list = scoped['scoped_route_configurations_list'];
      const scopes = isObject(list) ? [list['scoped_route_configurations'] ?? []].flat() : [];
      const shown = scopes.map((scope) =>
        isObject(scope) ? typed('route.v3.ScopedRouteConfiguration', scope) : scope,
      );
      return compact({ name: scoped['name'], scoped_route_configs: shown, last_updated: updated });
    }),
  );
  return {
    type: 'ScopedRoutesConfigDump',
    lists: { inline_scoped_route_configs: '', dynamic_scoped_route_configs: '' },
    body: compact({ inline_scoped_route_configs: inline }),
  };
}

/** A field of each connection manager of a listener, where it is set. */
function managerParts(listener: JsonObject | undefined, key: string): readonly JsonObject[] {
  const chains = [listener?.['filter_chains'] ?? [], listener?.['default_filter_chain'] ?? []].flat();
  const filters = chains.flatMap((chain) => (isObject(chain) ? [chain['filters'] ?? []].flat() : []));
  return filters.flatMap((filter) => {
    const config = isObject(filter) ? filter['typed_config'] : undefined;
    const route = isObject(config) ? config[key] : undefined;
    return isObject(route) ? [route] : [];
  });
}

function filtersDump(records: readonly ConfigRecord[]): Dump {
  return {
    type: 'EcdsConfigDump',
    lists: { ecds_filters: 'EcdsFilterConfig' },
    body: compact({
      ecds_filters: records.map((record) => {
        const { version, json: filter, updated } = record;
        const state = errorState(record, 'core.v3.TypedExtensionConfig');
        return compact({
          version_info: version,
          ecds_filter: filter && typed('core.v3.TypedExtensionConfig', filter),
          last_updated: updated,
          error_state: state,
        });
      }),
    }),
  };
}

function endpointsDump(clusters: readonly Cluster[], assignments: readonly ConfigRecord[]): Dump {
  const configs = (dynamic: boolean): readonly JsonObject[] =>
    clusters
      .filter(({ config }) => (config.kind === 'EDS') === dynamic)
      .map((cluster) => {
        const record = assignments.find(({ name }) => name === cluster.config.serviceName);
        const version = dynamic ? record?.version : undefined;
        return compact({ version_info: version, endpoint_config: assignmentJson(cluster) });
      });
  return {
    type: 'EndpointsConfigDump',
    lists: { static_endpoint_configs: 'StaticEndpointConfig', dynamic_endpoint_configs: 'DynamicEndpointConfig' },
    body: compact({ static_endpoint_configs: configs(false), dynamic_endpoint_configs: configs(true) }),
  };
}

function assignmentJson(cluster: Cluster): JsonObject {
  const endpoints = cluster.hosts.map(
    (host): JsonObject => ({
      endpoint: compact({
        address: addressJson(host.address),
        health_check_config: {},
        hostname: host.hostname,
        additional_addresses: host.addresses.slice(1).map((address) => ({ address: addressJson(address) })),
      }),
      health_status: host.health.toUpperCase(),
      load_balancing_weight: host.weight,
    }),
  );
  return typed('endpoint.v3.ClusterLoadAssignment', {
    cluster_name: cluster.config.serviceName,
    endpoints: endpoints.length === 0 ? [] : [{ locality: {}, lb_endpoints: endpoints, load_balancing_weight: 0 }],
    policy: { overprovisioning_factor: 140 },
  });
}
