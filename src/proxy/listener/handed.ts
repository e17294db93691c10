import { duplicateDescriptor } from '../../sys/index.ts';
import { type Address, formatAddress } from '../config/address.ts';
import type { OpenSocket } from '../worker/change.ts';
import type { ListeningDescriptor } from '../worker/protocol.ts';
import { boundAddress, type Parked, type Socket } from './bound.ts';
import { descriptorOf } from './sockets.ts';

/** Descriptors of the TCP sockets that listen; they stay whose they are. */
export function listeningDescriptors(
  parked: readonly Parked[],
  sockets: readonly Socket[],
): readonly ListeningDescriptor[] {
  const held = parked.flatMap(({ bound, fd }) => (fd === undefined ? [] : [{ address: bound, fd }]));
  const open = sockets.map((one) => ({ address: boundAddress(one), fd: descriptorOf(one.server) }));
  const tcp = [...held, ...open].filter(({ address }) => address.kind === 'socket');
  return tcp.map(({ address, fd }) => ({ address: formatAddress(address), fd }));
}

/** The sockets for another worker: what cannot be bound twice is duplicated. */
export function sharedSockets(
  parked: readonly Parked[],
  sockets: readonly Socket[],
  reusePort: boolean,
): readonly OpenSocket[] {
  const held = parked.map(({ bound, fd }) => ({ address: bound, fd }));
  const open = sockets.map((one) => ({ address: boundAddress(one), fd: descriptorOf(one.server) }));
  const own = (address: Address): boolean => address.kind === 'socket' && reusePort;
  return [...held, ...open].map(({ address, fd }) =>
    fd === undefined || own(address) ? { address } : { address, fd: duplicateDescriptor(fd) },
  );
}
