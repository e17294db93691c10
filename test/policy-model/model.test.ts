import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileDnsPattern } from '../../src/base/index.ts';
import { createPlanner, type Node, type NodePlan, type Pod, plan, type World } from '../../src/plan/index.ts';
import { type TestService, testWorld } from '../../src/plan/test-support/world.ts';
import { dnsVerdict } from '../../src/plan/verdicts/dns.ts';
import { policyVerdict } from '../../src/plan/verdicts/packet.ts';
import { connectionVerdict, listenerVerdict, requestAfter, requestVerdict } from '../../src/plan/verdicts/request.ts';
import type { Facts } from './facts.ts';
import { type Connection, createJudge, type Packet, type Verdict } from './judge.ts';
import { loadKernel, verdictOfListener } from './kernel.ts';
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
    addresses: ['172.30.0.254', '172.30.0.3'],
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

const nodeLabels: readonly Readonly<Record<string, string>>[] = [
  { 'kubernetes.io/hostname': 'node-1', role: 'edge' },
  { 'kubernetes.io/hostname': 'node-2', role: 'core' },
  { 'kubernetes.io/hostname': 'node-3' },
];
const nodes = nodeLabels.map(
  (labels, index): Node => ({
    metadata: { name: `node-${index + 1}`, labels: { ...labels } },
    spec: { podCIDR: `10.244.${index + 1}.0/24` },
    status: { addresses: [{ type: 'InternalIP', address: `172.30.0.${index + 1}` }] },
  }),
);

const prefix = 'type.googleapis.com/envoy';
/** Each has a listener `l` that sends TCP to where it was going. */
const envoyConfigs = [{ name: 'a' }, { name: 'b' }, { name: 'c', namespace: 'one' }].map((metadata) => ({
  apiVersion: 'cilium.io/v2',
  kind: metadata.namespace === undefined ? 'CiliumClusterwideEnvoyConfig' : 'CiliumEnvoyConfig',
  metadata,
  spec: {
    resources: [
      {
        '@type': `${prefix}.config.cluster.v3.Cluster`,
        name: 'o',
        type: 'ORIGINAL_DST',
        lb_policy: 'CLUSTER_PROVIDED',
      },
      {
        '@type': `${prefix}.config.listener.v3.Listener`,
        name: 'l',
        filter_chains: [
          {
            filters: [
              {
                name: 'envoy.filters.network.tcp_proxy',
                typed_config: {
                  '@type': `${prefix}.extensions.filters.network.tcp_proxy.v3.TcpProxy`,
                  stat_prefix: 't',
                  cluster: 'o',
                },
              },
            ],
          },
        ],
      },
    ],
  },
}));

