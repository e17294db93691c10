import type net from 'node:net';
import tls from 'node:tls';
import type { TlsMaterial } from '../tls/material.ts';
import { createShares } from './shares.ts';

/** How connections are taken: not at all, in plain text, or with TLS, which takes none while it has nothing to show. */
export type ServerSecurity =
  | { readonly kind: 'closed' }
  | { readonly kind: 'plain' }
  | { readonly kind: 'tls'; readonly material: () => TlsMaterial | undefined };

export interface ConnectionGuard {
  /** Takes a connection that was accepted: hands it on when it is secure as asked, or ends it. */
  readonly accept: (socket: net.Socket) => void;
  /** Holds from now on. Connections that were taken otherwise end. */
  readonly use: (security: ServerSecurity) => void;
  /** Ends every connection. */
  readonly close: () => void;
}

/** Shared among addresses; who opens more is cut off. */
const mostConnections = 1024;
/** Relay needs one, and others while it makes new ones. */
const reservedForRelay = 16;
const handshakeTimeoutMs = 10_000;

/**
 * Stands between accepting connections and serving them. New certificates hold for new connections, as in Cilium. Connections are left to `relayAddress`,
 * however many others there are. `protocols`: what is served, for ALPN.
 */
export function createConnectionGuard(
  first: ServerSecurity,
  take: (socket: net.Socket) => void,
  relayAddress?: string,
  protocols: readonly string[] = ['h2'],
): ConnectionGuard {
  const sockets = new Set<net.Socket>();
  const reserve = relayAddress === undefined ? undefined : { holder: relayAddress, places: reservedForRelay };
  const shares = createShares(mostConnections, reserve);
  let security = first;
  let shown: { readonly material: TlsMaterial; readonly server: tls.Server } | undefined;
  const endAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const terminator = (material: TlsMaterial | undefined): tls.Server | undefined => {
    if (!material) return undefined;
    if (shown?.material !== material) shown = { material, server: createTerminator(material, take, protocols) };
    return shown.server;
  };
  return {
    accept(socket) {
      if (security.kind === 'closed') return void socket.destroy();
      const server = security.kind === 'tls' ? terminator(security.material()) : undefined;
      if (security.kind === 'tls' && !server) return void socket.destroy();
      // Sockets of this machine's own file system have no address.
      const address = socket.remoteAddress ?? '';
      if (!shares.enter(address)) return void socket.destroy();
      sockets.add(socket);
      socket.once('close', () => {
        sockets.delete(socket);
        shares.leave(address);
      });
      if (server) server.emit('connection', socket);
      else take(socket);
    },
    use(next) {
      security = next;
      endAll();
    },
    close: endAll,
  };
}

/** A TLS server that does not listen. Cilium's servers, too, take no less than TLS 1.3. */
function createTerminator(
  { certificate, key, authorities }: TlsMaterial,
  take: (socket: net.Socket) => void,
  protocols: readonly string[],
): tls.Server {
  const mutual = authorities.length > 0;
  const server = tls.createServer({
    cert: certificate,
    key,
    ...(mutual && { ca: authorities }),
    requestCert: mutual,
    rejectUnauthorized: mutual,
    minVersion: 'TLSv1.3',
    ALPNProtocols: [...protocols],
    handshakeTimeout: handshakeTimeoutMs,
  });
  server.on('secureConnection', take);
  // Node leaves a connection open whose handshake took too long.
  server.on('tlsClientError', (_fault, socket) => socket.destroy());
  return server;
}
