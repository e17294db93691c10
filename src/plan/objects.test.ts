import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namedObjects } from './objects.ts';

test('values that no object has are nothing, whatever they call themselves', () => {
  const hostile = JSON.parse('{"toString": null, "valueOf": 1}') as unknown;
  const object = (creationTimestamp: unknown, resourceVersion: unknown) => ({
    apiVersion: hostile,
    kind: 'CiliumNetworkPolicy',
    metadata: { name: 'p', namespace: hostile, creationTimestamp, resourceVersion },
  });
  const found = namedObjects([hostile, object(hostile, hostile), object(hostile, '2'), null, 'text', []]);
  assert.deepEqual(
    found.map(({ key, created, raw }) => [key, created, (raw as ReturnType<typeof object>).metadata.resourceVersion]),
    [['CiliumNetworkPolicy//p', '', '2']],
  );
});
