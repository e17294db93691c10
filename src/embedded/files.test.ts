import assert from 'node:assert/strict';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { openLog, writeSecret } from './files.ts';

function folder(): { readonly file: string; [Symbol.dispose](): void } {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'ciliate-files-'));
  return {
    file: path.join(directory, 'file'),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}

test("a secret is its owner's alone, whatever was there before", () => {
  using place = folder();
  writeFileSync(place.file, 'old', { mode: 0o644 });
  writeFileSync(`${place.file}.new`, 'left over', { mode: 0o644 });
  writeSecret(place.file, 'key');
  assert.equal(readFileSync(place.file, 'utf8'), 'key');
  assert.equal(statSync(place.file).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(path.dirname(place.file)), ['file']);
});

test('a log that has grown large makes room when it is opened', () => {
  using place = folder();
  closeSync(openLog(place.file));
  assert.equal(statSync(place.file).mode & 0o777, 0o600);
  closeSync(openLog(place.file));
  assert.equal(existsSync(`${place.file}.1`), false);
  truncateSync(place.file, 17 * 1024 * 1024);
  closeSync(openLog(place.file));
  assert.equal(statSync(place.file).size, 0);
  assert.equal(statSync(`${place.file}.1`).size, 17 * 1024 * 1024);
});
