const namespace = (app: number): string => `team-${Math.floor(app / 10)}`;
const label = (app: number) => ({ matchLabels: { app: `app-${app}` } });
const elsewhere = (app: number) => ({
  matchLabels: { app: `app-${app}`, 'k8s:io.kubernetes.pod.namespace': namespace(app) },
});
const tcp = (...ports: readonly (number | string)[]) => ({
  ports: ports.map((port) => ({ port: String(port), protocol: 'TCP' })),
});
const dnsServers = { matchLabels: { 'k8s:io.kubernetes.pod.namespace': 'kube-system', 'k8s:k8s-app': 'kube-dns' } };

type Make = (about: {
  readonly app: number;
  readonly index: number;
  /** Another application of the same namespace, and one of any. */
  readonly near: (step: number) => number;
  readonly far: (step: number) => number;
}) => object;

/** Twenty kinds of policy, in about the mixture that a cluster has: most are L3/L4, a tenth each HTTP and deny. */
const kinds: readonly Make[] = [
  ({ near }) => ({ ingress: [{ fromEndpoints: [label(near(1)), label(near(2))], toPorts: [tcp(8080)] }] }),
  ({ near }) => ({ ingress: [{ fromEndpoints: [label(near(3))], toPorts: [tcp(8080, 9090)] }] }),
  ({ far }) => ({ ingress: [{ fromEndpoints: [elsewhere(far(1)), elsewhere(far(2))], toPorts: [tcp('http')] }] }),
  ({ near }) => ({ egress: [{ toEndpoints: [label(near(1)), label(near(4))], toPorts: [tcp(8080, 8081)] }] }),
  ({ far }) => ({ egress: [{ toEndpoints: [elsewhere(far(3))], toPorts: [tcp('http')] }] }),
  () => ({ ingress: [{ fromEndpoints: [{ matchLabels: { tier: 'tier-1' } }], toPorts: [tcp('metrics')] }] }),
  ({ index }) => ({
    egress: [{ toCIDRSet: [{ cidr: `203.0.${index % 100}.0/24`, except: [`203.0.${index % 100}.64/26`] }] }],
  }),
  ({ index }) => ({ egress: [{ toCIDR: [`192.0.2.${index % 200}/32`], toPorts: [tcp(443)] }] }),
  ({ near }) => ({
    ingress: [
      {
        fromEndpoints: [label(near(5))],
        toPorts: [{ ...tcp(8080), rules: { http: [{ method: 'GET', path: '/api/.*' }, { path: '/health' }] } }],
      },
    ],
  }),
  ({ near }) => ({
    egress: [
      {
        toEndpoints: [label(near(6))],
        toPorts: [{ ...tcp(8080), rules: { http: [{ method: 'POST', path: '/orders', headers: ['X-Team: a'] }] } }],
      },
    ],
  }),
  ({ near }) => ({ ingressDeny: [{ fromEndpoints: [label(near(7))], toPorts: [tcp(22)] }] }),
  ({ index }) => ({ egressDeny: [{ toCIDR: [`198.18.${index % 50}.0/24`] }] }),
  () => ({ ingress: [{ fromEntities: ['host', 'remote-node'], toPorts: [tcp(8080)] }] }),
  () => ({ egress: [{ toEntities: ['kube-apiserver'], toPorts: [tcp(6443)] }] }),
  () => ({
    egress: [
      {
        toEndpoints: [dnsServers],
        toPorts: [{ ports: [{ port: '53', protocol: 'ANY' }], rules: { dns: [{ matchPattern: '*.example.com' }] } }],
      },
    ],
  }),
  ({ index }) => ({ egress: [{ toFQDNs: [{ matchName: `host-${index % 20}.example.com` }], toPorts: [tcp(443)] }] }),
  ({ near }) => ({
    ingress: [
      { fromEndpoints: [label(near(8))], toPorts: [{ ports: [{ port: '7000', endPort: 7100, protocol: 'TCP' }] }] },
    ],
  }),
  () => ({ ingress: [{ fromEndpoints: [{}], toPorts: [tcp(8080)] }] }),
  ({ near }) => ({
    egress: [{ toEndpoints: [label(near(9))], toPorts: [{ ports: [{ port: '0', protocol: 'UDP' }] }] }],
  }),
  ({ far }) => ({
    ingress: [{ fromEndpoints: [elsewhere(far(5))], icmps: [{ fields: [{ family: 'IPv4', type: 8 }] }] }],
  }),
];

/** The `index`-th policy of a cluster with so many applications: five or so select each. */
export function policyObject(index: number, apps: number, generation = 1): unknown {
  const app = index % apps;
  const first = app - (app % 10);
  const kind = kinds[(index + Math.floor(index / apps) * 7) % kinds.length] as Make;
  const spec = kind({
    app,
    index,
    near: (step) => Math.min(apps - 1, first + ((app + step) % 10)),
    far: (step) => (app + step * 37) % apps,
  });
  return {
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumNetworkPolicy',
    metadata: { name: `policy-${index}`, namespace: namespace(app), uid: `policy-${index}`, generation },
    spec: { endpointSelector: label(app), ...spec },
  };
}
