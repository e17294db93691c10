import type { Cluster } from './cluster.ts';
import type { DnsCaches } from './dns/caches.ts';

/** What a cluster shares with the others of its worker. */
export interface Neighbours {
  get(name: string): Cluster | undefined;
  readonly dnsCaches: DnsCaches;
}
