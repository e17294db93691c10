import { constants as c, check, native, setOption, socketAddress } from './libc.ts';

export interface TransparentSocketOptions {
  readonly type: 'stream' | 'datagram';
  readonly address: string;
  /** 0 lets the kernel choose a port when the socket connects (streams) or is bound (datagrams). */
  readonly port: number;
  /** SO_MARK of everything the socket sends. */
  readonly mark?: number;
}

/**
 * A non-blocking socket bound to an address that need not be the machine's own (IP_TRANSPARENT).
 * The file descriptor goes to `new net.Socket({ fd })` or `dgram.bind({ fd })`, which then own it: never close it afterwards.
 * Throws `SystemCallError`, for instance EPERM without CAP_NET_ADMIN in the user namespace of the network namespace.
 */
export function openTransparentSocket({ type, address, port, mark }: TransparentSocketOptions): number {
  const v6 = address.includes(':');
  const kind = type === 'stream' ? c.SOCK_STREAM : c.SOCK_DGRAM;
  const fd = check(native.socket(v6 ? c.AF_INET6 : c.AF_INET, kind | c.SOCK_NONBLOCK | c.SOCK_CLOEXEC, 0), 'socket');
  try {
    setTransparent(fd, v6);
    if (mark !== undefined) setOption(fd, c.SOL_SOCKET, c.SO_MARK, mark);
    // With it the kernel would give one free UDP port to two sockets, and answers to the wrong one.
    if (type === 'stream' || port !== 0) setOption(fd, c.SOL_SOCKET, c.SO_REUSEADDR, 1);
    if (port === 0 && type === 'stream') setOption(fd, c.SOL_IP, c.IP_BIND_ADDRESS_NO_PORT, 1);
    const target = socketAddress(address, port);
    check(native.bind(fd, target, target.length), `bind(${address}:${port})`);
    return fd;
  } catch (error) {
    native.close(fd);
    throw error;
  }
}

export interface ClientSocketOptions {
  readonly v6: boolean;
  /** Where it is bound; undefined: not before it connects. */
  readonly source: { readonly host: string; readonly port: number } | undefined;
  /** IP_TRANSPARENT: the source need not be the machine's own. */
  readonly transparent: boolean;
  /** IP_FREEBIND: likewise, but answers must find their way. */
  readonly freebind: boolean;
  /** SO_MARK of everything the socket sends. */
  readonly mark?: number;
  readonly beforeBind: (fd: number) => void;
}

/** A non-blocking stream socket for `new net.Socket({ fd })`, which then owns it. Throws `SystemCallError`. */
export function openClientSocket(options: ClientSocketOptions): number {
  const { v6, source, transparent, freebind, mark, beforeBind } = options;
  const flags = c.SOCK_STREAM | c.SOCK_NONBLOCK | c.SOCK_CLOEXEC;
  const fd = check(native.socket(v6 ? c.AF_INET6 : c.AF_INET, flags, 0), 'socket');
  try {
    if (transparent) {
      setTransparent(fd, v6);
      setOption(fd, c.SOL_SOCKET, c.SO_REUSEADDR, 1);
    }
    if (freebind) setFreebind(fd, v6);
    if (mark !== undefined) setOption(fd, c.SOL_SOCKET, c.SO_MARK, mark);
    beforeBind(fd);
    if (!source) return fd;
    // Ports are then told apart by where connections lead to, so that there are as many for each place.
    if (source.port === 0) setOption(fd, c.SOL_IP, c.IP_BIND_ADDRESS_NO_PORT, 1);
    const target = socketAddress(source.host, source.port);
    check(
      native.bind(fd, target, target.length),
      `bind(${source.host.includes(':') ? `[${source.host}]` : source.host}:${source.port})`,
    );
    return fd;
  } catch (error) {
    native.close(fd);
    throw error;
  }
}

export interface ListenSocketOptions {
  readonly address: string;
  readonly port: number;
  /** IP_TRANSPARENT: takes connections to any address that the kernel hands it. */
  readonly transparent: boolean;
  /** IP_FREEBIND: binds to an address that no interface has. */
  readonly freebind: boolean;
  /** SO_REUSEPORT: several sockets may listen at the address, and the kernel spreads connections over them. */
  readonly reusePort: boolean;
  /** SO_MARK of everything the socket sends; accepted sockets inherit it. */
  readonly mark?: number;
  readonly beforeBind: (fd: number) => void;
}

/** A bound stream socket for `server.listen({ fd })`, which then owns it. Throws `SystemCallError`. */
export function openListenSocket(options: ListenSocketOptions): number {
  const { address, port, transparent, freebind, reusePort, mark, beforeBind } = options;
  const v6 = address.includes(':');
  const flags = c.SOCK_STREAM | c.SOCK_NONBLOCK | c.SOCK_CLOEXEC;
  const fd = check(native.socket(v6 ? c.AF_INET6 : c.AF_INET, flags, 0), 'socket');
  try {
    setOption(fd, c.SOL_SOCKET, c.SO_REUSEADDR, 1);
    if (reusePort) setOption(fd, c.SOL_SOCKET, c.SO_REUSEPORT, 1);
    if (transparent) setTransparent(fd, v6);
    if (freebind) setFreebind(fd, v6);
    if (mark !== undefined) setOption(fd, c.SOL_SOCKET, c.SO_MARK, mark);
    beforeBind(fd);
    const target = socketAddress(address, port);
    check(native.bind(fd, target, target.length), `bind(${address}:${port})`);
    return fd;
  } catch (error) {
    native.close(fd);
    throw error;
  }
}

/** Marks a listening socket as transparent, so that TPROXY may hand it connections to any address; accepted sockets inherit the mark. */
export function makeListenerTransparent(fd: number, { v6 = false, mark }: { v6?: boolean; mark?: number } = {}): void {
  setTransparent(fd, v6);
  if (mark !== undefined) setOption(fd, c.SOL_SOCKET, c.SO_MARK, mark);
}

/** A second descriptor of the same open file; whoever gets it closes it. */
export function duplicateDescriptor(fd: number): number {
  return check(native.dup(fd), 'dup');
}

/** A non-blocking connection that waits at a listening socket; undefined when none does or it cannot be had. */
export function acceptWaiting(fd: number): number | undefined {
  const accepted = native.accept4(fd, null, null, c.SOCK_NONBLOCK | c.SOCK_CLOEXEC) as number;
  return accepted < 0 ? undefined : accepted;
}

const F_SETFL = 4;

/** Lets system calls wait on a descriptor that was not to block. */
export function setBlocking(fd: number): void {
  check(native.fcntl(fd, F_SETFL, 0), 'fcntl');
}

export function closeDescriptor(fd: number): void {
  check(native.close(fd), 'close');
}

function setFreebind(fd: number, v6: boolean): void {
  setOption(fd, v6 ? c.SOL_IPV6 : c.SOL_IP, v6 ? c.IPV6_FREEBIND : c.IP_FREEBIND, 1);
}

function setTransparent(fd: number, v6: boolean): void {
  if (v6) setOption(fd, c.SOL_IPV6, c.IPV6_TRANSPARENT, 1);
  else setOption(fd, c.SOL_IP, c.IP_TRANSPARENT, 1);
}
