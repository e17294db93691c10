import { createHash } from 'node:crypto';
import type { Labels } from '../base/index.ts';
import type { LabelFilter } from './label-filter.ts';

/** Reserved identity numbers of `pkg/identity`. */
export const reservedIdentity = {
  host: 1,
  world: 2,
  unmanaged: 3,
  health: 4,
  init: 5,
  remoteNode: 6,
  kubeApiserver: 7,
  ingress: 8,
} as const;

/** Labels of the reserved identities, as flows and selectors see them. */
export const reservedIdentityLabels: ReadonlyMap<number, readonly string[]> = new Map([
  [reservedIdentity.host, ['reserved:host']],
  [reservedIdentity.world, ['reserved:world']],
  [reservedIdentity.unmanaged, ['reserved:unmanaged']],
  [reservedIdentity.health, ['reserved:health']],
  [reservedIdentity.init, ['reserved:init']],
  [reservedIdentity.remoteNode, ['reserved:remote-node']],
  [reservedIdentity.kubeApiserver, ['reserved:kube-apiserver', 'reserved:remote-node']],
  [reservedIdentity.ingress, ['reserved:ingress']],
]);

/** Numbers that pods' identities are taken from, both included. */
const podIdentityRange = { first: 256, last: 65_535 } as const;

/** What of a pod and its namespace decides its identity; Kubernetes objects fit. */
export interface IdentityPod {
  readonly metadata?: { readonly labels?: Labels; readonly namespace?: string };
  readonly spec?: { readonly serviceAccountName?: string };
}
export interface IdentityNamespace {
  readonly metadata?: { readonly name?: string; readonly labels?: Labels };
}

/**
 * The identity labels of a pod as sorted `k8s:key=value`: its own labels, its namespace and the namespace's labels, its
 * service account and the cluster's name, of these the ones that count for the filter.
 */
export function identityLabels(
  pod: IdentityPod,
  namespace: IdentityNamespace | undefined,
  { cluster, counts }: { readonly cluster: string; readonly counts: LabelFilter },
): readonly string[] {
  const labels = new Map<string, string>();
  for (const [key, value] of Object.entries(pod.metadata?.labels ?? {})) {
    if (!key.startsWith('io.cilium.k8s')) labels.set(key, value);
  }
  for (const [key, value] of Object.entries(namespace?.metadata?.labels ?? {})) {
    labels.set(`io.cilium.k8s.namespace.labels.${key}`, value);
  }
  labels.set('io.kubernetes.pod.namespace', pod.metadata?.namespace ?? 'default');
  labels.set('io.cilium.k8s.policy.serviceaccount', pod.spec?.serviceAccountName ?? 'default');
  labels.set('io.cilium.k8s.policy.cluster', cluster);
  return [...labels]
    .filter(([key]) => counts('k8s', key))
    .map(([key, value]) => `k8s:${key}=${value}`)
    .sort();
}

/** The text that stands for a label set: sorted `source:key=value` joined by `;`. */
export function identityKey(labels: readonly string[]): string {
  return [...labels].sort().join(';');
}

/**
 * A number for a new identity, the same on every node that sees the same numbers taken: the key's hash in 256–65535, then
 * the next free one. Undefined when every number is taken.
 */
export function proposeIdentity(key: string, taken: { has(number: number): boolean }): number | undefined {
  const { first, last } = podIdentityRange;
  return probe(key, first, last - first + 1, taken);
}

/** The key's hash as an index of `size` slots from `first`, then the next slot that is not taken. */
export function probe(
  key: string,
  first: number,
  size: number,
  taken: { has(number: number): boolean },
): number | undefined {
  const start = createHash('sha256').update(key).digest().readUInt32BE(0) % size;
  for (let step = 0; step < size; step++) {
    const candidate = first + ((start + step) % size);
    if (!taken.has(candidate)) return candidate;
  }
  return undefined;
}

/**
 * Labels (`source:key=value`) in the form that selectors are matched against: `source:key`, and `any:key` for selectors
 * that name no source.
 */
export function selectableLabels(labels: readonly string[]): Labels {
  const result: Record<string, string> = Object.create(null);
  for (const label of labels) {
    const colon = label.indexOf(':');
    const equals = label.indexOf('=', colon);
    const source = label.slice(0, colon);
    const key = equals < 0 ? label.slice(colon + 1) : label.slice(colon + 1, equals);
    const value = equals < 0 ? '' : label.slice(equals + 1);
    result[`${source}:${key}`] = value;
    result[`any:${key}`] = value;
  }
  return result;
}
