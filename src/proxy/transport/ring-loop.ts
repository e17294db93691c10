import { type OnCompletion, openRing, type Ring } from '../../sys/index.ts';
import { beginTurn, endTurn } from '../time/clock.ts';
import type { PipeHandle } from './binding.ts';
import { flush, holdOutbox, onFlush } from './outbox.ts';

/** Small buffers: most messages need one, and a receive that finds more takes as many as it needs. Together they hold 64 bodies of 16 KiB. */
const SIZE = { entries: 1024, completions: 4096, buffers: 256, bufferSize: 4096 } as const;
/** After so many rounds the event loop has its turn. */
const ROUNDS = 8;

/** Lowest bits of a key that are the client's. */
const KEY_BITS = 2;

/** Takes the completions of one key, and what is received. */
export interface RingClient {
  onReceived(bytes: Buffer, length: number): void;
  /** It waited for buffers, and there are some. */
  onBuffers(): void;
  onCompletion(key: number, result: number, flags: number): void;
}

/**
 * The ring of this thread and its place in Node's event loop: whenever there are completions they are worked on, then what was written
 * meanwhile is sent, all of it with one system call, until there is nothing left.
 */
export class RingLoop {
  readonly ring: Ring = openRing(SIZE);
  /** Changes with every call that hands requests over. */
  round = 0;
  /** Free buffers from each one on, to the end of all. */
  readonly #views: readonly Buffer[];
  readonly #clients: (RingClient | undefined)[] = [undefined];
  readonly #freeKeys: number[] = [];
  readonly #watcher: PipeHandle;
  #open = 0;
  #running = false;
  #scheduled = false;
  #closed = false;
  #later: (() => void)[] = [];
  /** Those that found no buffer free, first come first. */
  readonly #starved: RingClient[] = [];
  /** Buffers that were filled in this round, and by how many receipts. */
  #filled = 0;
  #receipts = 0;
  readonly #take: OnCompletion = (key, result, flags) => {
    if (key !== 0) this.#clients[key >> KEY_BITS]?.onCompletion(key, result, flags);
  };
  /** Larger than what the event descriptor gives, so that libuv does not look for more. */
  readonly #signal = Buffer.allocUnsafeSlow(64);

  /** `watcher` becomes the loop's own. */
  constructor(watcher: PipeHandle) {
    const { ring } = this;
    this.#views = Array.from({ length: SIZE.buffers }, (_, at) => ring.buffers.subarray(at * SIZE.bufferSize));
    this.#watcher = watcher;
    watcher.open(ring.eventDescriptor);
    watcher.useUserBuffer(this.#signal);
    watcher.onread = () => this.#run();
    watcher.readStart();
    watcher.unref();
    onFlush(() => {
      if (!this.#running) this.submit();
    });
  }

  /** A key for the requests of a client, which may use the two lowest bits for itself. */
  add(client: RingClient): number {
    if (this.#open++ === 0) this.#watcher.ref();
    const at = this.#freeKeys.pop() ?? this.#clients.length;
    this.#clients[at] = client;
    return at << KEY_BITS;
  }

  /** After the last completion. */
  remove(key: number): void {
    this.#clients[key >> KEY_BITS] = undefined;
    this.#freeKeys.push(key >> KEY_BITS);
    if (--this.#open === 0) this.#watcher.unref();
  }

  /** Hands what was received from that buffer on to the client, in as few pieces as it lies in, and makes the buffers free. */
  deliver(first: number, length: number, client: RingClient): void {
    this.#receipts++;
    this.#filled += Math.ceil(length / SIZE.bufferSize);
    for (let buffer = first, left = length; left > 0; ) {
      const from = buffer;
      let piece = Math.min(left, SIZE.bufferSize);
      let next = this.ring.bufferAfter(buffer);
      for (; next === buffer + 1 && piece < left; next = this.ring.bufferAfter(buffer)) {
        buffer = next;
        piece = Math.min(left, piece + SIZE.bufferSize);
      }
      left -= piece;
      try {
        client.onReceived(this.#views[from] as Buffer, piece);
      } finally {
        for (let used = from; used <= buffer; used++) this.ring.giveBack(used);
      }
      buffer = next;
    }
  }

  /** Tells the client when it may receive again. */
  waitForBuffers(client: RingClient): void {
    this.#starved.push(client);
  }

  /** All who wait would take the buffers from each other: as many get a chance as there will be buffers for, going by this round. */
  #feedStarved(): void {
    const each = this.#receipts > 0 ? this.#filled / this.#receipts : 1;
    for (const client of this.#starved.splice(0, Math.max(1, Math.floor(SIZE.buffers / each)))) client.onBuffers();
  }

  /** Does something soon, outside of what is under way. */
  later(work: () => void): void {
    this.#later.push(work);
    this.wake();
  }

  /** Tells the kernel now of what is queued. */
  submit(): void {
    if (this.#closed || this.ring.queued === 0) return;
    this.round++;
    this.ring.submit();
  }

  /** Sees soon that the kernel hears of what is queued. */
  wake(): void {
    if (this.#scheduled || this.#running) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#run();
    });
  }

  /** For a thread that ends: without it the kernel keeps the sockets of requests under way open until the process ends. */
  close(): void {
    this.ring.cancelAll();
    this.#closed = true;
  }

  #run(): void {
    if (this.#closed || this.#running) return;
    const { ring } = this;
    this.#running = true;
    holdOutbox(true);
    ring.hush(true);
    try {
      for (let round = 0; round < ROUNDS && this.#hasWork(); round++) this.#round();
    } finally {
      endTurn();
      holdOutbox(false);
      this.#running = false;
      if (this.#hasWork()) {
        this.wake();
      } else {
        ring.hush(false);
        // What came between the last look and now would not be signalled.
        if (ring.due) this.wake();
      }
    }
  }

  #hasWork(): boolean {
    flush();
    return this.ring.queued > 0 || this.ring.due || this.#later.length > 0 || this.#starved.length > 0;
  }

  #round(): void {
    this.round++;
    this.ring.enter();
    endTurn();
    beginTurn();
    if (this.#later.length > 0) {
      const works = this.#later;
      this.#later = [];
      for (const work of works) work();
    }
    this.#receipts = 0;
    this.#filled = 0;
    this.ring.takeCompletions(this.#take);
    this.ring.publishBuffers();
    if (this.#starved.length > 0) this.#feedStarved();
  }
}
