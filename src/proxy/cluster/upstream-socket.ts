import net from 'node:net';
import { openClientSocket, SystemCallError, setOption } from '../../sys/index.ts';
import type { Address } from '../config/address.ts';
import { connectInternal } from '../transport/internal.ts';
import type { LocalSettings, UpstreamBinding } from './config/binding.ts';
import type { Host } from './host.ts';
import { errnoText } from './reset.ts';
import { type ClusterStats, countDestroyed } from './stats.ts';

/** Whose address an upstream connection is made from, in place of what the cluster says. */
export interface SourceAddress {
  /** `0.0.0.0` or `::`: the kernel chooses. */
  readonly address: string;
  readonly mark: number;
}

/** A client that is its own backend cannot be connected to from its own address: then the node's own is taken. */
export function bindAddress(source: SourceAddress | undefined, host: string): SourceAddress | undefined {
  if (source?.address !== host) return source;
  return { address: host.includes(':') ? '::' : '0.0.0.0', mark: source.mark };
}

/** Those of the host's IP version, else the first, which the kernel may refuse. */
function settingsFor(binding: UpstreamBinding | undefined, v6: boolean): LocalSettings | undefined {
  return binding?.find(({ source }) => source && source.host.includes(':') === v6) ?? binding?.[0];
}

/**
 * A socket on its way to an address. Throws `SystemCallError` where the system refuses what is asked of the socket before it connects.
 * Of socket options Envoy sets those of `STATE_PREBIND` alone on upstream sockets; addresses that are no IP have none.
 */
export function openUpstreamSocket(
  address: Address,
  source: SourceAddress | undefined,
  binding: UpstreamBinding | undefined,
  onread?: net.OnReadOpts,
): net.Socket {
  if (address.kind === 'internal') return connectInternal(address.listener, address.endpointId, onread);
  const fd = address.kind === 'socket' && (source || binding) ? openBound(address.host, source, binding) : undefined;
  const more = fd === undefined ? {} : { fd, manualStart: true };
  const socket = new net.Socket({ ...more, allowHalfOpen: true, onread } as net.SocketConstructorOpts);
  socket.setNoDelay(true);
  if (address.kind === 'pipe') socket.connect({ path: address.path });
  else socket.connect({ host: address.host, port: address.port });
  return socket;
}

/** Counts the end of a connection, counted before, whose socket could not be made as it is wanted; gives Envoy's transport failure reason. */
export function countRefused(stats: ClusterStats, host: Host, error: unknown): string {
  stats.cxConnectFail++;
  host.stats.cxConnectFail++;
  countDestroyed(stats, false, false);
  countBindError(stats, error);
  return refusalText(error);
}

/** Counts it where the error is that the system does not give a connection the address that it is to come from. */
export function countBindError(stats: ClusterStats, error: unknown): void {
  if (placeOf(error) !== undefined) stats.bindErrors++;
}

/** Envoy's transport failure reason of a socket that cannot be made as it is wanted. */
export function refusalText(error: unknown): string {
  const place = placeOf(error);
  return place === undefined ? '' : `failed to bind to ${place}: ${errnoText(error)}`;
}

/** The address that could not be bound; undefined: the error is about something else. */
function placeOf(error: unknown): string | undefined {
  return error instanceof SystemCallError ? /^bind\((.*)\)$/.exec(error.syscall)?.[1] : undefined;
}

function openBound(host: string, source: SourceAddress | undefined, binding: UpstreamBinding | undefined): number {
  const v6 = host.includes(':');
  const settings = settingsFor(binding, v6);
  return openClientSocket({
    v6,
    source: source ? { host: source.address, port: 0 } : settings?.source,
    transparent: source !== undefined,
    freebind: settings?.freebind ?? false,
    ...(source ? { mark: source.mark } : {}),
    beforeBind: (fd) => {
      for (const { state, level, name, value } of settings?.options ?? [])
        if (state === 'STATE_PREBIND') setOption(fd, level, name, value);
    },
  });
}
