import type { StreamInfo } from '../http/stream-info.ts';
import type { Transport, TransportUser } from '../transport/transport.ts';
import type { NetworkFilter, NetworkHooks, NetworkStream } from './filter.ts';

/** What ends a chain. */
export interface TerminalConnection extends TransportUser {
  /** The filters before let the connection pass; bytes come only afterwards. */
  start(): void;
  /** Bytes came from the client, though not for the connection itself yet. */
  countReceived?(length: number): void;
  /** The client may end its side and still be served. */
  readonly halfClose: boolean;
}

/** Bytes that a stopped chain keeps before it stops reading. */
const HELD_LIMIT = 1_048_576;
const NOTHING = Buffer.alloc(0);

/** Network filters at work on one connection, between its transport and what ends the chain. */
export class NetworkGate implements TransportUser, NetworkStream {
  readonly info: StreamInfo;
  readonly #hooks: readonly NetworkHooks[];
  #terminal: TerminalConnection | undefined = undefined;
  #transport: Transport | undefined = undefined;
  /** How many filters have heard of the connection. */
  #begun = 0;
  /** The filter that stopped last. */
  #stoppedAt = -1;
  #started = false;
  #held: Buffer = NOTHING;
  #ended = false;
  #closed = false;
  /** A filter leaves what the client sends where it is. */
  #unread = false;
  #gone = false;

  constructor(filters: readonly NetworkFilter[], info: StreamInfo) {
    this.info = info;
    this.#hooks = filters.map((filter) => filter.begin(this));
  }

  /** Both sides, before anything happens. */
  connect(terminal: TerminalConnection, transport: Transport): void {
    this.#terminal = terminal;
    this.#transport = transport;
  }

  start(): void {
    this.#pass(0, NOTHING, false);
  }

  onBytes(bytes: Buffer, length: number): void {
    if (this.#closed) return;
    this.#terminal?.countReceived?.(length);
    const fresh = bytes.subarray(0, length);
    this.#pass(0, this.#held.length === 0 ? fresh : Buffer.concat([this.#held, fresh]), false);
  }

  onRemoteEnd(): void {
    if (!this.#terminal?.halfClose) {
      this.#terminal?.onRemoteEnd();
      return;
    }
    this.#ended = true;
    this.#pass(0, this.#held, true);
  }

  onWritable(): void {
    this.#terminal?.onWritable();
  }

  onError(error: unknown): void {
    this.#terminal?.onError(error);
  }

  onClosed(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#closed = true;
    for (const hooks of this.#hooks) hooks.onClosed?.();
    this.#terminal?.onClosed();
  }

  close(details: string): void {
    if (details !== '') this.info.terminationDetails = details;
    this.#closed = true;
    this.#held = NOTHING;
    this.#transport?.destroy();
    this.onClosed();
  }

  stopReading(): void {
    this.#unread = true;
    this.#transport?.pause();
  }

  resume(): void {
    const from = this.#stoppedAt + 1;
    if (this.#closed || from === 0) return;
    this.#stoppedAt = -1;
    if (this.#unread) this.#transport?.resume();
    this.#unread = false;
    this.#pass(from, this.#held, this.#ended);
  }

  #pass(from: number, bytes: Buffer, end: boolean): void {
    for (let at = from; at < this.#hooks.length; at++) {
      const hooks = this.#hooks[at] as NetworkHooks;
      if (this.#closed) return;
      if (this.#stops(hooks, at, bytes, end)) {
        this.#stoppedAt = at;
        this.#hold(bytes);
        return;
      }
    }
    this.#deliver(bytes, end);
  }

  #stops(hooks: NetworkHooks, at: number, bytes: Buffer, end: boolean): boolean {
    if (at >= this.#begun) {
      this.#begun = at + 1;
      if (hooks.onConnection?.() === 'stop') return true;
    }
    return (bytes.length > 0 || end) && hooks.onBytes?.(bytes, end) === 'stop';
  }

  #hold(bytes: Buffer): void {
    if (this.#closed || bytes === this.#held) return;
    this.#held = Buffer.from(bytes);
    if (this.#held.length > HELD_LIMIT) this.#transport?.pause();
  }

  #deliver(bytes: Buffer, end: boolean): void {
    const terminal = this.#terminal;
    if (!terminal || this.#closed) return;
    if (this.#held.length > HELD_LIMIT) this.#transport?.resume();
    this.#held = NOTHING;
    if (!this.#started) {
      this.#started = true;
      terminal.start();
    }
    if (bytes.length > 0) terminal.onBytes(bytes, bytes.length);
    if (end) terminal.onRemoteEnd();
  }
}
