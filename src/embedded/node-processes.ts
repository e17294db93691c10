import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Logger } from '../base/index.ts';
import { addresses, clusterName, version } from './addons.ts';
import { bootstrapText } from './bootstrap.ts';
import type { ClusterHome } from './home.ts';
import { agentApiSocket } from './sockets.ts';
import { type SupervisedProcess, supervise } from './supervisor.ts';

export interface NodeProcessOptions {
  readonly node: { readonly name: string; readonly address: string; readonly network: string };
  readonly home: ClusterHome;
  readonly agentKubeconfig: string;
  readonly filterModules: readonly string[];
  readonly log: Logger;
}

const source = path.resolve(import.meta.dirname, '..');
/** Young garbage in small steps: the processes idle most of the time and memory counts. */
const nodeFlags = ['--max-semi-space-size=2'];

/** A proxy that finds itself without these starts anew with them. */
const proxyEnvironment = { MALLOC_ARENA_MAX: '1' };
const proxyNodeFlags = [...nodeFlags, '--expose-gc'];

/** What changes takes hold with the next response of each connection, and flows are written soon. */
const proxyFlags = ['--drain-strategy', 'immediate', '--file-flush-interval-msec', '1000'];

/** Keeps a node's agent and data plane running in the node's network namespace. */
export function superviseNode({
  node,
  home,
  agentKubeconfig,
  filterModules,
  log,
}: NodeProcessOptions): SupervisedProcess {
  const socket = `/run/ciliate/${node.name}.sock`;
  const bootstrap = path.join(home.run, `${node.name}-bootstrap.yaml`);
  writeFileSync(
    bootstrap,
    bootstrapText({
      nodeName: node.name,
      clusterName,
      agentSocket: socket,
      adminSocket: `/run/ciliate/${node.name}-admin.sock`,
      metrics: { address: node.address, port: addresses.proxyMetricsPort },
    }),
  );
  const agentOptions = {
    nodeName: node.name,
    clusterName,
    nodeAddress: node.address,
    kubeconfig: agentKubeconfig,
    socket,
    apiSocket: agentApiSocket(node.name),
    stateDirectory: path.join(home.state, 'agents', node.name),
    hubblePort: addresses.hubblePort,
    relayAddress: addresses.fabric,
    metricsPort: addresses.agentMetricsPort,
    hubbleMetricsPort: addresses.hubbleMetricsPort,
    version,
  };
  const moduleFlags = filterModules.flatMap((folder) => ['--filter-modules', folder]);
  const inside = (flags: readonly string[], main: string, ...args: string[]) => [
    `--net=${node.network}`,
    process.execPath,
    ...flags,
    path.join(source, main),
    ...args,
  ];
  const processes = [
    { name: `${node.name}-agent`, args: inside(nodeFlags, 'agent/main.ts', JSON.stringify(agentOptions)) },
    {
      name: `${node.name}-proxy`,
      args: inside(proxyNodeFlags, 'proxy/main.ts', '-c', bootstrap, ...proxyFlags, ...moduleFlags),
      environment: proxyEnvironment,
    },
  ].map((part) => supervise({ ...part, program: 'nsenter', logFile: path.join(home.logs, `${part.name}.log`) }, log));
  return {
    stop: async () => {
      await Promise.all(processes.map((supervised) => supervised.stop()));
    },
  };
}
