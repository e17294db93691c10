import { type Labels, selectorMatches } from '../base/index.ts';
import type {
  DnsRule,
  HttpRule,
  ListenerReference,
  PolicyItem,
  PolicyObject,
  PolicyPeer,
  PolicyPortRule,
  PolicyRule,
  PortMatch,
  TlsContext,
} from '../model/cilium/index.ts';
import { reservedIdentity, selectableLabels } from './identity.ts';
import { everyPeer, type PeerIndex, type PeerSet } from './peer-index.ts';
import { type RuleReference, ruleKey, ruleReference } from './rule-keys.ts';

export type Direction = 'ingress' | 'egress';

/** The settings of `cilium-config` that decide how rules count. */
export interface EnforcementSettings {
  readonly enablePolicy: 'default' | 'always' | 'never';
  /** False: every rule puts its subject in default deny, whatever its `enableDefaultDeny` says. */
  readonly enableNonDefaultDenyPolicies: boolean;
  /** Whether a node reaches its own pods unless a rule denies it; probes need it. */
  readonly allowLocalhost: boolean;
}

export type FilterProtocol = 'tcp' | 'udp' | 'sctp' | 'icmp' | 'any';

/** Pods that policy cannot tell apart: same identity, same named ports. */
export interface PolicySubjectGroup {
  readonly identity: number;
  /** `tcp/http` to the container port. */
  readonly namedPorts: ReadonlyMap<string, number>;
}

/**
 * One thing that a rule says about its subjects' traffic with some peers on some ports.
 * Filters are shared between subjects: the same object means the same rule with the same outcome.
 */
export interface PolicyFilter {
  readonly direction: Direction;
  readonly action: 'allow' | 'deny';
  readonly peers: PeerSet;
  readonly protocol: FilterProtocol;
  /** 0: every port. For icmp the message type. */
  readonly port: number;
  /** The last port; equals `port` for a single one, 65535 with port 0. */
  readonly portEnd: number;
  /** Key of the rule: of the `toPorts` entry, or of the item where it has none. */
  readonly rule: string;
  /** Requests that may pass; absent where the filter has no say above Layer 4. */
  readonly http?: readonly HttpFilterRule[];
  readonly dns?: readonly DnsFilterRule[];
  /** Patterns of which the server name of a TLS client hello must match one. */
  readonly serverNames?: readonly string[];
  /** How the proxy reads what a TLS client asks for; only together with `http`. */
  readonly tls?: FilterTls;
  /** The user's listener that takes what the rule allows. */
  readonly listener?: FilterListener;
  /** What the rule says of its peers, one selector each; absent: everyone. */
  readonly selectors?: readonly PolicyPeer[];
}

/** Where TLS ends and, with `originating`, begins anew towards the destination. */
export interface FilterTls {
  readonly terminating: TlsContext;
  readonly originating?: TlsContext;
}

export interface FilterListener {
  readonly kind: ListenerReference['envoyConfig']['kind'];
  /** That of the configuration; empty for a cluster-wide one. */
  readonly namespace: string;
  readonly config: string;
  readonly name: string;
  /** The lowest number is the strongest, 1 to 126. */
  readonly priority: number;
}

/** Cilium's priority of a listener that names none (`ListenerPriorityCRD` of `pkg/policy`): behind all of its own. */
const defaultListenerPriority = 126;

export interface HttpFilterRule {
  readonly key: string;
  readonly rule: HttpRule;
}

export interface DnsFilterRule {
  readonly key: string;
  readonly rule: DnsRule;
}

export interface ResolvedPolicy {
  readonly enforceIngress: boolean;
  readonly enforceEgress: boolean;
  readonly filters: readonly PolicyFilter[];
  /** Keys of the rules that put the subject in default deny. */
  readonly isolatedBy: Isolation;
  /** References of all rules that the filters and `isolatedBy` name. */
  readonly references: ReadonlyMap<string, RuleReference>;
}

/** Keys of rules by direction. */
export interface Isolation {
  readonly ingress: readonly string[];
  readonly egress: readonly string[];
}

/** Subjects of one key have the same policy. */
export function subjectKey({ identity, namedPorts }: PolicySubjectGroup): string {
  const ports = [...namedPorts].map(([name, port]) => `${name}=${port}`).sort();
  return `${identity} ${ports.join(' ')}`;
}

/** Turns rules to filters; what does not depend on the subject is compiled once, and every subject resolved once. */
export interface PolicyResolver {
  resolve(subject: PolicySubjectGroup): ResolvedPolicy;
  /** What `nodeSelector` rules say about a node with these labels (without a source). Rules for endpoints never concern it. */
  resolveHost(nodeLabels: Labels): ResolvedPolicy;
}

