import { readDnsCache } from '../cluster/config/dns-cache.ts';
import type { CachedHost, DnsCache, PendingHost } from '../cluster/dns/cache.ts';
import { DYNAMIC_HOST, DYNAMIC_PORT, dynamicPort, noted } from '../cluster/forward-proxy.ts';
import { formatHostPort } from '../config/address.ts';
import type { NetworkFilterKind, NetworkHooks, NetworkStream, NetworkVerdict } from './filter.ts';

const ADDRESS = 'envoy.stream.upstream_address';

interface Config {
  readonly cache: () => DnsCache;
  readonly port: number;
  readonly saveAddress: boolean;
}

/** `envoy.filters.network.sni_dynamic_forward_proxy`: looks the server name of a client hello up before the connection goes on. */
export const sniForwardProxyFilter: NetworkFilterKind = {
  type: 'envoy.extensions.filters.network.sni_dynamic_forward_proxy.v3.FilterConfig',
  read: (fields, { clusters: { dnsCaches } }) => {
    const config = fields.message('dns_cache_config', readDnsCache);
    if (!config) fields.problem('dns_cache_config', 'value is required');
    const clash = config && dnsCaches.problem(config);
    if (clash) fields.problem('dns_cache_config', clash);
    const port = fields.number('port_value') ?? 0;
    if (fields.has('port_value') && (port < 1 || port > 65_535)) {
      fields.problem('port_value', 'value must be inside range (0, 65535]');
    }
    const saveAddress = fields.flag('save_upstream_address');
    if (!config) return { begin: () => ({}) };
    let held: DnsCache | undefined;
    const cache = (): DnsCache => {
      held ??= dnsCaches.hold(config);
      return held;
    };
    return { begin: (stream) => hooksOf(stream, { cache, port, saveAddress }) };
  },
};

function hooksOf(stream: NetworkStream, { cache, port, saveAddress }: Config): NetworkHooks {
  const { info } = stream;
  let pending: PendingHost | undefined;
  const note = (key: string, value: string): void => {
    info.filterState = { ...info.filterState, [key]: value };
  };
  const save = ({ addresses: [address], port: of }: CachedHost): void => {
    if (saveAddress && address !== undefined) note(ADDRESS, formatHostPort(address, of));
  };
  const leave = (): void => {
    pending = undefined;
    cache().leavePlace();
  };
  const onLoaded = (host: CachedHost): void => {
    leave();
    save(host);
    stream.resume();
  };
  const refuse = (): NetworkVerdict => {
    stream.close('');
    return 'stop';
  };
  return {
    onConnection: () => {
      const name = noted(info.filterState, DYNAMIC_HOST) ?? info.peers.hello?.serverName ?? '';
      if (name === '') return 'continue';
      if (!cache().takePlace()) return refuse();
      const known = dynamicPort(info.filterState);
      if (known === undefined) note(DYNAMIC_PORT, String(port));
      const loaded = cache().load(name, known ?? port, onLoaded);
      if (loaded.kind === 'pending') {
        pending = loaded.pending;
        stream.stopReading();
        return 'stop';
      }
      leave();
      if (loaded.kind === 'overflow') return refuse();
      save(loaded.host);
      return 'continue';
    },
    onBytes: () => (pending ? 'stop' : 'continue'),
    onClosed: () => {
      pending?.cancel();
      if (pending) leave();
    },
  };
}
