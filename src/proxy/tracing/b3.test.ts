import assert from 'node:assert/strict';
import test from 'node:test';
import { HeaderMap } from '../http/headers.ts';
import { readB3, writeB3 } from './b3.ts';

const long = '463ac35c9f6413ad48485a3953bb6124';
const span = '0020000000000001';
const parent = 'b7ad6b7169203331';

function headersOf(fields: Readonly<Record<string, string>>): HeaderMap {
  const headers = new HeaderMap();
  for (const [name, value] of Object.entries(fields)) headers.add(name, value);
  return headers;
}

test('what one form of B3 tells comes back from what is read of it', () => {
  for (const single of [true, false]) {
    for (const sampled of [true, false]) {
      for (const parentId of ['', parent]) {
        const headers = new HeaderMap();
        const ids = { traceId: long, spanId: span, parentId };
        writeB3(headers, { ...ids }, sampled, single);
        assert.deepEqual(readB3(headers), { ids, sampled, single });
      }
    }
  }
});

test('a trace whose first half is zero has the id of the other', () => {
  const read = readB3(headersOf({ 'x-b3-traceid': `${'0'.repeat(16)}${long.slice(16)}`, 'x-b3-spanid': '1' }));
  assert.deepEqual(read, {
    ids: { traceId: long.slice(16), spanId: '1'.padStart(16, '0'), parentId: '' },
    sampled: undefined,
    single: false,
  });
});

test('hostile lengths end soon', () => {
  for (const text of ['0'.repeat(100_000), `${'-'.repeat(50_000)}`, `${long}-${'a'.repeat(60_000)}`]) {
    assert.equal(readB3(headersOf({ b3: text })), 'invalid');
  }
  assert.equal(readB3(headersOf({ 'x-b3-traceid': 'f'.repeat(60_000), 'x-b3-spanid': span })), 'invalid');
});
