import { chmodSync } from 'node:fs';
import net from 'node:net';
import { fail, ok, type Result } from '../../base/index.ts';
import { acceptWaiting, openListenSocket, SystemCallError, setOption } from '../../sys/index.ts';
import { errnoText } from '../cluster/reset.ts';
import { type Address, formatAddress } from '../config/address.ts';
import type { SocketOption } from '../config/socket-option.ts';

/** SO_MARK of what the proxy sends to clients of a transparent listener. */
const DOWNSTREAM_MARK = 0xa00;
/** Connections accepted before those that are open have their turn. */
const MOST_AT_ONCE = 64;

const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;

/** What a listener asks of its sockets. */
export interface SocketSettings {
  readonly transparent: boolean;
  readonly freebind: boolean;
  /** SO_REUSEPORT: each worker has a socket of its own, and the kernel spreads connections over them. */
  readonly reusePort: boolean;
  readonly backlog: number;
  readonly options: readonly SocketOption[];
}

/**
 * A listening socket that hands accepted connections to `accept`, paused; the error says in the kernel's words why there is none.
 * `shared` is a descriptor that is bound already.
 */
export function openServer(
  address: Address,
  settings: SocketSettings,
  shared: number | undefined,
  accept: (socket: net.Socket) => void,
): Promise<Result<net.Server, string>> {
  const server = net.createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (socket) => {
    accept(socket);
    acceptMore(server, accept);
  });
  return new Promise((resolve) => {
    const failed = (error: unknown): void => {
      server.close();
      resolve(fail(error instanceof SystemCallError ? `${errnoText(error)} (${error.syscall})` : errnoText(error)));
    };
    server.once('error', failed);
    try {
      const { options, fd } = listenOptions(address, settings, shared);
      server.listen(options, () => {
        server.off('error', failed);
        server.on('error', () => undefined);
        if (fd !== undefined) setOptions(fd, settings.options, 'STATE_LISTENING');
        if (address.kind === 'pipe' && address.mode !== undefined) chmodSync(address.path, address.mode);
        resolve(ok(server));
      });
    } catch (error) {
      failed(error);
    }
  });
}

/**
 * libuv accepts one connection in each turn of the event loop. Under load a turn takes milliseconds, and the last of many that connect at
 * once would wait for seconds.
 */
function acceptMore(server: net.Server, accept: (socket: net.Socket) => void): void {
  for (let count = 0; count < MOST_AT_ONCE; count++) {
    const fd = acceptWaiting(descriptorOf(server));
    if (fd === undefined) return;
    const socket = new net.Socket({ fd, allowHalfOpen: true, pauseOnCreate: true } as net.SocketConstructorOpts);
    socket.setNoDelay(true);
    accept(socket);
  }
}

/** Node keeps the descriptor of a listening socket on its handle. */
export function descriptorOf(server: net.Server): number {
  const { _handle: handle } = server as unknown as { readonly _handle: { readonly fd: number } | null };
  return handle?.fd ?? -1;
}

function listenOptions(
  address: Address,
  settings: SocketSettings,
  shared: number | undefined,
): { readonly options: net.ListenOptions & { fd?: number }; readonly fd?: number } {
  const { backlog, transparent, freebind, reusePort, options } = settings;
  if (shared !== undefined) return { options: { fd: shared, backlog } };
  if (address.kind !== 'socket') return { options: { path: formatAddress(address), backlog } };
  const { host, port, ipv4Compat = false } = address;
  const ipv6Only = net.isIPv6(host) && !ipv4Compat;
  if (!transparent && !freebind && options.length === 0)
    return { options: { host, port, backlog, reusePort, ipv6Only } };
  const fd = openListenSocket({
    address: host,
    port,
    transparent,
    freebind,
    reusePort,
    ...(transparent ? { mark: DOWNSTREAM_MARK } : {}),
    beforeBind: (socket) => {
      if (net.isIPv6(host)) setOption(socket, IPPROTO_IPV6, IPV6_V6ONLY, ipv6Only ? 1 : 0);
      setOptions(socket, options, 'STATE_PREBIND');
    },
  });
  setOptions(fd, options, 'STATE_BOUND');
  return { options: { fd, backlog }, fd };
}

function setOptions(fd: number, options: readonly SocketOption[], state: SocketOption['state']): void {
  for (const option of options) if (option.state === state) setOption(fd, option.level, option.name, option.value);
}
