import { execFileSync, spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, projectRoot, type TestCluster, testCluster } from '../../test/e2e/cluster.ts';
import { type Figure, median } from '../figure.ts';
import { pinned, pinTo } from '../proxy/programs.ts';
import type { Tools } from '../proxy/tools.ts';

const rate = 1_000;
/** Six programs become fast at once: their code has been compiled, some of it again, after some 12,000 requests. */
const warmUpSeconds = 20;
const seconds = 10;
const namespace = 'cilium-test';

/** Sends what the client asks through the data plane, so that each request is a flow. */
const policy = `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: seen, namespace: ${namespace} }
spec:
  endpointSelector: { matchLabels: { name: client2 } }
  egress:
    - toEndpoints: [{ matchLabels: { kind: echo } }]
      toPorts: [{ ports: [{ port: "8080", protocol: TCP }], rules: { http: [{ method: GET }] } }]
    - toEndpoints: [{ matchLabels: { "k8s:io.kubernetes.pod.namespace": kube-system } }]
      toPorts: [{ ports: [{ port: "53", protocol: ANY }], rules: { dns: [{ matchPattern: "*" }] } }]
`;

/**
 * From a request, and from a packet, to its line in `hubble observe -f` through the relay, in a cluster of two nodes. For root all of it runs
 * before what else the machine does.
 */
export async function latencyBench(tools: Tools): Promise<readonly Figure[]> {
  const within = pinTo(tools, pinned.both, []);
  await using cluster = await testCluster({ within });
  await cluster.ciliate('up', '--detach');
  await cluster.kubectl('apply', '-f', path.join(projectRoot, 'examples/workloads.yaml'));
  await cluster.kubectl('wait', '-n', namespace, '--for=condition=Available', 'deployment', '--all', '--timeout=60s');
  await cluster.kubectlWithInput(policy, 'apply', '-f', '-');
  await eventually(
    () => cluster.status('client2', 'http://echo-other-node:8080/'),
    (status) => status === '200',
  );
  const lines = await followFlows(cluster, within);
  // Its reader here must not be what is slow.
  schedule(tools, ['--rr', '--pid', '1']);
  try {
    const { answered, took } = await load(cluster, warmUpSeconds + seconds);
    await sleep(500);
    const last = Math.max(...lines.requests.map(({ at }) => at));
    const measured = (seen: readonly Seen[]): number[] =>
      seen.filter(({ at }) => at > last - seconds * 1_000).map(({ delay }) => delay);
    const requests = measured(lines.requests);
    return [
      {
        figure: `requests a second, each seen as a flow (${requests.length} lines in ${seconds} s)`,
        value: answered / took,
        unit: '/s',
        goal: `${rate}`,
      },
      ...delays('request', requests),
      ...delays('packet', measured(lines.packets)),
    ];
  } finally {
    schedule(tools, ['--other', '--pid', '0']);
    lines.stop();
  }
}

function delays(what: string, values: readonly number[]): readonly Figure[] {
  const sorted = [...values].sort((a, b) => a - b);
  const p99 = sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN;
  const figure = `from a ${what} to its line in hubble observe -f`;
  return [
    { figure: `${figure}, median`, value: median(values), unit: 'ms', goal: '50 or less' },
    { figure: `${figure}, 99 % within`, value: p99, unit: 'ms', goal: '200 or less' },
  ];
}

/** When a request was asked, or when the kernel saw a packet, and how long it took from there to the line: milliseconds. */
interface Seen {
  readonly at: number;
  readonly delay: number;
}

interface Lines {
  readonly requests: readonly Seen[];
  readonly packets: readonly Seen[];
  readonly stop: () => void;
}

async function followFlows(cluster: TestCluster, within: readonly string[]): Promise<Lines> {
  const { stdout: settings } = await cluster.ciliate('env');
  const server = /HUBBLE_SERVER=(\S+)/.exec(settings)?.[1] ?? '';
  const command = [path.join(projectRoot, 'src/cli/ciliate.ts'), 'hubble', 'observe', '-f', '-o', 'jsonpb'];
  const [program, ...args] = [...within, process.execPath, ...command, '--server', server];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const requests: Seen[] = [];
  const packets: Seen[] = [];
  const seen = (at: number): Seen => ({ at, delay: performance.timeOrigin + performance.now() - at });
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.includes('"type":"REQUEST"')) {
      const [, asked] = /[?]at=([\d.]+)/.exec(line) ?? [];
      if (asked !== undefined) requests.push(seen(Number(asked)));
    } else if (line.includes('"Type":"L3_L4"')) {
      const [, time = ''] = /"time":"([^"]+)"/.exec(line) ?? [];
      packets.push(seen(Date.parse(time)));
    }
  });
  await sleep(1_000);
  return {
    requests,
    packets,
    stop: () => child.kill('SIGKILL'),
  };
}

async function load(
  cluster: TestCluster,
  runSeconds: number,
): Promise<{ readonly answered: number; readonly took: number }> {
  const script = path.join(projectRoot, 'bench/hubble/requests.mjs');
  const url = 'http://echo-other-node:8080/';
  const { stdout, stderr } = await cluster.exec(
    'client2',
    process.execPath,
    script,
    url,
    String(rate),
    String(runSeconds),
  );
  const told = JSON.parse(stdout || '{}') as { answered?: number; failed?: number; seconds?: number };
  if (!told.answered || told.failed) throw new Error(`requests of the bench failed: ${stdout}${stderr}`);
  return { answered: told.answered, took: told.seconds ?? runSeconds };
}

function schedule({ programs: { chrt } }: Tools, how: readonly string[]): void {
  if (process.getuid?.() === 0 && chrt !== undefined) execFileSync(chrt, [...how, String(process.pid)]);
}
