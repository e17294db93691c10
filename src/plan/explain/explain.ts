import { fail, ok, type Result } from '../../base/index.ts';
import type { PlannedPod } from '../cluster-view.ts';
import type { NodePlan } from '../node-plan.ts';
import { type NodeContext, nodeContext } from './context.ts';
import { fullName, numberOf, podOf, podPort, Unanswerable } from './ends.ts';
import type { Answered, Asked } from './parts.ts';
import { frontendAt, learntAt, toAddress } from './to-address.ts';
import { toName } from './to-name.ts';
import { toService } from './to-service.ts';
import type { Cluster, Explanation, Follow, Question } from './types.ts';

/**
 * Says what the policies of a cluster do to traffic, step by step: plans the nodes of both ends and judges the plans, so
 * that the answer is what the nodes enforce. Fails with a sentence when the question cannot be answered.
 * @param follow absent: the routes of Envoy configurations are not followed, and the answer says so
 */
export function explain(cluster: Cluster, question: Question, follow?: Follow): Result<Explanation, string> {
  const contexts = new Map<string, NodeContext | string>();
  const on = (world: Cluster, nodeName: string): NodeContext => {
    const key = `${nodeName} ${world === cluster}`;
    const learnt = world.learntNames.get(nodeName);
    const learntNames = learnt?.ok ? learnt.value : new Map<string, readonly string[]>();
    const known = contexts.get(key) ?? nodeContext({ ...world, nodeName, learntNames });
    contexts.set(key, known);
    if (typeof known === 'string') throw new Unanswerable(known);
    return known;
  };
  try {
    return ok(answer({ cluster, question, on, follow }));
  } catch (error) {
    if (error instanceof Unanswerable) return fail(error.message);
    throw error;
  }
}

function answer(asked: Asked): Explanation {
  const { cluster, question, on } = asked;
  const first = cluster.nodes[0]?.metadata?.name;
  if (first === undefined) throw new Unanswerable('there is no node');
  const { pods } = on(cluster, first).view;
  const source = podOf(cluster, pods, question.from);
  const context = on(cluster, source.nodeName);
  const { parts, warnings, to, learntFor } = partsOf(asked, context, source);
  return {
    allowed: parts.every(({ allowed }) => allowed),
    from: fullName(source),
    to,
    parts,
    ...(learntFor && { learntFor }),
    warnings: [...notInForce(context.plan), ...warnings],
  };
}

function partsOf(asked: Asked, context: NodeContext, source: PlannedPod): Answered {
  const { to } = asked.question;
  switch (to.kind) {
    case 'pod': {
      const pod = podOf(asked.cluster, context.view.pods, to);
      const port = podPort(asked.question, pod);
      return toAddress(asked, source, {
        address: pod.address,
        port,
        called: { host: pod.address, port },
        title: fullName(pod),
      });
    }
    case 'address': {
      const { address } = to;
      const port = numberOf(asked.question);
      const frontend = frontendAt(context, asked.question, address);
      if (frontend) return toService(asked, context, source, frontend);
      const owner = context.view.pods.find((pod) => pod.address === address);
      const place = { address, port, called: { host: address, port }, title: owner ? fullName(owner) : address };
      const answered = toAddress(asked, source, place);
      const learnt = learntAt(asked.cluster, context, source, address);
      return { ...answered, ...learnt, warnings: [...answered.warnings, ...learnt.warnings] };
    }
    case 'service':
      return toService(asked, context, source, to);
    case 'name':
      return toName(asked, context, source, to.name);
  }
}

/** Policies that are left out, and why. */
function notInForce({ reports }: NodePlan): readonly string[] {
  return reports
    .filter(({ condition }) => condition.status === 'False')
    .map(({ kind, namespace, name, condition }) => {
      const object = namespace === undefined ? name : `${namespace}/${name}`;
      return `${kind} ${object} is not in force as it is written: ${condition.message}`;
    });
}
