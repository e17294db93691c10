import { scaledDeadline } from '../overload/scaled-deadline.ts';
import { now } from '../time/clock.ts';
import { Deadline } from '../time/deadline.ts';
import type { HttpManager } from './manager.ts';
import { endsForOverload } from './overload.ts';

const OPEN = 0;
/** Responses say `connection: close`; the connection goes when the drain time is over. */
const DRAINING = 1;
/** The connection goes with the request under way, or now. */
const CLOSING = 2;

/** What is told of times that are over. */
export interface ConnectionEndUser {
  /** The connection is to go, but for a request under way. */
  onDrained(): void;
  /** It has lasted `max_connection_duration`. */
  onExpired(): void;
}

/** How a downstream connection comes to its end, as Envoy's drain states have it. */
export class ConnectionEnd {
  readonly #manager: HttpManager;
  readonly #user: ConnectionEndUser;
  #state = OPEN;
  /** `max_connection_duration` is over and the next request is the last. */
  #lastRequest = false;
  #drain: Deadline | undefined = undefined;
  readonly #duration: Deadline | undefined;

  constructor(manager: HttpManager, user: ConnectionEndUser, openedAt: number) {
    this.#manager = manager;
    this.#user = user;
    const { maxConnectionDuration } = manager;
    if (maxConnectionDuration > 0) {
      this.#duration = scaledDeadline(manager.overload?.timers.connectionMax, () => user.onExpired());
      this.#duration.start(Math.max(1, maxConnectionDuration - (now() - openedAt)));
    }
  }

  get closing(): boolean {
    return this.#state === CLOSING;
  }

  /** Whether a request that comes now is the last one. */
  get lastRequest(): boolean {
    return this.#lastRequest;
  }

  closeSoon(): void {
    this.#state = CLOSING;
  }

  /** Responses say from now on that the connection ends; it does when the drain time is over. */
  drain(): void {
    if (this.#state !== OPEN) return;
    this.#state = DRAINING;
    this.#drain = new Deadline(() => this.#drained());
    this.#drain.start(Math.max(1, this.#manager.drainTimeout));
  }

  /** `max_connection_duration` is over. */
  expire(): void {
    if (this.#manager.safeMaxConnectionDuration) this.#lastRequest = true;
    else this.drain();
  }

  /** Whether a response says `connection: close`. `wanted`: the client or a limit wants it. `incomplete`: the request has not come whole. */
  atResponse(wanted: boolean, incomplete: boolean): boolean {
    if (this.#state === OPEN && this.#manager.drain.closes()) {
      this.drain();
      this.#manager.stats.cxDrainClose++;
    }
    // As in Envoy no time is set for that, and who has been told is not closed for having wanted it.
    if (this.#state === OPEN && endsForOverload(this.#manager)) this.#state = DRAINING;
    if (this.#state === OPEN && wanted) this.#state = CLOSING;
    if (incomplete) this.#state = CLOSING;
    return this.#state !== OPEN;
  }

  stop(): void {
    this.#drain?.stop();
    this.#duration?.stop();
  }

  #drained(): void {
    this.#state = CLOSING;
    this.#user.onDrained();
  }
}
