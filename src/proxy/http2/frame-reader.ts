import { FAULT, type Fault } from './fault.ts';
import { FRAME_HEAD, PREFACE } from './frame.ts';

/** What takes the frames. */
export interface FrameUser {
  readonly stopped: boolean;
  /** A whole frame, its head at `from`. The bytes are reused afterwards. */
  onFrame(bytes: Buffer, from: number, stop: number): void;
  fail(fault: Fault): void;
  /** A frame is larger than this side allows. */
  onTooLarge(): void;
}

/** Makes frames of the bytes that come; one that has not come whole is kept. */
export class FrameReader {
  readonly #user: FrameUser;
  #partial: Buffer | undefined = undefined;
  #kept = 0;
  #prefaceAt: number;
  readonly #frameSize: number;

  /** `preface`: the other side begins with it; `frameSize`: the bytes that a frame may have after its head. */
  constructor(user: FrameUser, preface: boolean, frameSize: number) {
    this.#user = user;
    this.#frameSize = frameSize;
    this.#prefaceAt = preface ? 0 : PREFACE.length;
  }

  read(bytes: Buffer, length: number): void {
    const user = this.#user;
    let at = this.#prefaceAt < PREFACE.length ? this.#preface(bytes, length) : 0;
    if (this.#kept > 0) at = this.#complete(bytes, at, length);
    while (!user.stopped && at + FRAME_HEAD <= length) {
      const size = lengthOf(bytes, at);
      if (size > this.#frameSize) {
        user.onTooLarge();
        return;
      }
      const stop = at + FRAME_HEAD + size;
      if (stop > length) break;
      user.onFrame(bytes, at, stop);
      at = stop;
    }
    if (!user.stopped && at < length) this.#keep(bytes, at, length);
  }

  #preface(bytes: Buffer, length: number): number {
    const stop = Math.min(length, PREFACE.length - this.#prefaceAt);
    for (let at = 0; at < stop; at++) {
      if (bytes[at] === PREFACE[this.#prefaceAt++]) continue;
      this.#user.fail(FAULT.PREFACE);
      return length;
    }
    return stop;
  }

  #keep(bytes: Buffer, from: number, to: number): void {
    this.#partial ??= Buffer.allocUnsafeSlow(FRAME_HEAD + this.#frameSize);
    bytes.copy(this.#partial, this.#kept, from, to);
    this.#kept += to - from;
  }

  /** Goes on with the frame that had not come whole; where the next one begins. */
  #complete(bytes: Buffer, from: number, length: number): number {
    let at = from;
    if (this.#kept < FRAME_HEAD) {
      const stop = Math.min(length, at + FRAME_HEAD - this.#kept);
      this.#keep(bytes, at, stop);
      at = stop;
      if (this.#kept < FRAME_HEAD) return at;
    }
    const partial = this.#partial as Buffer;
    const size = lengthOf(partial, 0);
    if (size > this.#frameSize) {
      this.#user.onTooLarge();
      return length;
    }
    const whole = FRAME_HEAD + size;
    const stop = Math.min(length, at + whole - this.#kept);
    this.#keep(bytes, at, stop);
    if (this.#kept < whole) return stop;
    this.#kept = 0;
    this.#user.onFrame(partial, 0, whole);
    return stop;
  }
}

function lengthOf(bytes: Buffer, at: number): number {
  return ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
}