/** Without the setting policies that select nodes are refused. */
function selectsNodes(policies: readonly unknown[]): boolean {
  return /"(?:from|to)Nodes":\[\{/.test(JSON.stringify(policies));
}

function worldOf(one: Case): World {
  const { pods, learntNames, policies } = one;
  const settings = {
    enablePolicy: one.mode,
    enableNonDefaultDenyPolicies: !one.everyRuleIsolates,
    allowLocalhost: one.allowLocalhost,
    nodeSelectorLabels: one.nodeLabels || selectsNodes(policies),
    enableHostFirewall: one.hostFirewall,
    policyAuditMode: one.audit,
  };
  const config = { ...testWorld([], []).config, ...settings };
  const bare = testWorld(pods, services);
  const namespaces = bare.namespaces.map((namespace) => {
    const team = teams[namespace.metadata?.name ?? ''];
    const labels = { ...namespace.metadata?.labels, ...(team !== undefined && { team }) };
    return { metadata: { ...namespace.metadata, labels } };
  });
  const world = testWorld(pods, services, {
    nodes,
    namespaces,
    config,
    learntNames,
    policies,
    cidrGroups,
    envoyConfigs,
  });
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
    nodes: nodeLabels.map((labels, index) => ({
      addresses: [`172.30.0.${index + 1}`, `10.244.${index + 1}.1`],
      labels,
      own: index === 0,
    })),
    apiServerAddresses: ['172.30.0.254', '172.30.0.3'],
    nodeLabels: world.config.nodeSelectorLabels,
    hostFirewall: world.config.enableHostFirewall,
    audit: world.config.policyAuditMode,
    listeners: new Set(['/a/l', '/b/l', 'one/c/l']),
    learntNames: world.learntNames,
  };
}

function plannedVerdict(made: NodePlan, packet: Packet, direction: Direction): Verdict {
  const verdict = policyVerdict(made, packet, direction);
  return verdict.kind === 'redirect' ? verdictOfListener(verdict.listener) : verdict.kind;
}

/** Two listeners are named with one priority on port 8600; where their peers overlap without being the same, either may win. */
function settled(verdict: Verdict, { port }: Packet): Verdict {
  return port === 8600 && verdict === 'listener /b/l' ? 'listener /a/l' : verdict;
}

/** Of a header that several rules add to, how often is left out: it depends on which of them are equal. */
function headerText(headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${[...new Set(value.split(','))].join(',')}`);
  return lines.sort().join('\n');
}

const isNode = (address: string): boolean => address === '172.30.0.1' || address === '10.244.1.1';
const isLocal = (address: string): boolean => /^10\.244\.1\.1[0-9]$/.test(address);

/** The world after a change; what the change does not touch stays the same object, as in an informer. */
function changed(world: World, { dropped, added, relabelled, gone, learntNames }: Change): World {
  const relabel = (pod: Pod, index: number): Pod =>
    index === relabelled?.index ? { ...pod, metadata: { ...pod.metadata, labels: relabelled.labels } } : pod;
  const policies = world.policies.filter((_, index) => !dropped.includes(index));
  const kept = new Set(policies.map((policy) => (policy as { metadata: { name: string } }).metadata.name));
  const fresh = added.filter(({ metadata }) => !kept.has((metadata as { name: string }).name));
  const { identities: _, ...rest } = world;
  const nodeSelectorLabels = world.config.nodeSelectorLabels || selectsNodes(fresh);
  return testWorld([], [], {
    ...rest,
    config: { ...world.config, nodeSelectorLabels },
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
    const { status, reason } = report.condition;
    if (status !== 'True' && reason !== 'Incomplete')
      found.push(`${report.name} is refused: ${report.condition.message}`);
  }
  const compare = (what: string, wanted: unknown, given: unknown) => {
    if (wanted !== given) found.push(`${what}: ${String(wanted)} by definition, ${String(given)} as planned`);
  };
  for (const packet of one.packets) {
    for (const direction of ['egress', 'ingress'] as const) {
      const own = direction === 'egress' ? packet.source : packet.destination;
      if (!isLocal(own) && !isNode(own)) continue;
      const wanted = judge.verdict(packet, direction);
      const name = `${direction} ${packet.source}>${packet.destination} ${packet.protocol}/${packet.port}`;
      compare(`${name} in the kernel`, settled(wanted, packet), settled(kernel.verdict(packet, direction), packet));
      // The entries do not say who is judged without redirects.
      if (direction === 'ingress' && kernel.identityOf(packet.source) === 1) continue;
      compare(`${name} in the plan`, settled(wanted, packet), settled(plannedVerdict(made, packet, direction), packet));
    }
  }
  for (const { address } of made.datapath.endpoints) {
    compare(`${address} is audited`, world.config.policyAuditMode, kernel.audits(address));
  }
  const { enableHostFirewall, policyAuditMode } = world.config;
  compare('the node is audited', enableHostFirewall && policyAuditMode, kernel.audits('172.30.0.1'));
  for (const connection of one.connections) {
    for (const direction of ['egress', 'ingress'] as const) compareConnection(connection, direction);
  }
  for (const request of one.requests) {
    const { client, backend, port, method, path } = request;
    const wanted = judge.requestPasses(request, isLocal);
    const name = `${client}>${backend}:${port} ${method} ${path}`;
    compare(name, wanted, requestVerdict(made, request).allowed);
    if (!wanted) continue;
    const left = requestAfter(made, requestAfter(made, request, 'egress'), 'ingress');
    compare(`${name} headers`, headerText(judge.headersBehind(request, isLocal)), headerText(left.headers ?? {}));
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

  /** A connection that goes to the listener for server names of one end; that of the sender asks a receiver on the node, too. */
  function compareConnection(connection: Connection, direction: Direction): void {
    const { client, backend, port, serverName } = connection;
    if (!isLocal(direction === 'egress' ? client : backend)) return;
    const packet: Packet = { source: client, destination: backend, protocol: 'tcp', port };
    const taken = judge.verdict(packet, direction);
    const listener = /^listener (.*)$/.exec(taken)?.[1];
    if (listener !== undefined && port !== 8600) {
      const name = `${client}>${backend}:${port} TLS ${serverName} in ${listener}`;
      compare(name, judge.listenerPasses(connection, listener), listenerVerdict(made, connection, listener).allowed);
    }
    if (taken !== 'tls') return;
    const ends = direction === 'egress' && isLocal(backend) ? (['egress', 'ingress'] as const) : ([direction] as const);
    // What the receiver's ports and peers decide is the kernel's.
    if (ends.length > 1 && /deny$/.test(judge.verdict(packet, 'ingress'))) return;
    compare(
      `${direction} ${client}>${backend}:${port} TLS ${serverName}`,
      ends.every((end) => judge.connectionPasses(connection, end)),
      connectionVerdict(made, connection, direction).allowed,
    );
  }
}

const runs = Number(process.env['POLICY_MODEL_RUNS'] ?? 600);
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
          connections: one.connections.filter(({ client, backend }) => isThere(client) && isThere(backend)),
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
