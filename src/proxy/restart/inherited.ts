import { closeDescriptor } from '../../sys/index.ts';

/** Listening sockets of the process before, as many as it had workers, by the address as bound. */
export interface InheritedSocket {
  readonly address: string;
  readonly descriptors: readonly number[];
}

/** What one worker has of the sockets of the process before. */
export class InheritedSockets {
  readonly #byAddress: Map<string, readonly number[]>;
  readonly #worker: number;
  readonly #workers: number;

  constructor(sockets: readonly InheritedSocket[], worker: number, workers: number) {
    this.#byAddress = new Map(sockets.map(({ address, descriptors }) => [address, descriptors]));
    this.#worker = worker;
    this.#workers = workers;
  }

  /** The worker's share of an address, for it to own: fewer workers than before have several each, of more some have none. */
  take(address: string): readonly number[] {
    const all = this.#byAddress.get(address) ?? [];
    this.#byAddress.delete(address);
    return all.filter((_, index) => index % this.#workers === this.#worker);
  }

  /** Closes, for all workers, what no listener has asked for. */
  closeRest(): void {
    for (const descriptors of this.#byAddress.values()) descriptors.forEach(closeDescriptor);
    this.#byAddress.clear();
  }
}
