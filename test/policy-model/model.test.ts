import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileDnsPattern } from '../../src/base/index.ts';
import { createPlanner, type NodePlan, type Pod, plan, type World } from '../../src/plan/index.ts';
import { type TestService, testWorld } from '../../src/plan/test-support/world.ts';
import { dnsVerdict } from '../../src/plan/verdicts/dns.ts';
import { policyVerdict } from '../../src/plan/verdicts/packet.ts';
import { requestVerdict } from '../../src/plan/verdicts/request.ts';
import type { Facts } from './facts.ts';
import { createJudge, type Packet, type Verdict } from './judge.ts';
import { loadKernel } from './kernel.ts';
import { nameMatches } from './names.ts';
import { type Case, type Change, randomCase, randomChange } from './random.ts';
import type { Direction } from './statements.ts';

const services: readonly TestService[] = [
  { name: 'inside', namespace: 'one', clusterIP: '10.96.0.21', ports: [{ port: 80 }], selector: { app: 'a' } },
  {
    name: 'outside',
    namespace: 'two',
    clusterIP: '10.96.0.22',
    ports: [{ port: 80 }],
    addresses: ['1.1.1.1', '8.8.8.8'],
  },
  {
    name: 'kubernetes',
    namespace: 'default',
    clusterIP: '10.96.0.1',
    ports: [{ port: 443 }],
    addresses: ['172.30.0.254'],
  },
];
const cidrGroups = [
  { name: 'near', labels: { zone: 'q' }, cidrs: ['1.1.0.0/16', '8.8.8.8/32'] },
  { name: 'far', labels: { zone: 'r' }, cidrs: ['1.0.0.0/8'] },
].map(({ name, labels, cidrs }) => ({
  apiVersion: 'cilium.io/v2',
  kind: 'CiliumCIDRGroup',
  metadata: { name, labels },
  spec: { externalCIDRs: cidrs },
}));
const teams: Readonly<Record<string, string>> = { one: 'red', two: 'blue' };

function worldOf({ pods, mode, everyRuleIsolates, allowLocalhost, learntNames, policies }: Case): World {
  const settings = { enablePolicy: mode, enableNonDefaultDenyPolicies: !everyRuleIsolates, allowLocalhost };
  const config = { ...testWorld([], []).config, ...settings };
  const bare = testWorld(pods, services);
  const namespaces = bare.namespaces.map((namespace) => {
    const team = teams[namespace.metadata?.name ?? ''];
    const labels = { ...namespace.metadata?.labels, ...(team !== undefined && { team }) };
    return { metadata: { ...namespace.metadata, labels } };
  });
  const world = testWorld(pods, services, { namespaces, config, learntNames, policies, cidrGroups });
  const listed = world.services.map((service) =>
    service.metadata?.name === 'outside'
      ? { ...service, metadata: { ...service.metadata, labels: { kind: 'listed' } } }
      : service,
  );
  return { ...world, services: listed };
}

function factsOf(world: World): Facts {
  return {
    cluster: world.clusterName,
    mode: world.config.enablePolicy,
    everyRuleIsolates: !world.config.enableNonDefaultDenyPolicies,
    allowLocalhost: world.config.allowLocalhost,
    pods: world.pods,
    namespaces: world.namespaces,
    services: world.services,
    endpointSlices: world.endpointSlices,
    cidrGroups: world.cidrGroups,
    hostAddresses: ['172.30.0.1', '10.244.1.1'],
    remoteNodeAddresses: ['172.30.0.2', '10.244.2.1'],
    apiServerAddresses: ['172.30.0.254'],
    learntNames: world.learntNames,
  };
}

const listenerKinds: Readonly<Record<string, Verdict>> = {
  'cilium-http-egress': 'http',
  'cilium-http-ingress': 'http',
  'cilium-dns-egress': 'dns',
};

function plannedVerdict(made: NodePlan, packet: Packet, direction: Direction): Verdict {
  const verdict = policyVerdict(made, packet, direction);
  return verdict.kind === 'redirect' ? (listenerKinds[verdict.listener] ?? 'allow') : verdict.kind;
}

const isLocal = (address: string): boolean => /^10\.244\.1\.1[0-9]$/.test(address);

/** The world after a change; what the change does not touch stays the same object, as in an informer. */
function changed(world: World, { dropped, added, relabelled, gone, learntNames }: Change): World {
  const relabel = (pod: Pod, index: number): Pod =>
    index === relabelled?.index ? { ...pod, metadata: { ...pod.metadata, labels: relabelled.labels } } : pod;
  const policies = world.policies.filter((_, index) => !dropped.includes(index));
  const kept = new Set(policies.map((policy) => (policy as { metadata: { name: string } }).metadata.name));
  const fresh = added.filter(({ metadata }) => !kept.has((metadata as { name: string }).name));
  const { identities: _, ...rest } = world;
  return testWorld([], [], {
    ...rest,
    policies: [...policies, ...fresh],
    pods: world.pods.map(relabel).filter((_pod, index) => index !== gone),
    ...(learntNames && { learntNames }),
  });
}

