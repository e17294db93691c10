import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Logger } from '../../base/index.ts';
import { applyMounts, type Mount } from '../../sys/index.ts';

/** What the roots of all containers have in common: the host's file system, read-only, seen from one place. */
export interface BaseRoot {
  /** Read-only views of the host's top directories, by name (`usr`). */
  readonly directories: ReadonlyMap<string, string>;
  /** Top entries that are links (`bin` to `usr/bin`). */
  readonly links: ReadonlyMap<string, string>;
  /** Directories outside those views that programs are read from; bound at their own path. */
  readonly extra: readonly string[];
}

export interface BaseRootOptions {
  /** An empty directory on a file system that ends with the cluster. */
  readonly directory: string;
  /** Scripts by name that pods find in `/usr/bin` where the host has none of that name. */
  readonly tools: Readonly<Record<string, string>>;
  /** Host directories that must be readable in a pod. */
  readonly programs: readonly string[];
  readonly log: Logger;
}

/** Top directories that every container has for itself. `root` is among them: what lies in it is nobody's business. */
export const privateDirectories: readonly string[] = ['tmp', 'var', 'run', 'root', 'mnt', 'media'];
const special: readonly string[] = ['proc', 'sys', 'dev', 'etc', 'boot', 'lost+found'];

/** Mounts the read-only views once, in this process's mount namespace. A directory that cannot be bound is left out with a warning. */
export function prepareBaseRoot({ directory, tools, programs, log }: BaseRootOptions): BaseRoot {
  const directories = new Map<string, string>();
  const links = new Map<string, string>();
  for (const name of readdirSync('/')) {
    const source = `/${name}`;
    const kind = lstatSync(source);
    if (kind.isSymbolicLink()) links.set(name, readlinkSync(source));
    if (!kind.isDirectory() || privateDirectories.includes(name) || special.includes(name)) continue;
    const target = path.join(directory, 'host', name);
    mkdirSync(target, { recursive: true });
    if (tryMount({ kind: 'bind', source, target, readOnly: true }, log)) directories.set(name, target);
  }
  addTools({ directory, tools, directories, log });
  return { directories, links, extra: programs.filter((program) => !isUnder(program, directories)) };
}

/** Lays the tools over the host's own program directory; hosts that keep `/bin` apart get them there too. */
function addTools({
  directory,
  tools,
  directories,
  log,
}: Pick<BaseRootOptions, 'directory' | 'tools' | 'log'> & { directories: ReadonlyMap<string, string> }): void {
  const usr = directories.get('usr');
  const bin = directories.get('bin');
  const layer = path.join(directory, 'tools');
  mkdirSync(layer, { recursive: true });
  for (const [name, script] of Object.entries(tools)) {
    if (existsSync(`/usr/bin/${name}`) || existsSync(`/bin/${name}`)) continue;
    writeFileSync(path.join(layer, name), script);
    chmodSync(path.join(layer, name), 0o755);
  }
  const targets = [
    ...(usr === undefined ? [] : [[`${usr}/bin`, '/usr/bin']]),
    ...(bin === undefined ? [] : [[bin, '/bin']]),
  ];
  for (const [target = '', host = ''] of targets) tryMount({ kind: 'overlay', target, lower: [layer, host] }, log);
}

function tryMount(mount: Mount, log: Logger): boolean {
  try {
    applyMounts([mount]);
    return true;
  } catch (error) {
    log.warn({ error: String(error), target: mount.target }, 'pods will not see this part of the file system');
    return false;
  }
}

function isUnder(file: string, directories: ReadonlyMap<string, string>): boolean {
  return directories.has(file.split('/')[1] ?? '');
}
