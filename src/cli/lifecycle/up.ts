import { once } from 'node:events';
import { statSync } from 'node:fs';
import path from 'node:path';
import { CommanderError, InvalidArgumentError, Option, Command as Parser } from 'commander';
import { clusterHome, launchCluster, stopCluster } from '../../embedded/index.ts';
import type { Command } from '../io.ts';

const nodesMax = 16;

interface UpFlags {
  readonly nodes: number;
  readonly datapathMode?: 'vxlan' | 'direct';
  readonly externalTarget?: string;
  readonly filterModules: readonly string[];
  readonly uplink: boolean;
  readonly detach?: boolean;
}

/** Starts the cluster; without `--detach` it stays in the foreground and Ctrl-C takes the cluster down. */
export const upCommand: Command = async (argv, io) => {
  const parser = new Parser('ciliate up')
    .description('Start the cluster of CILIATE_HOME.')
    .option('--nodes <number>', `number of nodes, 1 to ${nodesMax}`, parseNodes, 2)
    .addOption(new Option('--datapath-mode <mode>', 'how packets travel between nodes').choices(['vxlan', 'direct']))
    .option('--external-target <name>', 'DNS name of the host that stands outside the cluster')
    .option('--filter-modules <folder>', 'folder of HTTP filters in TypeScript; may be repeated', addFolder, [])
    .option('--no-uplink', 'keep pods from reaching what lies beyond this machine')
    .option('--detach', 'leave the cluster running in the background')
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(text) })
    .exitOverride();
  try {
    parser.parse([...argv], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  }
  const flags = parser.opts<UpFlags>();
  const home = clusterHome(io.environment);
  const startedAt = performance.now();
  const launched = await launchCluster(home, {
    nodes: flags.nodes,
    ...(flags.datapathMode && { datapathMode: flags.datapathMode }),
    uplink: flags.uplink,
    filterModules: flags.filterModules,
    ...(flags.externalTarget && { externalTarget: flags.externalTarget }),
  });
  if (!launched.ok) {
    io.stderr.write(`ciliate: ${launched.error}\n`);
    return 1;
  }
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  io.stdout.write(
    `The cluster is ready: ${flags.nodes} nodes after ${seconds} s.\n  eval "$(npx ciliate env)"   puts cilium and hubble on PATH and sets KUBECONFIG\n  http://localhost:${launched.value.record.pagePort}/      shows who talks to whom in a browser\n`,
  );
  const { process: child } = launched.value;
  if (flags.detach) {
    child.unref();
    return 0;
  }
  io.stdout.write('Ctrl-C stops it.\n');
  const ended = once(child, 'exit').then(() => 'ended' as const);
  const interrupted = new Promise<'interrupted'>((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => resolve('interrupted'));
  });
  if ((await Promise.race([ended, interrupted])) === 'interrupted') {
    await stopCluster(home);
    return 0;
  }
  io.stderr.write(`ciliate: the cluster ended by itself; see ${home.logs}\n`);
  return 1;
};

function addFolder(folder: string, before: readonly string[]): readonly string[] {
  const resolved = path.resolve(folder);
  if (statSync(resolved, { throwIfNoEntry: false })?.isDirectory()) return [...before, resolved];
  throw new InvalidArgumentError('there is no such folder.');
}

function parseNodes(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > nodesMax)
    throw new InvalidArgumentError(`a number from 1 to ${nodesMax} is needed.`);
  return value;
}
