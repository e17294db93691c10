import { type ChildProcess, spawn } from 'node:child_process';
import { openSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { server } from '../../src/proxy/testing/certificates.ts';
import { projectRoot } from '../../test/e2e/cluster.ts';
import { benchHost } from './load.ts';
import { envoyBootstrap, haproxyConfig, nginxConfig } from './peers.ts';
import type { Tools } from './tools.ts';

export type ProgramName =
  | 'ours'
  | 'ours, two workers'
  | 'nginx'
  | 'nginx 64k'
  | 'nginx h2'
  | 'ours TLS'
  | 'nginx TLS'
  | 'Envoy TLS'
  | 'HAProxy'
  | 'HAProxy 64k'
  | 'Envoy'
  | 'C relay';

export interface BenchPorts {
  readonly host: string;
  readonly backends: readonly [number, number];
  readonly sink: number;
}

export interface Program {
  readonly name: ProgramName;
  readonly port: number;
  readonly pid: number;
}

/** All programs, started and waiting on ports of their own. */
export interface Programs extends AsyncDisposable {
  readonly list: readonly Program[];
  readonly wrk: readonly string[];
  /** Loads over HTTP/2; empty where it is not to be had. */
  readonly h2load: readonly string[];
}

const READY_MS = 15_000;
const bufferBytes = 65_536;

/** The processor that programs under test have for themselves, and the one that load and backends share. */
export const pinned = { program: '0', load: '1', both: '0,1' } as const;

/** Starts the backend and every program that there is; each is asked once whether it does all of its work. */
export async function startPrograms(tools: Tools, folder: string): Promise<Programs> {
  const children: ChildProcess[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(children.map(ended));
  };
  try {
    const [one = 0, two = 0, sink = 0] = await freePorts(3);
    const ports: BenchPorts = { host: '127.0.0.1', backends: [one, two], sink };
    if (tools.backend === undefined) throw new Error('no backend: gcc is missing');
    children.push(
      start('backend', pinTo(tools, pinned.load, [tools.backend, ...[one, two, sink].map(String)]), folder),
    );
    await answers(one);
    const list: Program[] = [];
    for (const { name, command } of commands(tools, ports, folder)) {
      const [port = 0] = await freePorts(1);
      const processors = name === 'ours, two workers' ? pinned.both : pinned.program;
      const child = start(name, pinTo(tools, processors, command(port)), folder);
      children.push(child);
      await answers(port, child, path.join(folder, `${name}.out`), askerOf(name));
      if (name !== 'C relay') await doesItsWork(name, port);
      list.push({ name, port, pid: child.pid ?? 0 });
    }
    const wrk = pinTo(tools, pinned.load, [tools.programs.wrk ?? '']);
    const { h2load } = tools.programs;
    return { list, wrk, h2load: h2load ? pinTo(tools, pinned.load, [h2load]) : [], [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Command {
  readonly name: ProgramName;
  readonly command: (port: number) => readonly string[];
}

function commands(tools: Tools, ports: BenchPorts, folder: string): readonly Command[] {
  const written = (name: string, text: string): string => {
    const file = path.join(folder, name);
    writeFileSync(file, text);
    return file;
  };
  const bootstrap = (name: string, port: number, tls = false): string =>
    written(`${name}.json`, JSON.stringify(envoyBootstrap(ports, port, path.join(folder, `${name}.log`), [], tls)));
  written('tls.crt', server.certificate);
  written('tls.key', server.key);
  const { nginx, haproxy } = tools.programs;
  const { envoy, relay } = tools;
  const ours = (file: string): readonly string[] => [
    process.execPath,
    path.join(projectRoot, 'src/proxy/main.ts'),
    '-c',
    file,
  ];
  const list: Command[] = [
    { name: 'ours', command: (port) => ours(bootstrap('ours', port)) },
    { name: 'ours TLS', command: (port) => ours(bootstrap('tls', port, true)) },
    { name: 'ours, two workers', command: (port) => [...ours(bootstrap('two', port)), '--concurrency', '2'] },
  ];
  if (nginx !== undefined) {
    const command = (options: Parameters<typeof nginxConfig>[3]) => (port: number) => {
      const file = written(`nginx-${port}.conf`, nginxConfig(ports, port, folder, options));
      return [nginx, '-p', folder, '-c', file, '-e', path.join(folder, 'nginx.error')];
    };
    list.push(
      { name: 'nginx', command: command({}) },
      { name: 'nginx 64k', command: command({ bigBuffers: true }) },
      { name: 'nginx h2', command: command({ http2: true }) },
      { name: 'nginx TLS', command: command({ tls: true }) },
    );
  }
  if (haproxy !== undefined) {
    const command = (bytes: number | undefined) => (port: number) => {
      return [haproxy, '-db', '-f', written(`haproxy-${port}.cfg`, haproxyConfig(ports, port, bytes))];
    };
    list.push({ name: 'HAProxy', command: command(undefined) }, { name: 'HAProxy 64k', command: command(bufferBytes) });
  }
  if (envoy !== undefined) {
    const flags = ['--concurrency', '1', '--use-dynamic-base-id', '-l', 'error'];
    list.push(
      { name: 'Envoy', command: (port) => [envoy, '-c', bootstrap('envoy', port), ...flags] },
      { name: 'Envoy TLS', command: (port) => [envoy, '-c', bootstrap('envoy-tls', port, true), ...flags] },
    );
  }
  if (relay !== undefined) {
    list.push({ name: 'C relay', command: (port) => [relay, String(port), String(ports.backends[0])] });
  }
  return list;
}

/** On its processor, and for root before everything else that runs on the machine. */
export function pinTo(
  { programs: { taskset, chrt } }: Tools,
  processor: string,
  command: readonly string[],
): readonly string[] {
  const first = process.getuid?.() === 0 && chrt !== undefined ? [chrt, '--rr', '1'] : [];
  return taskset === undefined ? command : [...first, taskset, '-c', processor, ...command];
}

export function start(name: string, [program = '', ...args]: readonly string[], folder: string): ChildProcess {
  const log = openSync(path.join(folder, `${name}.out`), 'w');
  return spawn(program, args, { stdio: ['ignore', log, log], cwd: folder });
}

export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 3_000);
  await exit;
  clearTimeout(timer);
}

export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => net.createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject);
          server.listen(0, '127.0.0.1', () => resolve((server.address() as net.AddressInfo).port));
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
}

function ask(port: number, method: string, secure = false): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = {
      port,
      host: '127.0.0.1',
      path: '/api/v1/small',
      method,
      headers: { host: benchHost },
      agent: false,
    };
    const onResponse = (response: http.IncomingMessage): void => {
      response.resume();
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers }));
    };
    const request = secure
      ? https.request({ ...options, rejectUnauthorized: false }, onResponse)
      : http.request(options, onResponse);
    request.on('error', reject);
    request.setTimeout(2_000, () => request.destroy(new Error(`no answer on port ${port}`)));
    request.end();
  });
}

