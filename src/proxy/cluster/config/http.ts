import type { Fields } from '../../config/fields.ts';
import { isObject } from '../../config/fields.ts';
import type { FilterChain } from '../../filter/chain.ts';
import {
  type ClientCodec,
  type CommonOptions,
  PLAIN_COMMON,
  plainClientCodec,
  readClientCodec,
  readCommonOptions,
} from '../../http/codec-config.ts';
import { type ClusterRouting, NO_CLUSTER_ROUTING, readClusterRouting } from '../../route/cluster-routing.ts';

/** How a cluster speaks HTTP. */
export interface HttpOptions {
  readonly common: CommonOptions;
  readonly codec: ClientCodec;
  /** How long an attempt at a request may take once it has its connection, in milliseconds; 0 for ever. */
  readonly maxStreamDuration: number;
  readonly routing: ClusterRouting;
  readonly filters: FilterChain | undefined;
  /** The upstream speaks HTTP/2: only the proxy's own gRPC clients can use it. */
  readonly http2: boolean;
}

/** Reads the filters of `HttpProtocolOptions`. */
export type FiltersReader = (fields: Fields, key: string) => FilterChain | undefined;

const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/** Reads what an `envoy.config.cluster.v3.Cluster` says about HTTP: in its typed options or, where it has none, in the fields they replace. */
export function readHttpOptions(fields: Fields, readFilters: FiltersReader): HttpOptions {
  const http2 = fields.message('http2_protocol_options', ignoreAll) !== undefined;
  if (http2 && fields.has('http_protocol_options'))
    fields.problem('http2_protocol_options', 'cannot be given together with http_protocol_options');
  const common = fields.message('common_http_protocol_options', readUpstreamCommon) ?? PLAIN;
  const codec = readClientCodec(fields, 'http_protocol_options', common);
  const read = fields.map('typed_extension_protocol_options', (inner, key) => {
    if (key === HTTP_OPTIONS) return readTyped(inner, readFilters);
    inner.problem('', `${key} is not supported`, HTTP_OPTIONS);
    ignoreAll(inner);
    return undefined;
  });
  const { maxStreamDuration } = common;
  return (
    read.get(HTTP_OPTIONS) ?? {
      common,
      codec,
      maxStreamDuration,
      routing: NO_CLUSTER_ROUTING,
      filters: undefined,
      http2,
    }
  );
}

interface UpstreamCommon extends CommonOptions {
  readonly maxStreamDuration: number;
}

const PLAIN: UpstreamCommon = { ...PLAIN_COMMON, maxStreamDuration: 0 };

function readUpstreamCommon(fields: Fields): UpstreamCommon {
  const maxStreamDuration = Math.floor(fields.duration('max_stream_duration') ?? 0);
  return { ...readCommonOptions(fields), maxStreamDuration };
}

function readTyped(fields: Fields, readFilters: FiltersReader): HttpOptions {
  const common = fields.message('common_http_protocol_options', readUpstreamCommon) ?? PLAIN;
  fields.ignore('upstream_http_protocol_options');
  const kind = fields.oneOf('upstream_protocol_options', ['explicit_http_config', 'use_downstream_protocol_config']);
  let codec = plainClientCodec(common);
  let http2 = false;
  if (kind === 'explicit_http_config') {
    fields.message(kind, (inner) => {
      http2 =
        inner.oneOf('protocol_config', ['http_protocol_options', 'http2_protocol_options']) ===
        'http2_protocol_options';
      if (http2) inner.message('http2_protocol_options', ignoreAll);
      else codec = readClientCodec(inner, 'http_protocol_options', common);
    });
  } else if (kind) {
    fields.message(kind, (inner) => {
      codec = readClientCodec(inner, 'http_protocol_options', common);
      // A client of this proxy speaks HTTP/1, so these are never asked for.
      inner.ignore('http2_protocol_options', 'http3_protocol_options');
    });
  }
  const { maxStreamDuration } = common;
  const routing = readClusterRouting(fields);
  return { common, codec, maxStreamDuration, routing, filters: readFilters(fields, 'http_filters'), http2 };
}

/** A message whose contents do not matter to HTTP/1. */
function ignoreAll(fields: Fields): true {
  if (isObject(fields.json)) fields.ignore(...Object.keys(fields.json));
  return true;
}
