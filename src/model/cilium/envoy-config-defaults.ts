import { isJsonObject, type JsonObject, type JsonValue, typeName, typeNameOf } from '../envoy/index.ts';

/** Discovery over the stream that the resource itself came on. */
const aggregated: JsonObject = { ads: {}, resource_api_version: 'V3' };
const router: JsonObject = { '@type': `type.googleapis.com/${typeName.router}` };
const routerFilter = 'envoy.filters.http.router';

/** Fields that hold one secret reference or a list of them; their configuration source may be left out. */
const secretFields = /^(?:tls_?certificate|validation_?context|session_?ticket_?keys)_?sds_?secret_?configs?$/i;

/**
 * What Cilium fills in before it looks at an Envoy resource: configuration sources of routes, endpoints and secrets (ADS), and
 * the configuration of an HTTP router filter that is only named. Anything else is returned as it is, faults included.
 */
export function withEnvoyDefaults(resource: JsonObject): JsonObject {
  return fill(resource, 0);
}

function fill(value: JsonObject, depth: number): JsonObject {
  if (depth > 100) return value;
  const entries = Object.entries(value).map(([key, inner]): [string, JsonValue] => [key, fillField(key, inner, depth)]);
  return fillMessage(Object.fromEntries(entries));
}

function fillField(key: string, value: JsonValue, depth: number): JsonValue {
  if (secretFields.test(key)) return Array.isArray(value) ? value.map(fillSecret) : fillSecret(value);
  if (Array.isArray(value)) return value.map((item: JsonValue) => (isJsonObject(item) ? fill(item, depth + 1) : item));
  return isJsonObject(value) ? fill(value, depth + 1) : value;
}

function fillSecret(value: JsonValue): JsonValue {
  return isJsonObject(value) ? withDefault(value, ['sds_config', 'sdsConfig'], aggregated) : value;
}

function fillMessage(message: JsonObject): JsonObject {
  const url = message['@type'];
  switch (typeof url === 'string' ? typeNameOf(url) : '') {
    case typeName.httpConnectionManager:
      return fillManager(message);
    case typeName.httpProtocolOptions:
      return replaceField(message, ['http_filters', 'httpFilters'], fillFilters);
    case 'envoy.config.cluster.v3.Cluster':
      return fillCluster(message);
    default:
      return message;
  }
}

function fillManager(manager: JsonObject): JsonObject {
  const filled = replaceField(manager, ['http_filters', 'httpFilters'], fillFilters);
  return replaceField(filled, ['rds'], (rds) =>
    isJsonObject(rds) ? withDefault(rds, ['config_source', 'configSource'], aggregated) : rds,
  );
}

function fillFilters(filters: JsonValue): JsonValue {
  if (!Array.isArray(filters)) return filters;
  return filters.map((filter: JsonValue) => {
    if (!isJsonObject(filter) || filter['name'] !== routerFilter) return filter;
    return withDefault(filter, ['typed_config', 'typedConfig', 'config_discovery', 'configDiscovery'], router);
  });
}

function fillCluster(cluster: JsonObject): JsonObject {
  // 3 is the number of EDS.
  if (cluster['type'] !== 'EDS' && cluster['type'] !== 3) return cluster;
  const given = withDefault(cluster, ['eds_cluster_config', 'edsClusterConfig'], {});
  return replaceField(given, ['eds_cluster_config', 'edsClusterConfig'], (config) =>
    isJsonObject(config) ? withDefault(config, ['eds_config', 'edsConfig'], aggregated) : config,
  );
}

/** Sets the first of `keys` unless one of them is there. */
function withDefault(message: JsonObject, keys: readonly string[], value: JsonObject): JsonObject {
  const [name] = keys;
  const present = keys.some((key) => message[key] !== undefined && message[key] !== null);
  return present || name === undefined ? message : { ...message, [name]: value };
}

function replaceField(
  message: JsonObject,
  keys: readonly string[],
  change: (value: JsonValue) => JsonValue,
): JsonObject {
  const key = keys.find((each) => message[each] !== undefined && message[each] !== null);
  return key === undefined ? message : { ...message, [key]: change(message[key] ?? null) };
}
