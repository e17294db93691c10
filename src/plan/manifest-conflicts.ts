import { notPlannable } from './cluster-view.ts';
import { clusterOfManifests } from './manifest-cluster.ts';
import { metadataOf } from './manifest-objects.ts';
import type { PolicyConflict } from './node-plan.ts';
import { fieldOf } from './objects.ts';
import { plan } from './plan.ts';

/** A conflict among manifests, and whom both rules are for: `for pod shop/cart`. */
export interface ManifestConflict extends Pick<PolicyConflict, 'rules' | 'message'> {
  readonly whom: string;
}

/**
 * Rules of policies that Cilium refuses to merge. They meet for pods that the manifests bring and, where they bring none, for pods with
 * just the labels that a policy asks for. Objects without a namespace are in `namespace`.
 */
export function conflictsOfManifests(objects: readonly unknown[], namespace: string): readonly ManifestConflict[] {
  const standIns = objects.flatMap((object) => subjectsOf(object, namespace));
  const pods = standIns.map(({ name, ...metadata }) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...metadata, name },
  }));
  const cluster = clusterOfManifests([...objects, ...pods], namespace);
  const worlds = cluster.nodes.map(({ metadata }) => ({
    ...cluster,
    nodeName: metadata?.name ?? '',
    learntNames: new Map(),
  }));
  // Every node says the same of policies; one without an address or range, which is a fault of its own, can say nothing.
  const world = worlds.find((one) => notPlannable(one) === undefined);
  const conflicts = world ? plan(world).conflicts : [];
  const texts = new Map(standIns.map((pod) => [`${pod.namespace}/${pod.name}`, textOf(pod)]));
  return conflicts.map(({ rules, message, endpoints }) => ({ rules, message, whom: whomOf(endpoints, texts) }));
}

interface StandIn {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** The pods that stand for the subjects of a policy's rules; none where these ask for more than labels. */
function subjectsOf(object: unknown, namespace: string): readonly StandIn[] {
  const kind = fieldOf(object, 'kind');
  if (kind !== 'CiliumNetworkPolicy' && kind !== 'CiliumClusterwideNetworkPolicy' && kind !== 'NetworkPolicy')
    return [];
  const own = kind === 'CiliumClusterwideNetworkPolicy' ? undefined : metadataOf(object, namespace).namespace;
  const specs = fieldOf(object, 'specs');
  const rules = [fieldOf(object, 'spec'), ...(Array.isArray(specs) ? (specs as readonly unknown[]) : [])];
  return rules.flatMap((rule) => {
    const selector = fieldOf(rule, kind === 'NetworkPolicy' ? 'podSelector' : 'endpointSelector');
    const labels = selector === undefined ? undefined : labelsFor(selector);
    if (!labels) return [];
    const { [namespaceKey]: asked, ...rest } = labels;
    const place = own ?? asked ?? namespace;
    // No pod of the cluster can have such a name.
    return [{ name: `stand-in ${JSON.stringify([place, rest])}`, namespace: place, labels: rest }];
  });
}

const namespaceKey = 'io.kubernetes.pod.namespace';

/** Labels that the selector matches, as far as one can tell. */
function labelsFor(selector: unknown): Record<string, string> | undefined {
  const labels: Record<string, string> = {};
  const expressions = fieldOf(selector, 'matchExpressions');
  for (const expression of Array.isArray(expressions) ? (expressions as readonly unknown[]) : []) {
    const [key, operator, values] = ['key', 'operator', 'values'].map((name) => fieldOf(expression, name));
    const value = operator === 'In' && Array.isArray(values) ? (values as readonly unknown[])[0] : '';
    const isAsked = operator === 'In' || operator === 'Exists';
    if (isAsked && typeof key === 'string' && typeof value === 'string') labels[plainKey(key)] = value;
  }
  for (const [key, value] of Object.entries(fieldOf(selector, 'matchLabels') ?? {}))
    if (typeof value === 'string') labels[plainKey(key)] = value;
  return Object.keys(labels).every(isPodLabel) ? labels : undefined;
}

function plainKey(key: string): string {
  return key.replace(/^(?:any|k8s):/, '');
}

/** Labels that Cilium makes, or another source has, a pod cannot be given. */
function isPodLabel(key: string): boolean {
  return (
    key === namespaceKey || !(key.includes(':') || key.startsWith('io.cilium.') || key.startsWith('io.kubernetes.'))
  );
}

function textOf({ namespace, labels }: StandIn): string {
  const list = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  const which = list.length === 0 ? 'without labels' : `with the labels ${list.join(', ')}`;
  return `pods of namespace ${namespace} ${which}`;
}

function whomOf(endpoints: ReadonlySet<string>, standIns: ReadonlyMap<string, string>): string {
  const named = [...endpoints].sort();
  const real = named.filter((name) => !standIns.has(name));
  const [first] = real;
  if (first === undefined) return `for ${standIns.get(named[0] ?? '') ?? ''}`;
  return real.length === 1 ? `for pod ${first}` : `for pod ${first} and ${real.length - 1} more`;
}
