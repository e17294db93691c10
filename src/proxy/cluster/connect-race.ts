import type { Address } from '../config/address.ts';
import { Deadline } from '../time/deadline.ts';
import type { Transport, TransportUser } from '../transport/transport.ts';

/** Milliseconds after which the next address is tried, too, as Envoy does. */
const NEXT_ATTEMPT = 300;

/** Whose connection it is to be. Either that it is won or that it is lost is told, once, and never from inside `start`. */
export interface RaceUser extends TransportUser {
  /** Another address is tried after the first. */
  onAnother(): void;
  /** Not even the attempt at an address can be made; another follows or runs. */
  onRefused(error: unknown): void;
  /** From now on events of the transport are the user's. */
  onWon(transport: Transport, address: Address): void;
  /** With the error of the last attempt. */
  onLost(error: unknown): void;
}

/**
 * Connects to the first of several addresses that lets it. The next address is tried when an attempt fails, and when the last one has
 * taken a while, which then goes on beside it.
 */
export class ConnectRace {
  readonly #addresses: readonly Address[];
  readonly #open: (user: TransportUser, address: Address) => Transport;
  readonly #user: RaceUser;
  readonly #runners = new Set<Runner>();
  readonly #next = new Deadline(() => this.#tryNext());
  #tried = 0;
  #error: unknown = undefined;
  #over = false;

  /** `open` throws where not even the attempt can be made. */
  constructor(
    addresses: readonly Address[],
    open: (user: TransportUser, address: Address) => Transport,
    user: RaceUser,
  ) {
    this.#addresses = addresses;
    this.#open = open;
    this.#user = user;
  }

  /** Begins; gives the transport of the first attempt that can be made, throws where none can. */
  start(): Transport {
    for (;;) {
      try {
        return this.#run();
      } catch (error) {
        if (this.#tried === this.#addresses.length) throw error;
        this.#user.onRefused(error);
      }
    }
  }

  /** Ends every attempt without a word. */
  stop(): void {
    this.#over = true;
    this.#next.stop();
    for (const { transport } of this.#runners) transport?.destroy();
    this.#runners.clear();
  }

  won(runner: Runner): void {
    const { transport } = runner;
    if (this.#over || !transport || !this.#runners.delete(runner)) return;
    this.stop();
    runner.user = this.#user;
    this.#user.onWon(transport, runner.address);
  }

  failed(runner: Runner, error: unknown): void {
    if (this.#over || !this.#runners.delete(runner)) return;
    this.#error = error;
    this.#tryNext();
    if (this.#runners.size > 0) return;
    this.stop();
    this.#user.onLost(this.#error);
  }

  #run(): Transport {
    if (this.#tried > 0) this.#user.onAnother();
    const runner = new Runner(this, this.#addresses[this.#tried++] as Address);
    const transport = this.#open(runner, runner.address);
    runner.transport = transport;
    this.#runners.add(runner);
    transport.socket.once('connect', () => this.won(runner));
    if (this.#tried < this.#addresses.length) this.#next.start(NEXT_ATTEMPT);
    return transport;
  }

  #tryNext(): void {
    this.#next.stop();
    while (this.#tried < this.#addresses.length) {
      try {
        this.#run();
        return;
      } catch (error) {
        this.#error = error;
        this.#user.onRefused(error);
      }
    }
  }
}

/** One attempt. Once it has won, its events are those of the connection. */
class Runner implements TransportUser {
  readonly address: Address;
  transport: Transport | undefined = undefined;
  /** Whose connection it is, once it has won. */
  user: TransportUser | undefined = undefined;
  readonly #race: ConnectRace;
  #error: unknown = undefined;

  constructor(race: ConnectRace, address: Address) {
    this.#race = race;
    this.address = address;
  }

  onBytes(bytes: Buffer, length: number): void {
    this.user?.onBytes(bytes, length);
  }

  onWritable(): void {
    this.user?.onWritable();
  }

  onRemoteEnd(): void {
    this.user?.onRemoteEnd();
  }

  onError(error: unknown): void {
    this.#error = error;
    this.user?.onError(error);
  }

  onClosed(): void {
    if (this.user) this.user.onClosed();
    else this.#race.failed(this, this.#error);
  }
}
