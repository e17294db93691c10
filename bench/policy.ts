import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient, type KubeClient, loadKubeConfig } from '../src/kube/index.ts';
import { projectRoot, type TestCluster, testCluster } from '../test/e2e/cluster.ts';
import { type Figure, median } from './figure.ts';

const rounds = 15;
const namespace = 'cilium-test';
const policies = { group: 'cilium.io', version: 'v2', resource: 'ciliumnetworkpolicies', namespace };

/** Nothing may reach the echo servers, one of which stands on each node. */
const closing = {
  apiVersion: 'cilium.io/v2',
  kind: 'CiliumNetworkPolicy',
  metadata: { name: 'closing', namespace },
  spec: {
    endpointSelector: { matchLabels: { kind: 'echo' } },
    ingress: [{ fromEndpoints: [{ matchLabels: { name: 'nobody' } }] }],
  },
};

interface Attempt {
  readonly target: string;
  readonly startedAt: number;
  readonly connected: boolean;
}

const PRESENT = 1000;
/** Creating is no part of what is measured; so many at a time. */
const AT_ONCE = 50;

/** A policy about pods that are not there, as most of a cluster's policies are on any node. */
const present = (number: number): object => {
  const ports = [{ port: String(8000 + (number % 100)), protocol: 'TCP' }];
  const rules = number % 5 === 0 ? { http: [{ method: 'GET', path: `/service-${number}/.*` }] } : undefined;
  const from = [{ matchLabels: { app: `app-${number + 1}` } }, { matchLabels: { team: `team-${number % 50}` } }];
  return {
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumNetworkPolicy',
    metadata: { name: `present-${number}`, namespace },
    spec: {
      endpointSelector: { matchLabels: { app: `app-${number}` } },
      ingress: [{ fromEndpoints: from, toPorts: [{ ports, ...(rules && { rules }) }] }],
    },
  };
};

/** From the request that creates a policy to the first connection that its rule drops, on the later of two nodes; median over the rounds. */
export async function policyBench(): Promise<readonly Figure[]> {
  await using cluster = await testCluster();
  await cluster.ciliate('up', '--detach');
  await cluster.kubectl('apply', '-f', path.join(projectRoot, 'examples/workloads.yaml'));
  await cluster.kubectl('wait', '-n', namespace, '--for=condition=Available', 'deployment', '--all', '--timeout=60s');
  const access = loadKubeConfig(path.join(cluster.home, 'kubeconfig'));
  if (!access.ok) throw new Error(access.error.message);
  const client = createClient(access.value);
  const targets = await echoAddresses(cluster);
  const prober = await startProber(cluster, targets);
  try {
    const alone = await enforcementDelays(client, prober, targets);
    await createPresent(client);
    const among = await enforcementDelays(client, prober, targets);
    const figure = 'policy created to enforced on both nodes';
    return [
      { figure, value: median(alone), unit: 'ms', goal: '100 or less' },
      { figure: `${figure}, with 1,000 policies present`, value: median(among), unit: 'ms', goal: '50 or less' },
    ];
  } finally {
    prober.process.kill('SIGKILL');
    client.close();
  }
}

async function createPresent(client: KubeClient): Promise<void> {
  for (let from = 0; from < PRESENT; from += AT_ONCE) {
    const made = Array.from({ length: AT_ONCE }, (_, at) => client.create(policies, present(from + at)));
    for (const created of await Promise.all(made)) if (!created.ok) throw new Error(created.error.message);
  }
}

async function enforcementDelays(
  client: KubeClient,
  prober: Prober,
  targets: readonly string[],
): Promise<readonly number[]> {
  const delays: number[] = [];
  for (let round = 0; round < rounds; round += 1) delays.push(await enforcementDelay(client, prober, targets));
  return delays;
}

async function enforcementDelay(client: KubeClient, prober: Prober, targets: readonly string[]): Promise<number> {
  const createdAt = Date.now();
  const created = await client.create(policies, closing);
  if (!created.ok) throw new Error(created.error.message);
  const dropped = await Promise.all(
    targets.map((target) =>
      prober.next((attempt) => attempt.target === target && !attempt.connected && attempt.startedAt >= createdAt),
    ),
  );
  await client.delete({ ...policies, name: closing.metadata.name });
  const deletedAt = Date.now();
  await Promise.all(
    targets.map((target) =>
      prober.next((attempt) => attempt.target === target && attempt.connected && attempt.startedAt >= deletedAt),
    ),
  );
  await sleep(100);
  return Math.max(...dropped.map(({ startedAt }) => startedAt - createdAt));
}

interface Prober {
  readonly process: ChildProcess;
  next(wanted: (attempt: Attempt) => boolean): Promise<Attempt>;
}

async function startProber(cluster: TestCluster, targets: readonly string[]): Promise<Prober> {
  const script = path.join(projectRoot, 'bench/connect-prober.mjs');
  const pod = 'deploy/client';
  const args = ['exec', '-n', namespace, pod, '--', process.execPath, script, '8080', ...targets];
  const child = spawn('kubectl', args, { env: cluster.environment, stdio: ['ignore', 'pipe', 'inherit'] });
  const waiting = new Set<{
    readonly wanted: (attempt: Attempt) => boolean;
    readonly resolve: (attempt: Attempt) => void;
  }>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const attempt = JSON.parse(line) as Attempt;
    for (const one of waiting) {
      if (!one.wanted(attempt)) continue;
      waiting.delete(one);
      one.resolve(attempt);
    }
  });
  const next = (wanted: (attempt: Attempt) => boolean): Promise<Attempt> =>
    new Promise((resolve) => waiting.add({ wanted, resolve }));
  await next(({ connected }) => connected);
  return { process: child, next };
}

async function echoAddresses(cluster: TestCluster): Promise<readonly string[]> {
  const { stdout } = await cluster.kubectl(
    'get',
    'pods',
    '-n',
    namespace,
    '-l',
    'kind=echo',
    '-o',
    'jsonpath={.items[*].status.podIP}',
  );
  return stdout.split(' ');
}
