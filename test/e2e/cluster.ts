import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

export const projectRoot = path.resolve(import.meta.dirname, '../..');
const program = path.join(projectRoot, 'src/cli/ciliate.ts');

export interface Output {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A cluster of the tests' own in a temporary home. */
export interface TestCluster {
  readonly home: string;
  readonly environment: NodeJS.ProcessEnv;
  ciliate(...args: string[]): Promise<Output>;
  /** The machine's kubectl, else the project's own. */
  kubectl(...args: string[]): Promise<Output>;
  kubectlWithInput(input: string, ...args: string[]): Promise<Output>;
  /** Runs a command in the first pod of `cilium-test` with this `name` label. */
  exec(name: string, ...command: string[]): Promise<Output>;
  /** HTTP status of a request from such a pod; `000` when no connection came about. */
  status(name: string, url: string): Promise<string>;
  hubble(...args: string[]): Promise<readonly string[]>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Of any command; the longest, all connectivity tests, takes about a minute. */
const timeoutMs = 240_000;

async function run(command: readonly string[], environment: NodeJS.ProcessEnv, input = ''): Promise<Output> {
  const [file = '', ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      env: environment,
      stdio: 'pipe',
      signal: AbortSignal.timeout(timeoutMs),
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
    child.once('error', reject);
    child.once('close', (code) => resolve({ exitCode: code ?? -1, stdout, stderr }));
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

function hasKubectl(): boolean {
  return (process.env['PATH'] ?? '')
    .split(':')
    .some((folder) => folder !== '' && existsSync(path.join(folder, 'kubectl')));
}

/**
 * A home without a cluster yet; disposing of it stops what runs there and removes it.
 * `within` is a command that runs the command after it, on another "host" for instance; `owner` the user it runs as.
 */
export async function testCluster({
  within = [],
  owner,
}: {
  readonly within?: readonly string[];
  readonly owner?: number;
} = {}): Promise<TestCluster> {
  const home = await mkdtemp(path.join(os.tmpdir(), 'ciliate-e2e-'));
  const environment = { ...process.env, CILIATE_HOME: home, KUBECONFIG: path.join(home, 'kubeconfig') };
  if (owner !== undefined) await chown(home, owner, owner);
  const node = [...within, process.execPath, program];
  const kubectl = hasKubectl() ? [...within, 'kubectl'] : [...node, 'kubectl'];
  const podOf = async (name: string): Promise<string> => {
    const { stdout } = await run(
      [
        ...kubectl,
        'get',
        'pods',
        '-n',
        'cilium-test',
        '-l',
        `name=${name}`,
        '-o',
        'jsonpath={.items[0].metadata.name}',
      ],
      environment,
    );
    return stdout;
  };
  const cluster: TestCluster = {
    home,
    environment,
    ciliate: (...args) => run([...node, ...args], environment),
    kubectl: (...args) => run([...kubectl, ...args], environment),
    kubectlWithInput: (input, ...args) => run([...kubectl, ...args], environment, input),
    exec: async (name, ...command) =>
      run([...kubectl, 'exec', '-n', 'cilium-test', await podOf(name), '--', ...command], environment),
    status: async (name, url) =>
      (
        await cluster.exec(
          name,
          'curl',
          '-s',
          '-o',
          '/dev/null',
          '-w',
          '%{http_code}',
          '--connect-timeout',
          '1',
          '--max-time',
          '5',
          url,
        )
      ).stdout,
    hubble: async (...args) => {
      const { stdout: settings } = await cluster.ciliate('env');
      const server = /HUBBLE_SERVER=(\S+)/.exec(settings)?.[1];
      const { stdout } = await run([...node, 'hubble', ...args], { ...environment, HUBBLE_SERVER: server });
      return stdout.split('\n').filter((line) => line !== '');
    },
    [Symbol.asyncDispose]: async () => {
      await cluster.ciliate('down');
      await rm(home, { recursive: true, force: true });
    },
  };
  return cluster;
}

/** Asks again until the answer is the wanted one, for at most `limitMs`; gives the last answer. */
export async function eventually<T>(ask: () => Promise<T>, holds: (answer: T) => boolean, limitMs = 5_000): Promise<T> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (holds(answer) || performance.now() > deadline) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
