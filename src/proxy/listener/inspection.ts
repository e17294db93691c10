import type net from 'node:net';
import type { JsonObject } from '../config/fields.ts';
import type { Noted } from '../http/dynamic-metadata.ts';
import type { ClientHello } from '../http/stream-info.ts';
import type { ProxiedEnds, Tlv } from '../proxy-protocol/types.ts';
import { Deadline } from '../time/deadline.ts';

/** What inspectors note of a connection. */
export interface Found {
  /** The application protocol of a plain-text connection; empty: none is known. */
  protocol: string;
  hello?: ClientHello;
  proxied?: FoundProxied;
}

export const NOTHING_FOUND: Found = { protocol: '' };

/** What headers of the PROXY protocol said; ends are undefined where one speaks of its own connection. */
export interface FoundProxied {
  readonly ends: ProxiedEnds | undefined;
  /** What hosts may be told. */
  readonly told: { readonly ends: ProxiedEnds | undefined; readonly tlvs: readonly Tlv[] };
  /** What of the TLVs is kept as dynamic metadata or filter state. */
  readonly noted: Noted | undefined;
  readonly state: JsonObject | undefined;
}

/** Judges all bytes that are left so far; `close`: nobody may serve the connection; a number: done, and so many bytes are nobody's further on. */
export type Look = (bytes: Buffer, found: Found) => 'more' | 'done' | 'close' | number;

/** A listener filter that reads the first bytes, begun for each connection. */
export type Inspector = () => Look;

export interface InspectionEnd {
  /** Called once with what the bytes are; the socket, paused, then gives them again. */
  readonly known: (found: Found) => void;
  readonly refused: () => void;
  readonly timedOut: () => void;
  /** The client closed or, with an error, failed before anything was known. */
  readonly gone: (failed: boolean) => void;
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
    socket.on('error', this.#failed);
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

  readonly #gone = (): void => this.#finish(() => this.#end.gone(false));
  readonly #failed = (): void => this.#finish(() => this.#end.gone(true));

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
      if (typeof answer === 'number') this.#bytes = this.#bytes.subarray(answer);
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
    socket.off('error', this.#failed);
    socket.off('close', this.#gone);
    // Nobody reads on where the client has ended already.
    if (this.#bytes.length > 0 && !socket.destroyed && !socket.readableEnded) socket.unshift(this.#bytes);
    then();
  }
}
