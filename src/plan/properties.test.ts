import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { plan, type World } from './index.ts';
import { walkthroughPods, walkthroughWorld } from './test-support/walkthrough.ts';
import { podAddress } from './test-support/world.ts';
import { policyVerdict } from './verdicts/packet.ts';
import { requestVerdict } from './verdicts/request.ts';

const selector = fc.constantFrom(
  {},
  { matchLabels: { kind: 'client' } },
  { matchLabels: { kind: 'echo' } },
  { matchLabels: { other: 'client' } },
);
const ports = fc.constantFrom(
  undefined,
  [{ ports: [{ port: '8080', protocol: 'TCP' }] }],
  [{ ports: [{ port: '8000', endPort: 8100, protocol: 'TCP' }] }],
  [{ ports: [{ port: '8080', protocol: 'TCP' }], rules: { http: [{ path: '/a' }] } }],
  [{ ports: [{ port: '8080', protocol: 'TCP' }], rules: { http: [{ path: '/.*', method: 'POST' }] } }],
);
const plainPorts = fc.constantFrom(undefined, [{ ports: [{ port: '8080', protocol: 'TCP' }] }]);
const peers = fc.oneof(
  selector.map((one) => ({ endpoints: [one] })),
  fc.constantFrom({ entities: ['all'] }, { entities: ['cluster'] }, { entities: ['world'] }, { cidr: ['1.0.0.0/8'] }),
);
const directed = (prefix: 'to' | 'from', peer: object) =>
  Object.fromEntries(
    Object.entries(peer).map(([key, value]) => [
      `${prefix}${key === 'cidr' ? 'CIDR' : key[0]?.toUpperCase() + key.slice(1)}`,
      value,
    ]),
  );
const item = (prefix: 'to' | 'from', allowed: typeof ports | typeof plainPorts) =>
  fc.tuple(peers, allowed).map(([peer, toPorts]) => ({ ...directed(prefix, peer), ...(toPorts && { toPorts }) }));
const policy = fc
  .record({
    endpointSelector: selector,
    ingress: fc.array(item('from', ports), { maxLength: 2 }),
    egress: fc.array(item('to', ports), { minLength: 1, maxLength: 2 }),
    egressDeny: fc.array(item('to', plainPorts), { maxLength: 1 }),
  })
  .map((spec) => spec);
const policies = fc.array(policy, { maxLength: 5 }).map((specs) =>
  specs.map((spec, index) => ({
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumNetworkPolicy',
    metadata: { name: `p${index}`, namespace: 'cilium-test' },
    spec,
  })),
);
const addresses = [...walkthroughPods.map(podAddress), '1.0.0.1', '8.8.8.8', '172.30.0.2'];
const paths = ['/a', '/b'];

/** Everything that can be asked of a plan for its local pods, as text to whether it passes. */
function outcomes(world: World): ReadonlyMap<string, boolean> {
  const made = plan(world);
  const found = new Map<string, boolean>();
  for (const { address } of made.datapath.endpoints) {
    for (const other of addresses.filter((one) => one !== address)) {
      for (const port of [8080, 8050, 22]) {
        const packet = { source: address, destination: other, protocol: 'tcp', port } as const;
        const kinds = (['egress', 'ingress'] as const).map((direction) => policyVerdict(made, packet, direction).kind);
        for (const path of paths) {
          const request = { client: address, backend: other, port, path };
          const open = kinds.every((kind) => kind === 'allow' || kind === 'redirect');
          const passes = open && (!kinds.includes('redirect') || requestVerdict(made, request).allowed);
          found.set(`${address}>${other}:${port}${path}`, passes);
        }
      }
    }
  }
  return found;
}

test('the order of the world’s lists does not matter', () => {
  const shuffled = fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true }));
  fc.assert(
    fc.property(policies, shuffled, (list, random) => {
      const mix = <T>(array: readonly T[]): T[] =>
        array
          .map((one) => ({ one, at: random.next().value }))
          .sort((a, b) => a.at - b.at)
          .map(({ one }) => one);
      const world = walkthroughWorld({
        policies: list,
        learntNames: new Map([
          ['a.', ['1.2.3.4']],
          ['b.', ['1.2.3.5']],
        ]),
      });
      const other: World = {
        ...world,
        policies: mix(list),
        pods: mix(world.pods),
        nodes: mix(world.nodes),
        namespaces: mix(world.namespaces),
        services: mix(world.services),
        endpointSlices: mix(world.endpointSlices),
        identities: new Map(mix([...world.identities])),
        learntNames: new Map(mix([...world.learntNames])),
      };
      const [a, b] = [plan(world), plan(other)];
      assert.deepEqual(a, b);
      assert.equal(JSON.stringify([...a.xds.extensionConfigs]), JSON.stringify([...b.xds.extensionConfigs]));
      assert.deepEqual(a.datapath.policy, b.datapath.policy);
    }),
    { numRuns: 60 },
  );
});

test('a further allow rule takes nothing away from pods that are isolated already', () => {
  fc.assert(
    fc.property(policies, item('to', ports), (list, extra) => {
      const closed = { ...walkthroughWorld().config, enablePolicy: 'always' } as const;
      const before = outcomes(walkthroughWorld({ policies: list, config: closed }));
      const more = {
        apiVersion: 'cilium.io/v2',
        kind: 'CiliumNetworkPolicy',
        metadata: { name: 'x', namespace: 'cilium-test' },
        spec: { endpointSelector: {}, egress: [extra] },
      };
      const after = outcomes(walkthroughWorld({ policies: [...list, more], config: closed }));
      for (const [what, passes] of before) if (passes) assert.equal(after.get(what), true, what);
    }),
    { numRuns: 40 },
  );
});

test('what a deny names never passes, whatever else is allowed', () => {
  fc.assert(
    fc.property(policies, (list) => {
      const deny = {
        apiVersion: 'cilium.io/v2',
        kind: 'CiliumNetworkPolicy',
        metadata: { name: 'x', namespace: 'cilium-test' },
        spec: { endpointSelector: {}, egressDeny: [{ toEndpoints: [{}] }] },
      };
      const inside = new Set(walkthroughPods.filter(({ namespace }) => namespace === undefined).map(podAddress));
      for (const [what, passes] of outcomes(walkthroughWorld({ policies: [...list, deny] }))) {
        const target = /^[^>]+>([^:]+):/.exec(what)?.[1] ?? '';
        if (inside.has(target)) assert.equal(passes, false, what);
      }
    }),
    { numRuns: 40 },
  );
});

test('the proxy never lets a request through that the kernel would have refused without it', () => {
  fc.assert(
    fc.property(policies, (list) => {
      const made = plan(walkthroughWorld({ policies: list }));
      for (const { address } of made.datapath.endpoints) {
        for (const other of addresses.filter((one) => one !== address)) {
          const packet = { source: address, destination: other, protocol: 'tcp', port: 8080 } as const;
          const kernel = policyVerdict(made, packet, 'egress').kind;
          const { allowed } = requestVerdict(made, { client: address, backend: other, port: 8080, path: '/a' });
          if (kernel === 'deny' || kernel === 'default-deny') assert.equal(allowed, false);
        }
      }
    }),
    { numRuns: 60 },
  );
});
