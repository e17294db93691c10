import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boundSource } from './bound-source.ts';

/** With `@` for a look. */
function bounded(source: string): string {
  const made = boundSource(source);
  if (!made.ok) return made.error;
  return made.value
    .replace(/\nimport \{ bounds as (\w+) \} from "file:\/\/\S+\/bounds\.ts";$/, '')
    .replaceAll(/ciliateBounds\w*\.left--\|\|ciliateBounds\w*\.look\(\)/g, '@');
}

const cases: readonly (readonly [source: string, expected: string])[] = [
  ['let a = 1;', 'let a = 1;'],
  ['for (;;) a();', 'for (;;) {@;a();}'],
  ['for (;;);', 'for (;;){@;;}'],
  ['while (a) { b() }', 'while (a) {@; b() }'],
  ['while (a) b()\nc()', 'while (a) {@;b()}\nc()'],
  ['do a(); while (b)', 'do {@;a();} while (b)'],
  ['for (const a of b) for (const c in a) d(c);', 'for (const a of b) {@;for (const c in a) {@;d(c);}}'],
  ['for await (const a of b) if (a) c(); else d();', 'for await (const a of b) {@;if (a) c(); else d();}'],
  ['a: while (b) while (c) continue a;', 'a: while (b) {@;while (c) {@;continue a;}}'],
  ['function a() { return 1; }', 'function a() {@; return 1; }'],
  ['const a = async function* () {};', 'const a = async function* () {@;};'],
  ['const a = (b) => b + 1, c = 2;', 'const a = (b) => (@,b + 1), c = 2;'],
  ['const a = (b) => ({ b });', 'const a = (b) => ((@,{ b }));'],
  ['const a = (b) => (c) => b, d = 1;', 'const a = (b) => (@,(c) => (@,b)), d = 1;'],
  ['const a = (b) => (b, c);', 'const a = (b) => ((@,b, c));'],
  [
    'class A extends B { constructor() { super(); } get a() { return 1; } b = () => 1; static { c(); } }',
    'class A extends B { constructor() {@; super(); } get a() {@; return 1; } b = () => (@,1); static { c(); } }',
  ],
  ['#!/bin/node\nwhile (1);', '#!/bin/node\nwhile (1){@;;}'],
  ['const ciliateBounds = 1; for (;;) {}', 'const ciliateBounds = 1; for (;;) {@;}'],
  ['for (;;) // no end', 'Unexpected token (1:18)'],
  ['const a = `$' + '{() => { while (b); }}`;', 'const a = `$' + '{() => {@; while (b){@;;} }}`;'],
];

for (const [source, expected] of cases) {
  test(`a look in ${source}`, () => assert.equal(bounded(source), expected));
}

test('a source that is bounded can be bounded again', () => {
  const once = boundSource('while (a) b();');
  assert.ok(once.ok);
  assert.ok(boundSource(once.value).ok);
});
