import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CIPHER, type Cipher } from './cipher.ts';
import { CipherStream, type CipherUser } from './cipher-stream.ts';

/** Stands for one that has `opened` to give, one after the other, and makes an answer with each. */
function fakeCipher(opened: string[]): Cipher {
  let answer: Buffer | undefined;
  let kept = false;
  const plain = Buffer.alloc(16);
  return {
    plain,
    feed: () => undefined,
    open: () => {
      answer = Buffer.from('answer');
      const next = opened.shift();
      return next === undefined ? CIPHER.waits : plain.write(next);
    },
    get pending() {
      return !kept && opened.length > 0;
    },
    keep: () => {
      kept = true;
    },
    get holds() {
      return kept;
    },
    restore: () => {
      kept = false;
    },
    output: () => {
      const made = answer;
      answer = undefined;
      return made;
    },
    seal: () => 0,
    sealEnd: () => 0,
    close: () => undefined,
  };
}

test('what decrypting makes is written before anyone else may encrypt, and none is left when a user pauses', () => {
  const told: string[] = [];
  const user: CipherUser = {
    onPlain: (bytes, length) => {
      told.push(bytes.toString('latin1', 0, length));
      if (told.includes('two')) stream.pause();
    },
    onPlainEnd: () => told.push('end'),
    onBroken: () => told.push('broken'),
    writeBare: (bytes) => told.push(bytes.toString()),
    writeSealed: () => undefined,
  };
  const stream = new CipherStream(fakeCipher(['one', 'two', 'three']), user);
  stream.feed(Buffer.alloc(1), 1);
  assert.deepEqual(told, ['answer', 'one', 'answer', 'two']);
});
