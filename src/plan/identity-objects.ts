import { identityKey } from '../policy/index.ts';

/** A CiliumIdentity: its name is its number, `security-labels` are its labels as `source:key` to value. */
export interface CiliumIdentity {
  readonly metadata: { readonly name: string; readonly resourceVersion?: string };
  readonly 'security-labels'?: Readonly<Record<string, string>>;
}

/** The key of a CiliumIdentity as `World.identities` has it. */
export function keyOfIdentity(identity: CiliumIdentity): string {
  return identityKey(Object.entries(identity['security-labels'] ?? {}).map(([key, value]) => `${key}=${value}`));
}

/** `World.identities` of the objects. Of several numbers for one label set the lowest counts, whatever the order. */
export function identityNumbers(identities: readonly CiliumIdentity[]): ReadonlyMap<string, number> {
  const numbers = new Map<string, number>();
  for (const identity of identities) {
    const [key, number] = [keyOfIdentity(identity), Number(identity.metadata.name)];
    numbers.set(key, Math.min(number, numbers.get(key) ?? number));
  }
  return numbers;
}
