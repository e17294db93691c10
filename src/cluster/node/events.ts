import { randomUUID } from 'node:crypto';
import type { KubernetesObject, ObjectStore } from '../store.ts';

export interface EventSubject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly uid?: string };
}

export interface EventRecorder {
  /** `container` makes the event one of that container. Repeated ones are counted instead of added. */
  record(subject: EventSubject, type: 'Normal' | 'Warning', reason: string, message: string, container?: string): void;
}

interface Recorded {
  readonly namespace: string;
  readonly name: string;
}

const rememberedMax = 500;

/** Writes Kubernetes Events of one component on one node. An event that cannot be written is lost: nothing depends on it. */
export function createEventRecorder(store: ObjectStore, node: string, now: () => number): EventRecorder {
  const recorded = new Map<string, Recorded>();
  return {
    record(subject, type, reason, message, container) {
      const namespace = subject.metadata.namespace ?? 'default';
      const fieldPath = container === undefined ? undefined : `spec.containers{${container}}`;
      const key = JSON.stringify([
        subject.kind,
        namespace,
        subject.metadata.name,
        subject.metadata.uid,
        reason,
        message,
        fieldPath,
      ]);
      const time = new Date(now()).toISOString().replace(/\.\d+Z$/, 'Z');
      try {
        const known = recorded.get(key);
        if (known && countUp(store, known, time)) return;
        const name = `${subject.metadata.name}.${randomUUID().replaceAll('-', '').slice(0, 16)}`;
        store.create('events', {
          apiVersion: 'v1',
          kind: 'Event',
          metadata: { name, namespace },
          involvedObject: {
            apiVersion: subject.apiVersion,
            kind: subject.kind,
            name: subject.metadata.name,
            ...(subject.metadata.namespace === undefined ? {} : { namespace }),
            ...(subject.metadata.uid === undefined ? {} : { uid: subject.metadata.uid }),
            ...(fieldPath === undefined ? {} : { fieldPath }),
          },
          type,
          reason,
          message: message.slice(0, 1024),
          source: { component: 'kubelet', host: node },
          reportingComponent: 'kubelet',
          reportingInstance: node,
          firstTimestamp: time,
          lastTimestamp: time,
          count: 1,
        });
        if (recorded.size >= rememberedMax) recorded.delete(recorded.keys().next().value ?? '');
        recorded.set(key, { namespace, name });
      } catch {
        recorded.delete(key);
      }
    },
  };
}

function countUp(store: ObjectStore, { namespace, name }: Recorded, lastTimestamp: string): boolean {
  const event = store.get<KubernetesObject>('events', namespace, name);
  if (!event) return false;
  store.update('events', { ...event, count: Number(event['count'] ?? 1) + 1, lastTimestamp });
  return true;
}
