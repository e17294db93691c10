import type { Fields } from './fields.ts';

/** Reads an `envoy.config.core.v3.GrpcService` that goes to a cluster; gives the cluster's name. */
export function readGrpcCluster(fields: Fields): string {
  // Streams have no timeout, in Envoy neither.
  fields.ignore('timeout');
  if (fields.oneOf('target_specifier', ['envoy_grpc']) === undefined) return '';
  const name = fields.message('envoy_grpc', (inner) => {
    // There are no headers of the proxy's own to leave out.
    inner.ignore('skip_envoy_headers');
    return inner.required('cluster_name');
  });
  return name ?? '';
}
