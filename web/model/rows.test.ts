import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addFlow, createServiceMap } from './aggregate.ts';
import { readFlow } from './flow.ts';
import { fitRows, rowsOf } from './rows.ts';

test('ports are kept before calls when a card has no room for all', () => {
  const map = createServiceMap();
  for (const port of [80, 443, 22]) {
    for (const path of ['/a', '/b']) {
      addFlow(
        map,
        readFlow({
          source: { namespace: 'n', workloads: [{ name: 'x' }] },
          destination: { namespace: 'n', workloads: [{ name: 'y' }] },
          l4: { TCP: { destination_port: port } },
          l7: { type: 'REQUEST', http: { method: 'GET', url: path } },
        }),
      );
    }
  }
  const card = map.cards.get('n/y');
  assert.ok(card);
  const rows = rowsOf(card);
  assert.equal(rows.length, 9);
  const names = (most: number): string[] =>
    fitRows(rows, most).fitting.map((row) => (row.kind === 'port' ? String(row.accessPoint.port) : row.call.key));
  assert.deepEqual(names(9).length, 9);
  assert.deepEqual(names(5), ['22', 'GET /a', '80', '443']);
  assert.deepEqual(names(3), ['22', '80']);
  assert.equal(fitRows(rows, 3).more, 7);
});
