import { createHash } from 'node:crypto';
import type { Result } from '../base/index.ts';
import type { ApiError } from './api-error.ts';
import type { CallOptions, KubeClient } from './client.ts';

/** The object an Event is about. */
export interface EventSubject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: {
    readonly name?: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
  };
}

export interface EventOptions extends CallOptions {
  readonly about: EventSubject;
  readonly type: 'Normal' | 'Warning';
  /** One word in camel case: what happened. */
  readonly reason: string;
  readonly message: string;
  /** Who says so. */
  readonly component: string;
}

interface StoredEvent {
  readonly count?: number;
}

/**
 * Writes a core/v1 Event; the same reason and message about the same object raises the count of one Event.
 * Events about cluster-scoped objects lie in the namespace `default`, as in Kubernetes.
 */
export async function recordEvent(client: KubeClient, options: EventOptions): Promise<Result<unknown, ApiError>> {
  const { about, type, reason, message, component, signal, timeoutMs } = options;
  const { name: subject = '', namespace = 'default', uid = '' } = about.metadata ?? {};
  const identity = [about.kind, namespace, subject, uid, type, reason, message, component].join('\0');
  const name = `${subject}.${createHash('sha256').update(identity).digest('hex').slice(0, 16)}`;
  const events = { group: '', version: 'v1', resource: 'events', namespace };
  const now = `${new Date().toISOString().slice(0, 19)}Z`;
  const created = await client.create(events, newEvent(options, { name, namespace, now }), { signal, timeoutMs });
  if (created.ok || created.error.reason !== 'AlreadyExists') return created;
  const present = await client.get<StoredEvent>({ ...events, name }, { signal, timeoutMs });
  if (!present.ok) return present;
  const change = { count: (present.value.count ?? 1) + 1, lastTimestamp: now };
  return client.patch({ ...events, name }, change, { type: 'merge', signal, timeoutMs });
}

function newEvent(
  { about, type, reason, message, component }: EventOptions,
  { name, namespace, now }: { readonly name: string; readonly namespace: string; readonly now: string },
): unknown {
  const { apiVersion, kind, metadata = {} } = about;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name, namespace },
    involvedObject: {
      apiVersion,
      kind,
      name: metadata.name,
      namespace: metadata.namespace,
      uid: metadata.uid,
      resourceVersion: metadata.resourceVersion,
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
