import { type Fields, isObject, typeName } from '../config/fields.ts';
import { type HttpManager, type HttpManagerContext, readHttpManager } from '../http/manager.ts';
import { connectionLimitFilter } from './connection-limit.ts';
import { readDiscovered } from './discovered.ts';
import type { NetworkFilter, NetworkFilterKind } from './filter.ts';
import { localRateLimitFilter } from './local-ratelimit.ts';
import { networkRbacFilter } from './rbac.ts';
import { sniClusterFilter } from './sni-cluster.ts';
import { sniForwardProxyFilter } from './sni-forward-proxy.ts';
import { readTcpProxy, type TcpProxy } from './tcp-proxy.ts';

/** What ends a chain of network filters. */
export type TerminalFilter =
  | { readonly kind: 'http'; readonly manager: HttpManager }
  | { readonly kind: 'tcp'; readonly proxy: TcpProxy };

export interface NetworkChain {
  readonly filters: readonly NetworkFilter[];
  /** Undefined in a chain without filters: its connections are closed at once, as by Envoy. */
  readonly terminal: TerminalFilter | undefined;
}

/** Every network filter that may stand before the last, by the full name of its configuration message. */
const KINDS: ReadonlyMap<string, NetworkFilterKind> = new Map(
  [connectionLimitFilter, localRateLimitFilter, networkRbacFilter, sniClusterFilter, sniForwardProxyFilter].map(
    (kind) => [kind.type, kind],
  ),
);
const HCM = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const TCP = 'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy';

/** Reads `filters` of a filter chain: a terminal filter stands last, and only there. */
export function readNetworkChain(fields: Fields, context: HttpManagerContext): NetworkChain | undefined {
  const count = fields.items('filters').length;
  const filters: NetworkFilter[] = [];
  let terminal: TerminalFilter | undefined;
  fields.list('filters', (filter, index) => {
    const name = filter.text('name');
    const type = typeOf(filter);
    const last = index === count - 1;
    if (type === HCM || type === TCP) {
      if (!last) filter.problem('', misplaced(name, type, 'must be the last filter in a network filter chain'));
      terminal = readTerminal(filter, type, context);
      return;
    }
    const kind = KINDS.get(type);
    const discovered = filter.has('config_discovery');
    if (!kind && !discovered) {
      refuse(filter, type);
      return;
    }
    const read = discovered
      ? readDiscovered(filter, name, context, KINDS)
      : filter.message('typed_config', (config) => kind?.read(config, context));
    if (last)
      filter.problem(
        '',
        `Error: non-terminal filter named ${name} of type ${type} is the last filter in a network filter chain.`,
      );
    if (read) filters.push(read);
  });
  return terminal || count === 0 ? { filters, terminal } : undefined;
}

function misplaced(name: string, type: string, what: string): string {
  return `Error: terminal filter named ${name} of type ${type} ${what}.`;
}

function typeOf(fields: Fields): string {
  const config = fields.raw('typed_config');
  return isObject(config) ? typeName(config) : '';
}

function readTerminal(fields: Fields, type: string, context: HttpManagerContext): TerminalFilter | undefined {
  if (type === HCM) {
    const manager = fields.message('typed_config', (config) => readHttpManager(config, context));
    return manager && { kind: 'http', manager };
  }
  const proxy = fields.message('typed_config', (config) => readTcpProxy(config, context));
  return proxy && { kind: 'tcp', proxy };
}

function refuse(fields: Fields, type: string): void {
  fields.ignore('typed_config');
  const what = `network filter ${JSON.stringify(type)}`;
  fields.problem('', `${what} is not supported by ciliate-proxy`, [...KINDS.keys(), HCM, TCP].sort().join(', '));
}
