import { type ChildProcess, spawn } from 'node:child_process';
import net from 'node:net';
import { Writable } from 'node:stream';
import tty from 'node:tty';
import { closeDescriptor, enterProcess, openPipe, openTerminal, resizeTerminal } from '../../sys/index.ts';
import type { ExecSession } from '../runtime.ts';
import { exitOf } from './container.ts';
import { relay } from './relay.ts';

export interface ExecOptions {
  /** The container's init. */
  readonly initPid: number;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  readonly stdin: boolean;
  readonly tty: boolean;
}

/** A shell says 127 for a command that it does not find; so does `env`, which starts the command here. */
const starter = '/usr/bin/env';

/** Starts a command beside the processes of a running container. Throws `SystemCallError` when the container is gone. */
export function startExec(options: ExecOptions): ExecSession {
  return options.tty ? execOnTerminal(options) : execOnPipes(options);
}

function execOnPipes({ initPid, command, environment, workingDirectory, stdin }: ExecOptions): ExecSession {
  const [out, err] = [openPipe(), openPipe()];
  const stdout = relay(new net.Socket({ fd: out.read, readable: true, writable: false }));
  const stderr = relay(new net.Socket({ fd: err.read, readable: true, writable: false }));
  let child: ChildProcess;
  try {
    child = enterProcess(initPid, () =>
      spawn(starter, [...command], {
        stdio: [stdin ? 'pipe' : 'ignore', out.write, err.write],
        env: { ...environment },
        cwd: workingDirectory,
        detached: true,
      }),
    );
  } finally {
    // The readers come to their end by themselves once nobody holds the other side.
    for (const { write } of [out, err]) closeDescriptor(write);
  }
  child.stdin?.on('error', () => {});
  const exited = exitOf(child).then(async ({ exitCode, error }) => {
    await Promise.all([stdout.finish(), stderr.finish()]);
    return error === undefined ? { exitCode } : { error };
  });
  return {
    ...(child.stdin ? { stdin: child.stdin } : {}),
    stdout: stdout.output,
    stderr: stderr.output,
    resize() {},
    kill: () => killGroup(child),
    exited,
  };
}

function execOnTerminal({ initPid, command, environment, workingDirectory }: ExecOptions): ExecSession {
  const { master, slave } = openTerminal();
  let child: ChildProcess;
  try {
    child = enterProcess(initPid, () =>
      spawn('/usr/bin/setsid', ['--ctty', '--wait', ...command], {
        stdio: [slave, slave, slave],
        env: { TERM: 'xterm', ...environment },
        cwd: workingDirectory,
      }),
    );
  } catch (error) {
    closeDescriptor(master);
    throw error;
  } finally {
    closeDescriptor(slave);
  }
  const terminal = new tty.ReadStream(master);
  // The master answers EIO when the last process has left the terminal: the relay takes that as its end.
  const screen = relay(terminal);
  const exited = exitOf(child).then(async ({ exitCode, error }) => {
    await screen.finish();
    return error === undefined ? { exitCode } : { error };
  });
  return {
    stdin: keyboard(terminal),
    stdout: screen.output,
    resize(columns, rows) {
      if (!terminal.destroyed) resizeTerminal(master, columns, rows);
    },
    kill() {
      // Hangs the terminal up, which ends its foreground group; the leader is made sure of.
      terminal.destroy();
      child.kill('SIGKILL');
    },
    exited,
  };
}

/** Writes to the terminal; the end of input is what a user would type for it. */
function keyboard(terminal: tty.ReadStream): Writable {
  return new Writable({
    write(chunk, _encoding, done) {
      if (terminal.destroyed) return done();
      terminal.write(chunk, () => done());
    },
    final(done) {
      if (!terminal.destroyed) terminal.write('\x04');
      done();
    },
  });
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Already gone.
  }
}
