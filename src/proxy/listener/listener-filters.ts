import { type Fields, isObject, typeName } from '../config/fields.ts';
import type { StatsScope } from '../stats/store.ts';
import { httpInspector } from './http-inspector.ts';
import type { Inspector } from './inspection.ts';
import { readProxyProtocol } from './proxy-protocol.ts';
import { readTlsInspector } from './tls-inspector.ts';

/** The compiled `listener_filters` of a listener. */
export interface ListenerFilters {
  /** Takes the destination from before a redirect (SO_ORIGINAL_DST). */
  readonly originalDestination: boolean;
  /** SO_MARK of upstream connections made from the client's address; undefined: they are made from the proxy's own. */
  readonly originalSourceMark: number | undefined;
  /** Look at the first bytes, in this order. */
  readonly inspectors: readonly Inspector[];
  /** Milliseconds; 0 for no limit. */
  readonly timeoutMs: number;
  readonly continueOnTimeout: boolean;
}

const PACKAGE = 'envoy.extensions.filters.listener.';
const ORIGINAL_DST = `${PACKAGE}original_dst.v3.OriginalDst`;
const ORIGINAL_SRC = `${PACKAGE}original_src.v3.OriginalSrc`;
const HTTP_INSPECTOR = `${PACKAGE}http_inspector.v3.HttpInspector`;
const PROXY_PROTOCOL = `${PACKAGE}proxy_protocol.v3.ProxyProtocol`;
const TLS_INSPECTOR = `${PACKAGE}tls_inspector.v3.TlsInspector`;
const DEFAULT_TIMEOUT_MS = 15_000;

export function readListenerFilters(fields: Fields, stats: StatsScope): ListenerFilters {
  let originalDestination = false;
  let originalSourceMark: number | undefined;
  const inspectors: Inspector[] = [];
  fields.list('listener_filters', (filter) => {
    filter.ignore('name');
    filter.unsupported('filter_disabled');
    const config = filter.raw('typed_config');
    const type = isObject(config) ? typeName(config) : '';
    if (type === ORIGINAL_DST) originalDestination = true;
    else if (type === ORIGINAL_SRC) originalSourceMark = filter.message('typed_config', readOriginalSource);
    else if (type === HTTP_INSPECTOR) inspectors.push(httpInspector(stats));
    else if (type === PROXY_PROTOCOL || type === TLS_INSPECTOR) {
      const read = type === TLS_INSPECTOR ? readTlsInspector : readProxyProtocol;
      const inspector = filter.message('typed_config', (config) => read(config, stats));
      if (inspector) inspectors.push(inspector);
    } else {
      const allowed = [HTTP_INSPECTOR, ORIGINAL_DST, ORIGINAL_SRC, PROXY_PROTOCOL, TLS_INSPECTOR].join(', ');
      filter.problem('', `listener filter ${JSON.stringify(type)} is not supported by ciliate-proxy`, allowed);
    }
    return true;
  });
  return {
    originalDestination,
    originalSourceMark,
    inspectors,
    timeoutMs: fields.duration('listener_filters_timeout') ?? DEFAULT_TIMEOUT_MS,
    continueOnTimeout: fields.flag('continue_on_listener_filters_timeout'),
  };
}

function readOriginalSource(fields: Fields): number {
  if (fields.flag('bind_port')) fields.problem('bind_port', 'is not supported', 'false');
  return fields.number('mark') ?? 0;
}
