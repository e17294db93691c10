import type { Logger } from '../base/index.ts';
import { type EventSubject, type KubeClient, recordEvent } from '../kube/index.ts';
import type { ObjectReport } from '../plan/index.ts';

/** The object that a report is about, as far as writing its status needs it. */
export interface ReportedObject extends EventSubject {
  readonly status?: { readonly conditions?: readonly Condition[] };
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}

const resources: Readonly<Record<string, string>> = {
  CiliumNetworkPolicy: 'ciliumnetworkpolicies',
  CiliumClusterwideNetworkPolicy: 'ciliumclusterwidenetworkpolicies',
  CiliumEnvoyConfig: 'ciliumenvoyconfigs',
  CiliumClusterwideEnvoyConfig: 'ciliumclusterwideenvoyconfigs',
};

export interface ReportWriter {
  /**
   * Writes what a plan has to say about objects: the conditions in their status and, when one is bad, a Warning Event.
   * Failures are logged; the next plan says it again.
   */
  write(reports: readonly ObjectReport[], objects: readonly ReportedObject[]): Promise<void>;
}

/**
 * Agents of several nodes mostly say the same, so conditions that already stand are left alone. Where they differ, each agent
 * says its own once and then keeps quiet, instead of taking the other's word back for ever.
 */
export function createReportWriter({
  client,
  log,
}: {
  readonly client: KubeClient;
  readonly log: Logger;
}): ReportWriter {
  /** Per object what was said of it last. */
  let said = new Map<string, string>();
  return {
    write: async (reports, objects) => {
      const next = new Map<string, string>();
      const byKey = new Map(objects.map((object) => [keyOf(object.kind, object.metadata), object]));
      for (const [key, ofObject] of groupByObject(reports)) {
        const object = byKey.get(key);
        if (!object) continue;
        const conditions = ofObject.map(({ condition }) => condition);
        const text = JSON.stringify([object.metadata?.uid, conditions]);
        const quiet = said.get(key) === text || stands(object, conditions);
        if (quiet || (await writeConditions(object, conditions, client, log))) next.set(key, text);
      }
      said = next;
    },
  };
}

function groupByObject(reports: readonly ObjectReport[]): ReadonlyMap<string, readonly ObjectReport[]> {
  return Map.groupBy(reports, ({ kind, namespace, name }) => keyOf(kind, { name, ...(namespace && { namespace }) }));
}

function keyOf(kind: string | undefined, metadata: ReportedObject['metadata']): string {
  return `${kind}/${metadata?.namespace ?? ''}/${metadata?.name}`;
}

function stands({ status }: ReportedObject, conditions: readonly ObjectReport['condition'][]): boolean {
  const present = status?.conditions ?? [];
  return conditions.every((condition) =>
    present.some((one) => one.type === condition.type && sameCondition(one, condition)),
  );
}

/** True when the conditions are written; not when another agent was faster: the change it made brings the next plan. */
async function writeConditions(
  object: ReportedObject,
  wanted: readonly ObjectReport['condition'][],
  client: KubeClient,
  log: Logger,
): Promise<boolean> {
  const { apiVersion = '', kind = '', metadata = {}, status } = object;
  const resource = resources[kind];
  if (!resource) return false;
  const present = status?.conditions ?? [];
  const others = present.filter(({ type }) => wanted.every((condition) => condition.type !== type));
  const conditions = [...others, ...wanted.map((condition) => withTransition(condition, present))];
  const [group = '', version = ''] = apiVersion.split('/');
  const { name, namespace, resourceVersion } = metadata;
  const path = { group, version, resource, name, namespace, subresource: 'status' };
  const patch = { metadata: { resourceVersion }, status: { conditions } };
  const done = await client.patch(path, patch, { type: 'merge', fieldManager: 'cilium-agent' });
  if (!done.ok && done.error.reason !== 'Conflict' && done.error.reason !== 'NotFound') {
    log.warn({ object: keyOf(kind, metadata), error: done.error.message }, 'status could not be written');
  }
  if (done.ok)
    await warn(
      object,
      wanted.find(({ status: value }) => value === 'False'),
      client,
    );
  return done.ok;
}

/** The time of the last change of status stays when only the words change. */
function withTransition(condition: ObjectReport['condition'], present: readonly Condition[]): Condition {
  const before = present.find(({ type, status }) => type === condition.type && status === condition.status);
  const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  return { ...condition, lastTransitionTime: before?.lastTransitionTime ?? now };
}

async function warn(
  about: ReportedObject,
  condition: ObjectReport['condition'] | undefined,
  client: KubeClient,
): Promise<void> {
  if (!condition) return;
  const { reason, message } = condition;
  await recordEvent(client, { about, type: 'Warning', reason, message, component: 'cilium-agent' });
}

function sameCondition(a: Condition, b: ObjectReport['condition']): boolean {
  return a.status === b.status && a.reason === b.reason && a.message === b.message;
}
