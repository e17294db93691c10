import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { createConnectionGuard, type ServerSecurity } from '../hubble/index.ts';

/** What is served at `/metrics`. */
export interface MetricsText {
  readonly contentType: string;
  readonly body: string;
}

const limits = { headersTimeout: 5_000, requestTimeout: 5_000, keepAliveTimeout: 90_000, maxHeaderSize: 8_192 };
const connectionsMax = 32;

export interface MetricsServer {
  readonly port: number;
  /** Has connections taken so from now on; those that were taken otherwise end. */
  readonly use: (security: ServerSecurity) => void;
  close(): Promise<void>;
}

/** Serves `GET /metrics`, in plain text unless told otherwise. Rejects when the address cannot be had. */
export async function serveMetrics(
  { host, port }: { readonly host: string; readonly port: number },
  text: () => Promise<MetricsText>,
  security: ServerSecurity = { kind: 'plain' },
): Promise<MetricsServer> {
  const server = http.createServer(limits, (request, response) => {
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (request.url?.split('?')[0] !== '/metrics' || !isRead) {
      response.writeHead(request.url?.split('?')[0] === '/metrics' ? 405 : 404).end();
      return;
    }
    text().then(
      ({ contentType, body }) => response.writeHead(200, { 'content-type': contentType }).end(body),
      () => response.writeHead(500).end(),
    );
  });
  const guard = createConnectionGuard(security, (socket) => void server.emit('connection', socket), undefined, [
    'http/1.1',
  ]);
  const listener = net.createServer(guard.accept).listen(port, host);
  listener.maxConnections = connectionsMax;
  await once(listener, 'listening');
  // A connection that cannot be accepted ends alone.
  listener.on('error', () => {});
  const address = listener.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    use: guard.use,
    close: async () => {
      const closed = new Promise<void>((resolve) => listener.close(() => resolve()));
      guard.close();
      await closed;
    },
  };
}
