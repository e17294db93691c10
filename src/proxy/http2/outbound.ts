import { currentTurn } from '../time/clock.ts';
import type { Transport } from '../transport/transport.ts';
import { FAULT, type Fault } from './fault.ts';
import type { Http2Options } from './options.ts';
import type { Http2Stats } from './stats.ts';

/** Frames after which is looked which of them have gone, unless a bound is reached before. */
const OFTEN = 64;

/** Counts the frames that wait for the other side to take them, within Envoy's bounds of all and of those that it made this side send. */
export class OutboundFrames {
  readonly #transport: Pick<Transport, 'taken'>;
  readonly #options: Pick<Http2Options, 'maxOutboundFrames' | 'maxControlFrames'>;
  readonly #stats: Http2Stats;
  readonly #onFlood: (fault: Fault) => void;
  /** Of each piece that waits: the byte of the connection where it ends, and its frames; -1: one of control. */
  #ends: number[] = [];
  #frames: number[] = [];
  #first = 0;
  /** Those from here on were added in this turn, in which they wait even where the kernel has taken the first one: so they do in Envoy. */
  #fresh = 0;
  #turn = 0;
  #bytes: number;
  #waiting = 0;
  #control = 0;
  #next = OFTEN;

  constructor(
    transport: Pick<Transport, 'taken'>,
    options: Pick<Http2Options, 'maxOutboundFrames' | 'maxControlFrames'>,
    stats: Http2Stats,
    onFlood: (fault: Fault) => void,
  ) {
    this.#transport = transport;
    this.#options = options;
    this.#stats = stats;
    this.#onFlood = onFlood;
    this.#bytes = transport.taken;
  }

  /** So many frames with so many bytes in all are handed to the transport. */
  add(bytes: number, frames: number): void {
    this.#keep(bytes, frames);
    this.#waiting += frames;
    this.#check();
  }

  /** A frame that answers one of the other side, or that ends a stream. */
  addControl(bytes: number): void {
    this.#keep(bytes, -1);
    this.#waiting++;
    this.#control++;
    this.#check();
  }

  #keep(bytes: number, frames: number): void {
    const turn = currentTurn();
    if (turn === 0 || turn !== this.#turn) this.#fresh = this.#ends.length;
    this.#turn = turn;
    this.#bytes += bytes;
    this.#ends.push(this.#bytes);
    this.#frames.push(frames);
  }

  #check(): void {
    const { maxOutboundFrames, maxControlFrames } = this.#options;
    const within = this.#waiting <= maxOutboundFrames && this.#control <= maxControlFrames;
    if (within && this.#ends.length - this.#first < this.#next) return;
    this.#release();
    if (this.#waiting > maxOutboundFrames) {
      this.#stats.outboundFlood++;
      this.#onFlood(FAULT.OUTBOUND_FLOOD);
    } else if (this.#control > maxControlFrames) {
      this.#stats.controlFlood++;
      this.#onFlood(FAULT.CONTROL_FLOOD);
    }
  }

  /** Forgets what the kernel has taken. */
  #release(): void {
    const { taken } = this.#transport;
    for (; this.#first < this.#fresh && (this.#ends[this.#first] as number) <= taken; this.#first++) {
      const frames = this.#frames[this.#first] as number;
      this.#waiting -= Math.abs(frames);
      if (frames < 0) this.#control--;
    }
    if (this.#first * 2 >= this.#ends.length) {
      this.#ends = this.#ends.slice(this.#first);
      this.#frames = this.#frames.slice(this.#first);
      this.#fresh -= this.#first;
      this.#first = 0;
    }
    this.#next = Math.max(OFTEN, 2 * (this.#ends.length - this.#first));
  }
}
