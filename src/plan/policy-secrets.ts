import type { HttpRule, PolicyObject, PolicyPortRule } from '../model/cilium/index.ts';
import { isHeaderText } from '../policy/index.ts';
import type { Secret } from './world.ts';

export interface SecretReference {
  readonly namespace: string;
  readonly name: string;
}

/** The text of a Secret with one entry, or why there is none, in Cilium's words (`pkg/crypto/certificatemanager`). */
export type SecretText = { readonly text: string } | { readonly fault: string };

/** A Secret of the world, by namespace and name. */
export type SecretLookup = (reference: SecretReference) => Secret | undefined;

export type SecretTexts = (reference: SecretReference) => SecretText;

/** The Secrets that the policies name, each once, sorted by namespace and name. */
export function secretReferences(policies: readonly PolicyObject[]): readonly SecretReference[] {
  const found = new Map(policies.flatMap(secretsOf).map((one) => [`${one.namespace}/${one.name}`, one]));
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, reference]) => reference);
}

export function secretLookup(secrets: readonly Secret[]): SecretLookup {
  const byName = new Map(secrets.map((secret) => [`${secret.metadata?.namespace}/${secret.metadata?.name}`, secret]));
  return ({ namespace, name }) => byName.get(`${namespace}/${name}`);
}

/** The texts of Secrets with one entry. */
export function secretTexts(secretOf: SecretLookup): SecretTexts {
  return (reference) => {
    const { namespace, name } = reference;
    const secret = secretOf(reference);
    if (!secret) return { fault: notFound(name) };
    const entries = entriesOf(secret);
    const [only] = entries.values();
    if (only === undefined || entries.size > 1)
      return { fault: `Secret ${namespace}/${name} must have exactly one item` };
    return isHeaderText(only)
      ? { text: only }
      : { fault: `Secret ${namespace}/${name} holds what cannot stand in a header` };
  };
}

const secretsOfPolicies = new WeakMap<PolicyObject, readonly SecretReference[]>();

function secretsOf(policy: PolicyObject): readonly SecretReference[] {
  const known = secretsOfPolicies.get(policy);
  if (known) return known;
  const found = portRules(policy).flatMap(({ terminatingTls, originatingTls, http }) => {
    const ofHeaders = (http ?? []).flatMap(({ headers }) => headers.map(({ secret }) => secret));
    return [terminatingTls?.secret, originatingTls?.secret, ...ofHeaders].filter((one) => one !== undefined);
  });
  secretsOfPolicies.set(policy, found);
  return found;
}

export function namesSecrets(policy: PolicyObject): boolean {
  return secretsOf(policy).length > 0;
}

/** What of a policy's header rules cannot hold at the moment, by field path. */
export function headerSecretFaults(policy: PolicyObject, textOf: SecretTexts): readonly string[] {
  const ofRule = ({ fieldPath, headers }: HttpRule) =>
    headers.flatMap(({ name, value, secret }) => {
      const found = secret && textOf(secret);
      if (!found || 'text' in found) return [];
      const instead = value === undefined ? 'the rule matches no request' : 'its value is used instead';
      return [`${fieldPath}: header ${name}: ${found.fault}: ${instead}`];
    });
  return portRules(policy).flatMap(({ http }) => (http ?? []).flatMap(ofRule));
}

export const notFound = (name: string): string => `secrets "${name}" not found`;

/** The entries of a Secret as texts. `stringData` is what manifests may have; the API server makes `data` of it. */
export function entriesOf({ data, stringData }: Secret): ReadonlyMap<string, string> {
  const decoded = Object.entries(data ?? {}).map(
    ([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')] as const,
  );
  return new Map([...decoded, ...Object.entries(stringData ?? {})]);
}

/** Every entry of `toPorts`. */
export function portRules(policy: PolicyObject): readonly PolicyPortRule[] {
  return policy.rules.flatMap(({ ingress, egress }) =>
    [...ingress.items, ...egress.items].flatMap(({ ports }) => ports ?? []),
  );
}
