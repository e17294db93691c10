import { isEndpointPod, keyOfPod, namespaceIndex } from './cluster-view.ts';
import type { Namespace, Pod, World } from './world.ts';

/**
 * Keeps pods under their former labels until the identity of the new ones exists, as Cilium keeps an endpoint's identity until it has
 * the next: a pod between two identities would be `init` or `unmanaged`, and cut off from everybody. `settle` is asked for each
 * world that is planned; what it remembers is bounded by that world's pods.
 */
export function createPodSettling(): (world: World) => World {
  let before: ReadonlyMap<string, Kept> = new Map();
  return (world) => {
    const namespaces = namespaceIndex(world);
    const next = new Map<string, Kept>();
    const pods = world.pods.map((pod) => {
      const id = pod.metadata?.uid;
      if (id === undefined || !isEndpointPod(pod)) return pod;
      const kept = keptOf(pod, before.get(id), world, namespaces.get(pod.metadata?.namespace ?? 'default'));
      next.set(id, kept);
      return kept.planned;
    });
    before = next;
    return pods.some((pod, index) => pod !== world.pods[index]) ? { ...world, pods } : world;
  };
}

/** A pod as the API server has it, and as it is planned. */
interface Kept {
  readonly pod: Pod;
  readonly planned: Pod;
}

function keptOf(pod: Pod, before: Kept | undefined, world: World, namespace: Namespace | undefined): Kept {
  const hasIdentity = (one: Pod) => world.identities.has(keyOfPod(one, namespace, world));
  if (before?.planned === pod && before.pod === pod) return before;
  if (!before || before.planned === pod || hasIdentity(pod)) return { pod, planned: pod };
  if (pod.status?.podIP !== before.planned.status?.podIP || !hasIdentity(before.planned)) return { pod, planned: pod };
  if (before.pod === pod) return before;
  return { pod, planned: { ...pod, metadata: { ...pod.metadata, labels: before.planned.metadata?.labels ?? {} } } };
}
