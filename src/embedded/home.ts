import { mkdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** Where one cluster keeps its files; two homes are two clusters. */
export interface ClusterHome {
  readonly directory: string;
  /** API server database, certificates, ports: survives a restart. */
  readonly state: string;
  /** What belongs to the running processes only. */
  readonly run: string;
  readonly logs: string;
  /** `cilium`, `hubble` and `ciliate` for the user's PATH. */
  readonly bin: string;
  readonly kubeconfig: string;
  /** The running cluster's record, see `ClusterRecord`. */
  readonly record: string;
}

/** The home named by `CILIATE_HOME`, else `~/.ciliate`. */
export function clusterHome(environment: NodeJS.ProcessEnv = process.env): ClusterHome {
  const directory = path.resolve(environment['CILIATE_HOME'] ?? path.join(os.homedir(), '.ciliate'));
  const run = path.join(directory, 'run');
  return {
    directory,
    state: path.join(directory, 'state'),
    run,
    logs: path.join(directory, 'logs'),
    bin: path.join(directory, 'bin'),
    kubeconfig: path.join(directory, 'kubeconfig'),
    record: path.join(run, 'cluster.json'),
  };
}

export function makeHome(home: ClusterHome): void {
  for (const directory of [home.directory, home.state, home.run, home.logs, home.bin]) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }
}
