import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cleanMappings, dropFilePages, trimHeap } from './memory.ts';

const mapping = (range: string, rights: string, path: string, anonymous: number): string =>
  `${range} ${rights} 00000000 fe:00 5324276                            ${path}\nSize: 16 kB\nAnonymous:             ${anonymous} kB\n`;

test('only mappings of files that nothing was written to are let go', () => {
  const smaps = [
    mapping('00400000-00746000', 'r--p', '/bin/node', 0),
    mapping('00746000-00749000', 'r-xp', '/bin/node', 0),
    mapping('06b52000-06b56000', 'r--p', '/bin/node', 8),
    mapping('06b56000-06b7d000', 'rw-p', '/bin/node', 0),
    mapping('7f3559cc0000-7f3559ec5000', 'r--s', '/usr/share/shared', 0),
    mapping('7f355a000000-7f355a001000', 'r--p', '', 0),
    mapping('7ffef5b17000-7ffef5b19000', 'r-xp', '[vdso]', 0),
  ];
  assert.deepEqual(cleanMappings(smaps.join('')), [
    { start: 0x400000n, length: 0x346000 },
    { start: 0x746000n, length: 0x3000 },
  ]);
});

test('pages of the program go, and it goes on', async () => {
  const before = process.memoryUsage.rss();
  await trimHeap();
  await dropFilePages();
  assert.ok(process.memoryUsage.rss() < before - 8 * 1024 * 1024);
  assert.equal(JSON.parse('{"a":[1]}').a[0], 1);
});
