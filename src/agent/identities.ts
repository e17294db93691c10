import type { Logger } from '../base/index.ts';
import type { KubeClient } from '../kube/index.ts';
import { type CiliumIdentity, keyOfIdentity } from '../plan/index.ts';
import { proposeIdentity } from '../policy/index.ts';

const identityType = { group: 'cilium.io', version: 'v2', resource: 'ciliumidentities' };
const attemptsMax = 32;

/**
 * Allocates a cluster-wide number for a label set by creating the CiliumIdentity of that name.
 * The number follows from the labels, so agents that race propose the same one; a number taken by other labels leads to the next.
 * Throws when the API server refuses or no number is free.
 */
export async function allocateIdentity(
  client: KubeClient,
  wanted: { readonly key: string; readonly labels: readonly string[] },
  taken: ReadonlyMap<number, string>,
  log: Logger,
): Promise<number> {
  const occupied = new Map(taken);
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const number = proposeIdentity(wanted.key, occupied);
    if (number === undefined) break;
    const name = String(number);
    const created = await client.create(identityType, identityObject(name, wanted.labels));
    if (created.ok) return number;
    if (created.error.reason !== 'AlreadyExists') throw new Error(`CiliumIdentity ${name}: ${created.error.message}`);
    const present = await client.get<CiliumIdentity>({ ...identityType, name });
    if (present.ok && keyOfIdentity(present.value) === wanted.key) return number;
    log.info({ number, wanted: wanted.key }, 'identity number belongs to other labels; trying the next');
    occupied.set(number, present.ok ? keyOfIdentity(present.value) : '');
  }
  throw new Error('no identity number is free');
}

function identityObject(name: string, labels: readonly string[]): unknown {
  const pairs = labels.map((label) => {
    const equals = label.indexOf('=');
    return [label.slice(0, equals), label.slice(equals + 1)] as const;
  });
  const plain = pairs.map(([key, value]) => [key.slice(key.indexOf(':') + 1), value] as const);
  return {
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumIdentity',
    metadata: { name, labels: Object.fromEntries(plain.filter(([key, value]) => isLabel(key, value))) },
    'security-labels': Object.fromEntries(pairs),
  };
}

/** Identity labels are longer than Kubernetes allows for its own where they carry a namespace label's key. */
function isLabel(key: string, value: string): boolean {
  const named = /^([a-z0-9.-]{1,253}\/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/.test(key);
  return named && /^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$/.test(value);
}
