import type net from 'node:net';
import type { TLSSocket } from 'node:tls';
import { Deadline } from '../time/deadline.ts';
import {
  acceptedTransport,
  type Secured,
  type Transport,
  type TransportUser,
  uncounted,
} from '../transport/transport.ts';
import type { Certificate } from './certificate.ts';
import { type TlsInfo, tlsInfo } from './info.ts';
import { agreeOn } from './server-context.ts';
import type { TlsSession } from './session.ts';
import type { TlsCounts } from './stats.ts';
import type { Validation } from './validation.ts';
import { type Shown, shownBy, verifyPeer } from './verify.ts';

/** What comes of a handshake; one of them is called, once. */
export interface HandshakeEnd {
  readonly done: (secure: Secured, info: TlsInfo) => void;
  /** The connection is gone. `timedOut`: because it took too long. */
  readonly failed: (why: string, timedOut: boolean) => void;
}

export interface Handshake {
  /** Ends it and the connection; nothing is told. */
  destroy(): void;
}

/** What the certificate of a client is judged by. */
export interface Judging {
  readonly counts: TlsCounts;
  readonly validation: Validation;
  readonly required: boolean;
  readonly own: Certificate;
}

const CLIENT_GONE = 'TLS error: the client went away';

/** What handshakes have in common, whoever makes them. */
abstract class PendingHandshake implements Handshake {
  readonly #end: HandshakeEnd;
  readonly #counts: TlsCounts;
  readonly #deadline = new Deadline(() => this.fail('TLS error: the handshake took too long', true));
  protected over = false;

  constructor(counts: TlsCounts, timeoutMs: number, end: HandshakeEnd) {
    this.#end = end;
    this.#counts = counts;
    this.#deadline.start(timeoutMs);
  }

  protected abstract close(): void;

  destroy(): void {
    this.over = true;
    this.#deadline.stop();
    this.close();
  }

  /** Tells of the end of the handshake if the client passes. */
  protected judge(secure: Secured, shown: Shown, { validation, required, own }: Judging): void {
    const verdict = verifyPeer(shown, validation, required);
    if (!verdict.ok) {
      if (verdict.kind) this.#counts.stats[verdict.kind]++;
      this.fail(`TLS error: ${verdict.why}`);
      return;
    }
    this.over = true;
    this.#deadline.stop();
    this.#end.done(secure, tlsInfo(shown, verdict, own, this.#counts));
  }

  /** Counts a handshake that OpenSSL gave up. */
  protected count(fault: string): void {
    const { stats } = this.#counts;
    if (fault.includes('peer did not return a certificate')) stats.failNoCertificate++;
    else stats.connectionError++;
  }

  protected fail(why: string, timedOut = false): void {
    if (this.over) return;
    this.destroy();
    this.#end.failed(why, timedOut);
  }
}

/** A handshake that a socket of Node's makes. */
export class SocketHandshake extends PendingHandshake {
  readonly #socket: TLSSocket;

  constructor(socket: TLSSocket, timeoutMs: number, end: HandshakeEnd, judging: Judging) {
    super(judging.counts, timeoutMs, end);
    this.#socket = socket;
    let fault = '';
    socket.on('error', () => undefined);
    socket.once('_tlsError', (error: Error) => {
      fault = error.message;
    });
    socket.once('close', () => {
      if (fault !== '' && !this.over) this.count(fault);
      this.fail(fault === '' ? CLIENT_GONE : `TLS error: ${fault}`);
    });
    socket.once('end', () => this.fail(CLIENT_GONE));
    socket.once('secure', () => {
      if (!this.over) this.judge(socket, shownBy(socket), judging);
    });
  }

  protected close(): void {
    this.#socket.destroy();
  }
}

/** What a handshake of ours goes on with once the hello is known; undefined: more of it must come. */
export type BeginSession = (bytes: Buffer) => { readonly session: TlsSession; readonly judging: Judging } | undefined;

/** A handshake that OpenSSL makes over a transport. */
export class SessionHandshake extends PendingHandshake implements TransportUser {
  readonly #begin: BeginSession;
  readonly #transport: Transport;
  #session: TlsSession | undefined = undefined;
  #judging: Judging | undefined = undefined;
  /** What has come before there was a session. */
  #early: Buffer | undefined = undefined;

  /** `wasRead`: an inspection has read from the socket and put it back. */
  constructor(
    raw: net.Socket,
    wasRead: boolean,
    { counts, begin }: { readonly counts: TlsCounts; readonly begin: BeginSession },
    timeoutMs: number,
    end: HandshakeEnd,
  ) {
    super(counts, timeoutMs, end);
    this.#begin = begin;
    this.#transport = acceptedTransport(this, uncounted(), raw, { wasRead });
  }

  onBytes(read: Buffer, length: number): void {
    if (this.over) return;
    const bytes = this.#early ? Buffer.concat([this.#early, read.subarray(0, length)]) : read.subarray(0, length);
    if (!this.#session && !this.#start(bytes)) return;
    if (this.#session) this.#step(this.#session, bytes);
  }

  /** Whether there is a session now. What OpenSSL does not take of a certificate or its key shows here. */
  #start(bytes: Buffer): boolean {
    try {
      const begun = this.#begin(bytes);
      this.#early = begun ? undefined : Buffer.from(bytes);
      this.#session = begun?.session;
      this.#judging = begun?.judging;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.count(why);
      this.fail(`TLS error: ${why}`);
    }
    return this.#session !== undefined;
  }

  #step(session: TlsSession, bytes: Buffer): void {
    session.feed(bytes, bytes.length);
    agreeOn(session.protocol);
    const { done, fault } = session.handshake();
    const output = session.output();
    if (output) this.#transport.writeBare(output);
    if (fault !== undefined) {
      session.keep();
      this.count(fault);
      this.fail(`TLS error: ${fault}`);
      return;
    }
    if (!done || !this.#judging) return;
    const transport = this.#transport;
    session.keep();
    this.#session = undefined;
    transport.secure(session);
    this.judge(transport, session, this.#judging);
    transport.deliver();
  }

  onWritable(): void {
    // So little is written that it never blocks.
  }

  onRemoteEnd(): void {
    this.fail(CLIENT_GONE);
  }

  onError(): void {
    // The connection closes next.
  }

  onClosed(): void {
    this.fail(CLIENT_GONE);
  }

  protected close(): void {
    this.#session?.close();
    this.#session = undefined;
    this.#transport.destroy();
  }
}
