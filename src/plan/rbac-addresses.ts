import { type AddressRange, mergeRanges, type PeerSet, prefixesOf } from '../policy/index.ts';
import { namedConfig } from './envoy-json.ts';
import type { Identity, JsonObject } from './node-plan.ts';

/** Addresses of peers, and their matchers, each made once however many rules name them. */
export interface AddressBook {
  ofPeers(peers: PeerSet): readonly AddressRange[] | 'any';
  principals(ranges: readonly AddressRange[]): readonly JsonObject[];
  permissions(ranges: readonly AddressRange[]): readonly JsonObject[];
  /** The same for where a connection that was not routed yet is going. */
  destinations(ranges: readonly AddressRange[]): readonly JsonObject[];
}

interface PeerRanges {
  readonly parts: readonly (readonly AddressRange[] | undefined)[];
  readonly merged: readonly AddressRange[];
}

/** Makes books one after the other: what peers and ranges that are the same lists as before come to is the same list again. */
export function createAddressBooks(): (ranges: ReadonlyMap<Identity, readonly AddressRange[]>) => AddressBook {
  const byPeers = new WeakMap<PeerSet, PeerRanges>();
  const [principals, permissions, destinations] = [
    matchersOf(remoteIp),
    matchersOf(upstreamIp),
    matchersOf(destinationIp),
  ];
  return (ranges) => ({
    ofPeers(peers) {
      if (peers[0] === 0) return 'any';
      const known = byPeers.get(peers);
      if (known && peers.every((peer, at) => ranges.get(peer) === known.parts[at])) return known.merged;
      const parts = peers.map((peer) => ranges.get(peer));
      const merged = mergeRanges(parts.flatMap((part) => part ?? []));
      byPeers.set(peers, { parts, merged });
      return merged;
    },
    principals,
    permissions,
    destinations,
  });
}

/** So many prefixes are remembered by their matchers before they are forgotten. */
const prefixesMax = 50_000;

/** The same list of ranges, and the same prefix, is said once. */
function matchersOf(make: (prefix: string) => JsonObject): (list: readonly AddressRange[]) => readonly JsonObject[] {
  const byPrefix = new Map<string, JsonObject>();
  const byList = new WeakMap<readonly AddressRange[], readonly JsonObject[]>();
  return (list) => {
    if (byPrefix.size > prefixesMax) byPrefix.clear();
    return remembered(byList, list, () =>
      prefixesOf(list).map((prefix) => remembered(byPrefix, prefix, () => make(prefix))),
    );
  };
}

interface Memory<K, V> {
  get(key: K): V | undefined;
  set(key: K, value: V): unknown;
}

function remembered<K, V>(known: Memory<K, V>, key: K, make: () => V): V {
  let value = known.get(key);
  if (value === undefined) {
    value = make();
    known.set(key, value);
  }
  return value;
}

function cidrRange(prefix: string): JsonObject {
  const [address = '', length = '32'] = prefix.split('/');
  return { address_prefix: address, prefix_len: Number(length) };
}

/** The client's address is in the prefix. */
export function remoteIp(prefix: string): JsonObject {
  return { direct_remote_ip: cidrRange(prefix) };
}

/** The address that the client connected to is in the prefix. */
export function destinationIp(prefix: string): JsonObject {
  return { destination_ip: cidrRange(prefix) };
}

/** The port that the client connected to is in the range, both ends included. */
export function destinationPorts(first: number, last: number): JsonObject {
  return { destination_port_range: { start: first, end: last + 1 } };
}

/** The chosen host's address is in the prefix. */
export function upstreamIp(prefix: string): JsonObject {
  return upstreamMatcher({ upstream_ip: cidrRange(prefix) });
}

/** The chosen host's port is in the range, both ends included: Envoy takes the end of this matcher's range in, unlike of others. */
export function upstreamPorts(first: number, last: number): JsonObject {
  return upstreamMatcher({ upstream_port_range: { start: first, end: last } });
}

function upstreamMatcher(body: JsonObject): JsonObject {
  const type = 'envoy.extensions.rbac.matchers.upstream_ip_port.v3.UpstreamIpPortMatcher';
  return { matcher: namedConfig('envoy.rbac.matchers.upstream_ip_port', type, body) };
}
