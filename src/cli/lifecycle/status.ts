import { type ClusterHome, clusterHome, isRunning, readRecord, readUplinkStatus } from '../../embedded/index.ts';
import { createClient, loadKubeConfig } from '../../kube/index.ts';
import type { Command } from '../io.ts';

interface Listed {
  readonly metadata: { readonly name: string };
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

const requestTimeoutMs = 5_000;

/** Says whether a cluster runs in this home, where it is reached and whether its nodes and pods are well; 1 when it is not. */
export const statusCommand: Command = async (argv, io) => {
  if (argv.length > 0) {
    const asked = argv[0] === '--help';
    (asked ? io.stdout : io.stderr).write('Usage: ciliate status\n');
    return asked ? 0 : 2;
  }
  const home = clusterHome(io.environment);
  const record = readRecord(home);
  if (!record || !isRunning(record)) {
    io.stdout.write(`No cluster runs in ${home.directory}.\n`);
    return 1;
  }
  const access = loadKubeConfig(home.kubeconfig, io.environment);
  if (!access.ok) {
    io.stderr.write(`ciliate: ${access.error.message}\n`);
    return 1;
  }
  const client = createClient(access.value);
  const list = (resource: string) =>
    client.list<Listed>({ group: '', version: 'v1', resource }, { timeoutMs: requestTimeoutMs });
  const [nodes, pods] = await Promise.all([list('nodes'), list('pods')]);
  client.close();
  if (!nodes.ok || !pods.ok) {
    const error = nodes.ok ? (pods.ok ? undefined : pods.error) : nodes.error;
    io.stderr.write(`ciliate: the API server does not answer: ${error?.message}\n`);
    return 1;
  }
  const isReady = ({ status }: Listed): boolean =>
    status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true;
  const readyNodes = nodes.value.items.filter(isReady).length;
  const readyPods = pods.value.items.filter(isReady).length;
  io.stdout.write(
    [
      `Home:          ${home.directory} (process ${record.pid})`,
      `API server:    https://127.0.0.1:${record.apiPort} (KUBECONFIG=${home.kubeconfig})`,
      `Hubble Relay:  127.0.0.1:${record.relayPort}`,
      `Page of flows: http://localhost:${record.pagePort}/`,
      `Uplink:        ${uplinkLine(home)}`,
      `Nodes:         ${readyNodes}/${nodes.value.items.length} Ready`,
      `Pods:          ${readyPods}/${pods.value.items.length} Ready`,
      '',
    ].join('\n'),
  );
  return readyNodes === nodes.value.items.length ? 0 : 1;
};

/** The way out of the cluster; a cluster without one is well. */
function uplinkLine(home: ClusterHome): string {
  const uplink = readUplinkStatus(home);
  return uplink ? `${uplink.state} (${uplink.detail})` : 'unknown';
}
