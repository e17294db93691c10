import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hash64, toBigInt, xxHash64 } from './xxhash64.ts';

/** Length, seed and hash; the bytes are `(i * 131 + 7) & 255`. The hashes come from the xxhash-wasm package. */
const VECTORS: readonly (readonly [number, bigint, bigint])[] = [
  [0, 0n, 0xef46db3751d8e999n],
  [1, 0n, 0xa96c7f0ce858bbb7n],
  [3, 0n, 0xbed43740ee6332bbn],
  [4, 0n, 0xfa212ae44b3bb23dn],
  [7, 0n, 0x2744460dd675d2c0n],
  [8, 0n, 0x994b676b71ce94ddn],
  [11, 0n, 0x97f078da7a1a590cn],
  [31, 0n, 0x6711d55e306b5d8fn],
  [32, 0n, 0x7f7b8e3bc5d6e25n],
  [33, 0n, 0x9f85eeb4e1cbe9fn],
  [63, 0n, 0xb7c9968c066cb6a5n],
  [64, 0n, 0x50d4159a0411632en],
  [100, 0n, 0x9ddada11d3dc2d8fn],
  [5, 1n, 0xe07f25fb3a8e5de9n],
  [40, 1n, 0x9b1fd1ec1db110c1n],
];

test('xxHash64 gives the hashes of the reference implementation', () => {
  for (const [length, seed, hash] of VECTORS) {
    const bytes = Uint8Array.from({ length }, (_, index) => (index * 131 + 7) & 255);
    assert.equal(toBigInt(xxHash64(bytes, hash64(seed))), hash, `${length} bytes, seed ${seed}`);
  }
});
