import type { ExecSession } from '../runtime.ts';
import { startExec } from './exec.ts';
import { pause } from './pod-context.ts';
import { type ProbeTarget, runProbe } from './probe-action.ts';
import type { Container } from './types.ts';

const outputBytesMax = 10 * 1024;

/** Where commands of a container run. */
export interface ExecPlace {
  readonly initPid: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
}

/** Runs a command for a probe or hook. Rejects when it takes too long; the command is killed then. */
export async function runInside(
  place: ExecPlace,
  command: readonly string[],
  timeoutMs: number,
): Promise<{ exitCode: number; output: string }> {
  const session: ExecSession = startExec({ ...place, command, stdin: false, tty: false });
  let output = '';
  for (const stream of [session.stdout, session.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      if (output.length < outputBytesMax) output += chunk.toString('utf8');
    });
  }
  let expired = false;
  const timer = setTimeout(() => {
    expired = true;
    session.kill();
  }, timeoutMs);
  const result = await session.exited;
  clearTimeout(timer);
  if (expired) throw new Error(`command timed out: "${command.join(' ')}" timed out after ${timeoutMs / 1000}s`);
  if ('error' in result) throw new Error(result.error);
  return { exitCode: result.exitCode, output };
}

type Handler = NonNullable<NonNullable<Container['lifecycle']>['preStop']>;

/** Runs a `postStart` or `preStop` hook; resolves with the reason when it fails. */
export async function runHook(handler: Handler, target: ProbeTarget, timeoutMs: number): Promise<string | undefined> {
  if (handler.sleep) {
    await pause(Math.min(handler.sleep.seconds * 1000, timeoutMs), new AbortController().signal);
    return undefined;
  }
  const { success, message } = await runProbe({ ...handler, timeoutSeconds: timeoutMs / 1000 }, target);
  return success ? undefined : message;
}
