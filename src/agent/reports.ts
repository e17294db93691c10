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

/**
 * Writes what a plan has to say about objects: the condition in their status and, when it turns bad, a Warning Event.
 * Agents of several nodes say the same, so a condition that already stands is left alone.
 * Failures are logged; the next plan says it again.
 */
export async function writeReports(
  reports: readonly ObjectReport[],
  objects: readonly ReportedObject[],
  { client, log }: { readonly client: KubeClient; readonly log: Logger },
): Promise<void> {
  for (const report of reports) {
    const object = objects.find((one) => isAbout(report, one));
    const resource = resources[report.kind];
    if (!object || !resource) continue;
    const present = object.status?.conditions ?? [];
    const before = present.find(({ type }) => type === report.condition.type);
    if (before && sameCondition(before, report.condition)) continue;
    const turned = before?.status !== report.condition.status;
    const condition = {
      ...report.condition,
      lastTransitionTime: turned ? now() : (before?.lastTransitionTime ?? now()),
    };
    const conditions = [...present.filter(({ type }) => type !== condition.type), condition];
    const [group = '', version = ''] = (object.apiVersion ?? '').split('/');
    const path = {
      group,
      version,
      resource,
      name: report.name,
      ...(report.namespace && { namespace: report.namespace }),
      subresource: 'status',
    };
    const patch = { metadata: { resourceVersion: object.metadata?.resourceVersion }, status: { conditions } };
    const done = await client.patch(path, patch, { type: 'merge', fieldManager: 'cilium-agent' });
    // Another agent was faster, or the object has gone.
    if (!done.ok && done.error.reason !== 'Conflict' && done.error.reason !== 'NotFound') {
      log.warn({ object: report.name, error: done.error.message }, 'status could not be written');
    }
    if (done.ok && condition.status === 'False') await warn(report, object, client);
  }
}

async function warn(report: ObjectReport, object: ReportedObject, client: KubeClient): Promise<void> {
  const { reason, message } = report.condition;
  await recordEvent(client, { about: object, type: 'Warning', reason, message, component: 'cilium-agent' });
}

function isAbout(report: ObjectReport, object: ReportedObject): boolean {
  return (
    object.kind === report.kind &&
    object.metadata?.name === report.name &&
    (object.metadata?.namespace ?? '') === (report.namespace ?? '')
  );
}

function sameCondition(a: Condition, b: ObjectReport['condition']): boolean {
  return a.status === b.status && a.reason === b.reason && a.message === b.message;
}

function now(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, 'Z');
}
