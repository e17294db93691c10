import type { KubernetesObject } from '../../store.ts';
import { apiVersionOf } from '../registry/definition.ts';
import type { ServedResource } from '../registry/registry.ts';
import { isRecord, numberAt, stringAt } from '../schema/shape.ts';

/** The object as the version asked for shows it: custom resources only change their apiVersion, core events take the form of events.k8s.io. */
export function toServed({ definition, served }: ServedResource, object: KubernetesObject): KubernetesObject {
  if (definition.storedAs !== undefined) return toEventsApi(object);
  const apiVersion = apiVersionOf(definition.group, served.version);
  return object.apiVersion === apiVersion ? object : { ...object, apiVersion };
}

/** The resource that keeps the objects. */
export function storageKey({ definition }: ServedResource): string {
  return definition.storedAs ?? definition.key;
}

function toEventsApi(event: KubernetesObject): KubernetesObject {
  const source = isRecord(event['source']) ? event['source'] : {};
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: event.metadata,
    eventTime: event['eventTime'] ?? null,
    ...(event['series'] ? { series: event['series'] } : {}),
    reportingController: stringAt(event, 'reportingComponent') ?? '',
    reportingInstance: stringAt(event, 'reportingInstance') ?? '',
    ...(event['action'] ? { action: event['action'] } : {}),
    reason: event['reason'],
    regarding: event['involvedObject'],
    ...(event['related'] ? { related: event['related'] } : {}),
    note: event['message'],
    type: event['type'],
    deprecatedSource: source,
    deprecatedFirstTimestamp: event['firstTimestamp'] ?? null,
    deprecatedLastTimestamp: event['lastTimestamp'] ?? null,
    deprecatedCount: numberAt(event, 'count') ?? 0,
  };
}

/** The other way: what a client wrote to events.k8s.io as the core event that is kept. */
export function fromEventsApi(event: KubernetesObject): KubernetesObject {
  const pairs: Record<string, unknown> = {
    involvedObject: event['regarding'] ?? {},
    related: event['related'],
    reason: event['reason'],
    message: event['note'],
    type: event['type'],
    action: event['action'],
    eventTime: event['eventTime'],
    series: event['series'],
    reportingComponent: event['reportingController'],
    reportingInstance: event['reportingInstance'],
    source: event['deprecatedSource'] ?? {},
    firstTimestamp: event['deprecatedFirstTimestamp'],
    lastTimestamp: event['deprecatedLastTimestamp'],
    count: event['deprecatedCount'],
  };
  const present = Object.entries(pairs).filter(([, value]) => value !== undefined && value !== null);
  return { apiVersion: 'v1', kind: 'Event', metadata: event.metadata, ...Object.fromEntries(present) };
}
