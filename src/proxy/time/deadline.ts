import { longestTimerMs } from '../../base/index.ts';
import { beginTurn, endTurn, now } from './clock.ts';

/** Something that may be waited for once at a time; embed one per timeout and reuse it. */
export class Deadline {
  /** Where it waits, or waited last: mostly it waits as long again. */
  #list: DeadlineList | undefined = undefined;
  waiting = false;
  previous: Deadline | undefined = undefined;
  next: Deadline | undefined = undefined;
  at = 0;
  readonly fire: () => void;

  constructor(fire: () => void) {
    this.fire = fire;
  }

  /** Starts or restarts the wait; 0 or less waits for ever. */
  start(milliseconds: number): void {
    this.stop();
    if (milliseconds <= 0) return;
    if (this.#list?.milliseconds !== milliseconds || this.#list.ended) this.#list = listOf(milliseconds);
    this.#list.append(this);
  }

  stop(): void {
    if (this.waiting) this.#list?.remove(this);
  }
}

/**
 * Waits of one length end in the order in which they began, so a list per length needs one timer of Node's, and starting or
 * stopping a wait is a link operation: a proxy starts several per request and almost none of them ends.
 */
class DeadlineList {
  readonly milliseconds: number;
  /** Nothing waited in it any more; who waits again joins the list of all that wait so long, or their order is lost. */
  ended = false;
  #first: Deadline | undefined = undefined;
  #last: Deadline | undefined = undefined;
  #timer: NodeJS.Timeout | undefined = undefined;

  constructor(milliseconds: number) {
    this.milliseconds = milliseconds;
  }

  append(deadline: Deadline): void {
    deadline.waiting = true;
    deadline.at = now() + this.milliseconds;
    deadline.previous = this.#last;
    if (this.#last) this.#last.next = deadline;
    else this.#first = deadline;
    this.#last = deadline;
    if (this.#timer === undefined) this.#arm(this.milliseconds);
  }

  remove(deadline: Deadline): void {
    if (deadline.previous) deadline.previous.next = deadline.next;
    else this.#first = deadline.next;
    if (deadline.next) deadline.next.previous = deadline.previous;
    else this.#last = deadline.previous;
    deadline.waiting = false;
    deadline.previous = undefined;
    deadline.next = undefined;
  }

  #arm(milliseconds: number): void {
    this.#timer = setTimeout(() => this.#expire(), Math.min(Math.max(1, Math.ceil(milliseconds)), longestTimerMs));
    this.#timer.unref();
  }

  #expire(): void {
    this.#timer = undefined;
    beginTurn();
    const time = now();
    for (let deadline = this.#first; deadline !== undefined && deadline.at <= time; deadline = this.#first) {
      this.remove(deadline);
      deadline.fire();
    }
    endTurn();
    if (this.#timer !== undefined) return;
    if (this.#first) this.#arm(this.#first.at - time);
    else this.#end();
  }

  #end(): void {
    this.ended = true;
    lists.delete(this.milliseconds);
  }
}

const lists = new Map<number, DeadlineList>();

function listOf(milliseconds: number): DeadlineList {
  let list = lists.get(milliseconds);
  if (!list) {
    list = new DeadlineList(milliseconds);
    lists.set(milliseconds, list);
  }
  return list;
}
