import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPlanner, createPodSettling, type Pod, type World } from './index.ts';
import { walkthroughWorld } from './test-support/walkthrough.ts';

const base = walkthroughWorld();
const pods = base.pods.map((pod): Pod => ({ ...pod, metadata: { ...pod.metadata, uid: pod.metadata?.name ?? '' } }));
const world: World = { ...base, pods };

/** The world where the first pod has other labels, and no identity for them. */
function relabelled(change: Partial<Pod> = {}): World {
  const [first, ...rest] = pods;
  const labels = { ...first?.metadata?.labels, team: 'x' };
  return { ...world, pods: [{ ...first, metadata: { ...first?.metadata, labels }, ...change }, ...rest] };
}

/** The label of the first pod. */
const team = (of: World): string | undefined => of.pods[0]?.metadata?.labels?.['team'];
const identified = (of: World): World =>
  walkthroughWorld({ pods: of.pods, identities: walkthroughWorld({ pods: of.pods }).identities });

test('a pod keeps its labels until the identity of its new ones exists', () => {
  const settle = createPodSettling();
  assert.equal(settle(world), world);
  const next = relabelled();
  const held = settle(next);
  assert.equal(team(held), undefined);
  assert.equal(held.pods[0]?.metadata?.uid, next.pods[0]?.metadata?.uid);
  assert.deepEqual(held.pods.slice(1), next.pods.slice(1));
  assert.equal(settle(next).pods[0], held.pods[0], 'the same object as long as nothing changes');
  assert.equal(team(settle(identified(next))), 'x');
});

const cases: readonly (readonly [name: string, before: World | undefined, after: World])[] = [
  ['seen for the first time', undefined, relabelled()],
  ['with another address', world, relabelled({ status: { phase: 'Running', podIP: '10.244.1.99' } })],
  ['whose former identity is gone', world, { ...relabelled(), identities: new Map() }],
];
for (const [name, before, after] of cases) {
  test(`a pod ${name} is planned as it is`, () => {
    const settle = createPodSettling();
    if (before) settle(before);
    assert.equal(team(settle(after)), 'x');
  });
}

/** The world where every namespace has one more label. */
const renamed: World = {
  ...world,
  namespaces: world.namespaces.map((one) => ({
    ...one,
    metadata: { ...one.metadata, labels: { ...one.metadata?.labels, stage: 'test' } },
  })),
};
const identitiesOf = (of: World): readonly number[] =>
  createPlanner()(of).datapath.ipcache.map(({ identity }) => identity);

test('pods keep the labels of their namespace until the identities of its new ones exist', () => {
  const settle = createPodSettling();
  settle(world);
  const held = settle(renamed);
  assert.deepEqual(identitiesOf(held), identitiesOf(world));
  assert.ok(identitiesOf(renamed).some((identity, index) => identity !== identitiesOf(world)[index]));
  assert.equal(settle(renamed).pods[0], held.pods[0], 'the same object as long as nothing changes');
  const numbered = { ...renamed, identities: walkthroughWorld({ namespaces: renamed.namespaces }).identities };
  assert.deepEqual(settle(numbered), numbered);
});

test('a pod that gets its identity goes on without those that wait for theirs', () => {
  const settle = createPodSettling();
  settle(world);
  settle(renamed);
  const both = [...world.identities, ...walkthroughWorld({ namespaces: renamed.namespaces }).identities];
  const [[key, number] = ['', 0]] = both.slice(world.identities.size);
  const partly = settle({ ...renamed, identities: new Map([...world.identities, [key, number]]) });
  const former = partly.formerNamespaces?.size ?? 0;
  assert.ok(former > 0 && former < settle(renamed).pods.length);
  assert.ok(identitiesOf(partly).includes(number));
});
