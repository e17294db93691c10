import type { PolicyObject, PolicyPeer, PortMatch } from '../model/cilium/index.ts';
import type { FilterListener, FilterTls, PolicyFilter, RuleReference } from '../policy/index.ts';
import type { EndpointGroup } from './endpoint-groups.ts';
import { qualifiedName } from './envoy-config/names.ts';
import { contextText } from './interception.ts';
import { sharedSelector } from './merged-selectors.ts';
import type { PolicyConflict } from './node-plan.ts';
import { cachedSelectorText } from './selector-text.ts';

/** The name under which a listener that a rule names travels. */
export function listenerKey({ namespace, config, name }: FilterListener): string {
  return qualifiedName({ namespace, config }, name, true);
}

interface FilterConflict {
  readonly pair: readonly [PolicyFilter, PolicyFilter];
  readonly message: string;
}

const conflictsOfFilters = new WeakMap<readonly PolicyFilter[], readonly FilterConflict[]>();

/** Pairs of filters for one selector on the same ports that Cilium refuses to merge. Kept as long as the filters are. */
export function filterConflicts(filters: readonly PolicyFilter[]): readonly FilterConflict[] {
  const known = conflictsOfFilters.get(filters);
  if (known) return known;
  const redirects = filters.filter((one) => one.action === 'allow' && parserOf(one) !== undefined);
  const found = redirects.flatMap((one, at) =>
    redirects.slice(at + 1).flatMap((other): readonly FilterConflict[] => {
      const selector = samePorts(one, other) ? sharedSelector(one, other) : undefined;
      const message = selector && conflictOf(one, other, selector);
      return message === undefined ? [] : [{ pair: [one, other], message }];
    }),
  );
  conflictsOfFilters.set(filters, found);
  return found;
}

/** The rules that meet for these endpoints and cannot be merged, each pair once with everybody that it is for. */
export function policyConflicts(groups: readonly EndpointGroup[]): readonly PolicyConflict[] {
  const found = new Map<string, PolicyConflict & { readonly endpoints: Set<string> }>();
  for (const { pods, policy } of groups) {
    for (const { pair, message } of filterConflicts(policy.filters)) {
      const [one, other] = pair.map(({ rule }) => policy.references.get(rule));
      if (!one || !other) continue;
      const key = [ruleText(one), ruleText(other), message].join('\n');
      const known = found.get(key) ?? { rules: [one, other], message, endpoints: new Set() };
      for (const { namespace, name } of pods) known.endpoints.add(`${namespace}/${name}`);
      found.set(key, known);
    }
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, conflict]) => conflict);
}

/** A conflict as the rule is told of it that meets this one. */
export function conflictText({ message }: Pick<PolicyConflict, 'message'>, other: RuleReference): string {
  return `${message} with ${ruleText(other)}`;
}

/** `CiliumNetworkPolicy shop/p spec.egress[0].toPorts[0]` */
export function ruleText({ kind, namespace, name, path }: RuleReference): string {
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name} ${path}`;
}

/** In the order in which Cilium's texts name them. */
const parsers = ['http', 'tls', 'dns', 'crd'] as const;

interface Layer7 {
  readonly listener?: unknown;
  readonly http?: unknown;
  readonly serverNames?: unknown;
  readonly dns?: unknown;
}

function parserOf({ listener, http, serverNames, dns }: Layer7): (typeof parsers)[number] | undefined {
  if (listener) return 'crd';
  if (http) return 'http';
  if (serverNames) return 'tls';
  return dns ? 'dns' : undefined;
}

function conflictOf(one: PolicyFilter, other: PolicyFilter, selector: PolicyPeer): string | undefined {
  const own = parserOf(one);
  const pair = parsers.filter((parser) => parser === own || parser === parserOf(other));
  const [first, second] = pair;
  if (first === 'http' && second === 'tls' && !one.tls && !other.tls) {
    const names = [...new Set([...(one.serverNames ?? []), ...(other.serverNames ?? [])])].sort();
    const whom = `for cached selector ${cachedSelectorText(selector)}`;
    return `cannot merge L7 rules ${whom} with SNI filtering without TLS termination: [${names.join(' ')}]`;
  }
  if (second !== undefined) return `cannot merge conflicting L7 parsers (${first}/${second})`;
  if (one.tls && other.tls) return contextConflict(one.tls, other.tls, selector);
  if (!one.listener || !other.listener) return undefined;
  const names = [listenerKey(one.listener), listenerKey(other.listener)];
  const { priority } = one.listener;
  if (names[0] === names[1] || priority !== other.listener.priority) return undefined;
  const shown = names.sort().join('/');
  return `cannot merge conflicting CiliumEnvoyConfig Listeners (${shown}) with the same priority (${priority})`;
}

/** A rule without a context takes that of the other. */
function contextConflict(one: FilterTls, other: FilterTls, selector: PolicyPeer): string | undefined {
  for (const side of ['terminating', 'originating'] as const) {
    const [own, theirs] = [one[side], other[side]];
    if (!own || !theirs || contextText(own) === contextText(theirs)) continue;
    const pair = [contextText(own), contextText(theirs)].sort().join('/');
    return `cannot merge conflicting ${side} TLS contexts for cached selector ${cachedSelectorText(selector)}: (${pair})`;
  }
  return undefined;
}

function samePorts(one: PolicyFilter, other: PolicyFilter): boolean {
  if (one.direction !== other.direction || one.protocol !== other.protocol) return false;
  return one.port === other.port && one.portEnd === other.portEnd;
}

/** Whether there can be anything to say: a rule names a listener, or rules for different parsers have a port in common. */
export function mayHaveFaults(policies: readonly PolicyObject[]): boolean {
  const parserOfPort = new Map<string, string>();
  for (const { port, parser } of policies.flatMap(redirectedPorts)) {
    if (parser === 'crd') return true;
    // Which number a name stands for depends on the pod.
    const places = port === anyName ? parserOfPort.keys() : [port, anyName];
    for (const place of places) if ((parserOfPort.get(place) ?? parser) !== parser) return true;
    parserOfPort.set(port, parser);
  }
  return false;
}

const anyName = 'name';

interface RedirectedPort {
  /** `80-80`, or `anyName`. */
  readonly port: string;
  /** With a TLS context. */
  readonly parser: string;
}

const redirectedPortsOf = new WeakMap<PolicyObject, readonly RedirectedPort[]>();

function redirectedPorts(policy: PolicyObject): readonly RedirectedPort[] {
  const known = redirectedPortsOf.get(policy);
  if (known) return known;
  const items = policy.rules.flatMap(({ ingress, egress }) => [...ingress.items, ...egress.items]);
  const found = items.flatMap(({ ports }) =>
    (ports ?? []).flatMap((rule): readonly RedirectedPort[] => {
      const parser = parserOf(rule);
      if (!parser) return [];
      const contexts = [rule.terminatingTls, rule.originatingTls].map((one) => (one ? contextText(one) : ''));
      const read = rule.terminatingTls ? [parser, ...contexts].join(' ') : parser;
      const portOf = (one: PortMatch) => (one.kind === 'name' ? anyName : `${one.port}-${one.endPort}`);
      return rule.ports.map((one) => ({ port: portOf(one), parser: read }));
    }),
  );
  redirectedPortsOf.set(policy, found);
  return found;
}
