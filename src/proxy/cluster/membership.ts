import { isDeepStrictEqual } from 'node:util';
import { type Address, formatAddress } from '../config/address.ts';
import type { Assignment } from './config/endpoints.ts';
import { EDS_HEALTH, type EndpointConfig, HEALTH, Host, identityOf } from './host.ts';
import { type HostSet, type HostSetOptions, PLAIN_SET, partitionHosts } from './host-set.ts';

/** What decides about hosts that come and go. */
export interface MembershipOptions {
  /** The cluster has active health checks: a new host counts as unhealthy until its first check. */
  readonly healthChecked: boolean;
  /** New hosts do not count at all until their first check (`ignore_new_hosts_until_first_hc`). */
  readonly warmHosts: boolean;
  readonly ignoreHealthOnRemoval: boolean;
  /** `Locality.key` of the proxy. */
  readonly local: string | undefined;
}

export interface MembershipChange {
  readonly sets: readonly HostSet[];
  readonly added: readonly Host[];
  readonly removed: readonly Host[];
  /** False: everything is as before. */
  readonly changed: boolean;
}

const NONE: readonly Address[] = [];

/**
 * Takes an assignment over into the host sets. A host is known by its address (in DNS clusters with the name that gave it) and stays itself, with its connections and counters, while
 * only its weight, health, metadata or priority change; another hostname, locality or other address makes it another host. Of endpoints with
 * the same address the first counts. A host that is gone but healthy by its active checks stays until they fail.
 */
export function updateMembers(
  before: readonly HostSet[],
  assignment: Assignment,
  options: MembershipOptions,
): MembershipChange {
  const known = new Map(before.flatMap((set) => set.hosts.map((host) => [host.identity, host] as const)));
  const wanted = distinctByPriority(assignment);
  const count = Math.max(before.length, assignment.priorities);
  const added: Host[] = [];
  const removed: Host[] = [];
  let changed = before.length !== count;
  const sets = Array.from({ length: count }, (_, priority): HostSet => {
    const old = before[priority];
    const update = updatePriority(priority, old?.hosts ?? [], wanted, known, options);
    added.push(...update.added);
    removed.push(...update.removed);
    const shape = shapeOf(assignment, priority, options.local);
    if (old && !update.changed && sameShape(old, shape)) return old;
    changed = true;
    return partitionHosts(priority, update.hosts, shape);
  });
  const stays = new Set(sets.flatMap((set) => set.hosts));
  return {
    sets,
    added: added.filter((host) => known.get(host.identity) !== host),
    removed: removed.filter((host) => !stays.has(host)),
    changed,
  };
}

/** The sets of a cluster whose endpoints are written in its configuration: every entry is a host of its own. */
export function fixedMembers(assignment: Assignment, options: MembershipOptions): readonly HostSet[] {
  return Array.from({ length: assignment.priorities }, (_, priority) => {
    const endpoints = assignment.endpoints.filter((one) => one.priority === priority);
    const hosts = endpoints.map((endpoint) => newHost(endpoint, options));
    return partitionHosts(priority, hosts, shapeOf(assignment, priority, options.local));
  });
}

function shapeOf(assignment: Assignment, priority: number, local: string | undefined): HostSetOptions {
  const { overprovisioning, weightedHealth, localityWeights } = assignment;
  return {
    localityWeights: localityWeights.get(priority) ?? PLAIN_SET.localityWeights,
    overprovisioning,
    weightedHealth,
    local,
  };
}

function sameShape(set: HostSet, shape: HostSetOptions): boolean {
  return (
    set.overprovisioning === shape.overprovisioning &&
    set.weightedHealth === shape.weightedHealth &&
    set.localities.every((one) => one.weight === (shape.localityWeights.get(one.locality.key) ?? 0))
  );
}

interface Wanted {
  readonly names: ReadonlySet<string>;
  readonly byPriority: ReadonlyMap<number, readonly (readonly [string, EndpointConfig])[]>;
}