/** Everything in which the plan differs from the definition; empty when they agree. */
function differences(one: Case, world: World, made: NodePlan): readonly string[] {
  const judge = createJudge(world.policies, factsOf(world));
  const kernel = loadKernel(made);
  const found: string[] = [];
  for (const report of made.reports) {
    if (report.condition.status !== 'True') found.push(`${report.name} is refused: ${report.condition.message}`);
  }
  const compare = (what: string, wanted: unknown, given: unknown) => {
    if (wanted !== given) found.push(`${what}: ${String(wanted)} by definition, ${String(given)} as planned`);
  };
  for (const packet of one.packets) {
    for (const direction of ['egress', 'ingress'] as const) {
      if (!isLocal(direction === 'egress' ? packet.source : packet.destination)) continue;
      const wanted = judge.verdict(packet, direction);
      const name = `${direction} ${packet.source}>${packet.destination} ${packet.protocol}/${packet.port}`;
      compare(`${name} in the kernel`, wanted, kernel.verdict(packet, direction));
      // The entries do not say who is judged without redirects.
      if (direction === 'ingress' && kernel.identityOf(packet.source) === 1) continue;
      compare(`${name} in the plan`, wanted, plannedVerdict(made, packet, direction));
    }
  }
  for (const request of one.requests) {
    const { client, backend, port, method, path } = request;
    const wanted = judge.requestPasses(request, isLocal);
    compare(`${client}>${backend}:${port} ${method} ${path}`, wanted, requestVerdict(made, request).allowed);
  }
  for (const { packet, name } of one.queries) {
    if (judge.verdict(packet, 'egress') !== 'dns') continue;
    const { allowed } = dnsVerdict(made.dns, {
      client: packet.source,
      serverIdentity: kernel.identityOf(packet.destination),
      serverPort: packet.port,
      protocol: packet.protocol === 'tcp' ? 'tcp' : 'udp',
      name,
    });
    compare(
      `${packet.source}>${packet.destination} ${packet.protocol} asks ${name}`,
      judge.queryPasses(packet, name),
      allowed,
    );
  }
  return found;
}

const runs = Number(process.env['POLICY_MODEL_RUNS'] ?? 1500);
const seed = Number(process.env['POLICY_MODEL_SEED'] ?? 4);

test('what is planned for random policies is what they say by definition', () => {
  fc.assert(
    fc.property(randomCase, (one) => {
      const world = worldOf(one);
      assert.deepEqual(differences(one, world, plan(world)), []);
    }),
    { numRuns: runs, seed },
  );
});

test('a planner that has planned before plans the same as one that has not', () => {
  const steps = fc.array(randomChange, { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(randomCase, steps, (one, changes) => {
      const planner = createPlanner();
      let world = worldOf(one);
      let made = planner(world);
      for (const change of changes) {
        world = { ...changed(world, change), proxyPorts: made.proxyPorts };
        made = planner(world);
        const present = new Set(world.pods.map(({ status }) => status?.podIP));
        const isThere = (address: string) => !/^10\.244\.\d\.1\d$/.test(address) || present.has(address);
        const asked = {
          ...one,
          packets: one.packets.filter(({ source, destination }) => isThere(source) && isThere(destination)),
          requests: one.requests.filter(({ client, backend }) => isThere(client) && isThere(backend)),
          queries: one.queries.filter(({ packet: { source, destination } }) => isThere(source) && isThere(destination)),
        };
        assert.deepEqual(differences(asked, world, made), []);
        assert.deepEqual(made, plan(world));
      }
    }),
    { numRuns: Math.ceil(runs / 10), seed },
  );
});

test('patterns of DNS names match what their regular expressions match', () => {
  const label = fc.constantFrom('a', 'b', 'ab', 'A-_1', '');
  const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => `${labels.join('.')}.`);
  const wild = fc.constantFrom('*', '**', '***', 'a*', '*b', 'a*b', '*a*', '**b', 'a', 'b');
  const pattern = fc
    .tuple(fc.array(wild, { minLength: 1, maxLength: 4 }), fc.constantFrom('', '.'))
    .map(([labels, end]) => labels.join('.') + end);
  fc.assert(
    fc.property(pattern, name, (matchPattern, asked) => {
      assert.equal(compileDnsPattern(matchPattern)(asked), nameMatches({ matchPattern }, asked));
    }),
    { numRuns: 20_000, seed },
  );
});
