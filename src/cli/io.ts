import type { Readable, Writable } from 'node:stream';

/** What a command may touch of its surroundings; tests hand in their own. */
export interface CommandIo {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly environment: NodeJS.ProcessEnv;
}

/** A command: arguments after its name in, exit code out. */
export type Command = (argv: readonly string[], io: CommandIo) => Promise<number>;

export function processIo(): CommandIo {
  return { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, environment: process.env };
}
