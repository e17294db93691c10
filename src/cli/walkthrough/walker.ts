import type { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ProgramResult, runProgram } from './run-program.ts';

/** What a step needs to send requests, look at flows and say what it found. */
export interface Walker {
  readonly kubectl: (...args: string[]) => Promise<ProgramResult>;
  readonly hubble: (...args: string[]) => Promise<ProgramResult>;
  readonly cilium: (...args: string[]) => Promise<ProgramResult>;
  /** Prints a line under the step. */
  readonly say: (text: string) => void;
  /** Prints a check with its outcome and remembers a failure. */
  readonly check: (what: string, held: boolean, found?: string) => void;
  /** Asks again until the answer holds or five seconds have passed; gives the last answer. */
  readonly until: <T>(ask: () => Promise<T>, holds: (answer: T) => boolean) => Promise<T>;
}

export interface Step {
  readonly title: string;
  readonly run: (walker: Walker) => Promise<void>;
}

export interface StepVerdict {
  readonly title: string;
  readonly failures: readonly string[];
  readonly seconds: number;
}

export interface WalkOptions {
  readonly programs: {
    readonly kubectl: readonly string[];
    readonly hubble: readonly string[];
    readonly cilium: readonly string[];
  };
  readonly environment: NodeJS.ProcessEnv;
  readonly output: Writable;
  readonly colour: boolean;
  readonly signal: AbortSignal;
}

const commandTimeoutMs = 120_000;
const untilMs = 5_000;
const untilPauseMs = 100;

/** Walks the steps one after the other, all of them even when one fails, and gives a verdict for each. */
export async function walk(steps: readonly Step[], options: WalkOptions): Promise<readonly StepVerdict[]> {
  const paint = painter(options.colour);
  const verdicts: StepVerdict[] = [];
  for (const [index, step] of steps.entries()) {
    if (options.signal.aborted) break;
    options.output.write(`\n${paint.bold(`Step ${index + 1}: ${step.title}`)}\n`);
    verdicts.push(await runStep(step, options, paint));
  }
  return verdicts;
}

async function runStep(step: Step, options: WalkOptions, paint: Painter): Promise<StepVerdict> {
  const failures: string[] = [];
  const startedAt = performance.now();
  const print = (text: string): void => void options.output.write(`${text}\n`);
  const program =
    (command: readonly string[], name: string, timeoutMs: number) =>
    async (...args: string[]) => {
      if (name !== 'hubble') print(paint.dim(`  $ ${[name, ...args].map(shellWord).join(' ')}`));
      const result = await runProgram([...command, ...args], {
        environment: options.environment,
        timeoutMs,
        signal: options.signal,
      });
      options.signal.throwIfAborted();
      return result;
    };
  const walker: Walker = {
    kubectl: program(options.programs.kubectl, 'kubectl', commandTimeoutMs),
    hubble: program(options.programs.hubble, 'hubble', commandTimeoutMs),
    cilium: program(options.programs.cilium, 'cilium', commandTimeoutMs),
    say: (text) => print(text.replace(/^/gm, '    ')),
    check: (what, held, found) => {
      print(
        `  ${held ? paint.green('ok  ') : paint.red('FAIL')} ${what}${held || found === undefined ? '' : `\n       found: ${found.trim()}`}`,
      );
      if (!held) failures.push(what);
    },
    until: async (ask, holds) => {
      const deadline = performance.now() + untilMs;
      for (;;) {
        const answer = await ask();
        if (holds(answer) || performance.now() > deadline || options.signal.aborted) return answer;
        await sleep(untilPauseMs);
      }
    },
  };
  try {
    await step.run(walker);
  } catch (error) {
    if (!options.signal.aborted) walker.check(error instanceof Error ? error.message : String(error), false);
  }
  return { title: step.title, failures, seconds: (performance.now() - startedAt) / 1000 };
}

interface Painter {
  bold(text: string): string;
  dim(text: string): string;
  green(text: string): string;
  red(text: string): string;
}

export function painter(colour: boolean): Painter {
  const paint = (code: number) => (text: string) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);
  return { bold: paint(1), dim: paint(2), green: paint(32), red: paint(31) };
}

function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
