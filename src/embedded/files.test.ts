import assert from 'node:assert/strict';
import { closeSync, existsSync, mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { openLog } from './files.ts';

function folder(): { readonly file: string; [Symbol.dispose](): void } {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'ciliate-files-'));
  return {
    file: path.join(directory, 'file'),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}

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
