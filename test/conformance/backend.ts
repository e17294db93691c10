import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import type { JsonObject } from '../../src/model/envoy/index.ts';
import { server } from '../../src/proxy/testing/certificates.ts';
import { flat, startGrpc } from './grpc-backend.ts';
import { serveHttp2 } from './http2-backend.ts';
import { headEnd, type Message, takeMessage } from './message.ts';
import { decodeExport } from './otlp.ts';
import type { BackendKind, Behaviour, Case, Http2Host, SeenRequest } from './types.ts';
import { decodeSpans } from './zipkin.ts';

export interface Backends {
  /** Puts scripts in force, forgets what was seen and ends the connections that are left, so that each case starts without any. */
  begin(one: Pick<Case, 'backends' | 'hosts'>): Promise<void>;
  readonly seen: readonly SeenRequest[];
  /** Bytes that arrived at TCP backends since `begin`, by backend. */
  readonly received: ReadonlyMap<number, string>;
  close(): Promise<void>;
}

/** Time for a proxy to notice that idle connections have ended; to see it counted takes longer. */
const closedMs = 6;
const countedMs = 25;

interface Backend {
  readonly index: number;
  readonly kind: BackendKind;
  script: readonly Behaviour[];
  host: Http2Host;
  served: number;
  connections: number;
}

/** Starts one server per kind on the address and ports given. */
export async function startBackends(
  kinds: readonly BackendKind[],
  host: string,
  portOf: (index: number) => number,
): Promise<Backends> {
  const seen: SeenRequest[] = [];
  const received = new Map<number, string>();
  const sockets = new Set<net.Socket>();
  const backends = kinds.map(
    (kind, index): Backend => ({ index, kind, script: [], host: {}, served: 0, connections: 0 }),
  );
  const grpcServers = await Promise.all(
    backends
      .filter(({ kind }) => kind === 'grpc')
      .map((backend) => startGrpc(`${host}:${portOf(backend.index)}`, backend, seen)),
  );
  const servers = backends.map((backend) => {
    if (backend.kind === 'closed' || backend.kind === 'grpc') return undefined;
    const accept = (socket: net.Socket): void => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
      if (backend.kind === 'http2' || (socket instanceof tls.TLSSocket && socket.alpnProtocol === 'h2'))
        serveHttp2(socket, backend, seen);
      else if (backend.kind === 'http' || backend.kind === 'https') serveHttp(socket, backend, seen);
      else serveBytes(socket, backend, received);
    };
    if (backend.kind === 'https') return createSecure(backend, accept);
    return net.createServer({ allowHalfOpen: true, noDelay: true }, accept);
  });
  await Promise.all(
    servers.map(
      async (server, index) => server && new Promise<void>((done) => server.listen(portOf(index), host, done)),
    ),
  );
  return {
    begin: async ({ backends: scripts = {}, hosts = {} }) => {
      const left = sockets.size;
      for (const socket of sockets) socket.destroy();
      if (left > 0) await sleep(kinds.includes('http2') ? countedMs : closedMs);
      seen.length = 0;
      received.clear();
      for (const backend of backends) {
        backend.script = scripts[backend.index] ?? [];
        backend.host = hosts[backend.index] ?? {};
        backend.served = 0;
        backend.connections = 0;
      }
    },
    seen,
    received,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      for (const server of grpcServers) server.close();
      await Promise.all(servers.map(async (server) => server && new Promise((done) => server.close(done))));
    },
  };
}

function serveBytes(socket: net.Socket, { index, kind }: Backend, received: Map<number, string>): void {
  if (kind === 'banner') socket.write(`hello from b${index}\n`);
  socket.on('data', (bytes) => {
    received.set(index, (received.get(index) ?? '') + bytes.toString('latin1'));
    socket.write(bytes);
  });
  socket.on('end', () => socket.end());
}

function serveHttp(socket: net.Socket, backend: Backend, seen: SeenRequest[]): void {
  let text = '';
  let connection = 0;
  let tunnel = false;
  let early: string | undefined;
  socket.on('data', (bytes) => {
    if (tunnel) {
      socket.write(bytes);
      return;
    }
    text += bytes.toString('latin1');
    for (;;) {
      const behaviour = backend.script[backend.served] ?? { raw: okResponse(backend.index, text.startsWith('HEAD ')) };
      if (typeof behaviour === 'object' && 'early' in behaviour && early === undefined && headEnd(text) >= 0) {
        early = behaviour.early;
        socket.write(early, 'latin1');
        if (behaviour.afterwards) finish(socket, behaviour.afterwards);
      }
      const message = takeMessage(text, 'request');
      if (!message) return;
      text = message.rest;
      backend.served++;
      if (connection === 0) connection = ++backend.connections;
      seen.push(seenRequest(backend.index, connection, message, socket));
      if (early !== undefined) early = undefined;
      else if (/^CONNECT |\nupgrade: /i.test(message.head)) tunnel = true;
      if (typeof behaviour === 'object' && 'early' in behaviour) continue;
      void answer(socket, behaviour);
    }
  });
  socket.on('end', () => {
    if (text !== '') {
      if (connection === 0) connection = ++backend.connections;
      seen.push({ backend: backend.index, connection, line: `incomplete: ${text}`, headers: [], body: '' });
    }
    socket.end();
  });
}

