import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runFilter } from 'ciliate/filter/testing';
import quota from './quota.ts';

const send = (tenant: string, config = {}) =>
  runFilter(quota, {
    config: { limit: 2, unlimited: ['ops'], ...config },
    request: { headers: { 'x-tenant': tenant } },
  });

test('the third request of a minute is refused', async () => {
  const [first, second, third] = [await send('a'), await send('a'), await send('a')];
  assert.deepEqual(
    [first, second, third].map(({ response }) => [response.status, response.headers['x-requests-left']]),
    [
      [200, '1'],
      [200, '0'],
      [429, '0'],
    ],
  );
  assert.equal(third.request, undefined);
  assert.deepEqual(first.metadata, { test: { tenant: 'a' } });
});

test('operators are not counted', async () => {
  for (let count = 0; count < 5; count++) assert.equal((await send('ops')).response.status, 200);
});

test('who does not say who they are is refused', async () => {
  const { response } = await runFilter(quota, { config: { limit: 2 } });
  assert.deepEqual([response.status, response.body], [401, 'header x-tenant is missing\n']);
});

test('a limit is needed', async () => {
  await assert.rejects(runFilter(quota, { config: {} }), /limit: a number from 1 on is needed/);
});
