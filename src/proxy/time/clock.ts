/**
 * Time as of the event being worked on. A clock costs as much as parsing a header field and a request asks for the time a dozen times,
 * so while bytes are worked on, which takes microseconds, time stands still; outside of that the clocks are read.
 */
let within = false;
let turns = 0;
let monotonic = 0;
let wall = 0;
/** Wall-clock time at monotonic zero, and until when that is taken to hold. */
let wallBase = 0;
let wallUntil = Number.NEGATIVE_INFINITY;

const RESYNC_MS = 500;

/** Work on an event begins: until `endTurn` time stands still. False when it did already. */
export function beginTurn(): boolean {
  if (within) return false;
  monotonic = performance.now();
  wall = 0;
  within = true;
  turns++;
  return true;
}

export function endTurn(): void {
  within = false;
}

/** Which event is being worked on, none like another before it; 0 outside of that. */
export function currentTurn(): number {
  return within ? turns : 0;
}

/** Monotonic milliseconds. */
export function now(): number {
  return within ? monotonic : performance.now();
}

/** Whole milliseconds since the epoch. */
export function wallNow(): number {
  if (!within) return Date.now();
  if (wall === 0) wall = readWall();
  return wall;
}

function readWall(): number {
  if (monotonic < wallUntil) return Math.floor(wallBase + monotonic);
  const time = Date.now();
  wallBase = time - monotonic;
  wallUntil = monotonic + RESYNC_MS;
  return time;
}
