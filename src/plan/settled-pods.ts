import { isEndpointPod, keyOfPod, namespaceIndex } from './cluster-view.ts';
import type { Namespace, Pod, World } from './world.ts';

/**
 * Keeps pods under their former labels, their namespace's included, until the identity of the new ones exists, as Cilium keeps an
 * endpoint's identity until it has the next: a pod between two identities would be `init` or `unmanaged`, and cut off from everybody.
 * `settle` is asked for each world that is planned; what it remembers is bounded by that world's pods.
 */
export function createPodSettling(): (world: World) => World {
  let before: ReadonlyMap<string, Kept> = new Map();
  return (world) => {
    const namespaces = namespaceIndex(world);
    const next = new Map<string, Kept>();
    const formerNamespaces = new Map<Pod, Namespace>();
    const pods = world.pods.map((pod) => {
      const id = pod.metadata?.uid;
      if (id === undefined || !isEndpointPod(pod)) return pod;
      const namespace = namespaces.get(pod.metadata?.namespace ?? 'default');
      const kept = keptOf(pod, namespace, before.get(id), world);
      next.set(id, kept);
      if (kept.namespace && kept.namespace !== namespace) formerNamespaces.set(kept.planned, kept.namespace);
      return kept.planned;
    });
    before = next;
    return pods.some((pod, index) => pod !== world.pods[index]) ? { ...world, pods, formerNamespaces } : world;
  };
}

interface Kept {
  /** As the API server has it. */
  readonly pod: Pod;
  /** As it is planned, and with which state of its namespace. Another object than `pod` where that is a former one. */
  readonly planned: Pod;
  readonly namespace: Namespace | undefined;
}

function keptOf(pod: Pod, namespace: Namespace | undefined, before: Kept | undefined, world: World): Kept {
  if (before?.planned === pod && before.namespace === namespace) return before;
  const hasIdentity = (one: Pod, of: Namespace | undefined) => world.identities.has(keyOfPod(one, of, world));
  const asItIs = { pod, planned: pod, namespace };
  if (!before || hasIdentity(pod, namespace)) return asItIs;
  if (pod.status?.podIP !== before.planned.status?.podIP || !hasIdentity(before.planned, before.namespace))
    return asItIs;
  if (before.pod === pod && before.planned !== pod) return before;
  const labels = before.planned.metadata?.labels ?? {};
  return { pod, planned: { ...pod, metadata: { ...pod.metadata, labels } }, namespace: before.namespace };
}
