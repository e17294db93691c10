import type { Endpoint } from '../../model/flow/index.ts';

const hourSeconds = 3_600;
const mostNamespaces = 10_000;

export interface NamespaceLog {
  readonly see: (endpoint: Endpoint | null | undefined, nowSeconds: number) => void;
  /** Seen within the last hour, by cluster, then namespace. */
  readonly list: (nowSeconds: number) => { cluster?: string; namespace?: string }[];
}

/** Remembers which namespaces had flows. Bounded: beyond ten thousand new ones are not noted until old ones expire. */
export function createNamespaceLog(): NamespaceLog {
  const clusters = new Map<string, Map<string, number>>();
  let size = 0;
  const expire = (nowSeconds: number): void => {
    for (const namespaces of clusters.values()) {
      for (const [namespace, seenSeconds] of namespaces) {
        if (nowSeconds - seenSeconds > hourSeconds && namespaces.delete(namespace)) size--;
      }
    }
  };
  return {
    see(endpoint, nowSeconds) {
      const namespace = endpoint?.namespace;
      if (!namespace) return;
      const cluster = endpoint.cluster_name ?? '';
      let namespaces = clusters.get(cluster);
      if (!namespaces) {
        if (size >= mostNamespaces) return;
        namespaces = new Map();
        clusters.set(cluster, namespaces);
      }
      const seenSeconds = namespaces.get(namespace);
      if (seenSeconds === nowSeconds) return;
      if (seenSeconds === undefined) {
        if (size >= mostNamespaces) return;
        size++;
      }
      namespaces.set(namespace, nowSeconds);
    },
    list(nowSeconds) {
      expire(nowSeconds);
      return [...clusters]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .flatMap(([cluster, namespaces]) =>
          [...namespaces.keys()].sort().map((namespace) => ({ ...(cluster && { cluster }), namespace })),
        );
    },
  };
}