function askerOf(name: ProgramName): (port: number, method: string) => Promise<Answer> {
  if (name === 'nginx h2') return askOverHttp2;
  return name.endsWith(' TLS') ? (port, method) => ask(port, method, true) : ask;
}

function askOverHttp2(port: number, method: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const session = http2.connect(`http://127.0.0.1:${port}`);
    const failed = (error: Error): void => {
      session.destroy();
      reject(error);
    };
    session.on('error', failed);
    session.setTimeout(2_000, () => failed(new Error(`no answer on port ${port}`)));
    const stream = session.request({ ':path': '/api/v1/small', ':method': method, ':authority': benchHost });
    stream.on('error', failed);
    stream.on('response', (headers) => {
      session.destroy();
      resolve({ status: headers[':status'] ?? 0, headers });
    });
    stream.end();
  });
}

export async function answers(
  port: number,
  child?: ChildProcess,
  log?: string,
  asked: (port: number, method: string) => Promise<unknown> = askerOf('ours'),
): Promise<void> {
  const deadline = performance.now() + READY_MS;
  for (;;) {
    try {
      await asked(port, 'GET');
      return;
    } catch (error) {
      const gone = child !== undefined && child.exitCode !== null;
      if (gone || performance.now() > deadline) throw new Error(`${error}\n${log ? readFileSync(log, 'utf8') : ''}`);
      await sleep(50);
    }
  }
}

/** A comparison is only one when every program allows, refuses and adds the same. */
async function doesItsWork(name: ProgramName, port: number): Promise<void> {
  const asked = askerOf(name);
  const good = await asked(port, 'GET');
  const refused = await asked(port, 'POST');
  if (good.status !== 200 || good.headers['x-bench-response'] !== '1' || refused.status !== 403) {
    throw new Error(`${name} does not do its work: ${JSON.stringify([good, refused])}`);
  }
}
