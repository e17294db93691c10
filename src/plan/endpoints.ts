import { podInterfaceName } from '../base/index.ts';
import { identityKey } from '../policy/index.ts';
import {
  type ClusterView,
  compareText,
  isEndpointPod,
  labelsOfPod,
  namespaceIndex,
  type PlannedPod,
} from './cluster-view.ts';
import type { EndpointGroup } from './endpoint-groups.ts';
import type { LocalEndpoint } from './node-plan.ts';
import type { AgentConfig, World } from './world.ts';

/** How denials of this node's endpoints end, itself included. */
export function denialsOf({
  policyAuditMode,
  policyDenyResponse,
}: AgentConfig): Pick<LocalEndpoint, 'audit' | 'answerDenials'> {
  return {
    ...(policyAuditMode && { audit: true as const }),
    ...(policyDenyResponse === 'icmp' && { answerDenials: true as const }),
  };
}

/** The pods of this node with what is enforced on them, by namespace and name. */
export function localEndpoints(
  view: ClusterView,
  groups: readonly EndpointGroup[],
  config: AgentConfig,
): readonly LocalEndpoint[] {
  const denials = denialsOf(config);
  const groupOf = new Map(groups.flatMap((group) => group.pods.map((pod) => [pod, group.policy] as const)));
  return view.localPods.map((pod) => ({ ...localEndpoint(pod, groupOf.get(pod)), ...denials }));
}

const interfaceNames = new WeakMap<PlannedPod, string>();

/** Made once for a pod: it takes a hash. */
function interfaceNameOf(pod: PlannedPod): string {
  const name = interfaceNames.get(pod) ?? podInterfaceName(pod.namespace, pod.name);
  interfaceNames.set(pod, name);
  return name;
}

function localEndpoint(pod: PlannedPod, policy: EndpointGroup['policy'] | undefined): LocalEndpoint {
  return {
    address: pod.address,
    interfaceName: interfaceNameOf(pod),
    namespace: pod.namespace,
    podName: pod.name,
    identity: pod.identity,
    enforceIngress: policy?.enforceIngress ?? true,
    enforceEgress: policy?.enforceEgress ?? true,
  };
}

/**
 * Label sets of this node's pods that no CiliumIdentity has yet, sorted by key. Two nodes that see the same set propose the
 * same number for it with `proposeIdentity(key, taken)`.
 */
export function desiredIdentities(
  world: World,
): readonly { readonly key: string; readonly labels: readonly string[] }[] {
  const namespaces = namespaceIndex(world);
  const desired = new Map<string, readonly string[]>();
  for (const pod of world.pods) {
    if (pod.spec?.nodeName !== world.nodeName || !isEndpointPod(pod)) continue;
    const namespace = namespaces.get(pod.metadata?.namespace ?? 'default');
    // A namespace's labels are part of the identity, so it waits for the namespace.
    if (!namespace) continue;
    const labels = labelsOfPod(pod, namespace, world);
    const key = identityKey(labels);
    if (!world.identities.has(key)) desired.set(key, labels);
  }
  return [...desired].map(([key, labels]) => ({ key, labels })).sort((a, b) => compareText(a.key, b.key));
}
