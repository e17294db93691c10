import { Deadline } from '../../time/deadline.ts';

/** What hears that an attempt took too long. */
export interface TimeoutOwner {
  /** `idle`: nothing came for too long. */
  onTooSlow(idle: boolean): void;
  onTooLong(): void;
}

/** How long one attempt may take on its own, in milliseconds. */
export class AttemptTimeouts {
  readonly #owner: TimeoutOwner;
  #perTry: Deadline | undefined = undefined;
  #idle: Deadline | undefined = undefined;
  #idleMs = 0;
  #duration: Deadline | undefined = undefined;

  constructor(owner: TimeoutOwner) {
    this.#owner = owner;
  }

  /** For its response to begin; the first call counts. */
  startPerTry(milliseconds: number): void {
    if (this.#perTry) return;
    this.#perTry = new Deadline(() => this.#tooSlow(false));
    this.#perTry.start(milliseconds);
  }

  /** Between two signs of life; the first call counts. */
  startIdle(milliseconds: number): void {
    if (this.#idle) return;
    this.#idleMs = milliseconds;
    this.#idle = new Deadline(() => this.#tooSlow(true));
    this.#idle.start(milliseconds);
  }

  startDuration(milliseconds: number): void {
    this.#duration = new Deadline(() => this.#owner.onTooLong());
    this.#duration.start(milliseconds);
  }

  #tooSlow(idle: boolean): void {
    if (idle) this.#perTry?.stop();
    else {
      this.#idle?.stop();
      this.#idle = undefined;
    }
    this.#owner.onTooSlow(idle);
  }

  alive(): void {
    this.#idle?.start(this.#idleMs);
  }

  /** All but that of the whole attempt. */
  stopTry(): void {
    this.#perTry?.stop();
    this.#idle?.stop();
    this.#idle = undefined;
  }

  stop(): void {
    this.stopTry();
    this.#duration?.stop();
  }
}
