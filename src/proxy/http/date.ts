import { wallNow } from '../time/clock.ts';

let text = '';
let until = 0;

/** The value of a `date` header, made once a second. */
export function httpDate(): string {
  const now = wallNow();
  if (now >= until) {
    text = new Date(now).toUTCString();
    until = now - (now % 1000) + 1000;
  }
  return text;
}
