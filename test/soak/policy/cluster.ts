import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient, execInPod, type KubeClient, loadKubeConfig } from '../../../src/kube/index.ts';
import type { Namespace, Pod } from '../../../src/plan/index.ts';
import { type TestCluster, testCluster } from '../../e2e/cluster.ts';

export const namespace = 'soak';
const echoPort = 8080;
/** A host outside the cluster, which answers every path in HTML. */
const worldAddress = '203.0.113.10';
export const worldPort = 80;

/** A client and an echo on each of two nodes. */
const pods = [1, 2].flatMap((node) => [
  { name: `client-${node}`, kind: 'client', node },
  { name: `echo-${node}`, kind: 'echo', node },
]);

export interface SoakCluster {
  readonly cluster: TestCluster;
  readonly client: KubeClient;
  readonly pods: readonly Pod[];
  readonly namespaces: readonly Namespace[];
}

/** Brings up a cluster of two nodes with the pods of the soak. */
export async function startCluster(): Promise<SoakCluster> {
  const cluster = await testCluster();
  try {
    const up = await cluster.ciliate('up', '--nodes', '2', '--no-uplink', '--detach');
    if (up.exitCode !== 0) throw new Error(up.stderr);
    const access = loadKubeConfig(path.join(cluster.home, 'kubeconfig'));
    if (!access.ok) throw new Error(access.error.message);
    const client = createClient(access.value);
    await create(client, { group: '', version: 'v1', resource: 'namespaces' }, { metadata: { name: namespace } });
    for (const pod of pods) {
      await create(client, { group: '', version: 'v1', resource: 'pods', namespace }, podObject(pod));
    }
    return {
      cluster,
      client,
      pods: await runningPods(client),
      namespaces: await listOf<Namespace>(client, 'namespaces'),
    };
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
}

function podObject({ name, kind, node }: (typeof pods)[number]): object {
  const container = { name: 'main', image: `ciliate.dev/${kind}`, env: [{ name: 'PORT', value: String(echoPort) }] };
  return {
    metadata: { name, namespace, labels: { name, kind } },
    spec: { nodeName: `node-${node}`, containers: [container], terminationGracePeriodSeconds: 0 },
  };
}

async function create(client: KubeClient, place: Parameters<KubeClient['create']>[0], object: object): Promise<void> {
  const done = await client.create(place, object);
  if (!done.ok) throw new Error(done.error.message);
}

async function listOf<T>(client: KubeClient, resource: string, within?: string): Promise<readonly T[]> {
  const listed = await client.list<T>({ group: '', version: 'v1', resource, namespace: within });
  if (!listed.ok) throw new Error(listed.error.message);
  return listed.value.items;
}

async function runningPods(client: KubeClient): Promise<readonly Pod[]> {
  for (let turn = 0; turn < 300; turn++) {
    const found = await listOf<Pod>(client, 'pods', namespace);
    if (found.length === pods.length && found.every(({ status }) => status?.phase === 'Running' && status.podIP)) {
      return found;
    }
    await sleep(100);
  }
  throw new Error('the pods of the soak do not run');
}

/** Waits until a pod's node has the pod in force with this label. */
export async function identified({ client }: SoakCluster, pod: string, label: string): Promise<void> {
  const place = { group: 'cilium.io', version: 'v2', resource: 'ciliumendpoints', namespace, name: pod };
  for (let turn = 0; turn < 300; turn++) {
    const found = await client.get<{ readonly status?: { readonly identity?: { readonly labels?: string[] } } }>(place);
    if (found.ok && found.value.status?.identity?.labels?.includes(label)) return;
    await sleep(100);
  }
  throw new Error(`pod ${pod} does not get the label ${label}`);
}

export interface Asked {
  readonly client: string;
  readonly backend: string;
  readonly port: number;
  readonly method: string;
  readonly path: string;
  /** Wall clock, milliseconds. */
  readonly from: number;
  readonly to: number;
  /** When the connection was opened that the request went over. */
  readonly opened?: number;
  /** `passed` when the backend answered, else a status or an error. */
  readonly outcome: string;
}

/** How many workers ask at once: each request on a connection of its own, or on one that is kept. */
export interface Workers {
  readonly fresh: number;
  readonly keeping: number;
}

/** Keeps a pod asking another, or the outside, until the signal ends it. Started again when its session breaks. */
export async function keepAsking(
  { client, pods: known }: SoakCluster,
  [from, to]: readonly [string, string],
  workers: Workers,
  onAnswer: (asked: Asked) => void,
  signal: AbortSignal,
): Promise<void> {
  const addressOf = (name: string) => known.find(({ metadata }) => metadata?.name === name)?.status?.podIP ?? '';
  const target =
    to === 'world' ? { backend: worldAddress, port: worldPort } : { backend: addressOf(to), port: echoPort };
  const script = readFileSync(path.join(import.meta.dirname, 'asker.cjs'), 'utf8');
  const numbers = [target.port, workers.fresh, workers.keeping].map(String);
  const command = [process.execPath, '-e', script, target.backend, ...numbers];
  while (!signal.aborted) {
    const session = await execInPod(client, { namespace, pod: from, command, stdin: true, signal });
    if (!session.ok) {
      await sleep(200);
      continue;
    }
    for await (const line of createInterface({ input: session.value.stdout })) {
      const answer = JSON.parse(line) as Omit<Asked, 'client' | 'backend' | 'port'>;
      onAnswer({ ...answer, client: addressOf(from), ...target });
    }
  }
}

/** Process numbers of this cluster's agent and data plane of a node: found by what only their command lines hold. */
export function nodeProcess(home: string, node: number, kind: 'agent' | 'proxy'): number | undefined {
  const wanted =
    kind === 'agent'
      ? ['src/agent/main.ts', `"nodeName":"node-${node}"`, home]
      : ['src/proxy/main.ts', path.join(home, 'run', `node-${node}-bootstrap.yaml`)];
  return readdirSync('/proc')
    .map(Number)
    .find((pid) => {
      if (!Number.isInteger(pid)) return false;
      try {
        const text = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return !text.startsWith('nsenter') && wanted.every((part) => text.includes(part));
      } catch {
        return false;
      }
    });
}
