/** What filters ask about the proxy as a whole. */
export interface ProxyHealth {
  /** An operator failed its health check. */
  readonly failed: boolean;
  /** Undefined: there is no such cluster. */
  members(cluster: string): ClusterMembers | undefined;
}

interface ClusterMembers {
  readonly total: number;
  /** Healthy or degraded. */
  readonly usable: number;
}

interface Clusters {
  get(name: string): { readonly hosts: readonly { readonly health: string }[] } | undefined;
}

export function proxyHealth(state: { readonly healthFailed: boolean }, clusters: Clusters): ProxyHealth {
  return {
    get failed() {
      return state.healthFailed;
    },
    members: (name) => {
      const hosts = clusters.get(name)?.hosts;
      return hosts && { total: hosts.length, usable: hosts.filter(({ health }) => health !== 'unhealthy').length };
    },
  };
}
