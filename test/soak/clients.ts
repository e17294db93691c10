import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { takeMessage } from '../conformance/message.ts';
import { bodyOf } from './backends.ts';
import { fault, type Tally } from './tally.ts';

export interface Load {
  readonly tally: Tally;
  readonly random: () => number;
  /** True once the load is to end. */
  readonly over: () => boolean;
  readonly httpPort: number;
  readonly tcpPort: number;
}

const answerMs = 20_000;
/** A body that long pauses both proxies' sides now and then. */
const largest = 400_000;
let ids = 0;

interface Asked {
  readonly id: string;
  readonly size: number;
  readonly sent: number;
  readonly text: string;
}

function ask(random: () => number, small = false): Asked {
  const id = `r${ids++}`;
  const size = random() < 0.9 || small ? Math.floor(random() * 2_000) : Math.floor(random() * largest);
  const body =
    random() < 0.6
      ? ''
      : bodyOf(id, random() < 0.9 || small ? Math.floor(random() * 3_000) : Math.floor(random() * largest));
  const lines = [
    `${body === '' ? 'GET' : 'POST'} /soak/${id} HTTP/1.1`,
    'Host: soak',
    `X-Id: ${id}`,
    `X-Size: ${size}`,
  ];
  if (body === '') return { id, size, sent: 0, text: `${lines.join('\r\n')}\r\n\r\n` };
  const chunked = random() < 0.5;
  lines.push(chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`);
  const payload = chunked ? `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n` : body;
  return { id, size, sent: body.length, text: `${lines.join('\r\n')}\r\n\r\n${payload}` };
}

/** Sends requests over kept connections, `depth` at a time, and checks that each answer is its own, whole and the only one. */
export async function keepAsking(load: Load, depth: number): Promise<void> {
  while (!load.over()) {
    const connection = new Connection(load);
    while (!load.over() && !connection.closed) {
      const asked = Array.from({ length: depth }, () => ask(load.random, depth > 1));
      await connection.exchange(asked);
      await sleep(2 + load.random() * 20);
    }
    connection.close();
  }
}

class Connection {
  closed = false;
  readonly #load: Load;
  readonly #socket: net.Socket;
  readonly #waiting: Asked[] = [];
  #text = '';
  #slow = false;
  #wake: () => void = () => undefined;

  constructor(load: Load) {
    this.#load = load;
    this.#socket = net.connect({ host: '127.0.0.1', port: load.httpPort });
    this.#socket.setNoDelay(true);
    this.#socket.on('data', (bytes) => this.#receive(bytes.toString('latin1')));
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => this.#end());
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Resolves when every request is answered or the connection is over. */
  async exchange(asked: readonly Asked[]): Promise<void> {
    const { tally, random } = this.#load;
    tally.requests += asked.length;
    this.#waiting.push(...asked);
    this.#socket.write(asked.map(({ text }) => text).join(''), 'latin1');
    if (random() < 0.02) this.#pause();
    const timer = setTimeout(() => {
      fault(tally, `lost: no answer to ${this.#waiting[0]?.id} within ${answerMs / 1000} s`);
      this.#socket.destroy();
    }, answerMs);
    while (this.#waiting.length > 0 && !this.closed) await new Promise<void>((resolve) => (this.#wake = resolve));
    clearTimeout(timer);
  }

  /** A reader that stops for a moment makes what follows wait in the proxy. */
  #pause(): void {
    if (this.#slow) return;
    this.#slow = true;
    this.#socket.pause();
    setTimeout(() => {
      this.#slow = false;
      this.#socket.resume();
    }, 300);
  }

  #receive(text: string): void {
    this.#text += text;
    for (let message = takeMessage(this.#text, 'response'); message; message = takeMessage(this.#text, 'response')) {
      this.#text = message.rest;
      this.#judge(message.head, message.body);
    }
    if (this.#waiting.length === 0 && this.#text !== '') {
      fault(
        this.#load.tally,
        `doubled: ${this.#text.length} bytes that no request asked for: ${this.#text.slice(0, 80)}`,
      );
      this.#socket.destroy();
    }
  }

  #judge(head: string, framed: string): void {
    const { tally } = this.#load;
    const asked = this.#waiting.shift();
    this.#wake();
    if (!asked) {
      fault(tally, `doubled: a response that no request asked for: ${head.slice(0, 80)}`);
      return;
    }
    const status = /^HTTP\/1\.1 (\d+)/.exec(head)?.[1];
    if (status !== '200') {
      if (status === '503' || status === '504') tally.unavailable++;
      else fault(tally, `status ${status} for ${asked.id}`);
      return;
    }
    const id = /\r\nx-id: (\S+)/i.exec(head)?.[1];
    const received = Number(/\r\nx-received: (\d+)/i.exec(head)?.[1]);
    const body = /\r\ntransfer-encoding: chunked/i.test(head) ? unchunked(framed) : framed;
    if (id !== asked.id) fault(tally, `wrong: ${asked.id} got the answer of ${id}`);
    else if (body !== bodyOf(asked.id, asked.size))
      fault(tally, `garbled: the body of ${asked.id}, ${body.length} bytes`);
    else if (received !== asked.sent)
      fault(tally, `garbled: ${asked.id} sent ${asked.sent}, the backend had ${received}`);
    else tally.answered++;
  }

  #end(): void {
    this.closed = true;
    if (this.#waiting.length > 0) this.#load.tally.cut += this.#waiting.length;
    this.#waiting.length = 0;
    this.#wake();
  }
}

