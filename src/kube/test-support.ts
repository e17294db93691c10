import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import * as x509 from '@peculiar/x509';
import { type WebSocket, WebSocketServer } from 'ws';
import type { ClusterAccess } from './access.ts';
import { createClient, type KubeClient } from './client.ts';

export interface TestServer {
  readonly access: ClusterAccess;
  readonly certificate: string;
  readonly server: https.Server;
  close(): Promise<void>;
}

type Handler = (request: IncomingMessage, response: ServerResponse, url: URL) => void;

/** An HTTPS server on loopback with a certificate of its own, and the access that trusts it. */
export async function testServer(handler: Handler): Promise<TestServer> {
  const { certificate, key } = await selfSigned();
  const server = https.createServer({ cert: certificate, key }, (request, response) => {
    handler(request, response, new URL(request.url ?? '/', 'https://test'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    certificate,
    server,
    access: {
      server: `https://127.0.0.1:${port}`,
      namespace: 'default',
      context: 'test',
      credentials: async () => ({ ca: certificate, headers: { Authorization: 'Bearer let-me-in' } }),
    },
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** The client of a cluster where WebSockets to pods go to `onSession`, which speak the first protocol offered; a pod named `absent` is not there. */
export async function podClient(t: TestContext, onSession: (socket: WebSocket, url: URL) => void): Promise<KubeClient> {
  const server = await testServer((_request, response) => response.writeHead(404).end());
  const sockets = new WebSocketServer({ noServer: true });
  server.server.on('upgrade', (request: IncomingMessage, socket, head) => {
    const url = new URL(request.url ?? '/', 'https://test');
    if (url.pathname.includes('/absent/')) return void socket.end(absentPod);
    sockets.handleUpgrade(request, socket, head, (accepted) => onSession(accepted, url));
  });
  const client = createClient(server.access);
  t.after(async () => {
    client.close();
    for (const socket of sockets.clients) socket.terminate();
    await server.close();
  });
  return client;
}

const absentStatus = JSON.stringify({
  status: 'Failure',
  code: 404,
  reason: 'NotFound',
  message: 'pods "absent" not found',
});
const absentPod = `HTTP/1.1 404 Not Found\r\nContent-Length: ${absentStatus.length}\r\nConnection: close\r\n\r\n${absentStatus}`;

async function selfSigned(): Promise<{ readonly certificate: string; readonly key: string }> {
  x509.cryptoProvider.set(webcrypto);
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: 'CN=127.0.0.1',
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 3_600_000),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }]),
    ],
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return {
    certificate: certificate.toString('pem'),
    key: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`,
  };
}

export interface TestPod {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly resourceVersion: string };
}

function testPod(name: string, version: number): TestPod {
  return { metadata: { name, namespace: 'shop', resourceVersion: String(version) } };
}

/** A pod collection with versions, watches and a history that can be cut. */
export interface FakeCollection {
  readonly handler: Handler;
  readonly lists: number;
  readonly watches: string[];
  put(name: string): void;
  remove(name: string): void;
  /** Breaks every open watch in the middle. */
  disconnect(): void;
  /** Forgets what happened: watches from before now get 410. */
  forget(): void;
  bookmark(): void;
  /** Number of coming requests to refuse with 503. */
  refuse: number;
  pageSize: number;
}

export function fakeCollection(): FakeCollection {
  const pods = new Map<string, TestPod>();
  const history: { readonly version: number; readonly line: string }[] = [];
  const open = new Set<ServerResponse>();
  let version = 10;
  let oldest = 0;
  const write = (type: string, object: unknown): void => {
    const line = `${JSON.stringify({ type, object })}\n`;
    if (type !== 'BOOKMARK') history.push({ version, line });
    // Cut in two, as a network may.
    for (const response of open) {
      response.write(line.slice(0, 7));
      response.write(line.slice(7));
    }
  };
  const watch = (response: ServerResponse, from: string): void => {
    collection.watches.push(from);
    response.writeHead(200);
    if (Number(from) < oldest) return void response.end(expiredLine);
    response.flushHeaders();
    for (const { version: at, line } of history) if (at > Number(from)) response.write(line);
    open.add(response);
    response.on('close', () => open.delete(response));
  };
  const collection = {
    lists: 0,
    watches: [] as string[],
    refuse: 0,
    pageSize: 500,
    handler: ((_request, response, { searchParams }) => {
      if (collection.refuse-- > 0) return void response.writeHead(503).end('busy');
      if (searchParams.get('watch') === 'true') return watch(response, searchParams.get('resourceVersion') ?? '');
      collection.lists++;
      response.end(
        listPage([...pods.values()], version, Number(searchParams.get('continue') ?? 0), collection.pageSize),
      );
    }) satisfies Handler,
    put(name: string) {
      const type = pods.has(name) ? 'MODIFIED' : 'ADDED';
      pods.set(name, testPod(name, ++version));
      write(type, pods.get(name));
    },
    remove(name: string) {
      pods.delete(name);
      write('DELETED', testPod(name, ++version));
    },
    disconnect() {
      for (const response of open) response.destroy();
    },
    forget() {
      oldest = ++version;
      history.length = 0;
    },
    bookmark: () => write('BOOKMARK', { metadata: { resourceVersion: String(++version) } }),
  };
  return collection;
}

const expired = {
  kind: 'Status',
  status: 'Failure',
  code: 410,
  reason: 'Expired',
  message: 'too old resource version',
};
const expiredLine = `${JSON.stringify({ type: 'ERROR', object: expired })}\n`;

function listPage(pods: readonly TestPod[], version: number, start: number, size: number): string {
  const end = start + size;
  const metadata = { resourceVersion: String(version), ...(end < pods.length ? { continue: String(end) } : {}) };
  return JSON.stringify({ kind: 'PodList', apiVersion: 'v1', metadata, items: pods.slice(start, end) });
}

/** Waits until a condition holds, looking again whenever the event loop turns; fails after 5 s. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const end = performance.now() + 5000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
