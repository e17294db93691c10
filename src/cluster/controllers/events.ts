import { createHash } from 'node:crypto';
import type { Logger } from '../../base/index.ts';
import type { KubernetesObject, ObjectStore } from '../store.ts';
import { type Clock, timestamp } from './clock.ts';
import { messageOf } from './status-error.ts';

export interface EventRecorder {
  record(about: KubernetesObject, type: 'Normal' | 'Warning', reason: string, message: string): void;
}

interface StoredEvent extends KubernetesObject {
  count: number;
  lastTimestamp: string;
}

/**
 * Writes core/v1 Events on behalf of `component`. The same reason and message about the same object
 * raises the count of one Event instead of adding another. A failure is logged: no work hangs on an Event.
 */
export function createEventRecorder(store: ObjectStore, clock: Clock, log: Logger, component: string): EventRecorder {
  return {
    record(about, type, reason, message) {
      const now = timestamp(clock);
      const namespace = about.metadata.namespace ?? 'default';
      const digest = createHash('sha256').update([about.metadata.uid, type, reason, message, component].join('\0'));
      const name = `${about.metadata.name}.${digest.digest('hex').slice(0, 16)}`;
      try {
        const earlier = store.get<StoredEvent>('events', namespace, name);
        if (earlier) {
          store.update('events', { ...earlier, count: (earlier.count ?? 1) + 1, lastTimestamp: now });
          return;
        }
        store.create('events', newEvent({ about, namespace, name, type, reason, message, component, now }));
      } catch (error) {
        log.debug({ about: about.metadata.name, reason, error: messageOf(error) }, 'event not recorded');
      }
    },
  };
}

interface EventFacts {
  readonly about: KubernetesObject;
  readonly namespace: string;
  readonly name: string;
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly component: string;
  readonly now: string;
}

function newEvent({ about, namespace, name, type, reason, message, component, now }: EventFacts): StoredEvent {
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name, namespace },
    involvedObject: {
      apiVersion: about.apiVersion,
      kind: about.kind,
      name: about.metadata.name,
      ...(about.metadata.namespace === undefined ? {} : { namespace: about.metadata.namespace }),
      ...(about.metadata.uid === undefined ? {} : { uid: about.metadata.uid }),
      ...(about.metadata.resourceVersion === undefined ? {} : { resourceVersion: about.metadata.resourceVersion }),
    },
    type,
    reason,
    message,
    source: { component },
    reportingComponent: component,
    reportingInstance: '',
    firstTimestamp: now,
    lastTimestamp: now,
    count: 1,
  };
}
