import type { PolicyObject, PolicyRule } from '../../model/cilium/index.ts';
import type { Direction, PeerIndex } from '../../policy/index.ts';
import { type ClusterView, clusterView, notPlannable, type PlannedPod } from '../cluster-view.ts';
import { clusterAddresses } from '../ipcache.ts';
import { nodeIdentities } from '../node-identities.ts';
import type { NodePlan, RuleReference } from '../node-plan.ts';
import { plan } from '../plan.ts';
import { plannedPolicies } from '../policies.ts';
import { createPolicyStage } from '../policy-stage.ts';
import { type PlannedService, plannedServices } from '../services.ts';
import type { World } from '../world.ts';

/** A node's plan with what it was made of. */
export interface NodeContext {
  readonly world: World;
  readonly view: ClusterView;
  readonly plan: NodePlan;
  readonly policies: readonly PolicyObject[];
  readonly services: ReadonlyMap<string, PlannedService>;
  readonly index: PeerIndex;
}

/** Plans the node of `world.nodeName`, or says why there can be no plan. */
export function nodeContext(world: World): NodeContext | string {
  const view = clusterView(world);
  if (!view) return notPlannable(world) ?? 'the node has no addresses';
  const { policies } = plannedPolicies(world);
  const services = plannedServices(world, view);
  const nodes = nodeIdentities(world, view);
  const { index } = createPolicyStage()(world, view, policies, services, clusterAddresses(view, nodes), nodes);
  return { world, view, plan: plan(world), policies, services, index };
}

/** A rule that selects the pod, with the object that holds it. */
export interface SelectingRule {
  readonly policy: PolicyObject;
  readonly rule: PolicyRule;
}

export function selectingRules({ policies, index }: NodeContext, pod: PlannedPod): readonly SelectingRule[] {
  return policies.flatMap((policy) =>
    policy.rules
      .filter(({ subject }) => subject.kind === 'endpoints' && index.select(subject.selector).has(pod.identity))
      .map((rule) => ({ policy, rule })),
  );
}

/** The rules that put the pod into default deny. */
export function isolatingRules(context: NodeContext, pod: PlannedPod, direction: Direction): readonly RuleReference[] {
  const everyRuleDenies = !context.world.config.enableNonDefaultDenyPolicies;
  return selectingRules(context, pod)
    .filter(({ rule }) => rule[direction].items.length > 0 && (rule[direction].defaultDeny || everyRuleDenies))
    .map(({ policy, rule }) => referenceOf(policy, rule, rule.fieldPath));
}

export function referenceOf(
  { kind, namespace, name }: PolicyObject,
  { labels }: PolicyRule,
  path: string,
): RuleReference {
  return { kind, ...(namespace !== undefined && { namespace }), name, path, labels };
}
