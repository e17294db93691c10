import net from 'node:net';
import { createLogger } from '../../base/index.ts';
import { type RunningProxy, startProxy } from '../index.ts';

/** A backend that speaks HTTP/1.1 by hand: it keeps what it was sent and answers what `respond` says. */
export interface Backend {
  readonly port: number;
  /** Heads of the requests, in order, as they came. */
  readonly heads: string[];
  readonly bodies: string[];
  connections: number;
  close(): Promise<void>;
}

export type Respond = (head: string, socket: net.Socket, body: string) => string | undefined;

export const OK_RESPONSE = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

export async function startBackend(respond: Respond = () => OK_RESPONSE, host = '127.0.0.1'): Promise<Backend> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    backend.connections++;
    let text = '';
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      for (let next = takeRequest(text); next; next = takeRequest(text)) {
        text = next.rest;
        backend.heads.push(next.head);
        backend.bodies.push(next.body);
        const answer = respond(next.head, socket, next.body);
        if (answer !== undefined) socket.write(answer, 'latin1');
      }
    });
  });
  const backend = {
    port: 0,
    heads: [] as string[],
    bodies: [] as string[],
    connections: 0,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  backend.port = (server.address() as net.AddressInfo).port;
  return backend;
}

/** A port that nobody has at the moment. */
export async function freePort(): Promise<number> {
  const probe = await startBackend();
  await probe.close();
  return probe.port;
}

function takeRequest(text: string): { head: string; body: string; rest: string } | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const head = text.slice(0, end + 2);
  const from = end + 4;
  if (/\r\ntransfer-encoding: chunked\r\n/.test(head)) {
    const last = text.indexOf('0\r\n\r\n', from);
    return last < 0 ? undefined : { head, body: text.slice(from, last), rest: text.slice(last + 5) };
  }
  const length = Number(/\r\ncontent-length: (\d+)\r\n/.exec(head)?.[1] ?? 0);
  if (text.length < from + length) return undefined;
  return { head, body: text.slice(from, from + length), rest: text.slice(from + length) };
}

const TYPE = 'type.googleapis.com/';
export const HCM = `${TYPE}envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`;
export const ROUTER = {
  name: 'router',
  typed_config: { '@type': `${TYPE}envoy.extensions.filters.http.router.v3.Router` },
};
export const RBAC = `${TYPE}envoy.extensions.filters.http.rbac.v3.RBAC`;
export const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

export type Json = Record<string, unknown>;

export function endpoint(port: number, more: Json = {}): Json {
  return { endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: port } } }, ...more };
}

export function staticCluster(name: string, ports: readonly number[], more: Json = {}): Json {
  return {
    name,
    type: 'STATIC',
    connect_timeout: '1s',
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: ports.map((port) => endpoint(port)) }] },
    ...more,
  };
}

export function httpListener(name: string, manager: Json, more: Json = {}): Json {
  const config = { '@type': HCM, stat_prefix: name, http_filters: [ROUTER], ...manager };
  return {
    name,
    address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
    filter_chains: [{ filters: [{ name: 'hcm', typed_config: config }] }],
    ...more,
  };
}

export function routes(list: readonly Json[], more: Json = {}): Json {
  return { route_config: { name: 'r', virtual_hosts: [{ name: 'v', domains: ['*'], routes: list, ...more }] } };
}

export interface TestProxy extends RunningProxy {
  readonly port: number;
}

/** A proxy with one listener named `l`. */
export async function runProxy(listener: Json, clusters: readonly Json[], more: Json = {}): Promise<TestProxy> {
  const bootstrap = {
    node: { id: 'n', cluster: 'c' },
    static_resources: { listeners: [listener], clusters },
    ...more,
  };
  const proxy = await startProxy({ bootstrap, log: createLogger('proxy-test') });
  return Object.assign(proxy, { port: Number(/:(\d+)$/.exec(proxy.listenerAddresses('l')[0] ?? '')?.[1]) });
}

export interface Answer {
  readonly status: number;
  /** Head lines without the status line, `date` values cut. */
  readonly headers: readonly string[];
  readonly body: string;
}

/** A client connection that reads one response at a time. */
export class Client {
  readonly socket: net.Socket;
  #text = '';
  #ended = false;
  #wake: (() => void) | undefined = undefined;

  constructor(port: number, host = '127.0.0.1') {
    this.socket = net.connect({ port, host, noDelay: true, allowHalfOpen: true });
    this.socket.on('data', (bytes) => {
      this.#text += bytes.toString('latin1');
      this.#wake?.();
    });
    const end = (): void => {
      this.#ended = true;
      this.#wake?.();
    };
    this.socket.on('end', end);
    this.socket.on('close', end);
    this.socket.on('error', end);
  }

  send(text: string): void {
    this.socket.write(text, 'latin1');
  }

  async get(path: string, headers = ''): Promise<Answer> {
    this.send(`GET ${path} HTTP/1.1\r\nHost: a.test\r\n${headers}\r\n`);
    return this.read();
  }

  /** The next response; rejects when the connection ends before it is complete. */
  async read(headRequest = false): Promise<Answer> {
    for (;;) {
      const answer = this.#take(headRequest);
      if (answer) return answer;
      if (this.#ended) throw new Error(`connection ended after ${JSON.stringify(this.#text)}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Everything until the other side closes. */
  async rest(): Promise<string> {
    while (!this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const text = this.#text;
    this.#text = '';
    return text;
  }

  close(): void {
    this.socket.destroy();
  }

  #take(headRequest: boolean): Answer | undefined {
    const end = this.#text.indexOf('\r\n\r\n');
    if (end < 0) return undefined;
    const [first = '', ...headers] = this.#text.slice(0, end).split('\r\n');
    const status = Number(first.slice(9, 12));
    const from = end + 4;
    const length = headers.find((line) => line.startsWith('content-length: '))?.slice(16);
    const chunked = headers.includes('transfer-encoding: chunked');
    if (headRequest || status < 200 || status === 204 || status === 304) return this.#cut(status, headers, '', from);
    if (chunked) {
      const last = this.#text.indexOf('0\r\n\r\n', from);
      if (last < 0) return undefined;
      return this.#cut(status, headers, unchunk(this.#text.slice(from, last)), last + 5);
    }
    if (length !== undefined) {
      const stop = from + Number(length);
      return this.#text.length < stop ? undefined : this.#cut(status, headers, this.#text.slice(from, stop), stop);
    }
    return this.#ended ? this.#cut(status, headers, this.#text.slice(from), this.#text.length) : undefined;
  }

  #cut(status: number, headers: readonly string[], body: string, stop: number): Answer {
    this.#text = this.#text.slice(stop);
    return { status, headers: headers.map((line) => line.replace(/^date: .*/, 'date')), body };
  }
}

function unchunk(text: string): string {
  let out = '';
  for (let at = 0; at < text.length; ) {
    const line = text.indexOf('\r\n', at);
    const size = Number.parseInt(text.slice(at, line), 16);
    out += text.slice(line + 2, line + 2 + size);
    at = line + 4 + size;
  }
  return out;
}

/** One request on a connection of its own. */
export async function once(port: number, path: string, headers = ''): Promise<Answer> {
  const client = new Client(port);
  try {
    return await client.get(path, headers);
  } finally {
    client.close();
  }
}
