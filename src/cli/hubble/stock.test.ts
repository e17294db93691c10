import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Readable, Writable } from 'node:stream';
import { test } from 'node:test';
import { hubbleCommand } from './index.ts';
import { printed, refused, selected } from './testing/cases.ts';

/**
 * Ours beside the stock `hubble`. What the stock one answered is kept in `testing/stock.json` with its version; where
 * HUBBLE_STOCK names a binary it is asked again, and HUBBLE_STOCK_RECORD=1 keeps the new answers.
 */
interface Answer {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

interface Recorded {
  readonly version: string;
  readonly answers: Readonly<Record<string, Answer>>;
}

const directory = path.join(import.meta.dirname, 'testing');
const recording = path.join(directory, 'stock.json');
const file = path.join(directory, 'flows.jsonl');
const stock = process.env['HUBBLE_STOCK'];
const environment = { HOME: '/nonexistent', PATH: '/usr/bin:/bin' };

function askStock(argv: readonly string[]): Answer {
  const { status, stdout, stderr } = spawnSync(stock ?? '', [...argv], { env: environment, encoding: 'utf8' });
  return { code: status ?? -1, out: stdout, err: stderr };
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

const argumentsOf = (text: string): string[] => text.split(' ').filter((word) => word !== '');
const uuids = ({ code, out, err }: Answer): Answer => ({
  code,
  out: [...out.matchAll(/"uuid":"([^"]*)"/g)].map(([, uuid]) => uuid).join(' '),
  err,
});
const whole = (answer: Answer): Answer => answer;

const cases: readonly { readonly name: string; readonly argv: string[]; readonly read: (answer: Answer) => Answer }[] =
  [
    ...printed.map((text) => ({
      name: `printed: ${text}`,
      argv: ['observe', '--input-file', file, ...argumentsOf(text)],
      read: whole,
    })),
    ...selected.map((text) => ({
      name: `selected: ${text}`,
      argv: ['observe', '--input-file', file, '-o', 'json', ...argumentsOf(text)],
      read: uuids,
    })),
    ...refused.map((text) => ({
      name: `refused: ${text}`,
      argv: ['observe', ...argumentsOf(text.replace('FILE', file))],
      read: whole,
    })),
  ];

if (stock !== undefined && process.env['HUBBLE_STOCK_RECORD'] === '1') {
  const answers = Object.fromEntries(cases.map(({ name, argv, read }) => [name, read(askStock(argv))]));
  writeFileSync(recording, `${JSON.stringify({ version: 'hubble 1.19', answers }, undefined, 2)}\n`);
}

const recorded = JSON.parse(readFileSync(recording, 'utf8')) as Recorded;

for (const { name, argv, read } of cases) {
  test(`as the stock command: ${name}`, async () => {
    const expected = stock === undefined ? recorded.answers[name] : read(askStock(argv));
    assert.deepEqual(read(await askOurs(argv)), expected);
  });
}
