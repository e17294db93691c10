import type { AddressRange, WorldIdentity } from '../policy/index.ts';
import { type ClusterAddresses, createClusterAddresses } from './cluster-addresses.ts';
import { ipcacheOf } from './ipcache.ts';
import { identical, kept } from './kept.ts';
import type { Identity } from './node-plan.ts';
import { createAddressBooks } from './rbac-addresses.ts';

/** Makes addresses and what comes of them. What did not change since the time before is the same object. */
export function createAddressStage() {
  return {
    addressesOf: createClusterAddresses(),
    ipcacheOf: kept(ipcacheOf, [identical, identical]),
    rangesOf: kept(rangesOf, [identical, identical]),
    bookOf: createAddressBooks(),
  };
}

export type AddressStage = ReturnType<typeof createAddressStage>;

/** Addresses of every identity, the world's own included. */
function rangesOf(
  { byIdentity }: ClusterAddresses,
  world: readonly WorldIdentity[],
): ReadonlyMap<Identity, readonly AddressRange[]> {
  return new Map([...byIdentity, ...world.map(({ id, ranges }) => [id, ranges] as const)]);
}
