import net from 'node:net';
import type { ConnectionPeers, Peer } from '../http/stream-info.ts';
import { nextConnectionId } from '../transport/connection-id.ts';
import type { Found, FoundProxied } from './inspection.ts';

const NOWHERE: Peer = { address: '', port: 0 };
/** Of connections that an internal listener accepted: their sockets know no address. */
const internal = new WeakMap<net.Socket, ConnectionPeers>();

/** Connections whose local address is where they were going before a redirect. */
const restored = new WeakSet<net.Socket>();

/** Takes the local address of a connection for its original destination. */
export function restoreDestination(socket: net.Socket): void {
  restored.add(socket);
}

/** Gives a connection to an internal listener the addresses that Envoy shows for it. */
export function setInternalPeers(socket: net.Socket, listener: string, endpointId: string): void {
  const remote = { address: 'envoy://internal_client_address/', port: 0 };
  const local = { address: `envoy://${listener}/${endpointId}`, port: 0 };
  internal.set(socket, { connectionId: nextConnectionId(), remote, directRemote: remote, local });
}

/** The ends of an accepted connection, with what was read from it; undefined when it has gone already. */
export function peersOf(socket: net.Socket, { hello, proxied }: Found): ConnectionPeers | undefined {
  const own = endsOf(socket);
  const peers = own && proxied ? proxiedPeers(own, proxied) : own;
  return peers && hello ? { ...peers, hello } : peers;
}

function proxiedPeers(own: ConnectionPeers, { ends, told, noted, state }: FoundProxied): ConnectionPeers {
  const { source, destination } = told.ends ?? { source: own.remote, destination: own.local };
  const remote = ends?.source ?? own.remote;
  const known = { directLocal: own.local, told: { source, destination, tlvs: told.tlvs }, noted, state };
  const proxied = { remote, ...known };
  if (!ends) return { ...own, proxied };
  return { ...own, remote, local: ends.destination, originalDestination: ends.destination, proxied };
}

function endsOf(socket: net.Socket): ConnectionPeers | undefined {
  const known = internal.get(socket);
  if (known) return known;
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  if (remoteAddress === undefined) {
    if (localAddress !== undefined || socket.destroyed) return undefined;
    return { connectionId: nextConnectionId(), remote: NOWHERE, directRemote: NOWHERE, local: NOWHERE };
  }
  const remote = { address: plain(remoteAddress), port: remotePort ?? 0 };
  const local = { address: plain(localAddress ?? ''), port: localPort ?? 0 };
  const peers = { connectionId: nextConnectionId(), remote, directRemote: remote, local };
  return restored.has(socket) ? { ...peers, originalDestination: local } : peers;
}

/** An IPv4 address that came in over a dual-stack socket, as IPv4. */
function plain(address: string): string {
  return address.startsWith('::ffff:') && net.isIPv4(address.slice(7)) ? address.slice(7) : address;
}
