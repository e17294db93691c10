import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { ApiError } from './api-error.ts';
import { createClient } from './client.ts';
import { startInformer } from './informer.ts';
import { type FakeCollection, fakeCollection, type TestPod, testServer, until } from './test-support.ts';

async function start(t: TestContext, prepare: (collection: FakeCollection) => void = () => undefined) {
  const collection = fakeCollection();
  prepare(collection);
  const server = await testServer(collection.handler);
  const client = createClient(server.access);
  const changes: string[] = [];
  const errors: ApiError[] = [];
  const informer = startInformer<TestPod>({
    client,
    group: '',
    version: 'v1',
    resource: 'pods',
    onChange: ({ type, object }) => changes.push(`${type} ${object.metadata.name}`),
    onError: (error) => errors.push(error),
  });
  t.after(async () => {
    await informer.stop();
    client.close();
    await server.close();
  });
  const watching = (count: number): Promise<void> =>
    until(`${count} watches`, () => collection.watches.length >= count);
  return { collection, informer, changes, errors, watching };
}

test('lists page by page, then follows additions, changes and deletions', async (t) => {
  const { collection, informer, changes, watching } = await start(t, (collection) => {
    collection.pageSize = 2;
    for (const name of ['a', 'b', 'c', 'd', 'e']) collection.put(name);
  });
  await informer.synced;
  assert.deepEqual(
    informer.objects().map(({ metadata }) => metadata.name),
    ['a', 'b', 'c', 'd', 'e'],
  );
  assert.equal(collection.lists, 3);
  await watching(1);
  changes.length = 0;
  collection.put('f');
  collection.put('a');
  collection.remove('b');
  await until('three changes', () => changes.length === 3);
  assert.deepEqual(changes, ['added f', 'modified a', 'deleted b']);
  assert.equal(informer.get('shop', 'b'), undefined);
  assert.equal(informer.get('shop', 'a')?.metadata.resourceVersion, '17');
});

test('resumes a broken watch from the last version and misses nothing', async (t) => {
  const { collection, informer, changes, watching } = await start(t, (collection) => collection.put('a'));
  await informer.synced;
  await watching(1);
  collection.disconnect();
  collection.put('b');
  await until('b', () => informer.get('shop', 'b') !== undefined);
  await watching(2);
  collection.remove('a');
  await until('a gone', () => informer.get('shop', 'a') === undefined);
  assert.equal(collection.lists, 1);
  assert.deepEqual(changes, ['added a', 'added b', 'deleted a']);
});

test('a bookmark moves the version from which it resumes', async (t) => {
  const { collection, informer, watching } = await start(t, (collection) => collection.put('a'));
  await informer.synced;
  await watching(1);
  collection.bookmark();
  collection.put('b');
  collection.bookmark();
  await until('b', () => informer.get('shop', 'b') !== undefined);
  collection.disconnect();
  await watching(2);
  assert.ok(Number(collection.watches[1]) >= 13, `resumed from ${collection.watches[1]}`);
});

test('lists again after 410 and tells only the difference', async (t) => {
  const { collection, informer, changes, watching } = await start(t, (collection) => {
    for (const name of ['stays', 'goes', 'changes']) collection.put(name);
  });
  await informer.synced;
  await watching(1);
  changes.length = 0;
  // What happens between the cut and the next watch is forgotten.
  collection.disconnect();
  collection.remove('goes');
  collection.put('changes');
  collection.put('comes');
  collection.forget();
  await until('the second list', () => collection.lists === 2);
  await until('three changes', () => changes.length === 3);
  assert.deepEqual(changes.sort(), ['added comes', 'deleted goes', 'modified changes']);
});

test('a server that is away is tried again until it is back', async (t) => {
  const { collection, informer, errors } = await start(t, (collection) => {
    collection.put('a');
    collection.refuse = 2;
  });
  await informer.synced;
  assert.equal(informer.objects().length, 1);
  assert.deepEqual(
    errors.map(({ code }) => code),
    [503, 503],
  );
  assert.equal(collection.lists, 1);
});

test('stop ends the watch and silences changes', async (t) => {
  const { collection, informer, changes, watching } = await start(t);
  await informer.synced;
  await watching(1);
  await informer.stop();
  collection.put('late');
  assert.deepEqual(changes, []);
});

test('stop before the first answer resolves synced', async (t) => {
  const { informer } = await start(t, (collection) => {
    collection.refuse = 1000;
  });
  await informer.stop();
  await informer.synced;
  assert.deepEqual(informer.objects(), []);
});