function distinctByPriority({ endpoints }: Assignment): Wanted {
  const names = new Set<string>();
  const byPriority = new Map<number, (readonly [string, EndpointConfig])[]>();
  for (const endpoint of endpoints) {
    const name = identityOf(endpoint);
    if (names.has(name)) continue;
    names.add(name);
    const list = byPriority.get(endpoint.priority);
    if (list) list.push([name, endpoint]);
    else byPriority.set(endpoint.priority, [[name, endpoint]]);
  }
  return { names, byPriority };
}

interface PriorityChange {
  readonly hosts: readonly Host[];
  readonly added: readonly Host[];
  readonly removed: readonly Host[];
  readonly changed: boolean;
}

function updatePriority(
  priority: number,
  current: readonly Host[],
  wanted: Wanted,
  known: ReadonlyMap<string, Host>,
  options: MembershipOptions,
): PriorityChange {
  const hosts: Host[] = [];
  const added: Host[] = [];
  const kept = new Set<Host>();
  const replaced = new Set<string>();
  let changed = false;
  for (const [name, endpoint] of wanted.byPriority.get(priority) ?? []) {
    const host = known.get(name);
    if (host) host.flags &= ~HEALTH.PENDING_DYNAMIC_REMOVAL;
    if (host && isSameHost(host, endpoint, options)) {
      kept.add(host);
      if (host.priority !== priority) added.push(host);
      if (takeOver(host, endpoint)) changed = true;
      hosts.push(host);
      continue;
    }
    if (host) replaced.add(name);
    const fresh = newHost(endpoint, options);
    hosts.push(fresh);
    added.push(fresh);
  }
  const removed: Host[] = [];
  for (const host of current) {
    if (kept.has(host)) continue;
    if (outlivesRemoval(host, wanted, options) && !replaced.has(host.identity)) {
      host.flags |= HEALTH.PENDING_DYNAMIC_REMOVAL;
      hosts.push(host);
    } else removed.push(host);
  }
  return { hosts, added, removed, changed: changed || added.length > 0 || removed.length > 0 };
}

function isSameHost(host: Host, endpoint: EndpointConfig, { healthChecked }: MembershipOptions): boolean {
  if (host.hostname !== endpoint.hostname || host.locality.key !== endpoint.locality.key) return false;
  const others = endpoint.others ?? NONE;
  if (host.addresses.length - 1 !== others.length) return false;
  if (others.some((one, at) => formatAddress(one) !== formatAddress(host.addresses[at + 1] as Address))) return false;
  const checkAddress = endpoint.check?.address ?? endpoint.address;
  return !healthChecked || formatAddress(host.checkAddress) === formatAddress(checkAddress);
}

function outlivesRemoval(host: Host, { names }: Wanted, options: MembershipOptions): boolean {
  if (!options.healthChecked || options.ignoreHealthOnRemoval || names.has(host.identity)) return false;
  return (host.flags & (HEALTH.FAILED_ACTIVE_HC | HEALTH.FAILED_EDS_HEALTH)) === 0;
}

/** Takes over what may change of a host; tells whether it matters to the choice of hosts. */
function takeOver(host: Host, endpoint: EndpointConfig): boolean {
  const { health, weight, metadata } = host;
  host.flags = (host.flags & ~EDS_HEALTH) | endpoint.health;
  host.weight = endpoint.weight;
  host.priority = endpoint.priority;
  const same = metadata === endpoint.metadata || isDeepStrictEqual(metadata, endpoint.metadata);
  if (!same) host.metadata = endpoint.metadata;
  return !same || host.health !== health || host.weight !== weight;
}

function newHost(endpoint: EndpointConfig, { healthChecked, warmHosts }: MembershipOptions): Host {
  const host = new Host(endpoint);
  if (!healthChecked || host.checkDisabled) return host;
  host.flags |= HEALTH.FAILED_ACTIVE_HC;
  if (warmHosts) host.flags |= HEALTH.PENDING_ACTIVE_HC;
  return host;
}
