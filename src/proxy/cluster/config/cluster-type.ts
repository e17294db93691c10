import { type Fields, typeName } from '../../config/fields.ts';

/** What `cluster_type` asks for: a cluster that finds its hosts in ways of its own. */
export interface ClusterType {
  readonly kind: 'AGGREGATE';
  /** Names of the clusters that it stands for, in their order. */
  readonly members: readonly string[];
}

const AGGREGATE = 'envoy.extensions.clusters.aggregate.v3.ClusterConfig';

/** Reads an `envoy.config.cluster.v3.Cluster.CustomClusterType`. */
export function readClusterType(fields: Fields): ClusterType | undefined {
  // As with all extensions, the type of the configuration decides.
  fields.required('name');
  if (!fields.has('typed_config')) fields.problem('typed_config', 'value is required', AGGREGATE);
  return fields.message('typed_config', (config): ClusterType | undefined => {
    if (typeName(config.json) === AGGREGATE) return readAggregate(config);
    config.ignore(...Object.keys(config.json));
    config.problem('@type', `cluster type ${typeName(config.json)} is not supported by ciliate-proxy`, AGGREGATE);
    return undefined;
  });
}

function readAggregate(fields: Fields): ClusterType {
  const members = fields.strings('clusters');
  if (members.length === 0) fields.problem('clusters', 'value must contain at least 1 item(s)');
  return { kind: 'AGGREGATE', members };
}
