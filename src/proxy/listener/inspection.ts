import type net from 'node:net';
import type { ClientHello } from '../http/stream-info.ts';
import { Deadline } from '../time/deadline.ts';

/** What inspectors note of a connection. */
export interface Found {
  /** The application protocol of a plain-text connection; empty: none is known. */
  protocol: string;
  hello?: ClientHello;
}

/** Judges all bytes that have come so far; `close`: nobody may serve the connection. */
export type Look = (bytes: Buffer, found: Found) => 'more' | 'done' | 'close';

/** A listener filter that reads the first bytes, begun for each connection. */
export type Inspector = () => Look;

export interface InspectionEnd {
  /** Called once with what the bytes are; the socket, paused, then gives them again. */
  readonly known: (found: Found) => void;
  readonly refused: () => void;
  readonly timedOut: () => void;
  /** The client closed or failed before anything was known. */
  readonly gone: () => void;
}

/**
 * Reads the first bytes of an accepted connection until every inspector, one after the other, knows what it looks for, for
 * `timeoutMs` at most (0: for ever).
 */
export class Inspection {
  readonly #socket: net.Socket;
  readonly #end: InspectionEnd;
  readonly #deadline: Deadline;
  #bytes: Buffer = Buffer.alloc(0);
  readonly #looks: Look[];
  readonly #found: Found = { protocol: '' };
  #over = false;

  constructor(socket: net.Socket, inspectors: readonly Inspector[], timeoutMs: number, end: InspectionEnd) {
    this.#looks = inspectors.map((begin) => begin());
    this.#socket = socket;
    this.#end = end;
    this.#deadline = new Deadline(() => this.#finish(end.timedOut));
    this.#deadline.start(timeoutMs);
    // Stays when the others go: an error between two owners must not end the process.
    socket.on('error', () => undefined);
    socket.on('data', this.#receive);
    socket.on('end', this.#gone);
    socket.on('error', this.#gone);
    socket.on('close', this.#gone);
    socket.resume();
  }

  /** What is known by now. */
  get found(): Found {
    return this.#found;
  }

  /** Whether bytes came that nobody took. */
  get hasBytes(): boolean {
    return this.#bytes.length > 0;
  }

  /** Ends the inspection and the connection. */
  destroy(): void {
    this.#finish(() => this.#socket.destroy());
  }

  readonly #gone = (): void => this.#finish(this.#end.gone);

  readonly #receive = (bytes: Buffer): void => {
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes]);
    this.#look();
  };

  #look(): void {
    for (let look = this.#looks[0]; look; look = this.#looks[0]) {
      const answer = look(this.#bytes, this.#found);
      if (answer === 'more') return;
      if (answer === 'close') {
        this.#finish(this.#end.refused);
        return;
      }
      this.#looks.shift();
    }
    this.#finish(() => this.#end.known(this.#found));
  }

  #finish(then: () => void): void {
    if (this.#over) return;
    this.#over = true;
    const socket = this.#socket;
    this.#deadline.stop();
    socket.pause();
    socket.off('data', this.#receive);
    socket.off('end', this.#gone);
    socket.off('error', this.#gone);
    socket.off('close', this.#gone);
    if (this.#bytes.length > 0 && !socket.destroyed) socket.unshift(this.#bytes);
    then();
  }
}
