import type { Fields } from '../../config/fields.ts';

/** Where an ORIGINAL_DST cluster finds the address of a request; times in milliseconds. */
export interface OriginalDstConfig {
  /** Request header that may name the host, in lower case; empty for none. */
  readonly header: string;
  /** Dynamic metadata that may name it. */
  readonly metadataKey: { readonly key: string; readonly path: readonly string[] } | undefined;
  readonly portOverride: number | undefined;
  readonly cleanupInterval: number;
}

export function readOriginalDst(fields: Fields): OriginalDstConfig {
  const config = fields.message('original_dst_lb_config', (inner) => {
    const useHeader = inner.flag('use_http_header');
    const name = inner.text('http_header_name').toLowerCase();
    if (name !== '' && !useHeader) inner.problem('http_header_name', 'needs use_http_header');
    return {
      header: useHeader ? name || 'x-envoy-original-dst-host' : '',
      metadataKey: inner.message('metadata_key', readMetadataKey),
      portOverride: inner.number('upstream_port_override'),
    };
  });
  const cleanupInterval = fields.duration('cleanup_interval') ?? 5000;
  return { header: '', metadataKey: undefined, portOverride: undefined, ...config, cleanupInterval };
}

/** An `envoy.type.metadata.v3.MetadataKey`. */
function readMetadataKey(fields: Fields): { readonly key: string; readonly path: readonly string[] } {
  const path = fields.list('path', (segment) => segment.required('key'));
  return { key: fields.required('key'), path };
}
