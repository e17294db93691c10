import type net from 'node:net';
import { Deadline } from '../time/deadline.ts';
import { type Sniffed, sniffHttp } from './http-inspector.ts';

export interface InspectionEnd {
  /** Called once with what the bytes are; the socket, paused, then gives them again. */
  readonly known: (sniffed: Sniffed) => void;
  readonly timedOut: () => void;
  /** The client closed or failed before anything was known. */
  readonly gone: () => void;
}

/** Reads the first bytes of an accepted connection until they tell its protocol, for `timeoutMs` at most (0: for ever). */
export class Inspection {
  readonly #socket: net.Socket;
  readonly #end: InspectionEnd;
  readonly #deadline: Deadline;
  #bytes: Buffer = Buffer.alloc(0);
  #over = false;

  constructor(socket: net.Socket, timeoutMs: number, end: InspectionEnd) {
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
    const sniffed = sniffHttp(this.#bytes);
    if (sniffed !== 'more') this.#finish(() => this.#end.known(sniffed));
  };

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
