import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { readLearntFile, writeLearntFile } from './learnt-file.ts';

const directory = await mkdtemp(path.join(tmpdir(), 'learnt-'));
after(() => rm(directory, { recursive: true }));
const record = { endpoint: '10.0.0.1', name: 'a.', address: '1.1.1.1', leftMs: 5_000 };

test('what was written is read, less the time that has passed', async () => {
  const file = path.join(directory, 'deep', 'names.json');
  await writeLearntFile(file, [record], 1_000);
  await writeLearntFile(file, [record, { ...record, address: '2001:db8::1' }], 2_000);
  const cases = [
    [2_000, 5_000],
    [4_000, 3_000],
    [9_000, 0],
    [0, 5_000],
  ] as const;
  for (const [nowMs, leftMs] of cases) {
    const read = await readLearntFile(file, nowMs);
    assert.deepEqual(read.ok && read.value[0], { ...record, leftMs });
    assert.equal(read.ok && read.value.length, 2);
  }
  assert.deepEqual(await readdir(path.dirname(file)), ['names.json']);
});

test('no file is no names; a file that is none of ours is refused whole', async () => {
  assert.deepEqual(await readLearntFile(path.join(directory, 'none.json'), 0), { ok: true, value: [] });
  const file = path.join(directory, 'bad.json');
  const texts = [
    '',
    '{"version":1,"savedMs":0,"records":[["10.0.0.1","a.",',
    'null',
    '{"version":2,"savedMs":0,"records":[]}',
    '{"version":1,"savedMs":0,"records":{}}',
    '{"version":1,"savedMs":0,"records":[["10.0.0.1","a.","not an address",1]]}',
    '{"version":1,"savedMs":0,"records":[["10.0.0.1","a.","1.1.1.1",null]]}',
    '{"version":1,"savedMs":0,"records":[["10.0.0.1","a.","1.1.1.1",-1]]}',
  ];
  for (const text of texts) {
    await writeFile(file, text);
    const read = await readLearntFile(file, 0);
    assert.ok(!read.ok && read.error.startsWith(file), text);
  }
});
