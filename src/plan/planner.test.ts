import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createPlanner, plan, type World } from './index.ts';
import { walkthroughWorld } from './test-support/walkthrough.ts';

type Change = (world: World) => World;

const policyNames = ['a', 'b', 'c'];
const specs = [
  { endpointSelector: {}, ingress: [{ fromEndpoints: [{ matchLabels: { kind: 'client' } }] }] },
  {
    endpointSelector: { matchLabels: { kind: 'client' } },
    egress: [{ toCIDR: ['10.9.0.0/16'] }, { toEndpoints: [{}] }],
  },
  {
    endpointSelector: { matchLabels: { kind: 'echo' } },
    ingress: [
      {
        fromEndpoints: [{}],
        toPorts: [{ ports: [{ port: '8080', protocol: 'TCP' }], rules: { http: [{ path: '/a' }] } }],
      },
    ],
  },
  { endpointSelector: {}, egress: [{ toEndpoints: [{}], toPorts: [{ ports: [{ port: 'web', protocol: 'TCP' }] }] }] },
  { endpointSelector: {}, egress: [{ toFQDNs: [{ matchPattern: '*.example.com' }] }] },
  { endpointSelector: {}, egress: [{ toCIDRSet: [{ cidrGroupRef: 'g', except: ['192.0.2.7/32'] }] }] },
  {
    endpointSelector: {},
    egress: [{ toServices: [{ k8sService: { serviceName: 'outer', namespace: 'cilium-test' } }] }],
  },
];

const withPolicy = (name: string, spec: object | undefined): Change => {
  return (world) => {
    const others = world.policies.filter((one) => (one as { metadata: { name: string } }).metadata.name !== name);
    const metadata = { name, namespace: 'cilium-test' };
    const made = { apiVersion: 'cilium.io/v2', kind: 'CiliumNetworkPolicy', metadata, spec };
    return { ...world, policies: spec ? [...others, made] : others };
  };
};

/** A pod that was there is removed, comes with other labels, or with another address. */
const withPod = (at: number, how: 'goes' | 'label' | 'port' | { readonly address: string }): Change => {
  return (world) => {
    const pod = walkthroughWorld().pods[at % walkthroughWorld().pods.length];
    if (!pod) return world;
    const pods = world.pods.filter(({ metadata }) => metadata?.name !== pod.metadata?.name);
    const labels = how === 'label' ? { ...pod.metadata?.labels, kind: 'other' } : pod.metadata?.labels;
    const status = typeof how === 'object' ? { ...pod.status, podIP: how.address } : pod.status;
    const containers = how === 'port' ? [{ name: 'x', ports: [{ name: 'web', containerPort: 81 }] }] : undefined;
    const spec = { ...pod.spec, ...(containers && { containers }) } as NonNullable<typeof pod.spec>;
    const changed = {
      ...pod,
      metadata: { ...pod.metadata, ...(labels && { labels }) },
      spec,
      ...(status && { status }),
    };
    return { ...world, pods: how === 'goes' ? pods : [changed, ...pods] };
  };
};

const outer = (addresses: readonly string[]): Change => {
  const metadata = { name: 'outer', namespace: 'cilium-test' };
  const slice = {
    metadata: { name: 'outer-1', namespace: 'cilium-test', labels: { 'kubernetes.io/service-name': 'outer' } },
    addressType: 'IPv4' as const,
    ports: [{ name: '', port: 80, protocol: 'TCP' }],
    endpoints: addresses.map((address) => ({ addresses: [address] })),
  };
  return (world) => ({
    ...world,
    services: [
      ...world.services.filter(({ metadata: one }) => one?.name !== 'outer'),
      { metadata, spec: { clusterIP: '10.96.7.7', ports: [{ port: 80 }] } },
    ],
    endpointSlices: [...world.endpointSlices.filter(({ metadata: one }) => one?.name !== 'outer-1'), slice],
  });
};

/** A slice goes, and where it has addresses it comes again with these. */
const slice = (at: number, addresses: readonly string[]): Change => {
  return (world) => {
    const one = walkthroughWorld().endpointSlices[at % walkthroughWorld().endpointSlices.length];
    const others = world.endpointSlices.filter(({ metadata }) => metadata?.name !== one?.metadata?.name);
    const endpoints = addresses.map((address) => ({ addresses: [address] }));
    return { ...world, endpointSlices: one && addresses.length > 0 ? [...others, { ...one, endpoints }] : others };
  };
};

const change: fc.Arbitrary<Change> = fc.oneof(
  fc
    .tuple(fc.constantFrom(...policyNames), fc.constantFrom(undefined, ...specs))
    .map(([name, spec]) => withPolicy(name, spec)),
  fc.tuple(fc.nat(9), fc.constantFrom('goes', 'label', 'port')).map(([at, how]) => withPod(at, how)),
  fc
    .tuple(fc.nat(9), fc.constantFrom('10.244.1.99', '192.0.2.7', '172.30.0.2', '10.244.1.1'))
    .map(([at, address]) => withPod(at, { address })),
  fc
    .tuple(fc.nat(9), fc.constantFrom([], ['10.244.1.99'], ['10.244.1.12', '192.0.2.7']))
    .map(([at, to]) => slice(at, to)),
  fc.constantFrom([], ['192.0.2.7'], ['192.0.2.7', '10.244.1.99']).map(outer),
  fc.constantFrom([], ['192.0.2.0/24'], ['192.0.2.0/25', '10.9.0.0/16']).map((externalCIDRs) => (world: World) => {
    return { ...world, cidrGroups: [{ metadata: { name: 'g' }, spec: { externalCIDRs } }] };
  }),
  fc.constantFrom('default' as const, 'always' as const, 'never' as const).map((enablePolicy) => (world: World) => {
    return { ...world, config: { ...world.config, enablePolicy } };
  }),
  fc.nat(5).map((turn) => (world: World) => {
    const keys = [...world.identities.keys()];
    const numbers = [...world.identities.values()];
    return { ...world, identities: new Map(keys.map((key, at) => [key, numbers[(at + turn) % numbers.length] ?? 0])) };
  }),
  fc
    .constantFrom(new Map<string, string[]>(), new Map([['www.example.com.', ['198.51.100.3']]]))
    .map((learntNames) => (world: World) => ({ ...world, learntNames })),
);

test('a planner that remembers plans as one that begins anew', () => {
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 12 }), (changes) => {
      const remembering = createPlanner();
      let world = walkthroughWorld();
      remembering(world);
      for (const apply of changes) {
        world = apply(world);
        assert.deepEqual(remembering(world), plan(structuredClone(world)));
      }
    }),
    { numRuns: 200 },
  );
});
