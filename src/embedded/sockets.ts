import type { ClusterRecord } from './record.ts';

/** Where a node's agent serves its API, as the cluster's processes see it. */
export function agentApiSocket(node: string): string {
  return `/run/ciliate/${node}-api.sock`;
}

/** The same from outside, for the user who started the cluster: `/run` is the cluster's own. */
export function agentApiSocketFrom({ pid }: Pick<ClusterRecord, 'pid'>, node: string): string {
  return `/proc/${pid}/root${agentApiSocket(node)}`;
}
