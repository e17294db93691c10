import { randomFillSync } from 'node:crypto';

const POOL = 512;
const random = Buffer.alloc(16 * POOL);
let next = random.length;

/** A random UUID of version 4 out of a pool refilled in one call. */
export function newRequestId(): string {
  if (next === random.length) {
    randomFillSync(random);
    next = 0;
  }
  const at = next;
  next += 16;
  random[at + 6] = ((random[at + 6] as number) & 15) | 64;
  random[at + 8] = ((random[at + 8] as number) & 63) | 128;
  const hex = random.toString('hex', at, at + 16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
