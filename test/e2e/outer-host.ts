import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export const outsideAddress = '198.51.100.10';
export const hostAddress = '198.51.100.2';

/** A "host" in a network namespace of its own with one neighbour that stands for the internet. */
export interface OuterHost {
  /** Prefix that runs a command on that host, as root or another user, without the `hidden` programs. */
  within(options: { readonly user?: number; readonly hidden?: readonly string[] }): readonly string[];
  /** Runs a command on the host as root and gives what it prints. */
  output(...command: string[]): string;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Needs root. `loopbackPort`: a port of the host's own loopback on which something answers HTTP. */
export async function outerHost(loopbackPort: number): Promise<OuterHost> {
  const host = `e2e-host-${process.pid}`;
  const outside = `e2e-out-${process.pid}`;
  const directory = mkdtempSync(path.join(os.tmpdir(), 'ciliate-outer-'));
  chmodSync(directory, 0o755);
  const resolvers = path.join(directory, 'etc/resolv.conf');
  mkdirSync(path.dirname(resolvers));
  const tunnel = path.join(directory, 'tun');
  writeFileSync(resolvers, `nameserver ${outsideAddress}\n`);
  execFileSync('mknod', ['-m', '0666', tunnel, 'c', '10', '200']);
  for (const name of [host, outside]) ip('netns', 'add', name);
  ip('-n', host, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', outside);
  for (const [name, address] of [
    [host, hostAddress],
    [outside, outsideAddress],
  ] as const) {
    ip('-n', name, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
    for (const link of ['lo', 'eth0']) ip('-n', name, 'link', 'set', link, 'up');
  }
  ip('-n', host, 'route', 'add', 'default', 'via', outsideAddress);
  const inside = (name: string, ...args: string[]): ChildProcess =>
    spawn('ip', ['netns', 'exec', name, process.execPath, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const servers = [
    inside(outside, path.join(import.meta.dirname, 'outside-host.ts'), outsideAddress),
    inside(host, '-e', loopbackServer(loopbackPort)),
  ];
  await Promise.all(servers.map(async (server) => server.stdout && once(server.stdout, 'data')));

  // A mount on a single file below would keep an ordinary user from mounting the directory again for his pods.
  const overlay = (top: string): string =>
    `mount -t overlay overlay -o 'lowerdir=${directory}/${top}:/${top}' '/${top}'`;

  return {
    within({ user, hidden = [] }) {
      const covers = hidden.flatMap(programPaths).map((file) => {
        if (!file.startsWith('/usr/')) return `mount --bind /dev/null '${file}'`;
        mkdirSync(path.join(directory, path.dirname(file)), { recursive: true });
        writeFileSync(path.join(directory, file), '', { mode: 0o644 });
        return overlay('usr');
      });
      const mounts = [overlay('etc'), `mount --bind '${tunnel}' /dev/net/tun`, ...new Set(covers)];
      const identity = user === undefined ? [] : ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups'];
      return ['ip', 'netns', 'exec', host, 'sh', '-c', `${mounts.join(' && ')} && exec "$@"`, 'sh', ...identity];
    },
    output: (...command) => execFileSync('ip', ['netns', 'exec', host, ...command], { encoding: 'utf8' }),
    async [Symbol.asyncDispose]() {
      for (const server of servers) {
        server.kill('SIGKILL');
        if (server.exitCode === null && server.signalCode === null) await once(server, 'exit');
      }
      for (const name of [host, outside]) ip('netns', 'del', name);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Why tests on such a host cannot run here, as this user; false when they can. */
export function outerHostObstacle(user?: number): string | false {
  if (process.getuid?.() !== 0) return 'SKIPPED: only root can make the namespaces that stand for a host';
  if (user === undefined) return false;
  const identity = [`--reuid=${user}`, `--regid=${user}`, '--clear-groups'];
  const tried = spawnSync('setpriv', [...identity, 'unshare', '--user', '--map-root-user', '--net', 'true']);
  return tried.status === 0 ? false : 'SKIPPED: ordinary users cannot make namespaces on this machine';
}

export function programPaths(name: string): readonly string[] {
  const folders = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`.split(':').filter((folder) => path.isAbsolute(folder));
  const files = folders.map((folder) => path.join(folder, name)).filter((file) => existsSync(file));
  return [...new Set(files.map((file) => path.join(realpathSync(path.dirname(file)), name)))];
}

function loopbackServer(port: number): string {
  const answer = "require('node:http').createServer((_, response) => response.end('loopback'))";
  return `${answer}.listen(${port}, '127.0.0.1', () => console.log('ready'))`;
}

function ip(...args: string[]): void {
  execFileSync('ip', args);
}
