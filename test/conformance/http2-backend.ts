import type net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { FLAG_BIT, FRAME, FRAME_SIZE, INITIAL_WINDOW, PREFACE, SETTING, uint32 } from '../../src/proxy/http2/frame.ts';
import { connectionLine, Http2Wire, numbers, settingsPayload } from './http2-wire.ts';
import type { Behaviour, Http2Host, Http2HostStep, SeenRequest } from './types.ts';

/** What a scripted HTTP/2 server shares with the other backends. */
export interface Http2Backend {
  readonly index: number;
  readonly script: readonly Behaviour[];
  readonly host: Http2Host;
  served: number;
  connections: number;
}

interface Seen {
  readonly backend: number;
  readonly connection: number;
  line: string;
  readonly headers: string[];
  body: string;
}

interface Stream {
  readonly id: number;
  readonly seen: Seen;
  readonly behaviour: Behaviour;
  window: number;
  closed: boolean;
}

/** Serves one connection by the backend's script: one entry for each request, in the order of their heads. */
export function serveHttp2(socket: net.Socket, backend: Http2Backend, seen: SeenRequest[]): void {
  new Http2Connection(socket, backend, seen);
}

class Http2Connection {
  readonly #socket: net.Socket;
  readonly #wire: Http2Wire;
  readonly #backend: Http2Backend;
  readonly #seen: SeenRequest[];
  readonly #connection: Seen;
  readonly #streams = new Map<number, Stream>();
  #window = INITIAL_WINDOW;
  #initial = INITIAL_WINDOW;
  #windowSeen = false;

  constructor(socket: net.Socket, backend: Http2Backend, seen: SeenRequest[]) {
    this.#socket = socket;
    this.#backend = backend;
    this.#seen = seen;
    this.#connection = this.#note('connection', ++backend.connections);
    this.#wire = new Http2Wire(socket, (...frame) => this.#frame(...frame), PREFACE.length);
    socket.on('end', () => socket.end());
    socket.on('error', () => undefined);
    // Whether an end comes as one or as a reset depends on what is still under way.
    socket.on('close', () => this.#connection.headers.push('over'));
    const { greeting, settings = [] } = backend.host;
    if (greeting !== undefined) this.#wire.write(Buffer.from(greeting, 'hex'));
    else this.#wire.frame(FRAME.SETTINGS, 0, 0, settingsPayload(settings));
  }

  #note(line: string, connection = this.#connection.connection): Seen {
    const seen: Seen = { backend: this.#backend.index, connection, line, headers: [], body: '' };
    this.#seen.push(seen);
    return seen;
  }

  #frame(type: number, flags: number, id: number, payload: Buffer): void {
    const line = connectionLine(type, flags, payload);
    if (line !== undefined) this.#ofConnection(line, type, flags, payload);
    else if (type === FRAME.WINDOW_UPDATE) this.#grow(id, uint32(payload, 0));
    else if (type === FRAME.HEADERS) this.#head(id, this.#wire.decode(payload), flags);
    else this.#ofStream(type, flags, payload, this.#streams.get(id));
  }

