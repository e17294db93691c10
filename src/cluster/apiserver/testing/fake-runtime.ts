import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { NodeRuntime } from '../../runtime.ts';

/** A node runtime for tests: commands run on the host (with a terminal, under `script`), every container logs the same lines. */
export function fakeRuntime(): NodeRuntime {
  return {
    async *logs({ pod, container }, { follow, tailLines }, signal) {
      const lines = [`${pod}/${container} line 1\n`, `${pod}/${container} line 2\n`];
      for (const line of lines.slice(-(tailLines ?? 2))) yield Buffer.from(line);
      if (!follow) return;
      await wait(50, undefined, { signal });
      yield Buffer.from('line 3\n');
    },
    async exec(_container, command, { stdin, tty }) {
      const [program = '', ...args] = command;
      const quoted = command.map((part) => `'${part.replaceAll("'", `'\\''`)}'`).join(' ');
      const child = tty ? spawn('script', ['-qefc', quoted, '/dev/null']) : spawn(program, args);
      const exited = once(child, 'close').then(
        ([code]) => ({ exitCode: Number(code ?? 137) }),
        (error: unknown) => ({ error: String(error) }),
      );
      if (child.pid === undefined) throw new Error(`exec: "${program}": executable file not found in $PATH`);
      return {
        ...(stdin ? { stdin: child.stdin } : {}),
        stdout: child.stdout,
        ...(tty ? {} : { stderr: child.stderr }),
        resize: () => undefined,
        kill: () => child.kill('SIGKILL'),
        exited,
      };
    },
    async connect(_pod, port) {
      const socket = net.connect(port, '127.0.0.1');
      await once(socket, 'connect');
      return socket;
    },
  };
}