export function createPolicyResolver(
  policies: readonly PolicyObject[],
  index: PeerIndex,
  settings: EnforcementSettings,
): PolicyResolver {
  const compiled = compiledOf(index);
  const resolved = new Map<string, ResolvedPolicy>();
  const rulesFor = (kind: 'endpoints' | 'nodes') =>
    policies.flatMap((policy) =>
      policy.rules
        .filter(({ subject }) => subject.kind === kind)
        .map((rule): AppliedRule => ({ policy, rule, key: ruleKey(policy, rule.fieldPath) })),
    );
  const endpointRules = rulesFor('endpoints');

  function itemOf(context: ItemContext, subject: PolicySubjectGroup): CompiledItem {
    if (dependsOnSubject(context)) return compileItem(context, index, subject);
    let made = compiled.get(context.item);
    if (!made) {
      made = compileItem(context, index, subject);
      compiled.set(context.item, made);
    }
    return made;
  }

  function resolve(subject: PolicySubjectGroup): ResolvedPolicy {
    return resolveBy(
      endpointRules.filter(({ rule }) => index.select(rule.subject.selector).has(subject.identity)),
      subject,
    );
  }

  function resolveHost(nodeLabels: Labels): ResolvedPolicy {
    const labels = hostLabels(nodeLabels);
    const rules = rulesFor('nodes').filter(({ rule }) => selectorMatches(rule.subject.selector, labels));
    return resolveBy(rules, { identity: reservedIdentity.host, namedPorts: new Map() });
  }

  /** Pods without an identity yet are closed in both directions whatever the mode says, except `never`. */
  function resolveBy(rules: readonly AppliedRule[], subject: PolicySubjectGroup): ResolvedPolicy {
    const isolatedBy = { ingress: [] as string[], egress: [] as string[] };
    const references = new Map<string, RuleReference>();
    const filters: PolicyFilter[] = [];
    if (settings.enablePolicy === 'never')
      return { enforceIngress: false, enforceEgress: false, filters, isolatedBy, references };
    const closed = settings.enablePolicy === 'always' || subject.identity === reservedIdentity.init;
    for (const { policy, rule, key } of rules) {
      for (const direction of directions) {
        const { items, defaultDeny } = rule[direction];
        if (items.length > 0 && (defaultDeny || !settings.enableNonDefaultDenyPolicies)) {
          isolatedBy[direction].push(key);
          if (!references.has(key)) references.set(key, ruleReference(policy, rule, rule.fieldPath));
        }
        for (const item of items) {
          const made = itemOf({ policy, rule, item, direction }, subject);
          filters.push(...made.filters);
          for (const [key, reference] of made.references) references.set(key, reference);
        }
      }
    }
    const ofHost = subject.identity === reservedIdentity.host;
    const enforceIngress = closed || isolatedBy.ingress.length > 0;
    const enforceEgress = closed || isolatedBy.egress.length > 0;
    if (enforceIngress && settings.allowLocalhost && !ofHost) filters.push(localhostFilter);
    return { enforceIngress, enforceEgress, filters, isolatedBy, references };
  }

  return {
    resolve: (subject) => {
      const key = subjectKey(subject);
      let policy = resolved.get(key);
      if (!policy) {
        policy = resolve(subject);
        resolved.set(key, policy);
      }
      return policy;
    },
    resolveHost,
  };
}

interface AppliedRule {
  readonly policy: PolicyObject;
  readonly rule: PolicyRule;
  readonly key: string;
}

interface CompiledItem {
  readonly filters: readonly PolicyFilter[];
  readonly references: ReadonlyMap<string, RuleReference>;
}

const compiledByIndex = new WeakMap<PeerIndex, WeakMap<PolicyItem, CompiledItem>>();

/** What an item says depends on nothing but itself and who its peers are, so other policies may come and go. */
function compiledOf(index: PeerIndex): WeakMap<PolicyItem, CompiledItem> {
  let compiled = compiledByIndex.get(index);
  if (!compiled) {
    compiled = new WeakMap();
    compiledByIndex.set(index, compiled);
  }
  return compiled;
}

/** What `nodeSelector`s are matched against, of a node's labels (without a source). */
export function hostLabels(nodeLabels: Labels): Labels {
  const own = Object.entries(nodeLabels).map(([key, value]) => `k8s:${key}=${value}`);
  return selectableLabels(['reserved:host', ...own]);
}

const directions: readonly Direction[] = ['ingress', 'egress'];

/** Cilium's entry for the node itself (`allow-localhost-ingress`): an allow like any other, so that a deny of the host wins. */
const localhostFilter: PolicyFilter = {
  direction: 'ingress',
  action: 'allow',
  peers: [reservedIdentity.host],
  protocol: 'any',
  port: 0,
  portEnd: 65_535,
  rule: 'allow-localhost-ingress',
};

interface ItemContext {
  readonly policy: PolicyObject;
  readonly rule: PolicyRule;
  readonly item: PolicyItem;
  readonly direction: Direction;
}

/** Ingress rules with a named port mean the subject's own container port. */
function dependsOnSubject({ item, direction }: ItemContext): boolean {
  return direction === 'ingress' && (item.ports ?? []).some(({ ports }) => ports.some(({ kind }) => kind === 'name'));
}

function compileItem(context: ItemContext, index: PeerIndex, subject: PolicySubjectGroup): CompiledItem {
  const references = new Map<string, RuleReference>();
  return { filters: filtersOf(context, index, references, subject), references };
}

