import http from 'node:http';
import https from 'node:https';
import {
  constants as c,
  check,
  closeDescriptor,
  inNetworkNamespace,
  native,
  setOption,
  socketAddress,
} from '../../sys/index.ts';

/** The two addresses of the host outside the cluster; the first is what `one.one.one.one` names, the second `k8s.io`. */
export const worldAddresses = ['203.0.113.10', '203.0.113.11'] as const;

/** PEM texts of what the world host shows itself with. */
export interface WorldTls {
  readonly certificate: string;
  readonly privateKey: string;
}

export interface WorldHost {
  /** Serves the same on port 443; without it that port refuses connections. */
  serveTls(tls: WorldTls): Promise<void>;
  close(): Promise<void>;
}

const limits = { requestTimeout: 30_000, headersTimeout: 10_000 } as const;

/**
 * Serves as a small web site on port 80 of the world's namespace: HTML on `/` and `/index.html`, else 404.
 * It listens from this process, since only the socket has to live there.
 */
export async function startWorldHost(network: string): Promise<WorldHost> {
  const servers: http.Server[] = [];
  const serve = async (server: http.Server, port: number): Promise<void> => {
    server.maxConnections = 1000;
    const fd = inNetworkNamespace(network, () => boundSocket(port));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen({ fd }, resolve);
    });
    server.on('error', () => {});
    server.unref();
    servers.push(server);
  };
  const stop = (server: http.Server): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  await serve(http.createServer(limits, answer), 80);
  return {
    serveTls: ({ certificate, privateKey }) =>
      serve(https.createServer({ ...limits, cert: certificate, key: privateKey }, answer), 443),
    close: async () => {
      await Promise.all(servers.map(stop));
    },
  };
}

function boundSocket(port: number): number {
  const type = c.SOCK_STREAM | c.SOCK_NONBLOCK | c.SOCK_CLOEXEC;
  const fd = check(native.socket(c.AF_INET, type, 0), 'socket');
  try {
    setOption(fd, c.SOL_SOCKET, c.SO_REUSEADDR, 1);
    // A fabric that is made again has two listeners until the first is closed.
    setOption(fd, c.SOL_SOCKET, c.SO_REUSEPORT, 1);
    const address = socketAddress('0.0.0.0', port);
    check(native.bind(fd, address, address.length), `bind(0.0.0.0:${port})`);
    return fd;
  } catch (error) {
    closeDescriptor(fd);
    throw error;
  }
}

function answer(request: http.IncomingMessage, response: http.ServerResponse): void {
  request.resume();
  const path = request.url?.split('?')[0];
  const found = path === '/' || path === '/index.html';
  const body = found
    ? '<!doctype html><title>Outside</title><p>A host outside the cluster.\n'
    : '<!doctype html><title>Not found</title>\n';
  response.writeHead(found ? 200 : 404, {
    'content-type': 'text/html; charset=utf-8',
    'content-length': Buffer.byteLength(body),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}
