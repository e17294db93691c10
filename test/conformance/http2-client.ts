import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { FLAG_BIT, FRAME, FRAME_HEAD, PREFACE, putFrameHead, putUint32, uint32 } from '../../src/proxy/http2/frame.ts';
import { HpackDecoder } from '../../src/proxy/http2/hpack/decoder.ts';
import { HpackEncoder } from '../../src/proxy/http2/hpack/encoder.ts';
import type { Received } from './client.ts';
import { connectTls, describeTls } from './tls-client.ts';
import type { ClientTls, Http2Step, SeenResponse } from './types.ts';

const quietMs = 60;
const closingMs = 2_500;

interface Stream {
  readonly lines: string[];
  status: string;
  body: string;
  done: boolean;
}

function http2Frame(type: number, flags: number, id: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(FRAME_HEAD);
  putFrameHead(head, 0, payload.length, type, flags, id);
  return Buffer.concat([head, payload]);
}

/** One HTTP/2 connection to a proxy, which sends what it is told, allowed or not, and takes down what comes. */
export class Http2Client {
  readonly #socket: net.Socket;
  readonly #encoder = new HpackEncoder();
  readonly #decoder = new HpackDecoder(4096);
  readonly #streams = new Map<number, Stream>();
  readonly #connection: string[] = [];
  #bytes = Buffer.alloc(0);
  #nextId = 1;
  #over = false;
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
    this.#socket.on('data', (bytes) => this.#take(bytes));
    this.#socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET' || error.code === 'EPIPE') this.#fate = 'reset';
    });
    this.#socket.on('close', () => {
      this.#over = true;
      if (this.#fate === 'open') this.#fate = 'closed';
    });
    this.#write(Buffer.concat([PREFACE, http2Frame(FRAME.SETTINGS, 0, 0, Buffer.alloc(0))]));
  }

  #write(bytes: Buffer): void {
    if (!this.#over) this.#socket.write(bytes);
  }

  async run(steps: readonly Http2Step[], timeoutMs: number): Promise<Received> {
    for (const step of steps) {
      if ('raw' in step) this.#write(Buffer.from(step.raw, 'hex'));
      else if ('sleep' in step) await sleep(step.sleep);
      else if ('reset' in step) this.#reset(step.reset);
      else if ('data' in step) this.#data(step);
      else {
        this.#request(step);
        if (!step.open) await this.#until(() => [...this.#streams.values()].every(({ done }) => done), timeoutMs);
      }
    }
    await this.#until(() => [...this.#streams.values()].every(({ done }) => done), timeoutMs);
    await sleep(quietMs);
    if (this.#connection.some((line) => line.startsWith('GOAWAY'))) await this.#until(() => this.#over, closingMs);
    const fate = this.#fate;
    this.#socket.destroy();
    return { responses: this.#responses(), rest: '', fate, ...(this.#tls === undefined ? {} : { tls: this.#tls }) };
  }

  async #until(done: () => boolean, timeoutMs: number): Promise<void> {
    const end = performance.now() + timeoutMs;
    while (!done() && !this.#over && performance.now() < end) await sleep(5);
  }

  #block(fields: readonly (readonly [string, string])[]): Buffer {
    const out = Buffer.alloc(200_000);
    let at = this.#encoder.begin(out, 0);
    for (const [name, value] of fields) at = this.#encoder.put(out, at, name, value);
    return Buffer.from(out.subarray(0, at));
  }

  #request({ fields, body, open = false }: Extract<Http2Step, { fields: unknown }>): void {
    const id = this.#nextId;
    this.#nextId += 2;
    this.#streams.set(id, { lines: [], status: '', body: '', done: false });
    const ends = body === undefined && !open;
    const block = this.#block(fields);
    const pieces = [
      http2Frame(
        FRAME.HEADERS,
        (ends ? FLAG_BIT.END_STREAM : 0) | (block.length > 16_384 ? 0 : 4),
        id,
        block.subarray(0, 16_384),
      ),
    ];
    for (let at = 16_384; at < block.length; at += 16_384)
      pieces.push(
        http2Frame(FRAME.CONTINUATION, at + 16_384 >= block.length ? 4 : 0, id, block.subarray(at, at + 16_384)),
      );
    if (body !== undefined) pieces.push(http2Frame(FRAME.DATA, open ? 0 : 1, id, Buffer.from(body, 'latin1')));
    this.#write(Buffer.concat(pieces));
  }

  #data({ data, trailers, end = true }: Extract<Http2Step, { data: string }>): void {
    const id = this.#nextId - 2;
    if (data !== '' || !trailers)
      this.#write(http2Frame(FRAME.DATA, end && !trailers ? 1 : 0, id, Buffer.from(data, 'latin1')));
    if (trailers) this.#write(http2Frame(FRAME.HEADERS, end ? 5 : 4, id, this.#block(trailers)));
  }

  #reset(code: number): void {
    const payload = Buffer.alloc(4);
    putUint32(payload, 0, code);
    const id = this.#nextId - 2;
    this.#write(http2Frame(FRAME.RST_STREAM, 0, id, payload));
    const stream = this.#streams.get(id);
    if (stream) stream.done = true;
  }

  #take(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    for (;;) {
      if (this.#bytes.length < FRAME_HEAD) return;
      const stop = FRAME_HEAD + this.#bytes.readUIntBE(0, 3);
      if (this.#bytes.length < stop) return;
      const frame = this.#bytes.subarray(0, stop);
      this.#bytes = this.#bytes.subarray(stop);
      this.#frame(frame[3] ?? 0, frame[4] ?? 0, uint32(frame, 5), frame.subarray(FRAME_HEAD));
    }
  }

  #frame(type: number, flags: number, id: number, payload: Buffer): void {
    const stream = this.#streams.get(id);
    const ends = (flags & FLAG_BIT.END_STREAM) !== 0;
    if (type === FRAME.SETTINGS && flags === 0) {
      this.#write(http2Frame(FRAME.SETTINGS, 1, 0, Buffer.alloc(0)));
      const settings: string[] = [];
      for (let at = 0; at < payload.length; at += 6)
        settings.push(`${payload.readUInt16BE(at)}=${uint32(payload, at + 2)}`);
      this.#connection.push(`SETTINGS ${settings.sort().join(' ')}`);
    } else if (type === FRAME.GOAWAY) this.#connection.push(`GOAWAY ${uint32(payload, 0)} ${uint32(payload, 4)}`);
    else if (type === FRAME.PING) this.#connection.push(`PING ${flags}`);
    else if (type === FRAME.HEADERS) this.#head(stream, payload, ends);
    else if (type === FRAME.DATA && stream) {
      stream.body += payload.toString('latin1');
      stream.done ||= ends;
    } else if (type === FRAME.RST_STREAM && stream) {
      stream.lines.push(`RST_STREAM ${uint32(payload, 0)}${stream.done ? ' after the end' : ''}`);
      stream.done = true;
    }
  }

  #head(stream: Stream | undefined, payload: Buffer, ends: boolean): void {
    const fields: string[] = [];
    this.#decoder.decode(payload, 0, payload.length, {
      field: ({ text }, value) => void fields.push(`${text}: ${value}`),
    });
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
