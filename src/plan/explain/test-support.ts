import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ok } from '../../base/index.ts';
import { walkthroughWorld } from '../test-support/walkthrough.ts';
import type { World } from '../world.ts';
import { explain } from './explain.ts';
import type { Cluster, Destination, Explanation, Question } from './types.ts';

export const namespace = 'cilium-test';
export const pod = (name: string): Destination => ({ kind: 'pod', namespace, name });
export const service = (name: string): Destination => ({ kind: 'service', namespace, name });

export interface Case {
  readonly name: string;
  readonly policies: readonly object[];
  readonly world?: Partial<World>;
  readonly from?: string;
  readonly to: Destination;
  readonly ask?: Partial<Question>;
  readonly expect: readonly string[];
}

/** Where the world names none, it is not known what the nodes have learnt. */
export const cluster = (policies: readonly object[], world: Partial<World> = {}): Cluster => {
  const { nodeName: _, learntNames, ...rest } = walkthroughWorld({ ...world, policies });
  const nodes = rest.nodes.map(({ metadata }) => [metadata?.name ?? '', ok(learntNames)] as const);
  return { ...rest, learntNames: new Map(world.learntNames ? nodes : []) };
};
export const request = (path: string, headers: Readonly<Record<string, string>> = {}): Partial<Question> => ({
  port: 8080,
  http: { method: 'GET', path, headers },
});

/** The answer in lines: `part`, and for each step its verdict, its reason and the rules. */
function linesOf({ parts, warnings, allowed, learntFor }: Explanation): readonly string[] {
  return [
    ...(learntFor ? [`${learntFor.node} knows it as ${learntFor.names.join(', ') || 'nothing'}`] : []),
    ...parts.flatMap(({ title, steps }) => [
      title,
      ...steps.flatMap((step) => [
        `${step.direction} ${step.layer} ${step.verdict}: ${step.reason}`,
        ...step.rules.map(({ name, path }) => `  by ${name} ${path}`),
        ...step.isolatedBy.map(({ name, path }) => `  isolated by ${name} ${path}`),
        ...step.nearest.map(({ rule, miss }) => `  near ${rule.name} ${rule.path}: ${miss}`),
      ]),
    ]),
    ...warnings.map((warning) => `! ${warning}`),
    allowed ? 'ALLOWED' : 'DENIED',
  ];
}

/** Makes a test of each case. */
export function testExplanations(cases: readonly Case[]): void {
  for (const { name, policies, world, from = 'client', to, ask, expect } of cases) {
    test(name, () => {
      const question: Question = { from: { namespace, name: from }, to, port: 8080, protocol: 'tcp', ...ask };
      const answer = explain(cluster(policies, world), question);
      assert.ok(answer.ok, answer.ok ? '' : answer.error);
      assert.deepEqual(linesOf(answer.value), expect);
    });
  }
}
