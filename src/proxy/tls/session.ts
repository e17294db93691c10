import { X509Certificate } from 'node:crypto';
import { assert } from '../../base/index.ts';
import { addressOf, type OpenSsl, SSL_ERROR } from '../../sys/index.ts';
import { CIPHER, type Cipher, sealedLength } from '../transport/cipher.ts';
import type { Arena } from '../transport/outbox.ts';
import { chainFaultOf } from './chain-fault.ts';
import type { Shown } from './verify.ts';

/** As much as one record holds (RFC 8446, 5.1). */
const RECORD_BYTES = 16_384;
/** So much is encrypted at a time that it is still in the cache when it is copied. */
const PIECE_BYTES = 65_536;
/** What comes of a step of a handshake is far less. */
const HANDSHAKE_BYTES = 262_144;
const FAULT_BYTES = 256;

/**
 * What all sessions of a thread use within their calls and leave empty: memory that OpenSSL reads encrypted bytes from and writes them to,
 * and where plain bytes go.
 */
export class SessionMemory {
  readonly openssl: OpenSsl;
  /** Whose bytes are being decrypted, or were last. */
  user: TlsSession | undefined = undefined;
  readonly reads: number;
  readonly writes: number;
  readonly plain = Buffer.allocUnsafeSlow(RECORD_BYTES);
  readonly plainAddress = addressOf(this.plain);
  readonly #output = Buffer.allocUnsafeSlow(HANDSHAKE_BYTES);
  readonly #outputAddress = addressOf(this.#output);
  readonly #fault = Buffer.alloc(FAULT_BYTES);

  constructor(openssl: OpenSsl) {
    this.openssl = openssl;
    this.reads = openssl.BIO_new(openssl.BIO_s_mem());
    this.writes = openssl.BIO_new(openssl.BIO_s_mem());
    if (this.reads === 0 || this.writes === 0) throw new Error('OpenSSL has no memory');
  }

