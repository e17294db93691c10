import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sparkPath } from './spark.ts';

for (const { name, values, path } of [
  { name: 'goes through all values', values: [0, 4, 2], path: 'M0.0,9.0L10.0,1.0L20.0,5.0' },
  { name: 'of nothing but zeros is none', values: [0, 0], path: '' },
  { name: 'of nothing known is none', values: [undefined, undefined], path: '' },
  {
    name: 'has a gap where nothing is known',
    values: [4, 4, undefined, 2, 4],
    path: 'M0.0,1.0L5.0,1.0M15.0,5.0L20.0,1.0',
  },
  { name: 'is a dash for a value that stands alone', values: [undefined, 4, undefined], path: 'M8.5,1.0h3' },
]) {
  test(`a line ${name}`, () => assert.equal(sparkPath(values, 20, 10), path));
}
