import https from 'node:https';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger } from '../../../base/index.ts';
import type { NodeRuntime } from '../../runtime.ts';
import type { Store } from '../store/open-store.ts';
import type { ServerContext } from './request.ts';
import { handleRequest } from './router.ts';

export interface ServerTls {
  /** PEM of the server's certificate and key, and of the authority that clients' certificates must be signed by. */
  readonly certificate: string;
  readonly privateKey: string;
  readonly clientAuthority: string;
}

export interface ApiServerOptions {
  readonly store: Store;
  readonly runtime: NodeRuntime;
  readonly tls: ServerTls;
  readonly log: Logger;
}

/** A `net.Server` of the caller (listening or not: its connections are served), an inherited listening descriptor, or an address. */
export type ListenTarget = net.Server | { readonly fd: number } | { readonly host: string; readonly port: number };

export interface ApiServer {
  /** Serves one more socket; resolves with its address once it listens, rejects when it cannot. */
  listenOn(target: ListenTarget): Promise<net.AddressInfo>;
  /** Ends every listener, stream and connection; the store stays open. */
  close(): Promise<void>;
}

const MAX_HEADER_BYTES = 32 * 1024;
const MAX_CONNECTIONS = 2000;
const HEADERS_TIMEOUT_MS = 20_000;
const REQUEST_TIMEOUT_MS = 60_000;
const KEEP_ALIVE_MS = 180_000;

/** The HTTPS side of the API server. It speaks HTTP/1.1, which upgrades need. */
export function createApiServer({ store, runtime, tls, log }: ApiServerOptions): ApiServer {
  const closing = new AbortController();
  const context: ServerContext = { store, runtime, log, closing: closing.signal };
  const listeners = new Set<net.Server>();
  const sockets = new Set<Duplex>();
  const server = https.createServer({
    cert: tls.certificate,
    key: tls.privateKey,
    ca: tls.clientAuthority,
    requestCert: true,
    // Unknown clients get an answer they can read (401) instead of a broken handshake.
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['http/1.1'],
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    handshakeTimeout: HEADERS_TIMEOUT_MS,
    // Longer than clients keep idle connections, so that none is closed under a request.
    keepAliveTimeout: KEEP_ALIVE_MS,
  });
  server.on('request', (request, response) => void handleRequest(context, request, response));
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    import('../streaming/upgrade.ts')
      .then(({ handleUpgrade }) => handleUpgrade(context, request, socket, head))
      .catch((error: unknown) => {
        log.error({ err: error }, 'upgrade failed');
        socket.destroy();
      });
  });
  server.on('tlsClientError', (error) => log.debug({ err: error }, 'TLS handshake failed'));
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    else socket.destroy();
  });

  const serve = (socket: net.Socket) => {
    if (sockets.size >= MAX_CONNECTIONS) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.setNoDelay(true);
    server.emit('connection', socket);
  };

  return {
    async listenOn(target) {
      const own = target instanceof net.Server ? target : net.createServer();
      own.on('connection', serve);
      listeners.add(own);
      if (!own.listening) await listening(own, target);
      const address = own.address();
      return typeof address === 'object' && address !== null
        ? address
        : { address: String(address), family: 'unix', port: 0 };
    },
    async close() {
      closing.abort();
      await Promise.all(
        [...listeners]
          .map((listener) => new Promise<void>((done) => listener.close(() => done())))
          .concat(
            // Streams got their end; whoever still holds a connection open is cut off.
            new Promise<void>((done) =>
              setImmediate(() => {
                for (const socket of sockets) socket.destroy();
                done();
              }),
            ),
          ),
      );
    },
  };
}

function listening(server: net.Server, target: ListenTarget): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.off('error', reject);
      resolve();
    });
    if (target instanceof net.Server) return;
    server.listen('fd' in target ? { fd: target.fd } : { host: target.host, port: target.port });
  });
}
