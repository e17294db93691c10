import type { Issue } from '../../base/index.ts';
import { readPrefixes } from './cidr-group.ts';
import { type PolicySettings, validatePolicy } from './decode-policy.ts';
import { validateEnvoyConfig } from './envoy-config.ts';
import { createFaults, isFields } from './faults.ts';

/**
 * What an API server refuses in a `cilium.io` object beyond its schema; an empty list for kinds without further rules and for
 * objects of other groups.
 */
export function validateCiliumObject(object: unknown, settings?: PolicySettings): readonly Issue[] {
  if (!isFields(object)) return [];
  const { apiVersion } = object;
  if (typeof apiVersion !== 'string' || !apiVersion.startsWith('cilium.io/')) return [];
  switch (object['kind']) {
    case 'CiliumNetworkPolicy':
    case 'CiliumClusterwideNetworkPolicy':
      return validatePolicy(object, settings);
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
  readPrefixes(faults, object);
  return faults.issues;
}
