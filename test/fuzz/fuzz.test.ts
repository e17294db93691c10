import assert from 'node:assert/strict';
import { test } from 'node:test';
import { corpusOf, fuzz } from './fuzzer.ts';
import { targets } from './targets.ts';

const MILLISECONDS = 600;

for (const target of targets) {
  test(`fuzzing, ${target.name}: the corpus and new inputs give no finding`, () => {
    const { executions, findings } = fuzz([target], { seed: 1, milliseconds: MILLISECONDS, guided: false });
    assert.deepEqual(findings, []);
    assert.ok((executions.get(target.name) ?? 0) > corpusOf(target).length);
  });
}
