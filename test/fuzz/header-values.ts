import assert from 'node:assert/strict';
import { VALUE_READERS } from '../../src/proxy/filter/header-to-metadata/value.ts';
import { metadataText } from '../../src/proxy/format/metadata-text.ts';
import type { Random } from './random.ts';
import type { Target } from './target.ts';

const NUMBERS = ['5', '-1.5e3', '0x1.8p3', '.5', 'inf', 'nan', '1e999', ' 7 '];
/** Fields of a `google.protobuf.Value`: null, number, text, flag, object, list. */
const FIELDS = [
  '\x08\x00',
  '\x11\0\0\0\0\0\0\xf8?',
  '\x1a\x01a',
  '\x20\x01',
  '*\x08\x0a\x06\x0a\x01a\x12\x01',
  '2\x04\x0a\x02\x20\x01',
];

function make(random: Random): string {
  if (random.chance(0.3)) return random.pick(NUMBERS);
  let bytes = '';
  for (let count = random.below(4); count >= 0; count--) bytes += random.pick(FIELDS);
  for (let depth = random.below(5); depth > 0 && bytes.length < 100; depth--) {
    const item = `\x0a${String.fromCharCode(bytes.length)}${bytes}`;
    bytes = `2${String.fromCharCode(item.length)}${item}`;
  }
  return bytes;
}

/** Header values that become metadata: whatever they are, what comes out can be written. */
export const headerValues: Target = {
  name: 'header-values',
  words: [...NUMBERS, ...FIELDS, '2', '*', '\x0a', '\xff', '\x80'],
  make,
  run(input) {
    for (const [type, read] of Object.entries(VALUE_READERS)) {
      const value = read(input);
      if (value === undefined) continue;
      if (type === 'NUMBER') assert.equal(typeof value, 'number');
      assert.equal(typeof metadataText(value), 'string');
    }
  },
};
