import type { KubeClient } from '../kube/index.ts';
import type { DatapathPlan } from '../plan/index.ts';

const nodeType = { group: 'cilium.io', version: 'v2', resource: 'ciliumnodes' };

/** Annotation of a CiliumNode: the resource version of the newest policy, Envoy configuration or setting that is in force on the node. */
const observedVersionAnnotation = 'ciliate.dev/observed-resource-version';

/**
 * Keeps this node's CiliumNode: its addresses, and how far its agent has come, so that clients can wait until a change is in force.
 * Gives the error text when the API server refused; the next call tries again.
 */
export function createNodeObject(
  client: KubeClient,
  nodeName: string,
): (plan: DatapathPlan, observedVersion: string) => Promise<string | undefined> {
  let written = '';
  return async (plan, observedVersion) => {
    const object = nodeObject(nodeName, plan, observedVersion);
    const text = JSON.stringify(object);
    if (text === written) return undefined;
    const done = await client.patch({ ...nodeType, name: nodeName }, object, {
      type: 'apply',
      fieldManager: 'cilium-agent',
      force: true,
    });
    if (!done.ok) return done.error.message;
    written = text;
    return undefined;
  };
}

function nodeObject(nodeName: string, { node, mode }: DatapathPlan, observedVersion: string): unknown {
  return {
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumNode',
    metadata: {
      name: nodeName,
      annotations: { [observedVersionAnnotation]: observedVersion, 'ciliate.dev/datapath-mode': mode },
    },
    spec: {
      addresses: [
        { type: 'InternalIP', ip: node.address },
        { type: 'CiliumInternalIP', ip: node.routerAddress },
      ],
      ipam: { podCIDRs: [node.podCidr] },
    },
  };
}
