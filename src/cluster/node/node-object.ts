import { readFileSync } from 'node:fs';
import os from 'node:os';
import type { KubernetesObject, ObjectStore } from '../store.ts';
import type { NodeAddresses } from './addresses.ts';
import { timeText } from './pod-context.ts';

const podsMax = 110;

/** Writes the Node object of a node, as a kubelet that is ready registers itself; labels and taints that others added stay. */
export function registerNode(store: ObjectStore, node: NodeAddresses, version: string, now: number): void {
  const existing = store.get<KubernetesObject>('nodes', undefined, node.name);
  const object: KubernetesObject = existing ?? {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: node.name },
  };
  const metadata = { ...object.metadata, labels: { ...object.metadata.labels, ...labels(node.name) } };
  const spec = { ...(object['spec'] as object | undefined), podCIDR: node.podCidr, podCIDRs: [node.podCidr] };
  const written = existing
    ? store.update('nodes', { ...object, metadata, spec })
    : store.create('nodes', { ...object, metadata, spec });
  store.update('nodes', { ...written, status: nodeStatus(node, version, timeText(now)) }, { subresource: 'status' });
}

/** Node and npm name architectures otherwise than Go. */
function architecture(): string {
  return process.arch === 'x64' ? 'amd64' : process.arch;
}

function labels(name: string): Record<string, string> {
  const [os_, arch] = ['linux', architecture()];
  return {
    'beta.kubernetes.io/arch': arch,
    'beta.kubernetes.io/os': os_,
    'kubernetes.io/arch': arch,
    'kubernetes.io/hostname': name,
    'kubernetes.io/os': os_,
  };
}

function nodeStatus(node: NodeAddresses, version: string, time: string): Record<string, unknown> {
  const amounts = {
    cpu: String(os.availableParallelism()),
    memory: `${Math.floor(os.totalmem() / 1024)}Ki`,
    pods: String(podsMax),
  };
  const healthy = (type: string, reason: string, message: string, status = 'False') => ({
    type,
    status,
    reason,
    message,
    lastHeartbeatTime: time,
    lastTransitionTime: time,
  });
  return {
    addresses: [
      { type: 'InternalIP', address: node.address },
      { type: 'Hostname', address: node.name },
    ],
    capacity: amounts,
    allocatable: amounts,
    conditions: [
      healthy('MemoryPressure', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'),
      healthy('DiskPressure', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
      healthy('PIDPressure', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
      healthy('Ready', 'KubeletReady', 'kubelet is posting ready status', 'True'),
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
    images: [],
    nodeInfo: {
      architecture: architecture(),
      bootID: identifier('/proc/sys/kernel/random/boot_id'),
      containerRuntimeVersion: 'ciliate://0.1.0',
      kernelVersion: os.release(),
      kubeProxyVersion: '',
      kubeletVersion: version,
      machineID: identifier('/etc/machine-id'),
      operatingSystem: 'linux',
      osImage: /^PRETTY_NAME="?([^"\n]*)/m.exec(identifier('/etc/os-release'))?.[1] ?? 'Linux',
      systemUUID: identifier('/etc/machine-id'),
    },
  };
}

function identifier(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}
