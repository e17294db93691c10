import { candidateOf } from './envoy-config/candidate.ts';
import { kubernetesSecret } from './envoy-config/kubernetes-secrets.ts';
import { policySecrets } from './policies.ts';
import type { SecretReference } from './policy-secrets.ts';
import type { World } from './world.ts';

/** The Secrets that a plan of this world may need: those that policies and Envoy configurations name, each once. */
export function watchedSecrets(
  world: Pick<World, 'policies' | 'envoyConfigs' | 'config' | 'lastGood'>,
): readonly SecretReference[] {
  const configs = [...world.envoyConfigs, ...(world.lastGood?.values() ?? [])].map(candidateOf);
  const ofConfigs = configs.flatMap((one) =>
    one.ok ? one.candidate.references.flatMap((reference) => kubernetesSecret(reference, world.config) ?? []) : [],
  );
  const all = [...policySecrets(world), ...ofConfigs];
  return [...new Map(all.map((one) => [`${one.namespace}/${one.name}`, one])).values()];
}
