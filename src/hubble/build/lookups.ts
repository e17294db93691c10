import type { Endpoint, Flow, FlowPolicy, NamespacedService, RequestVerdict } from '../../model/flow/index.ts';
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
  /** The DNS names that an endpoint was given for an address; none for what is no endpoint of this node. */
  readonly names: (endpoint: string, address: string) => readonly string[];
  /** Counts the versions of the cluster's policies that this node has put into force. */
  readonly policyRevision: number;
  /** The rule behind a key of `NodePlan.rules`. */
  readonly rule: (key: string) => RuleReference | undefined;
  /** Keys of the rules that keep closed what none allows: those that send it to a proxy, else those that isolate the endpoint. */
  readonly closing: (question: ClosedQuestion) => readonly string[];
}

/** What an endpoint's policy refused, although no rule denies it. */
export interface ClosedQuestion {
  readonly endpoint: string;
  readonly direction: 'ingress' | 'egress';
  readonly peer: string;
  /** Undefined for other protocols than these. For ICMP the port is the message's type. */
  readonly protocol: 'tcp' | 'udp' | 'sctp' | 'icmp' | undefined;
  readonly port: number;
}

/** One side of a flow as looked up. */
export interface Side {
  readonly endpoint: Endpoint;
  readonly service: NamespacedService | undefined;
  readonly names: readonly string[];
}

const world: Endpoint = { identity: 2, labels: ['reserved:world'] };
const unknown: Endpoint = {};

/** An end of a flow: port 0 where it has none. */
export interface End {
  readonly address: string;
  readonly port: number;
}

/**
 * An address that is neither known nor a Service's is in the world; a Service's own address has no identity. Its names are those that the
 * other end has asked for, as in Cilium.
 */
export function lookUpSide(lookups: FlowLookups, { address, port }: End, other: End): Side {
  const service = port === 0 ? undefined : lookups.service(address, port);
  const endpoint = lookups.endpoint(address) ?? (service ? unknown : world);
  return { endpoint, service, names: lookups.names(other.address, address) };
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

/** A verdict on what goes from one end to the other; of an answer, on what it answers. */
interface DecidedFlow extends RequestVerdict {
  readonly from: End;
  readonly to: End;
  readonly protocol: ClosedQuestion['protocol'];
}

function closedQuestion(
  direction: 'ingress' | 'egress',
  { from, to, protocol }: Pick<DecidedFlow, 'from' | 'to' | 'protocol'>,
): ClosedQuestion {
  const [endpoint, peer] = direction === 'egress' ? [from.address, to.address] : [to.address, from.address];
  return { endpoint, direction, peer, protocol, port: to.port };
}

/** Key of the label that says where in its policy a rule stands: the flow schema has no field for it. */
const ruleLabel = 'ciliate:rule';

/**
 * The deciding policies under the field for direction and outcome; no field when no rule is known. What is denied because nothing
 * allows it names those that keep it closed. The rules of one policy with the same labels are one entry that names all their places.
 */
export function policyFields(
  lookups: FlowLookups,
  direction: 'ingress' | 'egress',
  { denied, rules, ...ends }: DecidedFlow,
): Partial<Flow> {
  const groups = new Map<string, [RuleReference, ...RuleReference[]]>();
  for (const key of denied && rules.length === 0 ? lookups.closing(closedQuestion(direction, ends)) : rules) {
    const rule = lookups.rule(key);
    if (!rule) continue;
    const group = [rule.kind, rule.namespace, rule.name, ...rule.labels].join('\n');
    const known = groups.get(group);
    if (known) known.push(rule);
    else groups.set(group, [rule]);
  }
  if (groups.size === 0) return {};
  const policies = [...groups.values()].map((group) => flowPolicy(group, lookups.policyRevision));
  return { [`${direction}_${denied ? 'denied' : 'allowed'}_by`]: policies };
}

function flowPolicy(rules: readonly [RuleReference, ...RuleReference[]], revision: number): FlowPolicy {
  const [{ kind, namespace, name, labels }] = rules;
  const places = [...new Set(rules.map(({ path }) => `${ruleLabel}=${path}`))].sort();
  return {
    name,
    ...(namespace !== undefined && { namespace }),
    labels: [...labels, ...places],
    revision,
    kind,
  };
}
