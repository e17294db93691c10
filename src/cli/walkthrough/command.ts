import { existsSync } from 'node:fs';
import path from 'node:path';
import {
  type ClusterHome,
  clusterHome,
  isRunning,
  launchCluster,
  readRecord,
  stopCluster,
} from '../../embedded/index.ts';
import type { Command, CommandIo } from '../io.ts';
import { steps } from './steps.ts';
import { painter, type StepVerdict, walk } from './walker.ts';

const usage = `Usage: npm start [-- --once]
Starts a two-node cluster, deploys the test workloads and walks through Layer-7 traffic management.
  --once   take the cluster down at the end
`;

/** Starts a cluster, walks the steps, leaves the cluster running (or, with `--once` or on Ctrl-C, not); 0 only when every step held. */
export const walkthroughCommand: Command = async (argv, io) => {
  const unknown = argv.find((argument) => argument !== '--once');
  if (unknown !== undefined) {
    const asked = unknown === '--help' || unknown === '-h';
    (asked ? io.stdout : io.stderr).write(asked ? usage : `ciliate: unknown argument ${unknown}\n${usage}`);
    return asked ? 0 : 2;
  }
  const home = clusterHome(io.environment);
  const interrupt = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => interrupt.abort());
  if (!(await start(home, io))) return 1;
  const verdicts = await walk(steps, {
    programs: programs(io.environment),
    environment: commandEnvironment(home, io.environment),
    output: io.stdout,
    colour: useColour(io),
    signal: interrupt.signal,
  });
  if (interrupt.signal.aborted) {
    await stopCluster(home);
    io.stderr.write('\nInterrupted; the cluster has stopped.\n');
    return 130;
  }
  const held = printVerdicts(verdicts, io);
  if (argv.includes('--once')) await stopCluster(home);
  else io.stdout.write(goOn);
  return held ? 0 : 1;
};

const goOn = `
The cluster goes on in the background:
  eval "$(npx ciliate env)"      # kubectl, cilium and hubble now speak to it
  kubectl get pods -A
  hubble observe -f
  npm stop                       # ends it; nothing is left
`;

async function start(home: ClusterHome, io: CommandIo): Promise<boolean> {
  const running = readRecord(home);
  if (running && isRunning(running)) {
    io.stdout.write(`The cluster in ${home.directory} is running already.\n`);
    return true;
  }
  io.stdout.write('Starting two nodes...\n');
  const startedAt = performance.now();
  const launched = await launchCluster(home, { nodes: 2 });
  if (!launched.ok) {
    io.stderr.write(`ciliate: ${launched.error}\n`);
    return false;
  }
  launched.value.process.unref();
  io.stdout.write(`Both nodes are Ready after ${((performance.now() - startedAt) / 1000).toFixed(1)} s.\n`);
  return true;
}

/** The commands as a user has them: the machine's kubectl where there is one, else ours on the same API. */
function programs(environment: NodeJS.ProcessEnv) {
  const ciliate = [process.execPath, path.resolve(import.meta.dirname, '../ciliate.ts')];
  const installed = (environment['PATH'] ?? '')
    .split(':')
    .some((folder) => folder !== '' && existsSync(path.join(folder, 'kubectl')));
  return {
    kubectl: installed ? ['kubectl'] : [...ciliate, 'kubectl'],
    hubble: [...ciliate, 'hubble'],
    cilium: [...ciliate, 'cilium'],
  };
}

function commandEnvironment(home: ClusterHome, environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const relayPort = readRecord(home)?.relayPort;
  return {
    ...environment,
    KUBECONFIG: home.kubeconfig,
    HUBBLE_SERVER: `localhost:${relayPort}`,
    CILIATE_HOME: home.directory,
  };
}

function printVerdicts(verdicts: readonly StepVerdict[], io: CommandIo): boolean {
  const paint = painter(useColour(io));
  io.stdout.write('\n');
  for (const [index, { title, failures, seconds }] of verdicts.entries()) {
    const word = failures.length === 0 ? paint.green('held  ') : paint.red('FAILED');
    io.stdout.write(`${word} step ${index + 1}: ${title} (${seconds.toFixed(1)} s)\n`);
    for (const failure of failures) io.stdout.write(`         ${failure}\n`);
  }
  return verdicts.length === steps.length && verdicts.every(({ failures }) => failures.length === 0);
}

function useColour(io: CommandIo): boolean {
  return io.environment['NO_COLOR'] === undefined && 'isTTY' in io.stdout && io.stdout.isTTY === true;
}