function unchunked(text: string): string {
  let out = '';
  for (let at = 0; ; ) {
    const line = text.indexOf('\r\n', at);
    const size = Number.parseInt(text.slice(at, line), 16);
    if (line < 0 || Number.isNaN(size) || size === 0) return out;
    out += text.slice(line + 2, line + 2 + size);
    at = line + 2 + size + 2;
  }
}

/** Opens connections and leaves in the middle: of a request, of nonsense, or of the answer. */
export async function keepAborting({ tally, random, over, httpPort }: Load): Promise<void> {
  while (!over()) {
    const { text } = ask(random);
    const cut = text.slice(0, Math.floor(random() * (text.length + 1)));
    const bytes = random() < 0.2 ? scrambled(cut, random) : cut;
    await new Promise<void>((resolve) => {
      const socket = net.connect({ host: '127.0.0.1', port: httpPort });
      const leave = (): void => {
        if (random() < 0.5) socket.resetAndDestroy();
        else socket.destroy();
        resolve();
      };
      socket.on('error', leave);
      socket.on('connect', () => {
        socket.write(bytes, 'latin1');
        setTimeout(leave, random() * 40);
      });
      if (random() < 0.5) socket.once('data', leave);
    });
    tally.aborted++;
    await sleep(5 + random() * 20);
  }
}

function scrambled(text: string, random: () => number): string {
  const at = Math.floor(random() * text.length);
  return `${text.slice(0, at)}${String.fromCharCode(Math.floor(random() * 256))}${text.slice(at + 1)}`;
}

/** Sends bytes through the TCP listener and expects them back. */
export async function keepEchoing({ tally, random, over, tcpPort }: Load): Promise<void> {
  while (!over()) {
    const sent = bodyOf(`t${ids++}`, 1 + Math.floor(random() * 50_000));
    await new Promise<void>((resolve) => {
      const socket = net.connect({ host: '127.0.0.1', port: tcpPort });
      let received = '';
      socket.on('data', (bytes) => {
        received += bytes.toString('latin1');
        if (received.length >= sent.length) socket.end();
      });
      socket.on('error', () => resolve());
      socket.on('close', () => {
        if (received === sent) tally.tcpBytes += sent.length;
        // Nothing at all: the proxy could not connect in time.
        else if (received === '') tally.cut++;
        else fault(tally, `garbled: ${sent.length} bytes of TCP came back as ${received.length}`);
        resolve();
      });
      socket.write(sent, 'latin1');
    });
    await sleep(10 + random() * 40);
  }
}
