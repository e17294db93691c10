import {
  type ClusterView,
  comparePods,
  type PlannedPod,
  plannedPod,
  plannedPods,
  podIdentities,
} from './cluster-view.ts';
import { listChanges, sameEntries } from './kept.ts';
import type { Namespace, Pod, World } from './world.ts';

/** What pods make of a view, in their order. */
export type PlannedPods = Pick<ClusterView, 'pods' | 'localPods' | 'podIdentities'>;

/** What pods came to before, and what that depends on beside them. */
interface Before extends PlannedPods {
  readonly world: World;
  readonly namespaces: ReadonlyMap<string, Namespace>;
  /** The pods that have an address, each by its own; undefined where two pods claimed one. */
  readonly byPod: Map<Pod, PlannedPod> | undefined;
  readonly addresses: Set<string>;
  /** How many pods there are of each `PlannedPod.subject`. */
  readonly subjects: Map<string, number>;
}

/** So many pods that came or went at once are planned one by one. */
const fewMax = 64;

/** Plans pods; where only few of them are others than the time before, only these. What did not change is the same object. */
export function createPodStage(): (world: World, namespaces: ReadonlyMap<string, Namespace>) => PlannedPods {
  let before: Before | undefined;
  return (world, namespaces) => {
    before = (before && changed(before, world, namespaces)) ?? planned(world, namespaces, before?.pods ?? []);
    return before;
  };
}

function planned(world: World, namespaces: ReadonlyMap<string, Namespace>, order: readonly PlannedPod[]): Before {
  const { pods, byPod } = plannedPods(world, namespaces, order);
  const localPods = pods.filter(({ nodeName }) => nodeName === world.nodeName);
  const addresses = new Set(pods.map(({ address }) => address));
  const subjects = new Map<string, number>();
  for (const { subject } of pods) subjects.set(subject, (subjects.get(subject) ?? 0) + 1);
  return { world, namespaces, pods, localPods, podIdentities: podIdentities(pods), byPod, addresses, subjects };
}

/** Undefined where too much is another. */
function changed(before: Before, world: World, namespaces: ReadonlyMap<string, Namespace>): Before | undefined {
  const { byPod, addresses } = before;
  if (!byPod || !sameSettings(before, world, namespaces)) return undefined;
  const [gone, come] = listChanges(before.world.pods, world.pods);
  if (gone.length + come.length > fewMax) return undefined;
  if (gone.length + come.length === 0) return { ...before, world };
  const removed = gone.flatMap((pod) => byPod.get(pod) ?? []);
  for (const pod of gone) byPod.delete(pod);
  for (const { address } of removed) addresses.delete(address);
  const added: PlannedPod[] = [];
  for (const pod of come) {
    const made = plannedPod(pod, namespaces, world);
    if (!made) continue;
    // Who of two has the address is a question for all of them.
    if (addresses.has(made.address)) return undefined;
    addresses.add(made.address);
    byPod.set(pod, made);
    added.push(made);
  }
  const leaving = new Set(removed);
  const isLocal = ({ nodeName }: PlannedPod) => nodeName === world.nodeName;
  const pods = merged(before.pods, leaving, added);
  const touchesLocal = [...removed, ...added].some(isLocal);
  const localPods = touchesLocal ? merged(before.localPods, leaving, added.filter(isLocal)) : before.localPods;
  const identities = count(before.subjects, removed, added) ? podIdentities(pods) : before.podIdentities;
  return { ...before, world, pods, localPods, podIdentities: identities };
}

/** Counts pods by subject; true when a subject is new or has no pod any more. */
function count(subjects: Map<string, number>, removed: readonly PlannedPod[], added: readonly PlannedPod[]): boolean {
  const size = subjects.size;
  for (const { subject } of added) subjects.set(subject, (subjects.get(subject) ?? 0) + 1);
  let others = subjects.size !== size;
  for (const { subject } of removed) {
    const left = (subjects.get(subject) ?? 0) - 1;
    if (left > 0) subjects.set(subject, left);
    else others = subjects.delete(subject) || others;
  }
  return others;
}

function sameSettings(
  { world: one, namespaces }: Before,
  other: World,
  others: ReadonlyMap<string, Namespace>,
): boolean {
  return (
    one.nodeName === other.nodeName &&
    one.clusterName === other.clusterName &&
    one.config.labels === other.config.labels &&
    sameEntries(namespaces, others) &&
    sameEntries(one.identities, other.identities)
  );
}

/** A sorted list without some, with others in their places. */
function merged(
  pods: readonly PlannedPod[],
  leaving: ReadonlySet<PlannedPod>,
  added: readonly PlannedPod[],
): readonly PlannedPod[] {
  const rest = leaving.size === 0 ? [...pods] : pods.filter((pod) => !leaving.has(pod));
  for (const pod of added) rest.splice(placeOf(rest, pod), 0, pod);
  return rest;
}

function placeOf(pods: readonly PlannedPod[], pod: PlannedPod): number {
  let [first, last] = [0, pods.length];
  while (first < last) {
    const middle = (first + last) >> 1;
    if (comparePods(pods[middle] as PlannedPod, pod) <= 0) first = middle + 1;
    else last = middle;
  }
  return first;
}
