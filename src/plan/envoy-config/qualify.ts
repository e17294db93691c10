import { isList, isObject, objectAt, objectsAt, textAt } from '../envoy-json.ts';
import type { JsonObject, JsonValue } from '../node-plan.ts';
import { type NameScope, qualifiedName } from './names.ts';

/** Clusters that a configuration may name without defining them. */
export const builtInClusters: ReadonlySet<string> = new Set(['xds-grpc-cilium', 'egress-cluster', 'ingress-cluster']);

/** A name in a resource that means another resource. */
export interface Reference {
  readonly kind: 'cluster' | 'route' | 'secret';
  /** Qualified. */
  readonly name: string;
  /** As the user wrote it. */
  readonly written: string;
  readonly path: string;
  /** What a secret is taken for. */
  readonly use?: SecretUse;
}

/** A certificate with its key, certificates of authorities, or a token. */
export type SecretUse = 'certificate' | 'authorities' | 'text';

/** Qualifies names while walking a resource and notes what it refers to. */
export interface Qualifier {
  listener(listener: JsonObject, path: string): JsonObject;
  routes(routes: JsonObject, path: string): JsonObject;
  cluster(cluster: JsonObject, path: string): JsonObject;
  readonly references: readonly Reference[];
}

/** @param ownClusters qualified names of the clusters that the configuration defines; they hide built-in ones */
export function createQualifier(scope: NameScope, ownClusters: ReadonlySet<string>): Qualifier {
  const references: Reference[] = [];
  const refer: Refer = (kind, written, path, { own = false, use } = {}) => {
    const qualified = qualifiedName(scope, written, own);
    const builtIn = kind === 'cluster' && builtInClusters.has(written) && !ownClusters.has(qualified);
    const name = builtIn ? written : qualified;
    if (written !== '') references.push({ kind, name, written, path, ...(use && { use }) });
    return name;
  };
  const own = (object: JsonObject): JsonObject => {
    return 'name' in object ? { ...object, name: qualifiedName(scope, textAt(object, 'name'), true) } : object;
  };
  return {
    references,
    listener: (listener, path) => own(qualifyTree(listener, path, refer, own)),
    routes: (routes, path) => qualifyRoutes(routes, path, refer, own),
    cluster: (cluster, path) => {
      const qualified = qualifyTree(cluster, path, refer, own);
      return { ...qualified, name: qualifiedName(scope, textAt(cluster, 'name')) };
    },
  };
}

type Refer = (
  kind: Reference['kind'],
  written: string,
  path: string,
  options?: { readonly own?: boolean; readonly use?: SecretUse },
) => string;
type Own = (object: JsonObject) => JsonObject;

/** Fields that carry the name of a cluster wherever Envoy's API has them; `cluster_name` only inside gRPC and TCP settings. */
const clusterFields: ReadonlySet<string> = new Set(['cluster', 'cluster_name']);
const secretFields: ReadonlyMap<string, SecretUse> = new Map([
  ['tls_certificate_sds_secret_configs', 'certificate'],
  ['validation_context_sds_secret_config', 'authorities'],
  ['token_secret', 'text'],
  ['hmac_secret', 'text'],
]);

function qualifyTree(object: JsonObject, path: string, refer: Refer, own: Own): JsonObject {
  const entries = Object.entries(object).map(([key, value]): [string, JsonValue] => {
    const place = `${path}.${key}`;
    if (key === 'route_config' && isObject(value)) return [key, qualifyRoutes(value, place, refer, own)];
    if (key === 'rds' && isObject(value)) {
      const name = refer('route', textAt(value, 'route_config_name'), `${place}.route_config_name`, { own: true });
      return [key, { ...value, route_config_name: name }];
    }
    if (clusterFields.has(key) && typeof value === 'string') return [key, refer('cluster', value, place)];
    if (key === 'clusters' && isAggregate(object)) return [key, qualifyNames(value, place, refer)];
    if (key === 'weighted_clusters' && isObject(value)) return [key, qualifyWeighted(value, place, refer)];
    if (key === 'request_mirror_policies' || key === 'request_mirror_policy') {
      return [key, mapValue(value, place, (each, at) => qualifyTree(each, at, refer, own))];
    }
    const use = secretFields.get(key);
    if (use) return [key, mapValue(value, place, (each, at) => qualifySecret(each, at, use, refer))];
    return [key, mapValue(value, place, (each, at) => qualifyTree(each, at, refer, own))];
  });
  return Object.fromEntries(entries);
}

function qualifyRoutes(routes: JsonObject, path: string, refer: Refer, own: Own): JsonObject {
  const qualified = qualifyTree(routes, path, refer, own);
  const hosts = qualified['virtual_hosts'];
  return own(
    isList(hosts) ? { ...qualified, virtual_hosts: objectsAt(qualified, 'virtual_hosts').map(own) } : qualified,
  );
}

const AGGREGATE = 'envoy.extensions.clusters.aggregate.v3.ClusterConfig';

function isAggregate(object: JsonObject): boolean {
  return textAt(object, '@type').endsWith(`/${AGGREGATE}`);
}

function qualifyNames(names: JsonValue, path: string, refer: Refer): JsonValue {
  if (!isList(names)) return names;
  return names.map((name, index) => (typeof name === 'string' ? refer('cluster', name, `${path}[${index}]`) : name));
}

function qualifyWeighted(weighted: JsonObject, path: string, refer: Refer): JsonObject {
  const clusters = objectsAt(weighted, 'clusters').map((cluster, index) => {
    const name = textAt(cluster, 'name');
    return name === '' ? cluster : { ...cluster, name: refer('cluster', name, `${path}.clusters[${index}].name`) };
  });
  return { ...weighted, clusters };
}

function qualifySecret(secret: JsonObject, path: string, use: SecretUse, refer: Refer): JsonObject {
  const config = objectAt(secret, 'sds_config');
  // A secret without a source is taken from the agent; one with its own source is the user's affair.
  if (config && !('ads' in config)) return secret;
  return { ...secret, name: refer('secret', textAt(secret, 'name'), `${path}.name`, { use }) };
}

function mapValue(value: JsonValue, path: string, change: (object: JsonObject, path: string) => JsonObject): JsonValue {
  if (isList(value)) return value.map((each, index) => mapValue(each, `${path}[${index}]`, change));
  return isObject(value) ? change(value, path) : value;
}
