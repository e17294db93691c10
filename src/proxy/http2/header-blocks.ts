import { FieldBlock } from './block.ts';
import { FAULT, type Fault } from './fault.ts';
import type { Flood } from './flood.ts';
import { FLAG_BIT, FRAME_SIZE, LARGEST_WINDOW, uint32 } from './frame.ts';
import { HpackDecoder } from './hpack/decoder.ts';
import type { Http2Options } from './options.ts';
import type { Http2Stats } from './stats.ts';

/** Frames of one header block. */
const MOST_FRAGMENTS = 128;

/** `more`: the block goes on in the next frame. `whole`: it stands in `block`. */
export type BlockOutcome = 'more' | 'whole' | Fault;

/** Makes header blocks of HEADERS and CONTINUATION frames. They are decoded whatever becomes of them, since the table has to follow. */
export class HeaderBlocks {
  /** The fields of the block that came last. */
  readonly block = new FieldBlock();
  /** Whose block goes on in the next frame; 0: none does. */
  open = 0;
  /** The stream ends with the block. */
  ends = false;
  readonly #options: Http2Options;
  readonly #flood: Flood;
  readonly #stats: Http2Stats;
  readonly #decoder: HpackDecoder;
  readonly #onPartial: (partial: boolean) => void;
  #fragments: Buffer[] = [];
  #bytes = 0;

  /** `onPartial`: a block begins that does not come whole, or has come. */
  constructor(options: Http2Options, flood: Flood, stats: Http2Stats, onPartial: (partial: boolean) => void) {
    this.#onPartial = onPartial;
    this.#options = options;
    this.#flood = flood;
    this.#stats = stats;
    this.#decoder = new HpackDecoder(options.tableSize);
  }

  /** A HEADERS frame. */
  begin(bytes: Buffer, from: number, stop: number, flags: number, id: number): BlockOutcome {
    let at = from;
    let last = stop;
    if ((flags & FLAG_BIT.PADDED) !== 0) {
      last -= bytes[at++] as number;
      if (from === stop || last < at) return FAULT.PADDING;
    }
    if ((flags & FLAG_BIT.PRIORITY) !== 0) {
      if (at + 5 > last) return FAULT.SIZE;
      if ((uint32(bytes, at) & LARGEST_WINDOW) === id) return FAULT.ON_ITSELF;
      at += 5;
    }
    this.ends = (flags & FLAG_BIT.END_STREAM) !== 0;
    const complete = (flags & FLAG_BIT.END_HEADERS) !== 0;
    if (this.#flood.empty(at === last && !complete && !this.ends)) return FAULT.EMPTY_FLOOD;
    if (complete) return this.#decode(bytes, at, last);
    this.open = id;
    this.#fragments = [Buffer.from(bytes.subarray(at, last))];
    this.#bytes = last - at;
    this.#onPartial(true);
    return 'more';
  }

  /** A CONTINUATION frame of the block that is open. */
  goOn(bytes: Buffer, at: number, stop: number, flags: number): BlockOutcome {
    const complete = (flags & FLAG_BIT.END_HEADERS) !== 0;
    if (this.#flood.empty(at === stop && !complete)) return FAULT.EMPTY_FLOOD;
    this.#fragments.push(Buffer.from(bytes.subarray(at, stop)));
    this.#bytes += stop - at;
    // What no head may hold need not come to its end.
    if (this.#bytes > this.#options.maxHeadBytes + FRAME_SIZE || this.#fragments.length > MOST_FRAGMENTS) {
      this.#stats.headerOverflow++;
      return FAULT.BLOCK;
    }
    if (!complete) return 'more';
    const whole = Buffer.concat(this.#fragments, this.#bytes);
    this.open = 0;
    this.#fragments = [];
    this.#onPartial(false);
    return this.#decode(whole, 0, whole.length);
  }

  #decode(bytes: Buffer, from: number, stop: number): BlockOutcome {
    this.block.begin();
    return this.#decoder.decode(bytes, from, stop, this.block) ? 'whole' : FAULT.COMPRESSION;
  }
}
