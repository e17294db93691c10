import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allNoted, findNoted, MetadataNote, type Noted } from './dynamic-metadata.ts';

const list = (...notes: readonly MetadataNote[]): Noted =>
  notes.reduce<Noted | undefined>((before, note) => note.addTo(before), undefined) as Noted;

test('a later note takes the place of an earlier one of the same key', () => {
  const noted = list(
    new MetadataNote('n', 'a', 1),
    new MetadataNote('n', 'b', { c: 'd' }),
    new MetadataNote('m', 'a', 'x'),
    new MetadataNote('n', 'a', 2),
  );
  assert.equal(JSON.stringify(allNoted(noted)), '{"n":{"a":2,"b":{"c":"d"}},"m":{"a":"x"}}');
  assert.equal(findNoted(noted, 'n', ['a']), 2);
  assert.equal(findNoted(noted, 'n', ['b', 'c']), 'd');
  assert.equal(findNoted(noted, 'n', ['b', 'x']), undefined);
  assert.equal(findNoted(noted, 'n', ['a', 'x']), undefined);
  assert.equal(findNoted(noted, 'n', ['b', 'constructor']), undefined);
  assert.deepEqual(findNoted(noted, 'm', []), { a: 'x' });
  assert.equal(findNoted(noted, 'o', []), undefined);
});

test('requests of which the same is noted share one list, others have their own', () => {
  const [first, second, other] = [
    new MetadataNote('n', 'a', 1),
    new MetadataNote('n', 'b', 2),
    new MetadataNote('n', 'c', 3),
  ] as const;
  assert.equal(list(first, second), list(first, second));
  assert.deepEqual(allNoted(list(other, second)), { n: { c: 3, b: 2 } });
  assert.deepEqual(allNoted(list(first, second)), { n: { a: 1, b: 2 } });
});
