import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sanitizedUtf8 } from './utf8.ts';

test('what is no UTF-8 becomes exclamation marks, byte by byte, and the rest stays', () => {
  assert.equal(sanitizedUtf8('plain'), 'plain');
  assert.equal(sanitizedUtf8('caf\xc3\xa9'), 'café');
  assert.equal(sanitizedUtf8('caf\xe9'), 'caf!');
  assert.equal(sanitizedUtf8('\xe2\x82'), '!!');
  // An overlong slash, a surrogate, and a character beyond the last.
  assert.equal(sanitizedUtf8('\xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80'), '!! !!! !!!!');
});

test('text survives as UTF-8, whatever it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      assert.equal(sanitizedUtf8(Buffer.from(text, 'utf8').toString('latin1')), text);
    }),
  );
});

test('whatever the bytes are, what comes of them is well-formed', () => {
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
      const text = sanitizedUtf8(Buffer.from(bytes).toString('latin1'));
      assert.equal(strict.decode(Buffer.from(text, 'utf8')), text);
    }),
  );
});
