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
import { type Http2Options, plainHttp2, readHttp2, type SharedOptions } from '../../http2/options.ts';
import { type ClusterRouting, NO_CLUSTER_ROUTING, readClusterRouting } from '../../route/cluster-routing.ts';

/** How a cluster speaks HTTP. */
export interface HttpOptions {
  readonly common: CommonOptions;
  readonly codec: ClientCodec;
  /** How long an attempt at a request may take once it has its connection, in milliseconds; 0 for ever. */
  readonly maxStreamDuration: number;
  readonly routing: ClusterRouting;
  readonly filters: FilterChain | undefined;
  /** What the upstream speaks; `downstream`: what the client does; `auto`: what the handshake agrees on. */
  readonly protocol: 'http1' | 'http2' | 'downstream' | 'auto';
  readonly http2: Http2Options;
  readonly names: AutoNames;
}

/** An `UpstreamHttpProtocolOptions`: what handshakes take from the request that needs the connection. */
export interface AutoNames {
  /** The header whose host is asked for (SNI); undefined: none. */
  readonly serverName: string | undefined;
  /** The host's certificate must have that name. */
  readonly verified: boolean;
}

const NO_AUTO_NAMES: AutoNames = { serverName: undefined, verified: false };
/** As dynamic forward proxies have them. */
export const ALL_AUTO_NAMES: AutoNames = { serverName: ':authority', verified: true };

/** Reads the filters of `HttpProtocolOptions`. */
export type FiltersReader = (fields: Fields, key: string) => FilterChain | undefined;

const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/** Reads what an `envoy.config.cluster.v3.Cluster` says about HTTP: in its typed options or, where it has none, in the fields they replace. `plainNames`: where neither says anything of names. */
export function readHttpOptions(
  fields: Fields,
  readFilters: FiltersReader,
  plainNames: AutoNames = NO_AUTO_NAMES,
): HttpOptions {
  if (fields.has('http2_protocol_options') && fields.has('http_protocol_options'))
    fields.problem('http2_protocol_options', 'cannot be given together with http_protocol_options');
  const common = fields.message('common_http_protocol_options', readUpstreamCommon) ?? PLAIN;
  const codec = readClientCodec(fields, 'http_protocol_options', common);
  const http2 = readUpstreamHttp2(fields, common);
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
      protocol: http2 ? 'http2' : 'http1',
      http2: http2 ?? plainHttp2(sharedOptions(common)),
      names: fields.message('upstream_http_protocol_options', readNames) ?? plainNames,
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
  const names = fields.message('upstream_http_protocol_options', readNames) ?? NO_AUTO_NAMES;
  const kind = fields.oneOf('upstream_protocol_options', [
    'explicit_http_config',
    'use_downstream_protocol_config',
    'auto_config',
  ]);
  let codec = plainClientCodec(common);
  let http2: Http2Options | undefined;
  let protocol: HttpOptions['protocol'] = 'http1';
  if (kind === 'explicit_http_config') {
    fields.message(kind, (inner) => {
      const chosen = inner.oneOf('protocol_config', ['http_protocol_options', 'http2_protocol_options']);
      protocol = chosen === 'http2_protocol_options' ? 'http2' : 'http1';
      if (protocol === 'http2') http2 = readUpstreamHttp2(inner, common);
      else codec = readClientCodec(inner, 'http_protocol_options', common);
    });
  } else if (kind) {
    fields.message(kind, (inner) => {
      codec = readClientCodec(inner, 'http_protocol_options', common);
      protocol = kind === 'auto_config' ? 'auto' : 'downstream';
      http2 = readUpstreamHttp2(inner, common);
      // No client of this proxy speaks HTTP/3, so it is never asked for.
      if (protocol === 'downstream') inner.ignore('http3_protocol_options');
      else inner.unsupported('http3_protocol_options', 'alternate_protocols_cache_options');
    });
  }
  const { maxStreamDuration } = common;
  const routing = readClusterRouting(fields);
  return {
    common,
    codec,
    maxStreamDuration,
    routing,
    filters: readFilters(fields, 'http_filters'),
    protocol,
    http2: http2 ?? plainHttp2(sharedOptions(common)),
    names,
  };
}

function readNames(fields: Fields): AutoNames {
  const header = fields.text('override_auto_sni_header').toLowerCase();
  const asks = fields.flag('auto_sni');
  return { serverName: asks ? header || ':authority' : undefined, verified: fields.flag('auto_san_validation') };
}

function readUpstreamHttp2(fields: Fields, common: CommonOptions): Http2Options | undefined {
  return fields.message('http2_protocol_options', (inner) => readHttp2(inner, sharedOptions(common)));
}

function sharedOptions({ maxResponseBytes, maxHeaders }: CommonOptions): SharedOptions {
  return { maxHeadBytes: maxResponseBytes, maxHeaders, underscores: 'ALLOW', streamErrors: false };
}

/** An extension that is not there: its contents say nothing. */
function ignoreAll(fields: Fields): true {
  if (isObject(fields.json)) fields.ignore(...Object.keys(fields.json));
  return true;
}
