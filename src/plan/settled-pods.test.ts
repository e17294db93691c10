import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPodSettling, type Pod, type World } from './index.ts';
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
