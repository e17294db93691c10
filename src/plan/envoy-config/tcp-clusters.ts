import { isObject, objectAt, objectsAt, textAt } from '../envoy-json.ts';
import type { JsonObject } from '../node-plan.ts';
import type { Candidate } from './candidate.ts';

/** Built-in clusters that lead to where the connection was going anyway. */
export const originalDestinations: ReadonlySet<string> = new Set(['egress-cluster', 'ingress-cluster']);

/**
 * Why rules cannot send connections to the listener; undefined where they can. What a TCP proxy sends is judged by where the
 * client was going, so it has to go there.
 */
export function tcpClusterFault(listener: JsonObject, active: readonly Candidate[]): string | undefined {
  const fallback = objectAt(listener, 'default_filter_chain');
  const chains = [...objectsAt(listener, 'filter_chains'), ...(fallback ? [fallback] : [])];
  for (const name of chains.flatMap(tcpClusters)) {
    if (originalDestinations.has(name)) continue;
    const cluster = active
      .flatMap(({ resources }) => resources)
      .find((one) => one.kind === 'cluster' && one.name === name)?.value;
    if (cluster?.['type'] !== 'ORIGINAL_DST') {
      return `it sends TCP to cluster "${name}", which is not of type ORIGINAL_DST: policy cannot be judged on its backends`;
    }
  }
  return undefined;
}

/** Names of the clusters that the TCP proxy of a chain sends to. */
function tcpClusters(chain: JsonObject): readonly string[] {
  const config = objectAt(objectsAt(chain, 'filters').at(-1), 'typed_config');
  if (!config || !isTcpProxy(config)) return [];
  const weighted = objectsAt(objectAt(config, 'weighted_clusters') ?? {}, 'clusters');
  const names = weighted.map((one) => textAt(one, 'name'));
  return isObject(config['weighted_clusters']) ? names : [textAt(config, 'cluster')];
}

export function isTcpProxy(config: JsonObject): boolean {
  return textAt(config, '@type').endsWith('.tcp_proxy.v3.TcpProxy');
}
