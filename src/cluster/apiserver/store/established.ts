import type { KubernetesObject } from '../../store.ts';
import { isRecord, listAt, recordAt } from '../schema/shape.ts';

/** A CustomResourceDefinition with the status of one that is served, which here is at once. */
export function establishedDefinition(crd: KubernetesObject, time: string): KubernetesObject {
  const stored = listAt(crd, 'status', 'storedVersions').map(String);
  const storage = listAt(crd, 'spec', 'versions')
    .filter(isRecord)
    .filter((version) => version['storage'] === true)
    .map((version) => String(version['name']));
  const previous = listAt(crd, 'status', 'conditions').filter(isRecord);
  const condition = (type: string, reason: string, message: string) =>
    previous.find((one) => one['type'] === type && one['status'] === 'True') ?? {
      type,
      status: 'True',
      reason,
      message,
      lastTransitionTime: time,
    };
  return {
    ...crd,
    status: {
      conditions: [
        condition('NamesAccepted', 'NoConflicts', 'no conflicts found'),
        condition('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
      ],
      acceptedNames: recordAt(crd, 'spec', 'names') ?? {},
      storedVersions: [...new Set([...stored, ...storage])],
    },
  };
}