function filtersOf(
  context: ItemContext,
  index: PeerIndex,
  references: Map<string, RuleReference>,
  subject: PolicySubjectGroup,
): readonly PolicyFilter[] {
  const { policy, rule, item, direction } = context;
  const peers = index.peers(item.peers);
  const name = (path: string) => nameRule(policy, rule, path, references);
  if (peers.length === 0) return [];
  const base = { direction, action: item.action, peers, ...(item.peers && { selectors: item.peers }) };
  if (item.icmp) {
    const key = name(item.fieldPath);
    const types = item.icmp.filter(({ family }) => family === 'IPv4').map(({ type }) => type);
    return types.map((type) => ({ ...base, protocol: 'icmp', port: type, portEnd: type, rule: key }));
  }
  if (!item.ports) {
    return [{ ...base, protocol: 'any', port: 0, portEnd: 65_535, rule: name(item.fieldPath) }];
  }
  return item.ports.flatMap((portRule) => {
    const shared = { ...base, rule: name(portRule.fieldPath), ...layer7Of(portRule, policy, name) };
    return portRule.ports.flatMap((port) => portFilters(port, shared, index, subject));
  });
}

function nameRule(
  policy: PolicyObject,
  rule: PolicyRule,
  path: string,
  references: Map<string, RuleReference>,
): string {
  const key = ruleKey(policy, path);
  if (!references.has(key)) references.set(key, ruleReference(policy, rule, path));
  return key;
}

function layer7Of(
  { http, dns, serverNames, listener, terminatingTls, originatingTls }: PolicyPortRule,
  policy: PolicyObject,
  name: (path: string) => string,
): Pick<PolicyFilter, 'http' | 'dns' | 'serverNames' | 'tls' | 'listener'> {
  return {
    ...(terminatingTls && {
      tls: { terminating: terminatingTls, ...(originatingTls && { originating: originatingTls }) },
    }),
    ...(listener && { listener: filterListener(listener, policy) }),
    ...(serverNames && { serverNames }),
    ...(http && { http: http.map((rule) => ({ key: name(rule.fieldPath), rule })) }),
    ...(dns && { dns: dns.map((rule) => ({ key: name(rule.fieldPath), rule })) }),
  };
}

/** The listener that a reference in a policy means. */
export function filterListener(
  { envoyConfig: { kind, name: config }, name, priority }: ListenerReference,
  policy: Pick<PolicyObject, 'namespace'>,
): FilterListener {
  const namespace = kind === 'CiliumEnvoyConfig' ? (policy.namespace ?? '') : '';
  return { kind, namespace, config, name, priority: priority ?? defaultListenerPriority };
}

type SharedFilter = Omit<PolicyFilter, 'protocol' | 'port' | 'portEnd'>;

function portFilters(
  match: PortMatch,
  shared: SharedFilter,
  index: PeerIndex,
  subject: PolicySubjectGroup,
): readonly PolicyFilter[] {
  return protocolsOf(match, shared).flatMap((protocol) => {
    if (match.kind === 'number') {
      const { port, endPort } = match;
      return [{ ...shared, protocol, port, portEnd: port === 0 ? 65_535 : Math.max(port, endPort) }];
    }
    const name = `${protocol}/${match.name}`;
    if (shared.direction === 'egress') return peerPortFilters(name, { ...shared, protocol }, index);
    const port = subject.namedPorts.get(name);
    return port === undefined ? [] : [{ ...shared, protocol, port, portEnd: port }];
  });
}

/** A named port of an egress rule means each peer's own container port: one filter for each number it stands for. */
function peerPortFilters(
  name: string,
  shared: SharedFilter & { readonly protocol: FilterProtocol },
  index: PeerIndex,
): readonly PolicyFilter[] {
  const byPort = new Map<number, number[]>();
  const peers = shared.peers === everyPeer ? [...index.select({})].sort((a, b) => a - b) : shared.peers;
  for (const peer of peers) {
    for (const port of index.namedPorts(peer, name)) byPort.set(port, [...(byPort.get(port) ?? []), peer]);
  }
  return [...byPort].sort(([a], [b]) => a - b).map(([port, ids]) => ({ ...shared, peers: ids, port, portEnd: port }));
}

function protocolsOf(
  { protocol }: PortMatch,
  { http, dns, serverNames, listener }: SharedFilter,
): readonly FilterProtocol[] {
  // Both are for TCP only, so nothing of other protocols passes.
  if (serverNames || listener) return protocol === 'TCP' || protocol === 'ANY' ? ['tcp'] : [];
  switch (protocol) {
    case 'TCP':
      return ['tcp'];
    case 'UDP':
      return ['udp'];
    case 'SCTP':
      // No proxy speaks SCTP, so a Layer-7 rule lets nothing of it pass.
      return http || dns ? [] : ['sctp'];
    case 'ANY':
      if (http) return ['tcp'];
      return dns ? ['tcp', 'udp'] : ['tcp', 'udp', 'sctp'];
    default:
      return [];
  }
}
