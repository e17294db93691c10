import { createHash } from 'node:crypto';

/**
 * The name of the node-side interface of a pod's link, `lxc` and 11 hex digits as Cilium names its own.
 * The node runtime creates the link and the agent guards it, so both derive the name from the pod.
 */
export function podInterfaceName(namespace: string, name: string): string {
  return `lxc${createHash('sha256').update(`${namespace}/${name}`).digest('hex').slice(0, 11)}`;
}
