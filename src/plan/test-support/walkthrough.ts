import type { World } from '../index.ts';
import { type TestPod, type TestService, testWorld } from './world.ts';

export const client: TestPod = { name: 'client', node: 1, host: 10, labels: { name: 'client', kind: 'client' } };
export const client2: TestPod = {
  name: 'client2',
  node: 1,
  host: 11,
  labels: { name: 'client2', kind: 'client', other: 'client' },
};
export const echoSame: TestPod = {
  name: 'echo-same-node',
  node: 1,
  host: 12,
  labels: { name: 'echo-same-node', kind: 'echo', other: 'echo' },
  ports: [{ name: 'http-8080', containerPort: 8080 }],
};
export const echoOther: TestPod = {
  name: 'echo-other-node',
  node: 2,
  host: 13,
  labels: { name: 'echo-other-node', kind: 'echo' },
  ports: [{ name: 'http-8080', containerPort: 8080 }],
};
export const dns: TestPod = {
  name: 'coredns',
  namespace: 'kube-system',
  node: 2,
  host: 2,
  labels: { 'k8s-app': 'kube-dns' },
};

export const walkthroughPods: readonly TestPod[] = [client, client2, echoSame, echoOther, dns];

const walkthroughServices: readonly TestService[] = [
  {
    name: 'echo-same-node',
    clusterIP: '10.96.0.21',
    ports: [{ name: 'http', port: 8080 }],
    selector: { name: 'echo-same-node' },
  },
  {
    name: 'echo-other-node',
    clusterIP: '10.96.0.22',
    ports: [{ name: 'http', port: 8080 }],
    selector: { name: 'echo-other-node' },
  },
  {
    name: 'kube-dns',
    namespace: 'kube-system',
    clusterIP: '10.96.0.10',
    ports: [
      { name: 'dns', port: 53, protocol: 'UDP' },
      { name: 'dns-tcp', port: 53 },
    ],
    selector: { 'k8s-app': 'kube-dns' },
  },
  {
    name: 'kubernetes',
    namespace: 'default',
    clusterIP: '10.96.0.1',
    ports: [{ name: 'https', port: 443, targetPort: 6443 }],
    addresses: ['172.30.0.254'],
  },
];

/** Clients and the near backend on node 1, the far backend and the DNS server on node 2. */
export function walkthroughWorld(rest: Partial<World> = {}): World {
  return testWorld(walkthroughPods, walkthroughServices, rest);
}
