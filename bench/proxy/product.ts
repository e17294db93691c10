import { type ChildProcess, spawn } from 'node:child_process';
import { openSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bootstrapText } from '../../src/embedded/bootstrap.ts';
import { projectRoot } from '../../test/e2e/cluster.ts';
import { serveControlPlane } from './control.ts';
import { type BenchNetwork, createNetwork } from './network.ts';
import { ended, pinned, pinTo } from './programs.ts';
import type { Tools } from './tools.ts';

/** A data plane behind a redirect, as `ciliate up` sets it up. */
export interface Product {
  readonly name: 'ours' | 'Envoy';
  readonly pid: number;
  readonly url: string;
}

export interface Products extends AsyncDisposable {
  readonly list: readonly Product[];
  /** The load, in the client's namespace. */
  readonly wrk: readonly string[];
}

const READY_MS = 20_000;
const places = { ours: { port: 8080, listener: 15_001 }, Envoy: { port: 8081, listener: 15_002 } } as const;

/** Namespaces of a client, a node and a server; on the node each data plane with a control plane of its own. */
export async function startProducts(tools: Tools, folder: string): Promise<Products> {
  const network = createNetwork(new Map(Object.values(places).map(({ port, listener }) => [port, listener])));
  const children: ChildProcess[] = [];
  const closing: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(children.map(ended));
    await Promise.all(closing.map((close) => close()));
    network[Symbol.dispose]();
  };
  const run = (name: string, namespace: string, processor: string, command: readonly string[]): ChildProcess => {
    const log = openSync(path.join(folder, `product-${name}.out`), 'w');
    const args = ['netns', 'exec', namespace, ...pinTo(tools, processor, command)];
    const env = { ...process.env, BACKEND_ADDRESS: network.serverAddress };
    const child = spawn('ip', args, { stdio: ['ignore', log, log], cwd: folder, env });
    children.push(child);
    return child;
  };
  try {
    const ports = [places.ours.port, places.Envoy.port, 8082].map(String);
    run('backend', network.server, pinned.load, [tools.backend ?? '', ...ports]);
    const list: Product[] = [];
    for (const name of ['ours', 'Envoy'] as const) {
      if (name === 'Envoy' && tools.envoy === undefined) continue;
      const { port, listener } = places[name];
      const socket = path.join(folder, `${name}.sock`);
      closing.push(await serveControlPlane(socket, listener, network.clientAddress));
      const file = writeBootstrap(folder, name, socket);
      const program =
        name === 'ours'
          ? [process.execPath, path.join(projectRoot, 'src/proxy/main.ts'), '-c', file]
          : [tools.envoy ?? '', '-c', file, '--concurrency', '1', '--use-dynamic-base-id', '-l', 'error'];
      const child = run(name, network.node, pinned.program, program);
      const url = `http://${network.serverAddress}:${port}`;
      await answers(network, url);
      list.push({ name, pid: child.pid ?? 0, url });
    }
    const wrk = ['ip', 'netns', 'exec', network.client, ...pinTo(tools, pinned.load, [tools.programs.wrk ?? ''])];
    return { list, wrk, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

export function writeBootstrap(folder: string, name: string, agentSocket: string): string {
  const file = path.join(folder, `product-${name}.yaml`);
  const adminSocket = path.join(folder, `${name}-admin.sock`);
  const metrics = { address: '127.0.0.1', port: 0 };
  writeFileSync(file, bootstrapText({ nodeName: name, clusterName: 'bench', agentSocket, adminSocket, metrics }));
  return file;
}

/** Until the policy is seen to work: it lets `GET` through and refuses `POST`. */
export async function answers({ client }: BenchNetwork, url: string): Promise<void> {
  const deadline = performance.now() + READY_MS;
  for (;;) {
    const allowed = await status(client, 'GET', `${url}/api/v1/small`);
    const refused = await status(client, 'POST', `${url}/api/v1/small`);
    if (allowed === '200' && refused === '403') return;
    if (performance.now() > deadline) throw new Error(`${url} answers ${allowed} and ${refused}`);
    await sleep(100);
  }
}

function status(namespace: string, method: string, url: string): Promise<string> {
  const curl = ['curl', '-s', '-m', '2', '-o', '/dev/null', '-w', '%{http_code}', '-X', method, url];
  const child = spawn('ip', ['netns', 'exec', namespace, ...curl], { stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  child.stdout.on('data', (bytes: Buffer) => {
    text += bytes.toString();
  });
  return new Promise((resolve) => child.once('close', () => resolve(text)));
}
