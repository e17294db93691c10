import type { Endpoint, Flow, FlowPolicy, NamespacedService } from '../../model/flow/index.ts';
import { TrafficDirection } from '../../model/flow/index.ts';
import type { RuleReference } from '../../plan/index.ts';

/** What the node knows about addresses, Services, names and rules at the time of the event. Called per event: be quick. */
export interface FlowLookups {
  /** `node` or `cluster/node`; goes into every flow. */
  readonly nodeName: string;
  /** The pod, node or range behind an address with identity and labels; undefined when nothing is known. */
  readonly endpoint: (address: string) => Endpoint | undefined;
  /** The Service with this frontend. */
  readonly service: (address: string, port: number) => NamespacedService | undefined;
  /** DNS names that were learnt for an address. */
  readonly names: (address: string) => readonly string[];
  /** The rule behind a key of `NodePlan.rules`. */
  readonly rule: (key: string) => RuleReference | undefined;
}

/** One side of a flow as looked up. */
export interface Side {
  readonly endpoint: Endpoint;
  readonly service: NamespacedService | undefined;
  readonly names: readonly string[];
}

const world: Endpoint = { identity: 2, labels: ['reserved:world'] };
const unknown: Endpoint = {};

/** An address that is neither known nor a Service's is in the world; a Service's own address has no identity. */
export function lookUpSide(lookups: FlowLookups, address: string, port: number): Side {
  const service = port === 0 ? undefined : lookups.service(address, port);
  const endpoint = lookups.endpoint(address) ?? (service ? unknown : world);
  return { endpoint, service, names: endpoint.pod_name ? [] : lookups.names(address) };
}

/** The fields of a flow that name its two sides. */
export function sideFields(source: Side, destination: Side): Partial<Flow> {
  return {
    source: source.endpoint,
    destination: destination.endpoint,
    ...(source.names.length > 0 && { source_names: [...source.names] }),
    ...(destination.names.length > 0 && { destination_names: [...destination.names] }),
    ...(source.service && { source_service: source.service }),
    ...(destination.service && { destination_service: destination.service }),
  };
}

export function directionNumber(direction: 'ingress' | 'egress'): number {
  return direction === 'egress' ? TrafficDirection.EGRESS : TrafficDirection.INGRESS;
}

/** The deciding policies under the field for direction and outcome; nothing when no rule is known. */
export function policyFields(
  lookups: FlowLookups,
  keys: readonly string[],
  direction: 'ingress' | 'egress',
  denied: boolean,
): Partial<Flow> {
  const policies = keys.flatMap((key) => {
    const rule = lookups.rule(key);
    return rule ? [flowPolicy(rule)] : [];
  });
  if (policies.length === 0) return {};
  const distinct = policies.filter((policy, index) => policies.findIndex((other) => same(policy, other)) === index);
  return { [`${direction}_${denied ? 'denied' : 'allowed'}_by`]: distinct };
}

function flowPolicy(rule: RuleReference): FlowPolicy {
  return {
    name: rule.name,
    ...(rule.namespace !== undefined && { namespace: rule.namespace }),
    labels: [...rule.labels],
    kind: rule.kind,
  };
}

function same(a: FlowPolicy, b: FlowPolicy): boolean {
  return a.name === b.name && a.namespace === b.namespace && a.kind === b.kind;
}
