import { typeUrl } from '../model/envoy/index.ts';
import type { XdsResources } from '../plan/index.ts';

export type ResourceKind = keyof XdsResources;

export interface ResourceType {
  readonly kind: ResourceKind;
  readonly url: string;
  /** Clients get every resource of this type without naming them, and a response holds the full state. */
  readonly wildcard: boolean;
}

/** In the order in which a change travels: what is referred to comes before what refers to it (make before break). */
export const resourceTypes: readonly ResourceType[] = [
  { kind: 'clusters', url: typeUrl.cluster, wildcard: true },
  { kind: 'endpoints', url: typeUrl.endpoint, wildcard: false },
  { kind: 'listeners', url: typeUrl.listener, wildcard: true },
  { kind: 'routes', url: typeUrl.route, wildcard: false },
  { kind: 'extensionConfigs', url: typeUrl.extensionConfig, wildcard: false },
  { kind: 'secrets', url: typeUrl.secret, wildcard: false },
];

export function isWildcardType(url: string): boolean {
  return resourceTypes.some((type) => type.url === url && type.wildcard);
}
