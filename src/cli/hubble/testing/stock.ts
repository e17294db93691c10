import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Readable, Writable } from 'node:stream';
import { test } from 'node:test';
import { hubbleCommand } from '../index.ts';

export interface Answer {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A command line for both, and what of the answer counts. Where ours has several ways to the same answer, they are `ours`. */
export interface StockCase {
  readonly name: string;
  readonly argv: readonly string[];
  readonly ours?: readonly (readonly string[])[];
  readonly read: (answer: Answer) => Answer;
}

interface Recorded {
  readonly version: string;
  readonly answers: Readonly<Record<string, Answer>>;
}

const stock = process.env['HUBBLE_STOCK'];
const environment = { HOME: '/nonexistent', PATH: '/usr/bin:/bin' };

export const testing = import.meta.dirname;
export const argumentsOf = (text: string): string[] => text.split(' ').filter((word) => word !== '');
export const whole = (answer: Answer): Answer => answer;

/**
 * A test for each case: ours beside the stock `hubble`. What the stock one answered is kept in a file of this directory with its version; where
 * HUBBLE_STOCK names a binary it is asked again, and HUBBLE_STOCK_RECORD=1 keeps the new answers.
 */
export async function compareWithStock(recordingName: string, cases: readonly StockCase[]): Promise<void> {
  const recording = path.join(testing, recordingName);
  if (stock !== undefined && process.env['HUBBLE_STOCK_RECORD'] === '1') {
    const answers: Record<string, Answer> = {};
    for (const { name, argv, read } of cases) answers[name] = read(await askStock(stock, argv));
    writeFileSync(recording, `${JSON.stringify({ version: 'hubble 1.19', answers }, undefined, 2)}\n`);
  }
  const recorded = JSON.parse(readFileSync(recording, 'utf8')) as Recorded;
  for (const { name, argv, ours = [argv], read } of cases) {
    test(`as the stock command: ${name}`, async () => {
      const expected = stock === undefined ? recorded.answers[name] : read(await askStock(stock, argv));
      for (const words of ours) assert.deepEqual(read(await askOurs(words)), expected);
    });
  }
}

function askStock(binary: string, argv: readonly string[]): Promise<Answer> {
  return new Promise((resolve) => {
    execFile(binary, [...argv], { env: environment }, (error, out, err) => {
      resolve({ code: error ? Number(error.code ?? -1) : 0, out, err });
    });
  });
}

async function askOurs(argv: readonly string[]): Promise<Answer> {
  const texts = { out: '', err: '' };
  const into = (name: 'out' | 'err'): Writable =>
    new Writable({
      write(chunk, _encoding, done) {
        texts[name] += String(chunk);
        done();
      },
    });
  const io = { stdin: Readable.from([]), stdout: into('out'), stderr: into('err'), environment };
  return { code: await hubbleCommand(argv, io), ...texts };
}
