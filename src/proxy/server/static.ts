import type { Issue } from '../../base/index.ts';
import type { Bootstrap } from '../config/bootstrap.ts';
import type { Change, ResourceKind } from '../worker/change.ts';

/** Puts changes into force, or only checks them; the issues of each. `whole`: they are what differs in all resources of a type. */
export type Apply = (changes: readonly Change[], whole?: ResourceKind) => Promise<readonly (readonly Issue[])[]>;

/** Applies the static clusters of a bootstrap; gives all issues with their path in the bootstrap. */
export async function applyClusters({ clusters }: Bootstrap, apply: Apply): Promise<readonly Issue[]> {
  return placed('clusters', await apply(clusters.map((json) => ({ kind: 'cluster', json, fixed: true }))));
}

/** Applies the static listeners of a bootstrap, like `applyClusters`, which comes first. */
export async function applyListeners({ listeners }: Bootstrap, apply: Apply): Promise<readonly Issue[]> {
  return placed('listeners', await apply(listeners.map((json) => ({ kind: 'listener', json, fixed: true }))));
}

function placed(key: string, results: readonly (readonly Issue[])[]): readonly Issue[] {
  return results.flatMap((issues, index) => {
    const at = `static_resources.${key}[${index}]`;
    return issues.map((issue) => ({ ...issue, path: issue.path === '' ? at : `${at}.${issue.path}` }));
  });
}

/** The control plane must be reachable through what is static. */
export function adsIssues(config: Bootstrap, target: (cluster: string) => string | undefined): readonly Issue[] {
  if (!config.ads || target(config.ads.cluster) !== undefined) return [];
  const path = 'dynamic_resources.ads_config.grpc_services[0].envoy_grpc.cluster_name';
  return [{ path, message: `no static cluster ${JSON.stringify(config.ads.cluster)} with an endpoint` }];
}
