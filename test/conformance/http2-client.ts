import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { FLAG_BIT, FRAME, PREFACE, SETTING, uint32 } from '../../src/proxy/http2/frame.ts';
import type { Received } from './client.ts';
import { connectionLine, Http2Wire, http2Frame, numbers } from './http2-wire.ts';
import { inject } from './pressure.ts';
import { connectTls, describeTls } from './tls-client.ts';
import type { ClientTls, Http2Step, Places, SeenResponse } from './types.ts';

const quietMs = 60;
const closingMs = 2_500;

interface Stream {
  readonly lines: string[];
  status: string;
  body: string;
  done: boolean;
}

/** One HTTP/2 connection to a proxy, which sends what it is told, allowed or not, and takes down what comes. */
export class Http2Client {
  readonly #socket: net.Socket;
  readonly #wire: Http2Wire;
  readonly #streams = new Map<number, Stream>();
  readonly #connection: string[] = [];
  #nextId = 1;
  #over = false;
  #deaf = false;
  #fate: Received['fate'] = 'open';

  #tls: string | undefined = undefined;

  constructor(host: string, port: number, tls?: ClientTls) {
    if (tls) {
      const socket = connectTls({ host, port }, { protocols: ['h2'], ...tls });
      this.#tls = 'refused';
      socket.on('secureConnect', () => {
        this.#tls = describeTls(socket);
      });
      this.#socket = socket;
    } else this.#socket = net.connect({ host, port });
    this.#socket.setNoDelay(true);
    this.#wire = new Http2Wire(this.#socket, (...frame) => this.#frame(...frame));
    this.#socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET' || error.code === 'EPIPE') this.#fate = 'reset';
    });
    this.#socket.on('close', () => {
      this.#over = true;
      if (this.#fate === 'open') this.#fate = 'closed';
    });
    this.#wire.write(Buffer.concat([PREFACE, http2Frame(FRAME.SETTINGS, 0, 0, Buffer.alloc(0))]));
  }

  async run(steps: readonly Http2Step[], timeoutMs: number, places: Places): Promise<Received> {
    for (const step of steps) {
      if ('pressure' in step) await inject(places, step.pressure);
      else await this.#step(step, timeoutMs);
    }
    await this.#until(() => this.#allDone, timeoutMs);
    await sleep(quietMs);
    if (this.#connection.some((line) => line.startsWith('GOAWAY'))) await this.#until(() => this.#over, closingMs);
    const fate = this.#fate;
    this.#socket.destroy();
    return { responses: this.#responses(), rest: '', fate, ...(this.#tls === undefined ? {} : { tls: this.#tls }) };
  }

  async #step(step: Exclude<Http2Step, { readonly pressure: string }>, timeoutMs: number): Promise<void> {
    if ('raw' in step) this.#wire.write(Buffer.concat(Array(step.times ?? 1).fill(Buffer.from(step.raw, 'hex'))));
    else if ('sleep' in step) await sleep(step.sleep);
    else if ('reset' in step) this.#reset(step.reset);
    else if ('data' in step) this.#data(step);
    else if ('grant' in step) this.#grant(step.grant);
    else if ('heard' in step) await this.#heard(step.heard, timeoutMs);
    else if ('deaf' in step) this.#deaf = true;
    else if ('awaitBody' in step) await this.#until(() => this.#bodyOfLast >= step.awaitBody, timeoutMs);
    else {
      this.#request(step);
      if (!step.open && !step.beside) await this.#until(() => this.#allDone, timeoutMs);
    }
  }

  get #allDone(): boolean {
    return [...this.#streams.values()].every(({ done }) => done);
  }

  get #bodyOfLast(): number {
    return this.#streams.get(this.#nextId - 2)?.body.length ?? 0;
  }

  async #until(done: () => boolean, timeoutMs: number): Promise<void> {
    const end = performance.now() + timeoutMs;
    while (!done() && !this.#over && performance.now() < end) await sleep(5);
  }

  async #heard(bytes: number, timeoutMs: number): Promise<void> {
    const stream = this.#streams.get(this.#nextId - 2);
    if (!stream) return;
    await this.#until(() => stream.done || (stream.status !== '' && stream.body.length >= bytes), timeoutMs);
  }

  #request({ fields, body, open = false }: Extract<Http2Step, { fields: unknown }>): void {
    const id = this.#nextId;
    this.#nextId += 2;
    this.#streams.set(id, { lines: [], status: '', body: '', done: false });
    const pieces = [this.#wire.headers(id, fields, body === undefined && !open)];
    if (body !== undefined) pieces.push(http2Frame(FRAME.DATA, open ? 0 : 1, id, Buffer.from(body, 'latin1')));
    this.#wire.write(Buffer.concat(pieces));
  }

  #data({ data, trailers, end = true }: Extract<Http2Step, { data: string }>): void {
    const id = this.#nextId - 2;
    if (data !== '' || !trailers)
      this.#wire.frame(FRAME.DATA, end && !trailers ? 1 : 0, id, Buffer.from(data, 'latin1'));
    if (trailers) this.#wire.write(this.#wire.headers(id, trailers, end));
  }

  #reset(code: number): void {
    const id = this.#nextId - 2;
    this.#wire.frame(FRAME.RST_STREAM, 0, id, numbers(code));
    const stream = this.#streams.get(id);
    if (stream) stream.done = true;
  }

  #grant(bytes: number): void {
    this.#wire.frame(FRAME.WINDOW_UPDATE, 0, 0, numbers(bytes));
    if (this.#nextId > 1) this.#wire.frame(FRAME.WINDOW_UPDATE, 0, this.#nextId - 2, numbers(bytes));
  }

  #frame(type: number, flags: number, id: number, payload: Buffer): void {
    const line = connectionLine(type, flags, payload);
    if (line !== undefined) {
      this.#connection.push(line);
      if (type === FRAME.SETTINGS) this.#settings(payload);
      if (type === FRAME.PING && flags === 0 && !this.#deaf) this.#wire.frame(FRAME.PING, FLAG_BIT.ACK, 0, payload);
      return;
    }
    const stream = this.#streams.get(id);
    const ends = (flags & FLAG_BIT.END_STREAM) !== 0;
    if (type === FRAME.HEADERS) this.#head(stream, payload, ends);
    else if (type === FRAME.DATA && stream) {
      stream.body += payload.toString('latin1');
      stream.done ||= ends;
    } else if (type === FRAME.RST_STREAM && stream) {
      stream.lines.push(`RST_STREAM ${uint32(payload, 0)}${stream.done ? ' after the end' : ''}`);
      stream.done = true;
    }
  }

  #settings(payload: Buffer): void {
    this.#wire.frame(FRAME.SETTINGS, FLAG_BIT.ACK, 0);
    for (let at = 0; at < payload.length; at += 6)
      if (payload.readUInt16BE(at) === SETTING.HEADER_TABLE_SIZE) this.#wire.limitTable(uint32(payload, at + 2));
  }

  #head(stream: Stream | undefined, payload: Buffer, ends: boolean): void {
    const fields = this.#wire.decode(payload);
    if (!stream) return;
    if (stream.status === '' || /^1\d\d/.test(stream.status)) {
      if (stream.status !== '') stream.lines.push(`interim ${stream.status}`);
      stream.status = fields[0]?.replace(':status: ', '') ?? '';
      stream.lines.push(...fields.slice(1));
    } else stream.lines.push(...fields.map((field) => `trailer ${field}`));
    stream.done ||= ends;
  }

  #responses(): SeenResponse[] {
    const streams = [...this.#streams.values()].map(({ status, lines, body, done }) => ({
      status: `HTTP/2 ${status}${done ? '' : ' and goes on'}`,
      headers: lines,
      body,
    }));
    return [...streams, { status: this.#connection.join(', '), headers: [], body: '' }];
  }
}
