import type { Host } from './host.ts';
import type { Resources } from './resources.ts';

/** Gives up connections to the host that nobody uses, so that others can be; false: all are used. */
export function freePool(host: Host, resources: Resources): boolean {
  for (const [key, pool] of host.pools) {
    if (pool.resources !== resources || !pool.unused) continue;
    host.pools.delete(key);
    pool.drain();
    return true;
  }
  return false;
}
