import { isDeepStrictEqual } from 'node:util';
import type { MetadataCriterion } from '../../cluster/context.ts';
import type { Host } from '../../cluster/host.ts';
import { isObject, type JsonValue } from '../../config/fields.ts';
import type { HostRules } from '../../route/retry.ts';

/** Whether a retry should go to another host. */
export function rejectsHost(rules: HostRules, host: Host, tried: readonly Host[]): boolean {
  if (rules.previous && tried.includes(host)) return true;
  if (rules.canary && isCanary(host)) return true;
  return rules.metadata.some((criteria) => criteria.every((criterion) => has(host, criterion)));
}

/** Endpoints say so in their `envoy.lb` metadata. */
export function isCanary(host: Host): boolean {
  return host.metadata !== undefined && own(host, 'canary') === true;
}

function own(host: Host, name: string): JsonValue | undefined {
  const metadata = host.metadata?.['envoy.lb'];
  return isObject(metadata) ? metadata[name] : undefined;
}

/** A list in the host's metadata has each of its values. */
function has(host: Host, { name, value }: MetadataCriterion): boolean {
  const found = own(host, name);
  if (found === undefined) return false;
  if (isDeepStrictEqual(found, value)) return true;
  return Array.isArray(found) && found.some((one) => isDeepStrictEqual(one, value));
}
