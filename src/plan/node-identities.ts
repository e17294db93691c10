import { assert } from '../base/index.ts';
import { compileNodeLabelFilter, nodeIdentityNumbers, type PeerIdentity } from '../policy/index.ts';
import type { ClusterView } from './cluster-view.ts';
import type { World } from './world.ts';

/** The identity of the other nodes that have these labels. */
export interface NodeIdentity extends PeerIdentity {
  readonly addresses: readonly string[];
}

/**
 * The other nodes by their labels; none unless `enable-node-selector-labels` is on, since they are all `remote-node` then.
 * Of their labels those count that `node-labels` lets (`FilterNodeLabels` of `pkg/labelsfilter`). Nodes with the same labels share an identity. The node itself stays `host`, which `fromNodes` does not select.
 */
export function nodeIdentities(world: World, view: ClusterView): readonly NodeIdentity[] {
  if (!world.config.nodeSelectorLabels) return [];
  const counts = compileNodeLabelFilter(world.config.nodeLabels);
  assert(counts.ok, 'node-labels was read by configOf');
  const labelsOf = new Map(world.nodes.map(({ metadata }) => [metadata?.name, metadata?.labels ?? {}]));
  const byLabels = new Map<string, { readonly labels: readonly string[]; readonly addresses: string[] }>();
  for (const { name, address, routerAddress } of view.peers) {
    const own = Object.entries(labelsOf.get(name) ?? {})
      .filter(([key]) => counts.value('node', key))
      .map(([key, value]) => `node:${key}${value && `=${value}`}`);
    for (const one of [address, routerAddress]) {
      // Only the addresses that API servers are reached at are theirs.
      const reserved = view.apiServers.includes(one) ? ['reserved:kube-apiserver'] : [];
      const labels = [...own, ...reserved, 'reserved:remote-node'].sort();
      const key = labels.join(';');
      const known = byLabels.get(key) ?? { labels, addresses: [] };
      known.addresses.push(one);
      byLabels.set(key, known);
    }
  }
  const numbers = nodeIdentityNumbers([...byLabels.keys()]);
  return [...byLabels].flatMap(([key, node]) => {
    const id = numbers.get(key);
    return id === undefined ? [] : [{ id, ...node }];
  });
}
