import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Candidate, choose } from './choice.ts';

const candidate = (encoding: string, more: Partial<Candidate> = {}): Candidate => ({
  encoding,
  types: new Set(['text/plain']),
  chooseFirst: false,
  ...more,
});
const gzip = candidate('gzip');
const brotli = candidate('br');

test('the encoding of the greatest weight that the chain has is chosen', () => {
  const table: readonly (readonly [string, readonly Candidate[], string, string])[] = [
    ['gzip', [gzip], 'gzip', 'compressor'],
    ['br', [gzip], 'identity', 'nothing'],
    ['gzip, br', [brotli, gzip], 'gzip', 'compressor'],
    ['gzip;q=0.5, br;q=0.6', [gzip, brotli], 'br', 'compressor'],
    ['gzip, br', [gzip, candidate('br', { chooseFirst: true })], 'br', 'compressor'],
    ['*', [brotli, gzip], 'br', 'wildcard'],
    ['br;q=0, *', [brotli, gzip], 'gzip', 'wildcard'],
    ['identity, *;q=0.5', [gzip], 'identity', 'identity'],
    ['gzip;q=nothing', [gzip], 'identity', 'nothing'],
    ['gzip, br;q=0.1', [candidate('gzip', { types: new Set(['text/css']) }), brotli], 'br', 'compressor'],
    ['', [gzip], 'identity', 'nothing'],
  ];
  for (const [accept, chain, encoding, because] of table) {
    assert.deepEqual(choose(accept, 'Text/Plain; charset=x', chain), { encoding, because }, accept);
  }
});
