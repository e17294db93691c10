import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import type { LogOptions } from '../runtime.ts';
import { type ContainerLog, openContainerLog } from './log-file.ts';
import { splitLines } from './log-lines.ts';

let directory: string;
before(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'node-log-'));
});
after(() => rmSync(directory, { recursive: true }));

const plain: LogOptions = { follow: false, previous: false, timestamps: false };
const never = new AbortController().signal;

async function text(log: ContainerLog, options: Partial<LogOptions> = {}): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of log.read({ ...plain, ...options }, never)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

test('what was written comes back as asked', async () => {
  let now = Date.UTC(2026, 0, 1);
  const log = openContainerLog(path.join(directory, 'a/0.log'), () => now);
  log.write('stdout', Buffer.from('one\ntw'));
  now += 10_000;
  log.write('stdout', Buffer.from('o\n'));
  log.write('stderr', Buffer.from('three\nunfinished'));
  assert.equal(await text(log), 'one\ntwo\nthree\n');
  assert.equal(await text(log, { tailLines: 2 }), 'two\nthree\n');
  assert.equal(await text(log, { tailLines: 0 }), '');
  assert.equal(await text(log, { sinceSeconds: 5 }), 'two\nthree\n');
  assert.equal(await text(log, { limitBytes: 6 }), 'one\ntw');
  assert.match(await text(log, { timestamps: true }), /^2026-01-01T00:00:00\.000000000Z one\n2026-01-01T00:00:10/);
  log.end();
  assert.equal(await text(log), 'one\ntwo\nthree\nunfinished');
});

test('a follower gets everything until the container ends, over rotations too', async () => {
  const log = openContainerLog(path.join(directory, 'b.log'), Date.now);
  const line = `${'x'.repeat(1000)}\n`;
  log.write('stdout', Buffer.from('first\n'));
  const followed = text(log, { follow: true });
  for (let batch = 0; batch < 60; batch++) {
    log.write('stdout', Buffer.from(line.repeat(100)));
    await new Promise(setImmediate);
  }
  log.end();
  const got = await followed;
  assert.equal(got.length, 'first\n'.length + 6000 * line.length);
  const kept = await text(log);
  assert.ok(kept.length < 5 * 1024 * 1024 && kept.endsWith(line), 'old output is dropped');
});

test('a follower can leave', async () => {
  const log = openContainerLog(path.join(directory, 'c.log'), Date.now);
  const leave = new AbortController();
  const reading = log.read({ ...plain, follow: true }, leave.signal).next();
  leave.abort();
  assert.equal((await reading).done, true);
  log.end();
});

test('lines do not depend on how output is cut', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), fc.array(fc.nat(20)), (words, cuts) => {
      const bytes = Buffer.from(`${words.join('\n')}\n`);
      const whole = splitLines(bytes, 8).pieces.map(({ text: piece, full }) => piece.toString('latin1') + full);
      let rest: Buffer = Buffer.alloc(0);
      const pieces: string[] = [];
      let at = 0;
      for (const cut of [...cuts, bytes.length]) {
        const part = splitLines(Buffer.concat([rest, bytes.subarray(at, at + cut)]), 8);
        at += cut;
        pieces.push(...part.pieces.map(({ text: piece, full }) => piece.toString('latin1') + full));
        rest = part.rest;
      }
      assert.deepEqual(pieces, whole);
    }),
  );
});
