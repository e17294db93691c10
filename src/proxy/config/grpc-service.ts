import type { Fields } from './fields.ts';

/** Reads an `envoy.config.core.v3.GrpcService` that goes to a cluster; gives the cluster's name. */
export function readGrpcCluster(fields: Fields): string {
  fields.ignore('timeout', 'initial_metadata', 'retry_policy');
  if (fields.oneOf('target_specifier', ['envoy_grpc']) === undefined) return '';
  const name = fields.message('envoy_grpc', (inner) => {
    inner.ignore('authority', 'retry_policy', 'max_receive_message_length', 'skip_envoy_headers');
    return inner.required('cluster_name');
  });
  return name ?? '';
}
