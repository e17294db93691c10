import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import { closeDescriptor, enterSandbox, openPipe, type Sandbox } from '../../sys/index.ts';
import type { ContainerLog } from './log-file.ts';

/** A running container. Process 1 in it is a small init, which starts the command and reaps what the command leaves. */
export interface Container {
  /** Process id of the init as this process sees it; undefined where the container has no process of its own. */
  readonly initPid?: number;
  /** Resolves when nothing of the container runs any more and its output is in the log. */
  readonly exited: Promise<ContainerExit>;
  /** SIGTERM (or another signal) to the command. */
  signal(name: NodeJS.Signals): void;
  /** Ends every process of the container at once. */
  kill(): void;
}

export interface ContainerExit {
  /** As a shell counts: 128 and the signal's number when the command was killed. */
  readonly exitCode: number;
  /** Set when the command never ran. */
  readonly error?: string;
}

export interface ContainerOptions {
  readonly sandbox: Sandbox;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  readonly log: ContainerLog;
}

/** `/proc` can only be mounted from inside; the command runs in the foreground, so that it keeps its signals, and the shell waits for all children. */
const initScript = `/bin/mount -t proc proc /proc || exit 128
cd "$1" || exit 128
shift
"$@"
exit $?`;

const drainMs = 1000;

/** Starts a container. Throws `SystemCallError` when its namespaces or mounts cannot be made. */
export function startContainer(options: ContainerOptions): Container {
  const { sandbox, command, environment, workingDirectory, log } = options;
  const stdout = openPipe();
  const stderr = openPipe();
  let child: ChildProcess;
  try {
    child = enterSandbox(sandbox, () =>
      spawn('/bin/sh', ['-c', initScript, 'sh', workingDirectory, ...withUnusualNames(command, environment)], {
        stdio: ['ignore', stdout.write, stderr.write],
        env: { ...environment },
        detached: true,
      }),
    );
  } catch (error) {
    for (const fd of [stdout.read, stderr.read]) closeDescriptor(fd);
    throw error;
  } finally {
    for (const fd of [stdout.write, stderr.write]) closeDescriptor(fd);
  }
  const outputs = [
    follow(stdout.read, (chunk) => log.write('stdout', chunk)),
    follow(stderr.read, (chunk) => log.write('stderr', chunk)),
  ];
  const exited = exitOf(child).then(async (exit) => {
    await Promise.all(outputs.map((output) => output.finish()));
    log.end();
    return exit;
  });
  const initPid = child.pid ?? 0;
  return {
    initPid,
    exited,
    signal(name) {
      const main = mainProcess(initPid);
      send(main ?? initPid, main === undefined ? 'SIGKILL' : name);
    },
    kill: () => send(initPid, 'SIGKILL'),
  };
}

/** Resolves with the exit of a child, its output not included. */
export function exitOf(child: ChildProcess): Promise<ContainerExit> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ exitCode: 128, error: error.message }));
    child.once('exit', (code, signal) => resolve({ exitCode: code ?? 128 + signalNumber(signal) }));
  });
}

/** A shell drops environment names that are none of its own (`my.setting`); `env` sets them past it. */
function withUnusualNames(
  command: readonly string[],
  environment: Readonly<Record<string, string>>,
): readonly string[] {
  const unusual = Object.entries(environment).filter(([name]) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name));
  return unusual.length === 0
    ? command
    : ['/usr/bin/env', ...unusual.map(([name, value]) => `${name}=${value}`), ...command];
}

/** Reads a pipe to its end; `finish` waits for that, but not for a writer that outlives the container. */
function follow(fd: number, onData: (chunk: Buffer) => void): { finish(): Promise<void> } {
  const stream = new net.Socket({ fd, readable: true, writable: false });
  const ended = new Promise<void>((resolve) => {
    stream.once('close', () => resolve());
  });
  stream.on('data', onData);
  stream.on('error', () => {});
  return {
    async finish() {
      const timer = setTimeout(() => stream.destroy(), drainMs);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** The first child of the init: it is the command as long as that runs, since orphans are added behind it. */
function mainProcess(initPid: number): number | undefined {
  try {
    const children = readFileSync(`/proc/${initPid}/task/${initPid}/children`, 'latin1').trim();
    return children === '' ? undefined : Number(children.split(' ')[0]);
  } catch {
    return undefined;
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  if (pid <= 0) return;
  try {
    process.kill(pid, signal);
  } catch {
    // Already gone.
  }
}

function signalNumber(signal: NodeJS.Signals | null): number {
  return signal === null ? 0 : os.constants.signals[signal];
}
