import { type Issue, parseCidr } from '../../base/index.ts';
import { validatePolicy } from './decode-policy.ts';
import { validateEnvoyConfig } from './envoy-config.ts';
import { createFaults, fieldsAt, isFields, listAt } from './faults.ts';

/**
 * What an API server refuses in a `cilium.io` object beyond its schema; an empty list for kinds without further rules and for
 * objects of other groups.
 */
export function validateCiliumObject(object: unknown): readonly Issue[] {
  if (!isFields(object) || !String(object['apiVersion']).startsWith('cilium.io/')) return [];
  switch (object['kind']) {
    case 'CiliumNetworkPolicy':
    case 'CiliumClusterwideNetworkPolicy':
      return validatePolicy(object);
    case 'CiliumEnvoyConfig':
    case 'CiliumClusterwideEnvoyConfig':
      return validateEnvoyConfig(object);
    case 'CiliumCIDRGroup':
      return validateCidrGroup(object);
    default:
      return [];
  }
}

function validateCidrGroup(object: Readonly<Record<string, unknown>>): readonly Issue[] {
  const faults = createFaults();
  const spec = fieldsAt(faults, object, 'spec', '') ?? {};
  for (const [position, cidr] of (listAt(faults, spec, 'externalCIDRs', 'spec') ?? []).entries()) {
    if (typeof cidr === 'string' && parseCidr(cidr)) continue;
    faults.add(`spec.externalCIDRs[${position}]`, `found ${JSON.stringify(cidr)}`, 'a prefix such as 10.0.0.0/8');
  }
  return faults.issues;
}
