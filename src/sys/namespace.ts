import { constants as c, check, native } from './libc.ts';

/**
 * Runs `create` with this thread in another network namespace and comes back.
 * Sockets opened inside stay in that namespace. `create` must be synchronous: anything awaited would run in the wrong namespace.
 */
export function inNetworkNamespace<T>(path: string, create: () => T): T {
  const home = check(
    native.open('/proc/thread-self/ns/net', c.O_RDONLY | c.O_CLOEXEC),
    'open(/proc/thread-self/ns/net)',
  );
  try {
    const target = check(native.open(path, c.O_RDONLY | c.O_CLOEXEC), `open(${path})`);
    try {
      check(native.setns(target, c.CLONE_NEWNET), `setns(${path})`);
    } finally {
      native.close(target);
    }
    try {
      return create();
    } finally {
      check(native.setns(home, c.CLONE_NEWNET), 'setns(home)');
    }
  } finally {
    native.close(home);
  }
}

/** An ordinary non-blocking TCP socket that lives in the network namespace at `path`; hand it to `new net.Socket({ fd })`. */
export function openStreamSocketIn(path: string): number {
  return inNetworkNamespace(path, () =>
    check(native.socket(c.AF_INET, c.SOCK_STREAM | c.SOCK_NONBLOCK | c.SOCK_CLOEXEC, 0), 'socket'),
  );
}
