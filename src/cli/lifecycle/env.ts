import { clusterHome, readRecord } from '../../embedded/index.ts';
import type { Command } from '../io.ts';

/** Prints shell assignments for `eval`: the cluster's commands on PATH, its kubeconfig, its Hubble Relay. */
export const envCommand: Command = async (argv, io) => {
  if (argv.length > 0) {
    const asked = argv[0] === '--help';
    (asked ? io.stdout : io.stderr).write(
      'Usage: eval "$(ciliate env)"\nPuts cilium, hubble and ciliate on PATH and sets KUBECONFIG and HUBBLE_SERVER.\n',
    );
    return asked ? 0 : 2;
  }
  const home = clusterHome(io.environment);
  const record = readRecord(home);
  if (!record) {
    io.stderr.write(`ciliate: no cluster in ${home.directory}; start one with: ciliate up --detach\n`);
    return 1;
  }
  const lines = [
    `export CILIATE_HOME=${quote(home.directory)}`,
    `export KUBECONFIG=${quote(home.kubeconfig)}`,
    `export HUBBLE_SERVER=localhost:${record.relayPort}`,
    `export PATH=${quote(home.bin)}:"$PATH"`,
  ];
  io.stdout.write(`${lines.join('\n')}\n`);
  return 0;
};

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
