import { compileRuleset } from '../../src/datapath/compile.ts';
import { difference } from '../../src/datapath/transaction.ts';
import { createPlanner, type World } from '../../src/plan/index.ts';
import { median } from '../figure.ts';
import { policyObject } from './policies.ts';
import { clusterWorld, fullSize, type Pod, scaled } from './world.ts';

/** Milliseconds (medians where it is done often), and MiB. */
export interface PlannerSample {
  readonly first: number;
  readonly podComes: number;
  readonly podGoes: number;
  readonly policyChanges: number;
  readonly kernelDifference: number;
  readonly memory: number;
}

const ROUNDS = 40;

/** Measures one size in a process of its own, whose memory is then that of the world and its plan. */
function measure(scale: number): PlannerSample {
  const size = scaled(fullSize, scale);
  const world = clusterWorld(size);
  const plan = createPlanner();
  const startedAt = performance.now();
  const first = plan(world);
  const firstTime = performance.now() - startedAt;
  const rules = ruleset(first.datapath);
  const seen = { comes: [] as number[], goes: [] as number[], policy: [] as number[], kernel: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    // Every second pod is one of the node's own.
    const at = (round * size.nodes + (round % 2)) % world.pods.length;
    const without = withoutPod(world, world.pods[at] as Pod);
    const { result: gone, time: goes } = timed(() => plan(without));
    seen.goes.push(goes);
    seen.kernel.push(timed(() => difference(rules, ruleset(gone.datapath))).time);
    seen.comes.push(timed(() => plan(world)).time);
    const policies = world.policies.with(round % world.policies.length, policyObject(round + 1, size.identities, 2));
    seen.policy.push(timed(() => plan({ ...world, policies })).time);
    plan(world);
  }
  return {
    first: firstTime,
    podComes: median(seen.comes),
    podGoes: median(seen.goes),
    policyChanges: median(seen.policy),
    kernelDifference: median(seen.kernel),
    memory: process.memoryUsage.rss() / 2 ** 20,
  };
}

function timed<T>(work: () => T): { readonly result: T; readonly time: number } {
  const startedAt = performance.now();
  const result = work();
  return { result, time: performance.now() - startedAt };
}

function ruleset(datapath: ReturnType<ReturnType<typeof createPlanner>>['datapath']) {
  const compiled = compileRuleset(datapath);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
  return compiled.value;
}

/** The pod and its place in the slices of its Services are gone; all other objects stay the same objects. */
function withoutPod(world: World, pod: Pod): World {
  const address = pod.status?.podIP ?? '';
  return {
    ...world,
    pods: world.pods.filter((one) => one !== pod),
    endpointSlices: world.endpointSlices.map((slice) => {
      const endpoints = slice.endpoints?.filter(({ addresses }) => addresses[0] !== address) ?? [];
      return endpoints.length === slice.endpoints?.length ? slice : { ...slice, endpoints };
    }),
  };
}

console.log(JSON.stringify(measure(Number(process.argv[2]))));
