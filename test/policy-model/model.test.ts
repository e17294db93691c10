import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileDnsPattern } from '../../src/base/index.ts';
import { type NodePlan, plan, type World } from '../../src/plan/index.ts';
import { type TestService, testWorld } from '../../src/plan/test-support/world.ts';
import { dnsVerdict } from '../../src/plan/verdicts/dns.ts';
import { policyVerdict } from '../../src/plan/verdicts/packet.ts';
import { requestVerdict } from '../../src/plan/verdicts/request.ts';
import type { Facts } from './facts.ts';
import { createJudge, type Packet, type Verdict } from './judge.ts';
import { loadKernel } from './kernel.ts';
import { nameMatches } from './names.ts';
import { type Case, randomCase } from './random.ts';
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
  const world = testWorld(pods, services, { namespaces, config, learntNames, policies });
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

/** Everything in which the plan differs from the definition; empty when they agree. */
function differences(one: Case): readonly string[] {
  const world = worldOf(one);
  const judge = createJudge(one.policies, factsOf(world));
  const made = plan(world);
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
      assert.deepEqual(differences(one), []);
    }),
    { numRuns: runs, seed },
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
