import { type AddressRange, rangeOf, type WorldIdentity } from '../policy/index.ts';
import type { ClusterView } from './cluster-view.ts';
import { clusterAddresses, createIpcache, identityRanges } from './ipcache.ts';
import { identical, kept, sameFields, sameItems } from './kept.ts';
import type { NodeIdentity } from './node-identities.ts';
import type { Identity } from './node-plan.ts';
import { type AddressBook, createAddressBooks } from './rbac-addresses.ts';

/** Addresses and what is made of them. What did not change since the time before is the same object. */
export interface AddressStage {
  addressesOf(view: ClusterView, nodes: readonly NodeIdentity[]): ReadonlyMap<string, Identity>;
  ipcacheOf: ReturnType<typeof createIpcache>;
  /** `identityRanges`: the list of an identity whose addresses did not change is the same list. */
  rangesOf(
    addresses: ReadonlyMap<string, Identity>,
    world: readonly WorldIdentity[],
  ): ReadonlyMap<Identity, readonly AddressRange[]>;
  bookOf(ranges: ReadonlyMap<Identity, readonly AddressRange[]>): AddressBook;
}

export function createAddressStage(): AddressStage {
  const addressesOf = kept(
    (
      pods: ClusterView['pods'],
      node: ClusterView['node'],
      peers: ClusterView['peers'],
      apiServers: ClusterView['apiServers'],
      nodes: readonly NodeIdentity[],
    ) => clusterAddresses({ pods, node, peers, apiServers }, nodes),
    [
      identical,
      sameFields,
      (one, other) => sameItems(one, other, sameFields),
      sameItems,
      (one, other) => sameItems(one, other, (a, b) => a.id === b.id && sameItems(a.addresses, b.addresses)),
    ],
  );
  const readRange = rangeMemory();
  let before: ReadonlyMap<Identity, readonly AddressRange[]> = new Map();
  const rangesOf = kept(
    (addresses: ReadonlyMap<string, Identity>, world: readonly WorldIdentity[]) => {
      before = withListsOf(before, identityRanges(addresses, world, readRange));
      return before;
    },
    [identical, identical],
  );
  return {
    addressesOf: ({ pods, node, peers, apiServers }, nodes) => addressesOf(pods, node, peers, apiServers, nodes),
    ipcacheOf: kept(createIpcache(), [identical, identical]),
    rangesOf,
    bookOf: createAddressBooks(),
  };
}

/** So many addresses are remembered before they are forgotten. */
const rangesMax = 100_000;

function rangeMemory(): typeof rangeOf {
  const known = new Map<string, AddressRange | undefined>();
  return (text) => {
    const range = known.get(text);
    if (range) return range;
    if (known.size > rangesMax) known.clear();
    const read = rangeOf(text);
    known.set(text, read);
    return read;
  };
}

function withListsOf(
  before: ReadonlyMap<Identity, readonly AddressRange[]>,
  next: ReadonlyMap<Identity, readonly AddressRange[]>,
): ReadonlyMap<Identity, readonly AddressRange[]> {
  const same = (one: AddressRange, other: AddressRange) => one.start === other.start && one.end === other.end;
  return new Map(
    [...next].map(([identity, list]) => {
      const known = before.get(identity);
      return [identity, known && sameItems(known, list, same) ? known : list];
    }),
  );
}
