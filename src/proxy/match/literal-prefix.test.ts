import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { literalPrefix } from './literal-prefix.ts';
import { compileRegex } from './regex.ts';

test('the literal beginning of an expression', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['/a/b', '/a/b'],
    ['^/a$', '/a'],
    ['/a\\.b\\d', '/a.b'],
    ['/ab*', '/a'],
    ['/ab+c', '/a'],
    ['/ab?', '/a'],
    ['/ab{0,1}', '/a'],
    ['/a|/b', ''],
    ['/a(b|c)', '/a'],
    ['/a[|]', ''],
    ['/a\\|b', '/a|b'],
    ['(?i)/a', ''],
    ['\\Q/a|b\\E', ''],
    ['/a(?i)?', ''],
    ['/a\\Q\\E*', ''],
    ['/a\\', '/a'],
    ['', ''],
  ];
  for (const [source, prefix] of cases) assert.equal(literalPrefix(source), prefix, source);
});

test('whatever an expression matches begins with its literal', () => {
  const parts = [
    'a',
    'b',
    '/',
    '.',
    '\\.',
    '*',
    '?',
    '+',
    '{0}',
    '{1,2}',
    '(',
    ')',
    '|',
    '[ab]',
    '^',
    '$',
    '(?i)',
    '\\|',
  ];
  const source = fc.array(fc.constantFrom(...parts), { maxLength: 8 }).map((list) => list.join(''));
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'A', '/', '.', '|'), maxLength: 6 });
  const property = fc.property(source, fc.array(text, { maxLength: 30 }), (expression, texts) => {
    const compiled = compileRegex(expression);
    if (!compiled.ok) return;
    const prefix = literalPrefix(expression);
    for (const one of texts) if (compiled.value.matches(one)) assert.ok(one.startsWith(prefix), `${expression} ${one}`);
  });
  fc.assert(property, { numRuns: 2000 });
});
