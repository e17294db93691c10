import { constants as c, check, native } from './libc.ts';

/** Two connected stream sockets without a name, for `new net.Socket({ fd })`, which then own them. Throws `SystemCallError`. */
export function openSocketPair(): readonly [number, number] {
  const pair = [0, 0];
  const type = c.SOCK_STREAM | c.SOCK_NONBLOCK | c.SOCK_CLOEXEC;
  check(native.socketpair(c.AF_UNIX, type, 0, pair), 'socketpair');
  const [near = -1, far = -1] = pair;
  return [near, far];
}
