import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { headEnd, takeMessage } from './message.ts';
import { inject } from './pressure.ts';
import { connectTls, describeTls } from './tls-client.ts';
import type { ClientTls, Places, Request, SeenResponse, Step } from './types.ts';

const quietMs = 30;
const closingMs = 2_500;
/** A close that takes longer than this after the last response was waiting for something. */
const laterMs = 400;

/** What a connection of the client's received, and what became of it. */
export interface Received {
  readonly responses: SeenResponse[];
  /** What came after the last response or instead of one. */
  rest: string;
  /** `closed later`: only once a delayed close had run out, or some other time-out. */
  fate: 'open' | 'closed' | 'closed later' | 'reset';
  /** What the handshake of an encrypted connection agreed on. */
  tls?: string;
}

/** One connection to a proxy. */
export class Client {
  readonly #socket: net.Socket;
  readonly #methods: string[];
  readonly #bytesOnly: boolean;
  readonly received: Received = { responses: [], rest: '', fate: 'open' };
  finals = 0;
  bytes = 0;
  #ended = false;
  #closed = false;
  #saysClose = false;

  constructor(
    host: string,
    port: number,
    options: { from?: string; tcp?: boolean; methods?: readonly string[]; tls?: ClientTls },
  ) {
    this.#methods = [...(options.methods ?? [])];
    this.#bytesOnly = options.tcp ?? false;
    const { from } = options;
    const to = { host, port, allowHalfOpen: true, ...(from ? { localAddress: from } : {}) };
    if (options.tls) {
      const socket = connectTls(to, options.tls);
      this.received.tls = 'refused';
      socket.on('secureConnect', () => {
        this.received.tls = describeTls(socket);
      });
      this.#socket = socket;
    } else this.#socket = net.connect(to);
    this.#socket.setNoDelay(true);
    this.#socket.on('data', (bytes) => this.#take(bytes.toString('latin1')));
    this.#socket.on('end', () => {
      this.#ended = true;
      this.#take('');
      if (this.received.fate === 'open') this.received.fate = 'closed';
    });
    this.#socket.on('error', (error: NodeJS.ErrnoException) => {
      // Whether a refusal comes with an alert or without is told by whether there was an answer.
      if (options.tls) this.received.fate = 'closed';
      else if (error.code === 'ECONNRESET' || error.code === 'EPIPE') this.received.fate = 'reset';
    });
    this.#socket.on('close', () => {
      this.#closed = true;
      if (this.received.fate === 'open') this.received.fate = 'closed';
    });
  }

  get over(): boolean {
    return this.#ended || this.#closed;
  }

  send(text: string, method?: string): void {
    if (method !== undefined) this.#methods.push(method);
    if (!this.#closed) this.#socket.write(text, 'latin1');
  }

  async run(steps: readonly Step[], timeoutMs: number, places: Places): Promise<void> {
    for (const step of steps) {
      if ('send' in step) this.send(step.send);
      else if ('sendSplit' in step) {
        for (const byte of step.sendSplit) {
          this.send(byte);
          await new Promise((done) => setImmediate(done));
        }
      } else if ('sleep' in step) await sleep(step.sleep);
      else if ('pressure' in step) await inject(places, step.pressure);
      else if ('awaitResponses' in step) await this.#until(() => this.finals >= step.awaitResponses, timeoutMs);
      else if ('awaitBytes' in step) await this.#until(() => this.bytes >= step.awaitBytes, timeoutMs);
      else if (step.do === 'close') this.#socket.destroy();
      else if (step.do === 'reset') this.#socket.resetAndDestroy();
      else if (step.do === 'halfClose') this.#socket.end();
      else if (step.do === 'pause') this.#socket.pause();
      else this.#socket.resume();
    }
  }

  async responses(count: number, timeoutMs: number): Promise<void> {
    await this.#until(() => this.finals >= count, timeoutMs);
  }

  /** Waits until the proxy has closed the connection, or has not for long enough to call it open; then closes it. */
  async settle(): Promise<Received> {
    const start = performance.now();
    await this.#until(() => false, this.#saysClose ? closingMs : quietMs);
    const { received } = this;
    const late = received.fate === 'closed' && performance.now() - start > laterMs;
    // A copy: what our own destroying does to the connection is not the proxy's doing.
    const settled: Received = { ...received, ...(late ? { fate: 'closed later' } : {}) };
    if (!this.#closed) this.#socket.destroy();
    return settled;
  }

  async #until(done: () => boolean, timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!done() && !this.over && performance.now() < deadline) await sleep(1);
  }

  #take(text: string): void {
    this.bytes += text.length;
    this.received.rest += text;
    if (this.#bytesOnly) return;
    while (this.#takeOne());
  }

  #takeOne(): boolean {
    const { rest } = this.received;
    const end = headEnd(rest);
    if (end < 0) return false;
    const head = rest.slice(0, end);
    const status = Number(/^HTTP\/1\.\d (\d{3})/.exec(head)?.[1] ?? 0);
    const final = status >= 200 || status === 101;
    const method = this.#methods[this.finals] ?? 'GET';
    const bodyless = method === 'HEAD' || (method === 'CONNECT' && status >= 200 && status < 300);
    const message = takeMessage(rest, 'response', bodyless, this.#ended);
    if (!message) return false;
    const [line = '', ...headers] = message.head.split('\r\n');
    this.received.responses.push({ status: line, headers, body: message.body });
    this.received.rest = message.rest;
    if (final) this.finals++;
    if (headers.some((header) => /^connection: close$/i.test(header))) this.#saysClose = true;
    return message.rest !== '';
  }
}

/** The bytes of a structured request. */
export function requestText(request: Request): string {
  const { method = 'GET', path = '/', host = 'example.com', version = 'HTTP/1.1', body, chunked = false } = request;
  const given = request.headers ?? [];
  const headers = Array.isArray(given) ? given : Object.entries(given);
  const lines = [`${method} ${path} ${version}`, ...(host === null ? [] : [`Host: ${host}`])];
  for (const [name, value] of headers) lines.push(`${name}: ${value}`);
  const framed = headers.some(([name]) => /^(content-length|transfer-encoding)$/i.test(name));
  if (chunked) lines.push('Transfer-Encoding: chunked');
  else if (body !== undefined && !framed) lines.push(`Content-Length: ${body.length}`);
  const chunk = body ? `${body.length.toString(16)}\r\n${body}\r\n` : '';
  const payload = chunked ? `${chunk}0\r\n\r\n` : (body ?? '');
  return `${lines.join('\r\n')}\r\n\r\n${payload}`;
}