  #ofConnection(line: string, type: number, flags: number, payload: Buffer): void {
    this.#connection.headers.push(line);
    const { deaf = false } = this.#backend.host;
    if (type === FRAME.PING && flags === 0 && !deaf) this.#wire.frame(FRAME.PING, FLAG_BIT.ACK, 0, payload);
    if (type !== FRAME.SETTINGS) return;
    if (!deaf) this.#wire.frame(FRAME.SETTINGS, FLAG_BIT.ACK, 0);
    for (let at = 0; at < payload.length; at += 6) {
      const id = payload.readUInt16BE(at);
      if (id === SETTING.INITIAL_WINDOW_SIZE) this.#initial = uint32(payload, at + 2);
      if (id === SETTING.HEADER_TABLE_SIZE) this.#wire.limitTable(uint32(payload, at + 2));
    }
  }

  #grow(id: number, more: number): void {
    const stream = this.#streams.get(id);
    if (stream) stream.window += more;
    if (id !== 0) return;
    this.#window += more;
    if (!this.#windowSeen) this.#connection.headers.push(`WINDOW_UPDATE ${more}`);
    this.#windowSeen = true;
  }

  #head(id: number, fields: readonly string[], flags: number): void {
    const known = this.#streams.get(id);
    const ends = (flags & FLAG_BIT.END_STREAM) !== 0;
    if (known) {
      known.seen.headers.push(...fields.map((field) => `trailer ${field}`));
      if (ends) this.#complete(known);
      return;
    }
    const behaviour = this.#backend.script[this.#backend.served++] ?? { http2: okSteps(this.#backend.index, fields) };
    const seen = this.#note(`stream ${id}`);
    seen.headers.push(...pseudoSorted(fields));
    const stream: Stream = { id, seen, behaviour, window: this.#initial, closed: false };
    this.#streams.set(id, stream);
    if (typeof behaviour === 'object' && 'http2' in behaviour && behaviour.atHead) void this.#answer(stream);
    if (ends) this.#complete(stream);
  }

  #ofStream(type: number, flags: number, payload: Buffer, stream: Stream | undefined): void {
    if (!stream) return;
    if (type === FRAME.RST_STREAM) {
      stream.seen.headers.push(`RST_STREAM ${uint32(payload, 0)}`);
      stream.closed = true;
    }
    if (type !== FRAME.DATA) return;
    stream.seen.body += payload.toString('latin1');
    if (!this.#backend.host.holds && payload.length > 0) {
      this.#wire.frame(FRAME.WINDOW_UPDATE, 0, 0, numbers(payload.length));
      this.#wire.frame(FRAME.WINDOW_UPDATE, 0, stream.id, numbers(payload.length));
    }
    if ((flags & FLAG_BIT.END_STREAM) !== 0) this.#complete(stream);
  }

  #complete(stream: Stream): void {
    stream.seen.line += ', complete';
    const { behaviour } = stream;
    if (behaviour === 'hang') return;
    if ('end' in behaviour) this.#close(behaviour.end);
    else if ('http2' in behaviour && !behaviour.atHead) void this.#answer(stream);
  }

  async #answer(stream: Stream): Promise<void> {
    if (typeof stream.behaviour !== 'object' || !('http2' in stream.behaviour)) return;
    for (const step of stream.behaviour.http2) await this.#step(step, stream);
  }

  async #step(step: Http2HostStep, stream: Stream): Promise<void> {
    const wire = this.#wire;
    const { id } = stream;
    if ('head' in step) wire.write(wire.headers(id, step.head, step.end ?? false));
    else if ('data' in step) await this.#data(stream, Buffer.from(step.data, 'latin1'), step.end ?? true);
    else if ('reset' in step) wire.frame(FRAME.RST_STREAM, 0, id, numbers(step.reset));
    else if ('goaway' in step) wire.frame(FRAME.GOAWAY, 0, 0, numbers(step.last ?? id, step.goaway));
    else if ('settings' in step) wire.frame(FRAME.SETTINGS, 0, 0, settingsPayload(step.settings));
    else if ('grant' in step) {
      wire.frame(FRAME.WINDOW_UPDATE, 0, 0, numbers(step.grant));
      wire.frame(FRAME.WINDOW_UPDATE, 0, id, numbers(step.grant));
    } else if ('raw' in step) wire.write(Buffer.from(step.raw, 'hex'));
    else if ('sleep' in step) await sleep(step.sleep);
    else this.#close(step.close);
  }

  /** As much as the windows let go, in as many frames as it takes. */
  async #data(stream: Stream, bytes: Buffer, end: boolean): Promise<void> {
    let at = 0;
    do {
      const size = Math.min(bytes.length - at, FRAME_SIZE, this.#window, stream.window);
      if (size > 0 || bytes.length === 0) {
        const last = at + size === bytes.length && end ? FLAG_BIT.END_STREAM : 0;
        this.#wire.frame(FRAME.DATA, last, stream.id, bytes.subarray(at, at + size));
        this.#window -= size;
        stream.window -= size;
        at += size;
      } else await sleep(2);
    } while (at < bytes.length && !stream.closed && this.#socket.writable);
  }

  #close(how: 'close' | 'reset'): void {
    if (how === 'reset') this.#socket.resetAndDestroy();
    else this.#socket.end();
  }
}

function okSteps(index: number, fields: readonly string[]): readonly Http2HostStep[] {
  const head: Http2HostStep = {
    head: [
      [':status', '200'],
      ['x-backend', `b${index}`],
    ],
    end: fields.includes(':method: HEAD'),
  };
  return head.end ? [head] : [head, { data: `b${index}` }];
}

/** Pseudo headers by name: their order means nothing (RFC 9113, 8.3), that of the others does. */
function pseudoSorted(fields: readonly string[]): readonly string[] {
  const isPseudo = (field: string): boolean => field.startsWith(':');
  const others = fields.findIndex((field) => !isPseudo(field));
  const count = others < 0 ? fields.length : others;
  return [...fields.slice(0, count).sort(), ...fields.slice(count)];
}
