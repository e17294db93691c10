import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { frameMessage, type MessageFault, MessageReader } from './grpc-messages.ts';

function readAll(bytes: Buffer, cuts: readonly number[], limit: number): { messages: Buffer[]; fault?: MessageFault } {
  const reader = new MessageReader(limit);
  const messages: Buffer[] = [];
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((left, right) => left - right);
  let from = 0;
  for (const to of ends) {
    const fault = reader.read(bytes, from, to, (message) => messages.push(message) > 0);
    if (fault) return { messages, fault };
    from = to;
  }
  return { messages };
}

test('messages are the same however their bytes are cut', () => {
  const parts = fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 6 });
  fc.assert(
    fc.property(parts, fc.array(fc.nat(), { maxLength: 8 }), (sent, cuts) => {
      const all = sent.map((one) => Buffer.from(one));
      const { messages, fault } = readAll(Buffer.concat(all.map(frameMessage)), cuts, 30);
      assert.equal(fault, undefined);
      assert.deepEqual(messages, all);
    }),
  );
});

test('a message that is too long, compressed or of unknown flags is a fault before its bytes are kept', () => {
  const long = frameMessage(Buffer.alloc(31));
  assert.equal(readAll(long.subarray(0, 5), [], 30).fault, 'too long');
  const compressed = frameMessage(Buffer.alloc(3));
  compressed[0] = 1;
  assert.equal(readAll(compressed, [], 30).fault, 'compressed');
  assert.equal(readAll(Buffer.from([2, 0, 0, 0, 0]), [], 30).fault, 'unknown flags');
});

test('nothing is read after a message whose reader wants no more, and a piece of a message is unfinished', () => {
  const reader = new MessageReader(30);
  const two = Buffer.concat([frameMessage(Buffer.from('a')), frameMessage(Buffer.from('b'))]);
  const taken: string[] = [];
  reader.read(two, 0, two.length, (message) => {
    taken.push(message.toString());
    return false;
  });
  assert.deepEqual(taken, ['a']);
  assert.equal(reader.unfinished, false);
  reader.read(two, 0, 5, () => true);
  assert.equal(reader.unfinished, true);
});