function okResponse(index: number, head: boolean): string {
  return `HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-backend: b${index}\r\n\r\n${head ? '' : `b${index}`}`;
}

async function answer(socket: net.Socket, behaviour: Behaviour): Promise<void> {
  if (behaviour === 'hang') return;
  if ('end' in behaviour) {
    finish(socket, behaviour.end);
    return;
  }
  if (!('raw' in behaviour)) return;
  const { raw } = behaviour;
  if (typeof raw === 'string') {
    socket.write(raw, 'latin1');
  } else {
    for (const piece of raw) {
      if (piece.afterMs !== undefined) await sleep(piece.afterMs);
      socket.write(piece.raw, 'latin1');
    }
  }
  if (behaviour.afterwards) finish(socket, behaviour.afterwards);
}

function finish(socket: net.Socket, how: 'close' | 'reset'): void {
  if (how === 'reset') socket.resetAndDestroy();
  else socket.end();
}

/** The body of a message without its framing. */
function withoutChunks({ head, body }: Message): string {
  if (!/\r\ntransfer-encoding:[^\r]*chunked/i.test(head)) return body;
  let out = '';
  for (let at = 0; at < body.length; ) {
    const line = body.indexOf('\r\n', at);
    const size = Number.parseInt(body.slice(at, line), 16);
    if (!(size > 0)) break;
    out += body.slice(line + 2, line + 2 + size);
    at = line + 2 + size + 2;
  }
  return out;
}

function seenRequest(backend: number, connection: number, message: Message, socket: net.Socket): SeenRequest {
  const [line = '', ...headers] = message.head.split('\r\n');
  const secure = socket instanceof tls.TLSSocket ? [secured(socket)] : [];
  const exported = decodeTelemetry(line, headers, message);
  if (!exported) return { backend, connection, line, headers: [...headers, ...secure], body: message.body };
  // How long it is depends on the time of day.
  const told = headers.filter((header) => !/^content-length:/i.test(header));
  return { backend, connection, line, headers: [...told, ...secure, ...flat('', exported)], body: '' };
}

/** Spans or log records that are sent over HTTP, by the path that they are sent to. */
function decodeTelemetry(line: string, headers: readonly string[], message: Message): JsonObject | undefined {
  const type = headers.flatMap(
    (header) => /^content-type: (application\/(?:x-protobuf|json))\b/i.exec(header)?.[1] ?? [],
  )[0];
  if (type === undefined) return undefined;
  const body = Buffer.from(withoutChunks(message), 'latin1');
  if (type === 'application/json' || line.includes('/api/v2/spans')) return decodeSpans(type, body);
  return decodeExport(line.includes('/v1/logs') ? '/v1/logs' : '/v1/traces', body);
}

/** Shows the certificate `server`, asks for one and takes any. */
function createSecure(backend: Backend, accept: (socket: net.Socket) => void): net.Server {
  const options = { cert: server.certificate, key: server.key, requestCert: true, rejectUnauthorized: false };
  // Whatever a client offers is agreed on, so that each offer is seen.
  const agree = ({ protocols }: { protocols: string[] }): string | undefined => backend.host.agrees ?? protocols[0];
  const agreeing = tls.createServer({ ...options, ALPNCallback: agree }, accept);
  const silent = tls.createServer(options, accept);
  for (const secure of [agreeing, silent]) secure.on('tlsClientError', () => undefined);
  return net.createServer({ noDelay: true }, (socket) => {
    socket.once('readable', () => {
      takeProxyHeader(socket);
      (backend.host.agrees === '' ? silent : agreeing).emit('connection', socket);
    });
  });
}

/** Headers of the PROXY protocol by the port of the connection they came on. */
const proxyHeaders = new Map<number, string>();

/** Takes the header away that stands before a handshake, if there is one. */
function takeProxyHeader(socket: net.Socket): void {
  const bytes = (socket.read() as Buffer | null) ?? Buffer.alloc(0);
  const text = bytes.toString('latin1');
  const second = text.startsWith('\r\n\r\n\0\r\nQUIT\n');
  const length = second ? 16 + bytes.readUInt16BE(14) : text.startsWith('PROXY ') ? text.indexOf('\r\n') + 2 : 0;
  const shown = second ? bytes.subarray(12, length).toString('hex') : text.slice(0, Math.max(0, length - 2));
  proxyHeaders.set(socket.remotePort ?? 0, shown);
  if (bytes.length > length) socket.unshift(bytes.subarray(length));
}

function secured(socket: tls.TLSSocket): string {
  const { servername } = socket as unknown as { readonly servername?: string | false };
  const name = socket.getPeerCertificate().subject?.CN;
  const header = proxyHeaders.get(socket.remotePort ?? 0);
  const agreed = `${socket.getProtocol()} ${servername || '-'} ${socket.alpnProtocol || '-'} ${String(name ?? '-')}`;
  return `(${header ? `${header}, ` : ''}tls ${agreed})`;
}
