import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { clusterView } from './cluster-view.ts';
import { createPodStage } from './pod-stage.ts';
import { walkthroughWorld } from './test-support/walkthrough.ts';
import type { Pod } from './world.ts';

const world = walkthroughWorld({});
const nodes = world.nodes.map(({ metadata }) => metadata?.name ?? '');

/** Few names, addresses, labels and ports, so that pods take over from each other and claim one address. */
const pod = fc
  .record({
    name: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
    podIP: fc.constantFrom('10.244.1.7', '10.244.1.8', '10.244.1.9', '10.244.2.9', '10.244.2.10', '10.244.2.11', ''),
    label: fc.constantFrom('x', 'y'),
    port: fc.constantFrom(80, 81),
    nodeName: fc.constantFrom(...nodes),
    hostNetwork: fc.boolean(),
  })
  .map(({ name, podIP, label, port, nodeName, hostNetwork }): Pod => {
    return {
      metadata: { name, namespace: 'cilium-test', labels: { label } },
      spec: { nodeName, hostNetwork, containers: [{ name: 'c', ports: [{ name: 'http', containerPort: port }] }] },
      status: { podIP },
    };
  });

test('a view of pods that came and went is the view of those that are there', () => {
  const identities = [new Map<string, number>(), world.identities];
  fc.assert(
    fc.property(
      fc.array(pod, { minLength: 1, maxLength: 12 }),
      fc.array(fc.tuple(fc.array(fc.nat(11), { maxLength: 12 }), fc.nat(1)), { minLength: 2, maxLength: 6 }),
      (all, steps) => {
        const podsOf = createPodStage();
        for (const [picked, numbers] of steps) {
          // A name has one pod at a time.
          const pods = [
            ...new Map(picked.flatMap((at) => all[at] ?? []).map((one) => [one.metadata?.name, one])).values(),
          ];
          const next = {
            ...world,
            pods: [...world.pods, ...pods],
            identities: identities[numbers] as Map<string, number>,
          };
          assert.deepEqual(clusterView(next, podsOf), clusterView(next));
        }
      },
    ),
    { numRuns: 400 },
  );
});
