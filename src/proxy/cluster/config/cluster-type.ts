import { type Fields, typeName } from '../../config/fields.ts';
import { type DnsCacheConfig, PLAIN_CACHE, readDnsCache } from './dns-cache.ts';

/** What `cluster_type` asks for: a cluster that finds its hosts in ways of its own. */
export type ClusterType =
  | {
      readonly kind: 'AGGREGATE';
      /** Names of the clusters that it stands for, in their order. */
      readonly members: readonly string[];
    }
  | { readonly kind: 'FORWARD_PROXY'; readonly forwardProxy: ForwardProxyConfig };

/** A compiled `envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig`. */
export interface ForwardProxyConfig {
  readonly cache: DnsCacheConfig;
  /** Servers need not be asked for by their names. */
  readonly insecure: boolean;
  /** The HTTP filter goes by what the cluster calls its type. */
  readonly filtered: boolean;
}

const AGGREGATE = 'envoy.extensions.clusters.aggregate.v3.ClusterConfig';
const FORWARD_PROXY = 'envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig';

/** Reads an `envoy.config.cluster.v3.Cluster.CustomClusterType`. */
export function readClusterType(fields: Fields): ClusterType | undefined {
  // As with all extensions, the type of the configuration decides.
  const name = fields.required('name');
  const allowed = `${AGGREGATE}, ${FORWARD_PROXY}`;
  if (!fields.has('typed_config')) fields.problem('typed_config', 'value is required', allowed);
  return fields.message('typed_config', (config): ClusterType | undefined => {
    switch (typeName(config.json)) {
      case AGGREGATE:
        return readAggregate(config);
      case FORWARD_PROXY:
        return readForwardProxy(config, name);
      default:
        config.ignore(...Object.keys(config.json));
        config.problem('@type', `cluster type ${typeName(config.json)} is not supported by ciliate-proxy`, allowed);
        return undefined;
    }
  });
}

function readAggregate(fields: Fields): ClusterType {
  const members = fields.strings('clusters');
  if (members.length === 0) fields.problem('clusters', 'value must contain at least 1 item(s)');
  return { kind: 'AGGREGATE', members };
}

function readForwardProxy(fields: Fields, name: string): ClusterType {
  // It allows names to share connections; here each name has its own.
  fields.ignore('allow_coalesced_connections');
  const cache = fields.message('dns_cache_config', readDnsCache) ?? PLAIN_CACHE;
  const insecure = fields.flag('allow_insecure_cluster_options');
  const filtered = name === 'envoy.clusters.dynamic_forward_proxy';
  return { kind: 'FORWARD_PROXY', forwardProxy: { cache, insecure, filtered } };
}
