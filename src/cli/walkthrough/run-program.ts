import { spawn } from 'node:child_process';

export interface ProgramResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramOptions {
  readonly environment: NodeJS.ProcessEnv;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Sees the output as it comes. */
  readonly onOutput?: (chunk: string) => void;
}

const outputMax = 4 * 1024 * 1024;

/** Runs a program to its end and keeps what it printed, at most 4 MiB of each stream. A time-out or an abort kills it and gives exit code 124. */
export async function runProgram(command: readonly string[], options: ProgramOptions): Promise<ProgramResult> {
  const [program = '', ...args] = command;
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)]);
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      env: options.environment,
      stdio: ['ignore', 'pipe', 'pipe'],
      signal,
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      if (stdout.length < outputMax) stdout += chunk;
      options.onOutput?.(chunk);
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      if (stderr.length < outputMax) stderr += chunk;
      options.onOutput?.(chunk);
    });
    let failure: string | undefined;
    child.once('error', (error) => {
      failure = error.message;
      if (child.pid === undefined) resolve({ exitCode: 127, stdout, stderr: `${program}: ${failure}` });
    });
    child.once('close', (code) => {
      resolve({
        exitCode: failure === undefined ? (code ?? 124) : 124,
        stdout,
        stderr: failure === undefined ? stderr : `${stderr}${failure}`,
      });
    });
  });
}
