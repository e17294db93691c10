import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { backoffMs, type Logger } from '../base/index.ts';
import { openLog } from './files.ts';

export interface ProcessDescription {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly logFile: string;
}

export interface SupervisedProcess {
  /** Ends the process and does not start it again. */
  stop(): Promise<void>;
}

const restart = { baseMs: 100, maxMs: 5_000 };
const stopGraceMs = 1_000;
/** A process that ran this long counts as healthy: the next failure starts the back-off anew. */
const healthyMs = 10_000;

/** Keeps a process running: starts it again with back-off whenever it ends. */
export function supervise(description: ProcessDescription, log: Logger): SupervisedProcess {
  let stopped = false;
  let attempt = 0;
  let child: ChildProcess | undefined;
  let timer: NodeJS.Timeout | undefined;

  const start = (): void => {
    const output = outputOf(description, log);
    const startedAt = performance.now();
    const started = spawn(description.program, description.args, {
      stdio: ['ignore', output, output],
      env: { ...process.env, ...description.environment },
    });
    if (output !== 'ignore') closeSync(output);
    child = started;
    const ended = (reason: string): void => {
      if (stopped || child !== started) return;
      child = undefined;
      attempt = performance.now() - startedAt > healthyMs ? 0 : attempt + 1;
      const delayMs = backoffMs(attempt, restart);
      log.warn({ process: description.name, reason, delayMs }, 'process ended; starting it again');
      timer = setTimeout(start, delayMs);
    };
    started.once('error', (error) => ended(error.message));
    started.once('exit', (code, signal) => ended(signal ?? `exit code ${code}`));
  };
  start();

  return {
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      if (!child || child.exitCode !== null || child.signalCode !== null) return;
      const running = child;
      const exited = new Promise<void>((resolve) => running.once('exit', () => resolve()));
      running.kill('SIGTERM');
      const killer = setTimeout(() => running.kill('SIGKILL'), stopGraceMs);
      await exited;
      clearTimeout(killer);
    },
  };
}

/** Without its log a process still runs: it must not end with the folder. */
function outputOf({ name, logFile }: ProcessDescription, log: Logger): number | 'ignore' {
  try {
    return openLog(logFile);
  } catch (error) {
    log.warn({ process: name, error: String(error) }, 'the log cannot be opened; the output is lost');
    return 'ignore';
  }
}
