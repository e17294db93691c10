import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTypedYaml } from './typed.ts';

function read(text: string): unknown {
  const result = parseTypedYaml(text, 'f');
  return result.ok ? result.value.value : result.error.message;
}

test('plain scalars as Envoy 1.40 took them', () => {
  const table: readonly (readonly [string, unknown])[] = [
    ['010', 8],
    ['0x1F', 31],
    ['y', true],
    ['"y"', 'y'],
    ['3000000000', '3000000000'],
    ['1.5', '1.5'],
    ['1e3', '1e3'],
    ['~', null],
    ['', null],
    ["'12'", '12'],
    ['09', '09'],
    ['.5', '.5'],
    ['-7', -7],
    ['+3', 3],
    ['99999999999999999999', '99999999999999999999'],
    ['On', true],
    ['oN', 'oN'],
    ['NO', false],
    ['1_000', '1_000'],
    ['.inf', '.inf'],
    ['0b11', '0b11'],
    ['0o17', '0o17'],
    ['12:30', '12:30'],
    ['2147483648', '2147483648'],
    ['-2147483648', -2_147_483_648],
    ['! 5', '5'],
    ['|\n  5\n', '5\n'],
  ];
  for (const [text, value] of table) assert.deepEqual([text, read(`a: ${text}`)], [text, { a: value }]);
});

test('anchors under a key of their own, aliases, one document', () => {
  assert.deepEqual(read('!ignore x: &n {b: 1}\na: *n\nc: [*n]\n---\nd: 1\n'), { a: { b: 1 }, c: [{ b: 1 }] });
  assert.deepEqual(read('__proto__: {a: 1}'), JSON.parse('{"__proto__":{"a":1}}'));
});

test('hostile documents are refused', () => {
  const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
  for (let level = 1; level < 9; level++) bomb.push(`a${level}: &a${level} [${Array(10).fill(`*a${level - 1}`)}]`);
  assert.match(String(read(bomb.join('\n'))), /holds more than/);
  assert.match(String(read('['.repeat(5000) + ']'.repeat(5000))), /nested|not YAML/);
  assert.match(String(read('? [a]\n: 1')), /a key must be a plain value/);
  assert.match(String(read('a: *b')), /not YAML|no anchor/);
});
