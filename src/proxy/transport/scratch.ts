const SIZE = 131_072;
const VIEWS = 2048;
/** Buffers kept for later messages; more than one is in use only while slow peers hold them. */
const SPARE_LIMIT = 64;

/** A buffer to compose messages in. It may be written again once it was sent, unless a transport pinned it. */
export class Scratch {
  readonly bytes: Buffer;
  readonly #views: (Uint8Array | undefined)[] = new Array(VIEWS);

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size);
  }

  /** The first `length` bytes. Views of small messages are kept: making one costs more than copying such a message. */
  view(length: number): Uint8Array {
    if (length >= VIEWS) return this.bytes.subarray(0, length);
    const known = this.#views[length];
    if (known) return known;
    const view = this.bytes.subarray(0, length);
    this.#views[length] = view;
    return view;
  }
}

let current = new Scratch(SIZE);
const spare: Scratch[] = [];

/** A buffer of at least so many bytes for a message that is sent at once. */
export function takeScratch(bytes: number): Scratch {
  return bytes <= SIZE ? current : new Scratch(bytes);
}

/** The bytes must stay until `releaseScratch`. */
export function pinScratch(scratch: Scratch): void {
  if (scratch === current) current = spare.pop() ?? new Scratch(SIZE);
}

export function releaseScratch(scratch: Scratch): void {
  if (scratch.bytes.length === SIZE && spare.length < SPARE_LIMIT) spare.push(scratch);
}
