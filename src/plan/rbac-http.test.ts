import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileRe2 } from '../base/index.ts';
import { headerPermissions, otherThan } from './rbac-http.ts';

const noSecret = () => ({ fault: 'none' });

const matches = (regex: string, value: string): boolean => {
  const compiled = compileRe2(regex);
  assert.ok(compiled.ok);
  return compiled.value.matches(value);
};

test('an expression for every value but one', () => {
  const regex = otherThan('a.b');
  for (const other of ['', 'a', 'a.', 'a.c', 'axb', 'a.bc', 'b', ' a.b', 'a.b\n'])
    assert.ok(matches(regex, other), other);
  assert.ok(!matches(regex, 'a.b'));
  const value = fc.string({
    unit: fc.constantFrom('a', 'b', '.', ' ', '[', '^', '-', ']', '\\', '\u00e9'),
    maxLength: 6,
  });
  fc.assert(
    fc.property(value, value, (one, other) => {
      if (one !== '') assert.equal(matches(otherThan(one), other), one !== other);
    }),
  );
  assert.ok(!matches(otherThan('x'.repeat(250)), 'x'.repeat(250)));
});

test('a header that has the value and another one besides does not pass', () => {
  const [exact, others] = headerPermissions({ fieldPath: '', headers: [{ name: 'X-Key', value: 'true' }] }, noSecret);
  assert.deepEqual(exact, { header: { name: 'X-Key', string_match: { exact: 'true' } } });
  assert.deepEqual(others, {
    not_rule: { header: { name: 'X-Key', string_match: { safe_regex: { regex: otherThan('true') } } } },
  });
});