  /** What one of the two holds, which is empty afterwards. The bytes are good until the next call. */
  take(from: number): Buffer {
    const pieces: Buffer[] = [];
    for (;;) {
      const length = this.openssl.BIO_read(from, this.#outputAddress, HANDSHAKE_BYTES);
      const piece = this.#output.subarray(0, Math.max(0, length));
      if (length < HANDSHAKE_BYTES) return pieces.length === 0 ? piece : Buffer.concat([...pieces, piece]);
      pieces.push(Buffer.from(piece));
    }
  }

  /** Why the last call failed, in OpenSSL's words; empty: it does not say. Nothing of it is left for the next one. */
  fault(): string {
    const { openssl } = this;
    const code = openssl.ERR_get_error();
    openssl.ERR_clear_error();
    if (Number(code) === 0) return '';
    openssl.ERR_error_string_n(code, this.#fault, FAULT_BYTES);
    return this.#fault.toString('latin1', 0, this.#fault.indexOf(0));
  }
}

/** One side of an encrypted connection, in OpenSSL itself. */
export class TlsSession implements Cipher, Shown {
  readonly plain: Buffer;
  readonly #memory: SessionMemory;
  readonly #openssl: OpenSsl;
  /** 0: closed. */
  #ssl: number;
  #kept: Buffer | undefined = undefined;
  /** The agreed application protocol (ALPN); empty: none. */
  readonly protocol: string;

  /** `ssl` becomes its own. */
  constructor(memory: SessionMemory, ssl: number, protocol: string) {
    const { openssl } = memory;
    this.#memory = memory;
    this.#openssl = openssl;
    this.#ssl = ssl;
    this.plain = memory.plain;
    this.protocol = protocol;
    // Each of the two is given away with the session.
    openssl.BIO_up_ref(memory.reads);
    openssl.BIO_up_ref(memory.writes);
    openssl.SSL_set_bio(ssl, memory.reads, memory.writes);
    openssl.SSL_set_accept_state(ssl);
  }

  feed(bytes: Buffer, length: number): void {
    if (this.#ssl === 0) return;
    assert(this.#memory.user === this || !this.pending, 'bytes of one connection are left in what all share');
    this.#memory.user = this;
    this.#openssl.ERR_clear_error();
    this.#openssl.BIO_write(this.#memory.reads, bytes, length);
  }

  /** Goes on with the handshake as far as what came leads: why it failed, else whether it is done. */
  handshake(): { readonly done: boolean; readonly fault: string | undefined } {
    const result = this.#openssl.SSL_do_handshake(this.#ssl);
    if (result === 1) return { done: true, fault: undefined };
    if (this.#openssl.SSL_get_error(this.#ssl, result) === SSL_ERROR.wantRead) return { done: false, fault: undefined };
    return { done: false, fault: this.#memory.fault() || 'the handshake failed' };
  }

  output(): Buffer | undefined {
    const { writes } = this.#memory;
    return this.#openssl.BIO_ctrl_pending(writes) > 0 ? this.#memory.take(writes) : undefined;
  }

  open(): number {
    if (this.#ssl === 0) return CIPHER.waits;
    const { plainAddress, reads, writes } = this.#memory;
    const length = this.#openssl.SSL_read(this.#ssl, plainAddress, RECORD_BYTES);
    if (length > 0) return length;
    const error = this.#openssl.SSL_get_error(this.#ssl, length);
    if (error === SSL_ERROR.wantRead) return CIPHER.waits;
    this.#memory.take(reads);
    if (error === SSL_ERROR.zeroReturn) return CIPHER.ended;
    this.#memory.take(writes);
    this.#memory.fault();
    return CIPHER.broken;
  }

  get pending(): boolean {
    return this.#openssl.BIO_ctrl_pending(this.#memory.reads) > 0;
  }

  keep(): void {
    const rest = Buffer.from(this.#memory.take(this.#memory.reads));
    if (this.#ssl !== 0 && rest.length > 0) this.#kept = rest;
  }

  get holds(): boolean {
    return this.#kept !== undefined;
  }

  restore(): void {
    const kept = this.#kept;
    this.#kept = undefined;
    if (kept) this.feed(kept, kept.length);
  }

  seal(from: Arena, start: number, stop: number, into: Arena): number {
    if (this.#ssl === 0) return into.at;
    if (from.address === 0) from.address = addressOf(from.bytes);
    let end = into.at;
    for (let at = start; at < stop; at += PIECE_BYTES) {
      const length = Math.min(PIECE_BYTES, stop - at);
      if (this.#openssl.SSL_write(this.#ssl, from.address + at, length) !== length) {
        this.#memory.take(this.#memory.writes);
        this.#memory.fault();
        return -1;
      }
      end = this.#put(into, end, sealedLength(length));
    }
    return end;
  }

  sealEnd(into: Arena): number {
    if (this.#ssl === 0) return into.at;
    this.#openssl.SSL_shutdown(this.#ssl);
    this.#openssl.ERR_clear_error();
    return this.#put(into, into.at, sealedLength(0));
  }

  #put(into: Arena, at: number, room: number): number {
    if (into.address === 0) into.address = addressOf(into.bytes);
    return at + Math.max(0, this.#openssl.BIO_read(this.#memory.writes, into.address + at, room));
  }

  close(): void {
    if (this.#ssl === 0) return;
    this.#openssl.SSL_free(this.#ssl);
    this.#ssl = 0;
    if (this.#memory.user === this) {
      this.#memory.take(this.#memory.reads);
      this.#memory.user = undefined;
    }
    this.#kept = undefined;
  }

  /** As in `TLSv1.3`. */
  get version(): string {
    return this.#openssl.SSL_get_version(this.#ssl);
  }

  get cipher(): string {
    return this.#openssl.SSL_CIPHER_get_name(this.#openssl.SSL_get_current_cipher(this.#ssl));
  }

  get resumed(): boolean {
    return this.#openssl.SSL_session_reused(this.#ssl) === 1;
  }

  get certificate(): X509Certificate | undefined {
    const openssl = this.#openssl;
    const found = openssl.SSL_get1_peer_certificate(this.#ssl);
    if (found === 0) return undefined;
    try {
      const bytes = Buffer.alloc(openssl.X509_size(found, 0));
      openssl.X509_write(found, [addressOf(bytes)]);
      return new X509Certificate(bytes);
    } finally {
      openssl.X509_free(found);
    }
  }

  get chainFault(): ReturnType<typeof chainFaultOf> {
    return chainFaultOf(this.#openssl, Number(this.#openssl.SSL_get_verify_result(this.#ssl)));
  }
}
