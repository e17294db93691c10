import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWindow } from './window.ts';

test('a full window loses its oldest items and keeps their numbers', () => {
  const window = createWindow<string>(3);
  for (const item of ['a', 'b', 'c', 'd', 'e']) window.push(item);
  assert.deepEqual([...window], ['c', 'd', 'e']);
  assert.deepEqual([window.first(), window.end()], [2, 5]);
  assert.deepEqual([1, 2, 4, 5].map(window.get), [undefined, 'c', 'e', undefined]);
});
