import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { EncodedMessage } from '../../model/flow/index.ts';
import type { Envelope } from './envelope.ts';
import { createMerger } from './merge.ts';

const message = new EncodedMessage(Buffer.alloc(0));
const at = (time: number): Envelope => ({ message, timeNs: BigInt(time) });

test('nothing is given while an older response may come', () => {
  const merger = createMerger<string>({ depth: 1 });
  merger.open('a');
  merger.open('b');
  merger.add('a', at(5), 0, 25);
  assert.equal(merger.take(24), undefined);
  assert.equal(merger.dueMs(), 25);
  merger.add('b', at(3), 10, 25);
  assert.equal(merger.take(10)?.timeNs, 3n);
  assert.equal(merger.take(10), undefined);
  assert.equal(merger.take(25)?.timeNs, 5n);
  merger.add('a', at(9), 30, 25);
  merger.end('b');
  assert.equal(merger.take(30)?.timeNs, 9n);
  assert.equal(merger.take(30), undefined);
  assert.equal(merger.held('a'), 0);
});

test('what comes late holds nobody up again', () => {
  const merger = createMerger<string>({ depth: 1 });
  merger.open('a');
  merger.open('b');
  merger.add('a', at(5), 0, 25);
  merger.add('a', at(4), 20, 0);
  assert.equal(merger.dueMs(), 20);
  assert.equal(merger.take(20)?.timeNs, 4n);
  assert.equal(merger.take(24), undefined);
  assert.equal(merger.take(25)?.timeNs, 5n);
});

test('sorted streams that end merge to one sorted stream', () => {
  const stream = fc.array(fc.nat(100), { maxLength: 30 }).map((times) => times.sort((a, b) => a - b));
  fc.assert(
    fc.property(fc.array(stream, { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 5 }), (streams, depth) => {
      const merger = createMerger<number>({ depth });
      for (const source of streams.keys()) merger.open(source);
      const out: number[] = [];
      const takeAll = (): void => {
        for (let envelope = merger.take(0); envelope; envelope = merger.take(0)) out.push(Number(envelope.timeNs));
      };
      const longest = Math.max(...streams.map((times) => times.length));
      for (let index = 0; index <= longest; index++) {
        for (const [source, times] of streams.entries()) {
          const time = times[index];
          if (time !== undefined) merger.add(source, at(time), 0, 1000);
          else merger.end(source);
          takeAll();
        }
      }
      assert.deepEqual(
        out,
        streams.flat().sort((a, b) => a - b),
      );
      assert.equal(merger.size(), 0);
    }),
  );
});
