import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { PodPlace } from './downward.ts';
import { lookupFiles } from './lookup.ts';
import { type NodeContext, pause } from './pod-context.ts';
import { createPodNetwork, type PodNetwork } from './pod-network.ts';
import type { PodObject } from './types.ts';
import { type PreparedVolumes, prepareVolumes } from './volumes.ts';

const retryMs = { base: 500, max: 30_000 };

/** Repeats a step with growing pauses, telling each failure as an Event of the pod, until it works; undefined when the pod stops before. */
export async function insist<T>(
  { events }: NodeContext,
  pod: () => PodObject,
  reason: string,
  stopping: AbortSignal,
  step: () => Promise<T> | T,
): Promise<T | undefined> {
  for (let waitMs = retryMs.base; !stopping.aborted; waitMs = Math.min(waitMs * 2, retryMs.max)) {
    try {
      return await step();
    } catch (error) {
      events.record(pod(), 'Warning', reason, error instanceof Error ? error.message : String(error));
      await pause(waitMs, stopping);
    }
  }
  return undefined;
}

/** A network of the pod's own. Rejects with the text for the Event, for instance when the node's range is used up. */
export async function setUpPodNetwork(node: NodeContext, pod: PodObject): Promise<PodNetwork> {
  const { name, namespace = 'default', uid = '' } = pod.metadata;
  const address = node.addresses.allocate(uid);
  if (address === undefined) throw new Error(`Failed to create pod sandbox: no address left in ${node.node.podCidr}`);
  return createPodNetwork(node.node, { namespace, name }, address);
}

/** The volumes of a pod under its own directory. Throws an Error with the text for the Event. */
export function setUpVolumes(node: NodeContext, pod: PodObject, place: PodPlace, directory: string): PreparedVolumes {
  const namespace = pod.metadata.namespace ?? 'default';
  const account = node.serviceAccountFiles?.(namespace, pod.spec.serviceAccountName ?? 'default');
  const own = path.join(directory, 'volumes');
  mkdirSync(own, { recursive: true });
  return prepareVolumes({
    pod,
    place,
    directory: own,
    files: lookupFiles(node.store, namespace),
    serviceAccountFiles:
      account && Object.fromEntries(Object.entries(account).map(([key, text]) => [key, Buffer.from(text)])),
  });
}
