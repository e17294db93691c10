import { Failure, need } from './failure.ts';
import { discover, pathOf } from './kinds.ts';
import { isFields } from './manifests.ts';
import type { Session } from './session.ts';
import { parseTargets } from './targets.ts';

interface Selecting {
  readonly spec?: { readonly selector?: unknown };
}

interface NamedPod {
  readonly metadata?: { readonly name?: string };
  readonly status?: { readonly phase?: string };
}

/** The pod that `name`, `pod/name`, `deploy/name` or `svc/name` means: of several the first running one. */
export async function podOf(session: Session, target: string): Promise<string> {
  if (!target.includes('/')) return target;
  const { client, namespace } = session;
  const [found] = parseTargets(await discover(client), [target]);
  const [name] = found?.names ?? [];
  if (!found || name === undefined) throw new Failure(`error: "${target}" names no pod`);
  if (found.kind.kind === 'Pod') return name;
  const owner = need(await client.get<Selecting>(pathOf(found.kind, namespace, name)));
  const labels = selectorLabels(owner.spec?.selector);
  if (!labels) throw new Failure(`error: cannot find pods of ${target}: it has no label selector`);
  const pods = { group: '', version: 'v1', resource: 'pods', namespace };
  const { items } = need(await client.list<NamedPod>(pods, { labelSelector: labels }));
  const pod = items.find(({ status }) => status?.phase === 'Running') ?? items[0];
  if (!pod?.metadata?.name) throw new Failure(`error: ${target} has no pod`);
  return pod.metadata.name;
}

/** A selector (a Service's plain labels or a workload's LabelSelector) as a query. */
function selectorLabels(selector: unknown): string | undefined {
  if (!isFields(selector)) return undefined;
  const isFull = 'matchLabels' in selector || 'matchExpressions' in selector;
  const labels = isFull ? (selector['matchLabels'] ?? {}) : selector;
  const equal = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  const expressions = Array.isArray(selector['matchExpressions']) ? selector['matchExpressions'] : [];
  return [...equal, ...expressions.filter(isFields).map(expressionText)].join(',') || undefined;
}

function expressionText({ key, operator, values }: Readonly<Record<string, unknown>>): string {
  const list = Array.isArray(values) ? `(${values.join(',')})` : '';
  if (operator === 'Exists') return String(key);
  if (operator === 'DoesNotExist') return `!${key}`;
  return `${key} ${operator === 'In' ? 'in' : 'notin'} ${list}`;
}
