import { selectorMatches } from '../../base/index.ts';
import type { PolicyObject, PolicyRule } from '../../model/cilium/index.ts';
import { hostLabels, type PeerIndex, reservedIdentity } from '../../policy/index.ts';
import { createClusterAddresses } from '../cluster-addresses.ts';
import { type ClusterView, clusterView, nodeLabels, notPlannable } from '../cluster-view.ts';
import { nodeIdentities } from '../node-identities.ts';
import type { Identity, NodePlan } from '../node-plan.ts';
import { plan } from '../plan.ts';
import { plannedPolicies } from '../policies.ts';
import { createPolicyStage } from '../policy-stage.ts';
import { type PlannedService, plannedServices } from '../services.ts';
import { enforcementAt } from '../verdicts/packet.ts';
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
  const { index } = createPolicyStage()(world, view, policies, services, createClusterAddresses()(view, nodes), nodes);
  return { world, view, plan: plan(world), policies, services, index };
}

/** A rule that selects the pod, with the object that holds it. */
export interface SelectingRule {
  readonly policy: PolicyObject;
  readonly rule: PolicyRule;
}

/** Whose policy is asked: a pod, or its node under the rules for nodes. */
export interface Subject {
  readonly kind: PolicyRule['subject']['kind'];
  readonly name: string;
  readonly identity: Identity;
  readonly namedPorts: ReadonlyMap<string, number>;
}

/** Who has the address on the context's node; undefined where nothing there has a policy. */
export function subjectAt({ view, plan: made }: NodeContext, address: string): Subject | undefined {
  if (!enforcementAt(made, address)) return undefined;
  const pod = view.localPods.find((one) => one.address === address);
  if (pod)
    return {
      kind: 'endpoints',
      name: `${pod.namespace}/${pod.name}`,
      identity: pod.identity,
      namedPorts: pod.namedPorts,
    };
  return { kind: 'nodes', name: `node ${view.node.name}`, identity: reservedIdentity.host, namedPorts: new Map() };
}

export function selectingRules(
  { policies, index, world }: NodeContext,
  { kind, identity }: Pick<Subject, 'kind' | 'identity'>,
): readonly SelectingRule[] {
  const ofHost = hostLabels(nodeLabels(world));
  const isSelected = ({ subject: { kind: wanted, selector } }: PolicyRule): boolean =>
    wanted === kind && (kind === 'nodes' ? selectorMatches(selector, ofHost) : index.select(selector).has(identity));
  return policies.flatMap((policy) => policy.rules.filter(isSelected).map((rule) => ({ policy, rule })));
}
