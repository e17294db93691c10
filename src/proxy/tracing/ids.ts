import { randomFillSync } from 'node:crypto';

const POOL = 4096;
const random = Buffer.alloc(POOL);
let next = POOL;

/** A random id of so many bytes that are not all zero, in hexadecimal. */
export function newId(bytes: 8 | 16): string {
  if (next + bytes > POOL) {
    randomFillSync(random);
    next = 0;
  }
  const id = random.toString('hex', next, next + bytes);
  next += bytes;
  return /[1-9a-f]/.test(id) ? id : newId(bytes);
}
