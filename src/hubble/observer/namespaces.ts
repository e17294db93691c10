import type { Endpoint } from '../../model/flow/index.ts';

const hourNs = 3_600_000_000_000n;
const mostNamespaces = 10_000;

export interface NamespaceLog {
  readonly see: (endpoint: Endpoint | null | undefined, nowNs: bigint) => void;
  /** Seen within the last hour, by cluster, then namespace. */
  readonly list: (nowNs: bigint) => { cluster?: string; namespace?: string }[];
}

/** Remembers which namespaces had flows. Bounded: beyond ten thousand new ones are not noted until old ones expire. */
export function createNamespaceLog(): NamespaceLog {
  const clusters = new Map<string, Map<string, bigint>>();
  let size = 0;
  const expire = (nowNs: bigint): void => {
    for (const namespaces of clusters.values()) {
      for (const [namespace, seenNs] of namespaces) {
        if (nowNs - seenNs > hourNs && namespaces.delete(namespace)) size--;
      }
    }
  };
  return {
    see(endpoint, nowNs) {
      const namespace = endpoint?.namespace;
      if (!namespace) return;
      const cluster = endpoint.cluster_name ?? '';
      let namespaces = clusters.get(cluster);
      if (!namespaces) {
        if (size >= mostNamespaces) return;
        namespaces = new Map();
        clusters.set(cluster, namespaces);
      }
      if (!namespaces.has(namespace)) {
        if (size >= mostNamespaces) return;
        size++;
      }
      namespaces.set(namespace, nowNs);
    },
    list(nowNs) {
      expire(nowNs);
      return [...clusters]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .flatMap(([cluster, namespaces]) =>
          [...namespaces.keys()].sort().map((namespace) => ({ ...(cluster && { cluster }), namespace })),
        );
    },
  };
}
