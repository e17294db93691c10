import http from 'node:http';

/** What is served at `/metrics`. */
export interface MetricsText {
  readonly contentType: string;
  readonly body: string;
}

const limits = { headersTimeout: 5_000, requestTimeout: 5_000, keepAliveTimeout: 90_000, maxHeaderSize: 8_192 };
const connectionsMax = 32;

/** Serves `GET /metrics`. Rejects when the address cannot be had. */
export async function serveMetrics(
  { host, port }: { readonly host: string; readonly port: number },
  text: () => Promise<MetricsText>,
): Promise<{ readonly port: number; close(): Promise<void> }> {
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
  server.maxConnections = connectionsMax;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}
