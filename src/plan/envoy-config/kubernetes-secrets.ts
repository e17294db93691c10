import type { JsonObject } from '../node-plan.ts';
import { entriesOf, type SecretReference, secretLookup } from '../policy-secrets.ts';
import { authorities, remembered, serverCertificate, type TlsMaterial, tlsEntries } from '../tls-secrets.ts';
import type { AgentConfig, Secret, World } from '../world.ts';
import type { Reference, SecretUse } from './qualify.ts';

type Settings = Pick<AgentConfig, 'envoySecretsNamespace'>;

/**
 * The Secret of Kubernetes that a name in a configuration means: one of the namespace that `envoy-secrets-namespace` names, as
 * `NAMESPACE/NAME`. The agent hands out no other, whoever asks (`secretSyncer` of Cilium's `pkg/envoy`).
 */
export function kubernetesSecret(
  { kind, name }: Pick<Reference, 'kind' | 'name'>,
  { envoySecretsNamespace: namespace }: Settings,
): SecretReference | undefined {
  const own = `${namespace}/`;
  if (kind !== 'secret' || namespace === '' || !name.startsWith(own)) return undefined;
  const secret = name.slice(own.length);
  return secret === '' || secret.includes('/') ? undefined : { namespace, name: secret };
}

/** A Secret that a configuration names. */
export interface FoundSecret {
  /** Its key in `World.lastGood`. */
  readonly key: string;
  /** As it is used, and the object behind; absent: it cannot be used, and never could since the agent began. */
  readonly used?: { readonly secret: Secret; readonly resource: JsonObject };
  /** What is wrong with it as it is now; the one before stays in use. */
  readonly fault?: string;
}

export interface KubernetesSecrets {
  readonly settings: Settings;
  /** Undefined: the name means no Secret of Kubernetes. */
  find(reference: Reference): FoundSecret | undefined;
}

/** The Secrets of a world for its configurations. As Envoy does, one that goes or turns bad is used as it last was. */
export function kubernetesSecrets({ secrets, lastGood, config }: World): KubernetesSecrets {
  const secretOf = secretLookup(secrets);
  return {
    settings: config,
    find: (reference) => {
      const meant = kubernetesSecret(reference, config);
      if (!meant) return undefined;
      const { use = 'text' } = reference;
      const key = `Secret/${meant.namespace}/${meant.name}`;
      const now = secretOf(meant);
      const material = secretMaterial(meant, use, now);
      if (now && 'resource' in material) return { key, used: { secret: now, resource: material.resource } };
      const { fault } = material as Extract<TlsMaterial, { fault: string }>;
      const before = lastGood?.get(key) as Secret | undefined;
      const former = before && secretMaterial(meant, use, before);
      if (!former || 'fault' in former) return { key, fault };
      return { key, used: { secret: before, resource: former.resource }, fault };
    },
  };
}

/** As Envoy takes it: with `tls.crt` and `tls.key` a certificate, else with `ca.crt` authorities (`k8sToEnvoySecret`, there). */
function secretMaterial(reference: SecretReference, use: SecretUse, secret: Secret | undefined): TlsMaterial {
  const place = `${reference.namespace}/${reference.name}`;
  if (!secret) return { field: 'secret', fault: `Secret ${place} does not exist` };
  return remembered(secret, use, () => materialFor(use, place, secret));
}

function materialFor(use: SecretUse, place: string, secret: Secret): TlsMaterial {
  const fault = (text: string): TlsMaterial => ({ field: 'secret', fault: text });
  const entries = entriesOf(secret);
  const { certificate, privateKey, trustedCA } = tlsEntries;
  const isCertificate = entries.has(certificate) || entries.has(privateKey);
  if (!isCertificate && !entries.has(trustedCA))
    return fault(`Secret ${place} has neither ${certificate} and ${privateKey} nor ${trustedCA}`);
  const found: SecretUse = isCertificate ? 'certificate' : 'authorities';
  if (found !== use) return fault(`Secret ${place} has the entries of ${words[found]}, not of ${words[use]}`);
  if (!isCertificate) return authorities(secret, { name: place, trustedCA });
  const absent = [certificate, privateKey].find((key) => !entries.has(key));
  if (absent !== undefined) return fault(`Secret ${place} has no ${absent}`);
  return serverCertificate(secret, { name: place, certificate, privateKey });
}

const words = { certificate: 'a certificate', authorities: 'authorities', text: 'a text' } as const;
