import { StatsStore } from '../stats/store.ts';
import { DnsCaches } from './dns/caches.ts';
import type { Neighbours } from './neighbours.ts';

/** What is around a cluster that stands alone; no name resolves. */
export const alone: Neighbours = {
  get: () => undefined,
  dnsCaches: new DnsCaches(new StatsStore(), () => () => Promise.reject(new Error('no resolver'))),
};
