import { rmSync, writeFileSync } from 'node:fs';
import { constants as c, check, native } from './libc.ts';

/** One mount to make. Binds are recursive; paths are absolute and targets must exist. */
export type Mount =
  | { readonly kind: 'bind'; readonly source: string; readonly target: string; readonly readOnly?: boolean }
  | {
      readonly kind: 'overlay';
      readonly target: string;
      /** Topmost first. */
      readonly lower: readonly string[];
      /** Where changes go; without it the overlay is read-only. `work` is an empty directory beside `directory`. */
      readonly upper?: { readonly directory: string; readonly work: string };
    }
  | { readonly kind: 'sysfs'; readonly target: string };

/** What a container starts in: namespaces of its own (mount, UTS, IPC, PID), one network namespace, one root directory. */
export interface Sandbox {
  /** Path of the network namespace to join. */
  readonly network: string;
  readonly hostname: string;
  /** Becomes `/` after the mounts are made. */
  readonly root: string;
  readonly mounts: readonly Mount[];
}

const namespaceFiles = [
  ['net', c.CLONE_NEWNET],
  ['uts', c.CLONE_NEWUTS],
  ['ipc', c.CLONE_NEWIPC],
  ['mnt', c.CLONE_NEWNS],
  ['pid', c.CLONE_NEWPID],
] as const;

const allNamespaces = namespaceFiles.reduce((flags, [, type]) => flags | type, 0);

interface OpenNamespace {
  readonly type: number;
  readonly fd: number;
}

/** Home namespaces of the main thread, opened once; every visit ends by joining them again. */
let home: readonly OpenNamespace[] | undefined;

/**
 * Runs `spawn` with this thread inside fresh namespaces whose root is the sandbox's, and comes back.
 * The child that `spawn` starts is process 1 there, and must mount `/proc` itself: only a process inside can.
 * Synchronous for the same reason as `inNetworkNamespace`; nothing but starting a process belongs in `spawn`.
 * Throws `SystemCallError` when a namespace or mount cannot be made; nothing is left behind then.
 */
export function enterSandbox<T>(sandbox: Sandbox, spawn: () => T): T {
  return visit(allNamespaces, () => {
    check(native.unshare(c.CLONE_NEWNS | c.CLONE_NEWUTS | c.CLONE_NEWIPC | c.CLONE_NEWPID), 'unshare');
    joinFile(sandbox.network, c.CLONE_NEWNET);
    check(native.sethostname(sandbox.hostname, Buffer.byteLength(sandbox.hostname)), 'sethostname');
    check(native.mount(null, '/', null, c.MS_REC | c.MS_PRIVATE, null), 'mount(/, private)');
    applyMounts([{ kind: 'bind', source: sandbox.root, target: sandbox.root }, ...sandbox.mounts]);
    process.chdir(sandbox.root);
    const pivotRoot = process.arch === 'arm64' ? 41 : 155;
    check(native.pivotRoot(pivotRoot, '.', '.'), 'pivot_root');
    check(native.umount2('.', c.MNT_DETACH), 'umount(old root)');
    process.chdir('/');
    return spawn();
  });
}

/** Runs `spawn` with this thread in all namespaces of a running process, and comes back; the child lives beside that process. */
export function enterProcess<T>(pid: number, spawn: () => T): T {
  return visit(allNamespaces, () => {
    const targets = openNamespaces(`/proc/${pid}/ns`);
    try {
      for (const { type, fd } of targets) check(native.setns(fd, type), `setns(process ${pid})`);
    } finally {
      for (const { fd } of targets) native.close(fd);
    }
    return spawn();
  });
}

/** Makes mounts in order, in the mount namespace that this thread is in. */
export function applyMounts(mounts: readonly Mount[]): void {
  for (const mount of mounts) applyMount(mount);
}

/** Creates a network namespace and binds it to `path`, as `ip netns add` does. */
export function createNetworkNamespace(path: string): void {
  writeFileSync(path, '', { flag: 'wx', mode: 0o444 });
  try {
    visit(c.CLONE_NEWNET, () => {
      check(native.unshare(c.CLONE_NEWNET), 'unshare(net)');
      check(native.mount('/proc/thread-self/ns/net', path, null, c.MS_BIND, null), `mount(${path})`);
    });
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  }
}

/** Forgets a network namespace made above; it ends when its last process does. A missing one is fine. */
export function removeNetworkNamespace(path: string): void {
  native.umount2(path, c.MNT_DETACH);
  rmSync(path, { force: true });
}

/** `types` are the namespaces that `inside` may leave. */
function visit<T>(types: number, inside: () => T): T {
  home ??= openHome();
  const directory = process.cwd();
  // A thread that shares its root directory with others may not change mount namespaces.
  if (types & c.CLONE_NEWNS) check(native.unshare(c.CLONE_FS), 'unshare(fs)');
  try {
    return inside();
  } finally {
    for (const { type, fd } of home) if (types & type) check(native.setns(fd, type), 'setns(home)');
    if (types & c.CLONE_NEWNS) process.chdir(directory);
  }
}

function openHome(): OpenNamespace[] {
  // Without privilege outside one cannot come back to a UTS or IPC namespace of the machine, so the thread gets its own.
  check(native.unshare(c.CLONE_NEWUTS | c.CLONE_NEWIPC), 'unshare(uts, ipc)');
  return openNamespaces('/proc/thread-self/ns');
}

function openNamespaces(directory: string): OpenNamespace[] {
  return namespaceFiles.map(([name, type]) => {
    const path = `${directory}/${name}`;
    return { type, fd: check(native.open(path, c.O_RDONLY | c.O_CLOEXEC), `open(${path})`) };
  });
}

function joinFile(path: string, type: number): void {
  const fd = check(native.open(path, c.O_RDONLY | c.O_CLOEXEC), `open(${path})`);
  try {
    check(native.setns(fd, type), `setns(${path})`);
  } finally {
    native.close(fd);
  }
}

function applyMount(mount: Mount): void {
  const what = `mount(${mount.kind} on ${mount.target})`;
  switch (mount.kind) {
    case 'bind':
      check(native.mount(mount.source, mount.target, null, c.MS_BIND | c.MS_REC, null), what);
      if (mount.readOnly) makeReadOnly(mount.target);
      return;
    case 'overlay': {
      const upper = mount.upper ? `,upperdir=${mount.upper.directory},workdir=${mount.upper.work}` : '';
      const options = `lowerdir=${mount.lower.join(':')}${upper}`;
      check(native.mount('overlay', mount.target, 'overlay', mount.upper ? 0 : c.MS_RDONLY, options), what);
      return;
    }
    case 'sysfs':
      check(native.mount('sysfs', mount.target, 'sysfs', c.MS_RDONLY, null), what);
  }
}

/** mount_setattr(2) on a whole tree: it keeps every other flag, which a remount without privilege must not touch. */
function makeReadOnly(path: string): void {
  const mountSetAttributes = 442;
  const atFdCwd = -100;
  const atRecursive = 0x8000;
  const attributes = Buffer.alloc(32);
  attributes.writeBigUInt64LE(1n, 0);
  const result = native.mountSetAttributes(
    mountSetAttributes,
    atFdCwd,
    path,
    atRecursive,
    attributes,
    attributes.length,
  );
  check(result, `mount_setattr(${path}, read-only)`);
}
