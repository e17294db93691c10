import { CIPHER, type Cipher, sealedLength } from './cipher.ts';
import { type Arena, sealingArena } from './outbox.ts';

/** What takes the plain and the encrypted bytes of a connection. */
export interface CipherUser {
  /** Plain bytes, which are another's after this returns. */
  onPlain(bytes: Buffer, length: number): void;
  /** The other side will send nothing more. */
  onPlainEnd(): void;
  /** What came cannot be decrypted, or what goes encrypted. */
  onBroken(): void;
  /** Encrypted bytes that are to be written. */
  writeBare(bytes: Buffer): void;
  /** The same where they are in an arena. */
  writeSealed(arena: Arena, start: number, stop: number): void;
}

/** The encrypted bytes of one connection: as long as it is paused, what came is kept as it is. */
export class CipherStream {
  readonly #cipher: Cipher;
  readonly #user: CipherUser;
  #paused = false;
  #open = true;
  /** The connection ended, which is to be told once what is kept was read. */
  #endsLater = false;

  constructor(cipher: Cipher, user: CipherUser) {
    this.#cipher = cipher;
    this.#user = user;
  }

  /** Takes what came. */
  feed(bytes: Buffer, length: number): void {
    if (this.#cipher.holds) this.#cipher.restore();
    this.#cipher.feed(bytes, length);
    this.#decrypt();
  }

  /** The connection has ended: whether that is to be told now. */
  end(): boolean {
    this.#endsLater = this.#paused && this.#cipher.holds;
    return !this.#endsLater;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#cipher.holds || this.#endsLater) setImmediate(() => this.deliver());
  }

  /** Hands over what is kept. */
  deliver(): void {
    if (!this.#open || this.#paused) return;
    if (this.#cipher.holds) {
      this.#cipher.restore();
      this.#decrypt();
    }
    if (this.#endsLater && !this.#cipher.holds && this.#open) this.#user.onPlainEnd();
  }

  #decrypt(): void {
    const cipher = this.#cipher;
    let state = 1;
    try {
      while (state > 0 && !this.#paused && this.#open && cipher.pending) {
        state = cipher.open();
        // Where it stands other connections put what they encrypt, which a user may have them do.
        const output = cipher.output();
        if (output) this.#user.writeBare(output);
        if (state > 0 && this.#open) this.#user.onPlain(cipher.plain, state);
      }
    } finally {
      if (cipher.pending) cipher.keep();
    }
    if (!this.#open) return;
    if (state === CIPHER.ended) this.#user.onPlainEnd();
    if (state === CIPHER.broken) this.#user.onBroken();
  }

  /** Encrypts and writes what stands in the arena. `last`: and that nothing more comes. */
  seal(from: Arena, start: number, stop: number, last: boolean): void {
    const into = sealingArena(sealedLength(stop - start) + sealedLength(0));
    const begin = into.at;
    const end = this.#cipher.seal(from, start, stop, into);
    if (end < 0) {
      this.#user.onBroken();
      return;
    }
    into.at = end;
    if (last) into.at = this.#cipher.sealEnd(into);
    if (into.at > begin) this.#user.writeSealed(into, begin, into.at);
  }

  close(): void {
    this.#open = false;
    this.#cipher.close();
  }
}
