import { chmodSync, existsSync, lstatSync, mkdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Mount } from '../../sys/index.ts';
import { type BaseRoot, privateDirectories } from './base-root.ts';

/** A volume or file placed into a container. */
export interface PlacedMount {
  readonly source: string;
  /** Absolute path in the container. */
  readonly target: string;
  readonly readOnly: boolean;
  /** A single file instead of a directory. */
  readonly file: boolean;
}

export interface ContainerRoot {
  readonly root: string;
  readonly mounts: readonly Mount[];
}

export interface ContainerRootOptions {
  readonly base: BaseRoot;
  /** An empty directory for this container alone. */
  readonly directory: string;
  /** Contents of files under `/etc`. */
  readonly etc: Readonly<Record<string, string>>;
  readonly volumes: readonly PlacedMount[];
  /** Made when it is not there, as container runtimes do. */
  readonly workingDirectory: string;
}

const linksMax = 40;

/**
 * Lays out the root of one container: the host read-only, `/etc` with the pod's own files over the host's, the rest private and empty,
 * volumes on top. A mount point that the host does not have is made in a layer of the container's own.
 * Throws an Error that names the path when a mount point leads in circles.
 */
export function layOutContainerRoot(options: ContainerRootOptions): ContainerRoot {
  const { base, directory, etc, volumes, workingDirectory } = options;
  const root = path.join(directory, 'root');
  const upper = (top: string): string => path.join(directory, 'upper', top);
  const layered = new Set(['etc']);
  makeSkeleton(root, base);
  mkdirSync(upper('etc'), { recursive: true });
  for (const [name, text] of Object.entries(etc)) writeFileSync(path.join(upper('etc'), name), text);

  const extra = base.extra.map((source): PlacedMount => ({ source, target: source, readOnly: true, file: false }));
  const placed: PlacedMount[] = [];
  for (const mount of [...extra, ...volumes].sort((a, b) => a.target.length - b.target.length)) {
    const target = resolveTarget(mount.target, { root, base, placed, upper });
    const { top, inHost } = target;
    if (target.missing && inHost) layered.add(top);
    if (target.missing) makeMountPoint(inHost ? path.join(upper(top), target.inside) : target.physical, mount.file);
    placed.push({ ...mount, target: target.logical });
  }
  const work = resolveTarget(workingDirectory, { root, base, placed, upper });
  if (work.missing && work.inHost) layered.add(work.top);
  if (work.missing) makeMountPoint(work.inHost ? path.join(upper(work.top), work.inside) : work.physical, false);
  return {
    root,
    mounts: [
      ...[...base.directories]
        .filter(([top]) => !layered.has(top))
        .map(([top, source]) => bind(source, `${root}/${top}`)),
      ...[...layered].flatMap((top) => overlay(top, { root, base, directory, upper: upper(top) })),
      bind('/dev', `${root}/dev`),
      bind('/proc', `${root}/proc`),
      { kind: 'sysfs', target: `${root}/sys` },
      bind(`${root}/run/shm`, `${root}/dev/shm`),
      ...placed.map(({ source, target, readOnly }) => bind(source, `${root}${target}`, readOnly)),
    ],
  };
}

function makeSkeleton(root: string, base: BaseRoot): void {
  const own = [...privateDirectories, 'proc', 'sys', 'dev', 'etc'];
  for (const name of [...own, ...base.directories.keys()]) mkdirSync(path.join(root, name), { recursive: true });
  for (const name of ['cache', 'lib', 'log', 'spool', 'tmp'])
    mkdirSync(path.join(root, 'var', name), { recursive: true });
  for (const name of ['lock', 'shm']) mkdirSync(path.join(root, 'run', name), { recursive: true });
  for (const name of ['tmp', 'var/tmp', 'run/shm']) chmodSync(path.join(root, name), 0o1777);
  for (const [name, target] of [...base.links, ['var/run', '/run'], ['var/lock', '/run/lock']] as const) {
    if (!existsSync(path.join(root, name))) symlinkSync(target, path.join(root, name));
  }
}

function overlay(
  top: string,
  { root, base, directory, upper }: { root: string; base: BaseRoot; directory: string; upper: string },
): Mount[] {
  const work = path.join(directory, 'work', top);
  mkdirSync(work, { recursive: true });
  const target = `${root}/${top}`;
  const lower = [top === 'etc' ? '/etc' : (base.directories.get(top) ?? `/${top}`)];
  const layered: Mount = { kind: 'overlay', target, lower, upper: { directory: upper, work } };
  // An overlay does not show what is mounted below its lower directory: the tools stand there.
  return top === 'usr' ? [layered, bind(`${base.directories.get('usr')}/bin`, `${target}/bin`)] : [layered];
}

function bind(source: string, target: string, readOnly = false): Mount {
  return { kind: 'bind', source, target, readOnly };
}

interface Layout {
  readonly root: string;
  readonly base: BaseRoot;
  readonly placed: readonly PlacedMount[];
  readonly upper: (top: string) => string;
}

interface Target {
  /** Path in the container with links followed. */
  readonly logical: string;
  /** Where that is now, on this side. */
  readonly physical: string;
  readonly top: string;
  /** The rest of the path below `top`. */
  readonly inside: string;
  readonly inHost: boolean;
  readonly missing: boolean;
}

/** Follows links in a container path as the container will see them. */
function resolveTarget(target: string, layout: Layout): Target {
  let wanted = path.posix.normalize(`/${target}`).replace(/\/$/, '');
  for (let links = 0; links < linksMax; links++) {
    const step = firstLink(wanted, layout);
    if (typeof step !== 'string') return describe(wanted, layout, step.missing);
    wanted = step;
  }
  throw new Error(`mountPath ${target}: too many symbolic links`);
}

function firstLink(wanted: string, layout: Layout): string | { readonly missing: boolean } {
  const parts = wanted.split('/').filter(Boolean);
  for (let length = 1; length <= parts.length; length++) {
    const prefix = `/${parts.slice(0, length).join('/')}`;
    const entry = lstatSync(physicalPath(prefix, layout).physical, { throwIfNoEntry: false });
    if (!entry) return { missing: true };
    if (!entry.isSymbolicLink()) continue;
    const link = readlinkSync(physicalPath(prefix, layout).physical);
    return path.posix.normalize(path.posix.resolve(path.posix.dirname(prefix), link, ...parts.slice(length)));
  }
  return { missing: false };
}

function describe(logical: string, layout: Layout, missing: boolean): Target {
  const { physical, inHost } = physicalPath(logical, layout);
  const [top = '', ...rest] = logical.split('/').filter(Boolean);
  return { logical, physical, top, inside: rest.join('/'), inHost, missing };
}

function physicalPath(logical: string, { root, base, placed, upper }: Layout): { physical: string; inHost: boolean } {
  const mount = placed.findLast(({ target }) => logical === target || logical.startsWith(`${target}/`));
  if (mount) return { physical: mount.source + logical.slice(mount.target.length), inHost: false };
  const [top = '', ...rest] = logical.split('/').filter(Boolean);
  if (top !== 'etc' && !base.directories.has(top)) return { physical: root + logical, inHost: false };
  const layered = path.join(upper(top), ...rest);
  return { physical: existsSync(layered) ? layered : logical, inHost: rest.length > 0 };
}

function makeMountPoint(point: string, file: boolean): void {
  mkdirSync(file ? path.dirname(point) : point, { recursive: true });
  if (file) writeFileSync(point, '');
}
