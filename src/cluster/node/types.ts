import type { Container, ContainerStatus, PodSpec, PodStatus } from 'kubernetes-types/core/v1.d.ts';
import type { KubernetesObject, ObjectMeta } from '../store.ts';

export type {
  Container,
  ContainerState,
  ContainerStatus,
  EnvVar,
  PodCondition,
  PodSpec,
  PodStatus,
  Probe,
  Volume,
  VolumeMount,
} from 'kubernetes-types/core/v1.d.ts';

/** A pod as the store holds it: the API server has validated and defaulted it. */
export interface PodObject extends KubernetesObject {
  metadata: ObjectMeta & { namespace?: string };
  spec: PodSpec;
  status?: PodStatus;
}

/** The part of the runtime's state that one container has; its shape is what Kubernetes shows. */
export type ContainerRecord = ContainerStatus;

export function podKey(pod: { readonly metadata: ObjectMeta }): string {
  return `${pod.metadata.namespace ?? 'default'}/${pod.metadata.name}`;
}

export function isInitSidecar(container: Container): boolean {
  return container.restartPolicy === 'Always';
}
