import type net from 'node:net';
import { type Address, formatAddress } from '../config/address.ts';

/** A socket that listens, by the address that was configured. */
export interface Socket {
  readonly address: Address;
  readonly server: net.Server;
  /** The process before had it: it is never bound anew, since who waits at it would be lost. */
  readonly inherited?: boolean;
}

/** An address that was bound and is to be bound again. */
export interface Parked {
  readonly address: Address;
  readonly bound: Address;
  /** The socket itself, which goes on listening. */
  readonly fd?: number;
}

/** Closes a connection nobody serves. Envoy leaves unread what it has only looked at, and the kernel then answers with a reset. */
export function discard(socket: net.Socket, unread: boolean): void {
  if (unread) socket.resetAndDestroy();
  else socket.destroy();
}

/** With the port that the kernel chose for 0. */
export function boundAddress({ server, address }: Socket): Address {
  const bound = server.address();
  if (typeof bound !== 'object' || bound === null) return address;
  return { ...address, kind: 'socket', host: bound.address, port: bound.port };
}

export function sameAddress(left: Address, right: Address): boolean {
  return left.kind === right.kind && formatAddress(left) === formatAddress(right);
}
