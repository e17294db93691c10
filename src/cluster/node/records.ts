import type { Container, ContainerRecord, PodObject } from './types.ts';

/** Exit code of a run whose end nobody saw, as the kubelet gives it after a restart of the machine. */
const unknownExitCode = 255;

/** The record that a container begins with; what an earlier life of the cluster left in the status is its last run. */
export function initialRecord(
  spec: Container,
  statuses: readonly ContainerRecord[] | undefined,
  waiting: 'ContainerCreating' | 'PodInitializing',
): ContainerRecord {
  const before = statuses?.find(({ name }) => name === spec.name);
  const state = { waiting: { reason: waiting } };
  const base = { name: spec.name, image: spec.image ?? '', imageID: '', ready: false, started: false, state };
  if (!before?.containerID) return { ...base, restartCount: 0, lastState: {} };
  const { running, terminated } = before.state ?? {};
  const last = terminated ?? {
    exitCode: unknownExitCode,
    reason: 'Unknown',
    containerID: before.containerID,
    ...(running?.startedAt === undefined ? {} : { startedAt: running.startedAt, finishedAt: running.startedAt }),
  };
  return { ...base, imageID: before.imageID, restartCount: before.restartCount + 1, lastState: { terminated: last } };
}

export interface Records {
  readonly initContainers: readonly ContainerRecord[];
  readonly containers: readonly ContainerRecord[];
}

/** The records that a pod's containers begin with. */
export function initialRecords({ spec, status }: PodObject): Records {
  const initContainers = spec.initContainers ?? [];
  const waiting = initContainers.length > 0 ? 'PodInitializing' : 'ContainerCreating';
  return {
    initContainers: initContainers.map((one) => initialRecord(one, status?.initContainerStatuses, waiting)),
    containers: spec.containers.map((one) => initialRecord(one, status?.containerStatuses, waiting)),
  };
}
