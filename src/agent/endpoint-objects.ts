import type { Logger } from '../base/index.ts';
import type { KubeClient } from '../kube/index.ts';
import { conflictText, type LocalEndpoint, type NodePlan, type Pod, ruleText } from '../plan/index.ts';
import { reservedIdentity } from '../policy/index.ts';

const endpointType = { group: 'cilium.io', version: 'v2', resource: 'ciliumendpoints' };

export interface EndpointObjects {
  /** Brings the CiliumEndpoint objects of this node's pods in line with the plan; failures are logged and tried again at the next call. */
  write(plan: EndpointPlan): Promise<void>;
  /** The agent-local number of an endpoint, as `ID` in flows; 0 for an address that is none of ours. */
  idOf(address: string): number;
}

type EndpointPlan = Pick<NodePlan, 'identities' | 'conflicts'> & {
  readonly datapath: Pick<NodePlan['datapath'], 'endpoints'>;
};

/** So many conflicts are told of one endpoint; `ciliate validate` and the policies' conditions have all. */
const faultsMax = 8;

interface Written {
  readonly namespace: string;
  readonly name: string;
  readonly text: string;
}

/** Keeps a CiliumEndpoint for each local pod: its identity, address, enforcement and state, which is what `kubectl get cep -o wide` shows. */
export function createEndpointObjects(options: {
  readonly client: KubeClient;
  readonly nodeAddress: string;
  readonly podOf: (namespace: string, name: string) => Pod | undefined;
  readonly log: Logger;
}): EndpointObjects {
  const ids = new Map<string, number>();
  const written = new Map<string, Written>();
  let nextId = 1;

  const writeOne = async (endpoint: LocalEndpoint, { identities, conflicts }: EndpointPlan): Promise<void> => {
    const { namespace, podName: name } = endpoint;
    const pod = options.podOf(namespace, name);
    if (!pod) return;
    const object = endpointObject(endpoint, {
      id: ids.get(endpoint.address) ?? 0,
      labels: identities.get(endpoint.identity) ?? [],
      pod,
      nodeAddress: options.nodeAddress,
      faults: faultsOf(`${namespace}/${name}`, conflicts),
    });
    const text = JSON.stringify(object);
    if (written.get(endpoint.address)?.text === text) return;
    const done = await options.client.patch({ ...endpointType, namespace, name }, object, {
      type: 'apply',
      fieldManager: 'cilium-agent',
      force: true,
    });
    if (done.ok) written.set(endpoint.address, { namespace, name, text });
    else
      options.log.warn(
        { endpoint: `${namespace}/${name}`, error: done.error.message },
        'CiliumEndpoint could not be written',
      );
  };

  return {
    idOf: (address) => ids.get(address) ?? 0,
    write: async (plan) => {
      const { endpoints } = plan.datapath;
      for (const { address } of endpoints) if (!ids.has(address)) ids.set(address, nextId++);
      const present = new Set(endpoints.map(({ address }) => address));
      await Promise.all(endpoints.map((endpoint) => writeOne(endpoint, plan)));
      for (const [address, { namespace, name }] of written) {
        if (present.has(address)) continue;
        const done = await options.client.delete({ ...endpointType, namespace, name });
        if (!done.ok && done.error.reason !== 'NotFound') continue;
        written.delete(address);
        ids.delete(address);
      }
    },
  };
}

interface EndpointFacts {
  readonly id: number;
  readonly labels: readonly string[];
  readonly pod: Pod;
  readonly nodeAddress: string;
  readonly faults: readonly string[];
}

function faultsOf(endpoint: string, conflicts: NodePlan['conflicts']): readonly string[] {
  const own = conflicts.filter(({ endpoints }) => endpoints.has(endpoint));
  return own.slice(0, faultsMax).map((conflict) => {
    const [one, other] = conflict.rules;
    return `${ruleText(one)}: ${conflictText(conflict, other)}`;
  });
}

function endpointObject(endpoint: LocalEndpoint, { id, labels, pod, nodeAddress, faults }: EndpointFacts): unknown {
  const enforcement = (enforced: boolean) => {
    const enforcing = enforced && !endpoint.audit;
    return { enforcing, state: enforcing ? 'enforcing' : 'non-enforcing' };
  };
  const ports = (pod.spec?.containers ?? [])
    .flatMap((container) => container.ports ?? [])
    .filter(({ name }) => name !== undefined);
  return {
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumEndpoint',
    metadata: {
      name: endpoint.podName,
      namespace: endpoint.namespace,
      labels: pod.metadata?.labels ?? {},
      ownerReferences: [
        {
          apiVersion: 'v1',
          kind: 'Pod',
          name: endpoint.podName,
          uid: pod.metadata?.uid ?? '',
          blockOwnerDeletion: false,
        },
      ],
    },
    status: {
      id,
      identity: { id: endpoint.identity, labels: [...labels] },
      'external-identifiers': {
        'k8s-namespace': endpoint.namespace,
        'k8s-pod-name': endpoint.podName,
        'pod-name': `${endpoint.namespace}/${endpoint.podName}`,
      },
      networking: { addressing: [{ ipv4: endpoint.address }], node: nodeAddress },
      policy: { ingress: enforcement(endpoint.enforceIngress), egress: enforcement(endpoint.enforceEgress) },
      encryption: {},
      // Where Cilium tells why an endpoint's policy could not be computed; without a time, which would write the object again.
      ...(faults.length > 0 && { log: faults.map((message) => ({ code: 'failed', message, state: 'ready' })) }),
      // The states between two plans are `ready` to Cilium, too (`compressEndpointState` of `pkg/endpoint`).
      state: endpoint.identity === reservedIdentity.init ? 'waiting-for-identity' : 'ready',
      'service-account': pod.spec?.serviceAccountName ?? 'default',
      'named-ports': ports.map(({ name, containerPort, protocol }) => ({
        name,
        port: containerPort,
        protocol: protocol ?? 'TCP',
      })),
    },
  };
}
