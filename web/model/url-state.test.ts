import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readUrlState, type UrlState, writeUrlState } from './url-state.ts';

const states: readonly { readonly query: string; readonly state: UrlState }[] = [
  { query: '', state: { filter: '', namespaces: [], verdicts: [] } },
  {
    query: '?filter=--to-pod+shop/cart+--http-status+5%2B&namespaces=bank,shop&verdict=dropped,error',
    state: {
      filter: '--to-pod shop/cart --http-status 5+',
      namespaces: ['bank', 'shop'],
      verdicts: ['dropped', 'error'],
    },
  },
  { query: '?verdict=audited', state: { filter: '', namespaces: [], verdicts: ['audited'] } },
];

for (const { query, state } of states) {
  test(`the address ${JSON.stringify(query)} is read and written`, () => {
    assert.deepEqual(readUrlState(query), state);
    assert.equal(writeUrlState(state), query);
  });
}

test('what an address has no business to hold is left out', () => {
  const state = readUrlState('?namespaces=A,b,../c,b&verdict=dropped,none&x=1');
  assert.deepEqual(state, { filter: '', namespaces: ['b'], verdicts: ['dropped'] });
});
