import type { Writable } from 'node:stream';
import type { ContainerReference } from '../../runtime.ts';
import type { KubernetesObject } from '../../store.ts';
import { listAt, stringAt } from '../schema/shape.ts';
import { badRequest } from '../status.ts';

const DEFAULT_CONTAINER = 'kubectl.kubernetes.io/default-container';

/** The container a request means: the one it names, else the pod's only (or default) one. Throws 400. */
export function chooseContainer(pod: KubernetesObject, asked: string | null): ContainerReference {
  const names = [...listAt(pod, 'spec', 'containers'), ...listAt(pod, 'spec', 'initContainers')].map(
    (container) => stringAt(container, 'name') ?? '',
  );
  const { name, namespace = '' } = pod.metadata;
  const only =
    listAt(pod, 'spec', 'containers').length === 1 ? names[0] : pod.metadata.annotations?.[DEFAULT_CONTAINER];
  const container = asked || only;
  if (container === undefined)
    throw badRequest(`a container name must be specified for pod ${name}, choose one of: [${names.join(' ')}]`);
  if (!names.includes(container)) throw badRequest(`container ${container} is not valid for pod ${name}`);
  return { namespace, pod: name, container };
}

/** Waiting containers have no process and no output yet. */
export function requireStarted(pod: KubernetesObject, { container }: ContainerReference): void {
  const statuses = [...listAt(pod, 'status', 'containerStatuses'), ...listAt(pod, 'status', 'initContainerStatuses')];
  const status = statuses.find((one) => stringAt(one, 'name') === container);
  const reason = stringAt(status, 'state', 'waiting', 'reason');
  if (reason !== undefined)
    throw badRequest(`container "${container}" in pod "${pod.metadata.name}" is waiting to start: ${reason}`);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Resolves when the stream takes more, or has gone. */
export function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stream.off('drain', done);
      stream.off('close', done);
      resolve();
    };
    stream.on('drain', done);
    stream.on('close', done);
    if (stream.destroyed) done();
  });
}
