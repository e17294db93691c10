import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WebTextReader, WebTextWriter } from './text.ts';

const message = (text: string): Buffer => {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(text.length, 1);
  return Buffer.concat([prefix, Buffer.from(text)]);
};

test('text is read alike however small its pieces are, with padding between messages', () => {
  const text = message('a').toString('base64') + message('hello').toString('base64');
  for (const size of [1, 2, 3, 4]) {
    const reader = new WebTextReader();
    const pieces: Buffer[] = [];
    for (let at = 0; at < text.length; at += size) {
      const piece = reader.decode(Buffer.from(text.slice(at, at + size)), at + size >= text.length);
      assert.ok(typeof piece === 'object', `pieces of ${size}`);
      pieces.push(piece);
    }
    assert.deepEqual(Buffer.concat(pieces), Buffer.concat([message('a'), message('hello')]));
  }
});

test('what is no base64 is an error', () => {
  assert.equal(new WebTextReader().decode(Buffer.from('!!!!'), true), 'data');
  assert.equal(new WebTextReader().decode(Buffer.from('===='), true), 'data');
  assert.equal(new WebTextReader().decode(Buffer.from('AAAAAB=='), true), 'data');
  assert.equal(new WebTextReader().decode(Buffer.from('AA==AAAA'), true), 'data', 'padding within, as in Envoy');
  assert.equal(new WebTextReader().decode(Buffer.from('AAA'), true), 'size');
});

test('each message is text of its own, however its bytes are cut', () => {
  const messages = ['', 'a', 'bc', 'hello', 'x'.repeat(1000)].map(message);
  const bytes = Buffer.concat(messages);
  const expected = messages.map((one) => one.toString('base64')).join('');
  for (const size of [1, 2, 3, 4, 5, 7, 64, bytes.length]) {
    const writer = new WebTextWriter();
    let text = '';
    for (let at = 0; at < bytes.length; at += size)
      text += writer.encode(bytes.subarray(at, at + size)).toString('latin1');
    assert.equal(text, expected, `pieces of ${size}`);
  }
});
