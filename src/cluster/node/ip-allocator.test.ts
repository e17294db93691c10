import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { podAddressRange, podLinkAddress } from './addresses.ts';
import { openIpAllocator } from './ip-allocator.ts';

let directory: string;
before(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'node-ip-'));
});
after(() => rmSync(directory, { recursive: true }));

const range = { first: '10.244.1.2', size: 3 };

test('addresses are kept, remembered and used again last', () => {
  const file = path.join(directory, 'a.json');
  const first = openIpAllocator(file, range);
  assert.equal(first.allocate('a'), '10.244.1.2');
  assert.equal(first.allocate('a'), '10.244.1.2');
  first.release('a');
  assert.equal(first.allocate('b'), '10.244.1.3', 'not the one just freed');
  const second = openIpAllocator(file, range);
  assert.equal(second.allocate('b'), '10.244.1.3');
  assert.equal(second.allocate('c'), '10.244.1.4');
  assert.equal(second.allocate('d'), '10.244.1.2');
  assert.equal(second.allocate('e'), undefined);
  second.retain(new Set(['b', 'c']));
  assert.equal(second.allocate('e'), '10.244.1.2');
});

test('a file that is no state starts empty', () => {
  const contents = ['', '{', 'null', '{"next":9,"leases":{}}', '{"next":0,"leases":{"a":-1}}', '[1]'];
  for (const [index, text] of contents.entries()) {
    const file = path.join(directory, `bad-${index}.json`);
    writeFileSync(file, text);
    assert.equal(openIpAllocator(file, range).allocate('a'), '10.244.1.2', text);
  }
});

test('no pod gets an address whose link address is taken', () => {
  const { first, size } = podAddressRange(3);
  assert.equal(first, '10.244.3.2');
  assert.equal(podLinkAddress('10.244.3.251'), '02:00:0a:f4:03:fb');
  assert.ok(2 + size - 1 < 254);
});
