import { constants as c, check, native } from './libc.ts';

/** A kernel pipe, not a socket pair as `stdio: 'pipe'` makes, so that the child may open `/dev/stdout`. Both ends close on exec. */
export function openPipe(): { readonly read: number; readonly write: number } {
  const ends = [0, 0];
  check(native.pipe2(ends, c.O_CLOEXEC), 'pipe2');
  const [read = -1, write = -1] = ends;
  return { read, write };
}
