import type { Fields } from '../config/fields.ts';
import { type HttpCollector, ownHead, readHttpService } from './collector.ts';
import type { TracerContext } from './tracer.ts';

const TYPES = { json: 'application/json', protobuf: 'application/x-protobuf' } as const;

/** Reads where a `ZipkinConfig` sends spans to: `collector_service`, or else `collector_cluster` and what belongs to it. They have as long as `tracing.zipkin.request_timeout` of the runtime says (5000 ms). */
export function readZipkinCollector(
  fields: Fields,
  { hasCluster, runtime }: Pick<TracerContext, 'hasCluster' | 'runtime'>,
  format: 'json' | 'protobuf' | undefined,
): HttpCollector | undefined {
  const cluster = fields.text('collector_cluster');
  const path = fields.text('collector_endpoint');
  const hostname = fields.text('collector_hostname');
  const service = fields.message('collector_service', readHttpService);
  const place = service ? placeOf(service.uri, service.cluster) : { authority: hostname || cluster, path };
  const name = service ? service.cluster : cluster;
  if (!service && (cluster === '' || path === '')) {
    fields.problem('', 'collector_cluster and collector_endpoint must be specified when not using collector_service');
    return undefined;
  }
  if (!hasCluster(name))
    fields.problem(service ? 'collector_service' : 'collector_cluster', `unknown cluster '${name}'`);
  if (!format) return undefined;
  const own = { 'content-type': TYPES[format] };
  return {
    cluster: name,
    timeout: () => runtime.integer('tracing.zipkin.request_timeout', 5000),
    accepted: 202,
    head: (info) => ownHead(place, own, service?.add ?? [], info),
  };
}

/** Of a URI without a scheme all is the path. */
function placeOf(uri: string, cluster: string): { readonly authority: string; readonly path: string } {
  const [, authority = '', path = ''] = /^.*?:\/\/([^/]*)(.*)$/s.exec(uri) ?? ['', '', uri];
  return { authority: authority || cluster, path: path || '/' };
}
