import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Outcome } from './types.ts';

const folder = path.join(import.meta.dirname, 'recorded');

/** Answers by `scenario > case`. */
export interface Recording {
  envoy: string;
  readonly answers: Record<string, Answer>;
}

export interface Answer {
  readonly envoy: Outcome;
  /** Ours, where it differs on purpose. */
  readonly ours?: Outcome;
}

const fileOf = (name: string): string => path.join(folder, `${name}.json`);

/** Recorded answers of a file of cases; empty when there are none. */
export function readRecording(name: string): Recording {
  const file = fileOf(name);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Recording) : { envoy: '', answers: {} };
}

/** One answer a line, sorted, so that a change shows as the cases it touches. */
export function writeRecording(name: string, { envoy, answers }: Recording): void {
  mkdirSync(folder, { recursive: true });
  const lines = Object.keys(answers)
    .sort()
    .map((key) => `${JSON.stringify(key)}: ${JSON.stringify(answers[key])}`);
  writeFileSync(fileOf(name), `{"envoy": ${JSON.stringify(envoy)}, "answers": {\n${lines.join(',\n')}\n}}\n`);
}
