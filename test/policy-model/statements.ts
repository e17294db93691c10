import {
  type Facts,
  type Fields,
  fields,
  inCidr,
  isEntity,
  isWorld,
  keysOf,
  list,
  namespaceLabelPrefix,
  type Party,
  podNamespaceLabel,
  selects,
} from './facts.ts';
import { nameMatches } from './names.ts';

export type Direction = 'ingress' | 'egress';

/** One item of a rule: whom it is about, and what it says of which packets. */
export interface Statement {
  readonly direction: Direction;
  readonly deny: boolean;
  readonly defaultDeny: boolean;
  isSubject(party: Party): boolean;
  /** Whom it is about: any of these. */
  readonly peers: readonly Peer[];
  /** Entries of `toPorts`, `ports` or `icmps`; absent: every packet. */
  readonly ports?: readonly PortEntry[];
}

/** Peers of equal keys are one selector to Cilium, and what rules say of it on the same ports is merged. */
export interface Peer {
  readonly key: string;
  matches(party: Party): boolean;
}

const everyone: Peer = { key: 'all', matches: () => true };

export interface PortEntry {
  readonly protocol: 'tcp' | 'udp' | 'sctp' | 'icmp';
  /** A number, or a container port's name. */
  readonly port: number | string;
  readonly endPort: number;
  readonly http?: readonly Fields[];
  readonly dns?: readonly Fields[];
  readonly serverNames?: readonly string[];
  readonly listener?: ListenerTarget;
}

export interface ListenerTarget {
  /** `NAMESPACE/CONFIG/LISTENER`; of a cluster-wide configuration without the namespace. */
  readonly name: string;
  readonly priority: number;
}

/** Every statement of the policies, read from the objects as they are written. */
export function statementsOf(policies: readonly unknown[], facts: Facts): readonly Statement[] {
  return policies.map(fields).flatMap((policy) => {
    const namespace = policy['kind'] === 'CiliumClusterwideNetworkPolicy' ? undefined : namespaceOf(policy);
    if (policy['kind'] === 'NetworkPolicy') return networkPolicy(fields(policy['spec']), namespace ?? '');
    const rules = [...(policy['spec'] ? [fields(policy['spec'])] : []), ...list(policy['specs'])];
    return rules.flatMap((rule) => ciliumRule(rule, namespace, facts));
  });
}

function namespaceOf(policy: Fields): string {
  return String(fields(policy['metadata'])['namespace'] ?? 'default');
}

function ciliumRule(rule: Fields, namespace: string | undefined, facts: Facts): readonly Statement[] {
  const forNodes = rule['nodeSelector'] !== undefined;
  if (forNodes && !facts.hostFirewall) return [];
  const selector = fields(rule[forNodes ? 'nodeSelector' : 'endpointSelector']);
  const isSubject = (party: Party): boolean => {
    if (forNodes !== party.labels.has('reserved:host')) return false;
    if (namespace === undefined) return selects(selector, 'any', party);
    return party.labels.get(podNamespaceLabel) === namespace && selects(withoutNamespace(selector), 'any', party);
  };
  return (['ingress', 'egress'] as const).flatMap((direction) => {
    const defaultDeny = fields(rule['enableDefaultDeny'])[direction] !== false;
    return ['', 'Deny'].flatMap((suffix) =>
      list(rule[`${direction}${suffix}`]).map((item): Statement => {
        const ports = portEntries(item, namespace);
        return {
          direction,
          deny: suffix === 'Deny',
          defaultDeny,
          isSubject,
          peers: peersOf(item, direction === 'ingress' ? 'from' : 'to', ports !== undefined),
          ...(ports && { ports }),
        };
      }),
    );
  });

  function peersOf(item: Fields, prefix: 'from' | 'to', hasPorts: boolean): readonly Peer[] {
    const members = ['Endpoints', 'Entities', 'CIDR', 'CIDRSet', 'Services', 'FQDNs', 'Nodes'].filter((member) => {
      const given = item[`${prefix}${member}`] as readonly unknown[] | undefined;
      // An empty list of names or Services is no list to Cilium.
      return given !== undefined && (given.length > 0 || !['Services', 'FQDNs'].includes(member));
    });
    if (members.length === 0) return hasPorts ? [everyone] : [];
    return members.flatMap((member) =>
      (item[`${prefix}${member}`] as readonly unknown[]).flatMap((peer) =>
        selectorsOf(member, peer).map(({ of, value }) => ({
          key: keyOf(of, value),
          matches: (party: Party) => memberMatches(of, value, party),
        })),
      ),
    );
  }

  function keyOf(member: string, peer: unknown): string {
    if (member === 'Entities') return entityKey(String(peer));
    if (member === 'CIDR') return `cidr ${String(peer)}`;
    if (member !== 'Endpoints') return `${member} ${JSON.stringify(peer)}`;
    return endpointsKey(fields(peer), 'any', scopeOf(fields(peer)));
  }

  /** What Cilium adds to a selector of endpoints. */
  function scopeOf(selector: Fields): string {
    const keys = keysOf(selector);
    if (keys.some((key) => key.startsWith('reserved:'))) return '';
    const bare = keys.map((key) => key.replace(/^(?:any|k8s):/, ''));
    if (bare.includes('io.kubernetes.pod.namespace')) return 'pods';
    if (namespace === undefined) return 'any namespace';
    return bare.some((key) => key.startsWith(namespaceLabelPrefix)) ? 'pods' : namespace;
  }

  function memberMatches(member: string, peer: unknown, party: Party): boolean {
    const object = fields(peer);
    switch (member) {
      case 'Endpoints':
        return selects(object, 'any', party) && inScope(object, party);
      case 'Entities':
        return isEntity(String(peer), party, facts.cluster);
      case 'CIDR':
        return isWorld(party) && inCidr(String(peer), party.address);
      case 'CIDRSet': {
        const except = (object['except'] ?? []) as readonly string[];
        const inside = isWorld(party) && cidrsOf(object).some((cidr) => inCidr(cidr, party.address));
        return inside && !except.some((hole) => inCidr(hole, party.address));
      }
      case 'FQDNs':
        return isWorld(party) && namesOf(party.address).some((name) => nameMatches(object, name));
      case 'Nodes':
        return party.labels.has('reserved:remote-node') && selects(object, 'node', party);
      default:
        return serviceMatches(object, party);
    }
  }

  /** The prefix of a rule, or those of the groups that it names or selects. */
  function cidrsOf(rule: Fields): readonly string[] {
    if (rule['cidr'] !== undefined) return [String(rule['cidr'])];
    const groups = facts.cidrGroups.map(fields).filter(({ metadata }) => {
      const { name, labels } = fields(metadata);
      if (rule['cidrGroupRef'] !== undefined) return name === rule['cidrGroupRef'];
      const own = new Map(Object.entries(fields(labels)).map(([key, value]) => [`cidrgroup:${key}`, String(value)]));
      return selects(fields(rule['cidrGroupSelector']), 'any', { address: '', labels: own });
    });
    return groups.flatMap(({ spec }) => (fields(spec)['externalCIDRs'] ?? []) as readonly string[]);
  }

  /**
   * Selectors mean pods of the local cluster (`policy-default-local-cluster`) unless they name a reserved label. Those without a
   * namespace of their own mean that of the policy or, in a clusterwide one, any.
   */
  function inScope(selector: Fields, party: Party): boolean {
    const keys = keysOf(selector);
    if (keys.some((key) => key.startsWith('reserved:'))) return true;
    if (!party.labels.has(podNamespaceLabel)) return false;
    const bare = keys.map((key) => key.replace(/^(?:any|k8s):/, ''));
    if (bare.includes('io.kubernetes.pod.namespace') || namespace === undefined) return true;
    if (bare.some((key) => key.startsWith(namespaceLabelPrefix))) return true;
    return party.labels.get(podNamespaceLabel) === namespace;
  }

  function namesOf(address: string): readonly string[] {
    return [...facts.learntNames].filter(([, addresses]) => addresses.includes(address)).map(([name]) => name);
  }

  /** The pods behind a Service with a selector; of one without, its addresses in the world. */
  function serviceMatches(peer: Fields, party: Party): boolean {
    const [byName, bySelector] = [fields(peer['k8sService']), fields(peer['k8sServiceSelector'])];
    return facts.services.some(({ metadata, spec }) => {
      const own = metadata?.namespace ?? 'default';
      const labels = new Map(Object.entries(metadata?.labels ?? {}).map(([key, value]) => [`k8s:${key}`, value]));
      const meant = peer['k8sService']
        ? byName['serviceName'] === metadata?.name && (byName['namespace'] ?? namespace) === own
        : (bySelector['namespace'] ?? own) === own &&
          selects(fields(bySelector['selector']), 'k8s', { address: '', labels });
      if (!meant) return false;
      if (spec?.selector) {
        return party.labels.get(podNamespaceLabel) === own && selects({ matchLabels: spec.selector }, 'k8s', party);
      }
      return isWorld(party) && backendsOf(own, metadata?.name ?? '').includes(party.address);
    });
  }

  function backendsOf(of: string, name: string): readonly string[] {
    return facts.endpointSlices
      .filter(({ metadata }) => metadata?.namespace === of)
      .filter(({ metadata }) => metadata?.labels?.['kubernetes.io/service-name'] === name)
      .flatMap(({ endpoints }) => (endpoints ?? []).flatMap(({ addresses }) => addresses));
  }
}

/** A subject's namespace is that of its policy, whatever the selector says of it with the source k8s. */
function withoutNamespace(selector: Fields): Fields {
  const labels = Object.entries(fields(selector['matchLabels'])).filter(([key]) => key !== podNamespaceLabel);
  return { ...selector, matchLabels: Object.fromEntries(labels) };
}

function portEntries(item: Fields, namespace: string | undefined): readonly PortEntry[] | undefined {
  const toPorts = list(item['toPorts']).flatMap((entry) => {
    const rules = fields(entry['rules']);
    const [http, dns] = [rules['http'], rules['dns']].map((some) => (some ? list(some) : undefined));
    const entries = list(entry['ports']).flatMap((port) =>
      entriesOf(String(port['port']), port['endPort'], String(port['protocol'] ?? 'ANY'), http, dns),
    );
    const serverNames = entry['serverNames'] as readonly string[] | undefined;
    const listener = entry['listener'] === undefined ? undefined : targetOf(fields(entry['listener']), namespace);
    if (!serverNames && !listener) return entries;
    // Both are for TCP only, so nothing of other protocols passes.
    const tcp = entries.filter(({ protocol }) => protocol === 'tcp');
    return tcp.map((one) => ({ ...one, ...(serverNames && { serverNames }), ...(listener && { listener }) }));
  });
  const icmp = list(item['icmps']).flatMap(({ fields: of }) =>
    list(of)
      .filter(({ family }) => family !== 'IPv6')
      .map(({ type }): PortEntry => ({ protocol: 'icmp', port: icmpType(type), endPort: icmpType(type) })),
  );
  const given = list(item['toPorts']).length + list(item['icmps']).length > 0;
  return given ? [...toPorts, ...icmp] : undefined;
}

/** A configuration without a kind is in the policy's own scope; a listener without a priority is behind everything else (`ListenerPriorityCRD`). */
function targetOf({ envoyConfig, name, priority }: Fields, namespace: string | undefined): ListenerTarget {
  const config = fields(envoyConfig);
  const scope = config['kind'] === 'CiliumClusterwideEnvoyConfig' ? '' : (namespace ?? '');
  return { name: `${scope}/${String(config['name'])}/${String(name)}`, priority: Number(priority ?? 126) };
}

function icmpType(type: unknown): number {
  return typeof type === 'number' ? type : ({ EchoReply: 0, EchoRequest: 8, TimeExceeded: 11 }[String(type)] ?? -1);
}

function entriesOf(
  port: string,
  end: unknown,
  protocol: string,
  http: readonly Fields[] | undefined,
  dns: readonly Fields[] | undefined,
): readonly PortEntry[] {
  const number = /^\d+$/.test(port) ? Number(port) : port.toLowerCase();
  const last = number === 0 ? 65_535 : typeof number === 'number' ? Math.max(number, Number(end ?? 0)) : 0;
  const protocols = protocol === 'ANY' ? (['tcp', 'udp', 'sctp'] as const) : [protocol.toLowerCase() as 'tcp'];
  // No proxy speaks SCTP, so DNS rules on it let nothing pass.
  const spoken = dns ? protocols.filter((one) => one !== 'sctp') : protocols;
  return spoken.map((one) => ({
    protocol: one,
    port: number,
    endPort: last,
    ...(http && { http }),
    ...(dns && { dns }),
  }));
}

function networkPolicy(spec: Fields, namespace: string): readonly Statement[] {
  const selector = fields(spec['podSelector']);
  const isSubject = (party: Party): boolean =>
    party.labels.get(podNamespaceLabel) === namespace && selects(selector, 'k8s', party);
  const types = (spec['policyTypes'] ?? []) as readonly string[];
  const isolates = (direction: Direction): boolean => {
    if (types.length > 0) return types.includes(direction === 'ingress' ? 'Ingress' : 'Egress');
    return direction === 'ingress' || list(spec['egress']).length > 0;
  };
  return (['ingress', 'egress'] as const).filter(isolates).flatMap((direction) => {
    const shared = { direction, deny: false, defaultDeny: true, isSubject };
    const items = list(spec[direction]).map((item): Statement => {
      const peers = list(item[direction === 'ingress' ? 'from' : 'to']);
      const ports = list(item['ports']);
      return {
        ...shared,
        peers:
          peers.length === 0
            ? [everyone]
            : peers.map((peer) => ({
                key: networkPolicyKey(peer, namespace),
                matches: (party) => isNetworkPolicyPeer(peer, namespace, party),
              })),
        ...(ports.length > 0 && {
          ports: ports.flatMap(({ port, endPort, protocol }) =>
            entriesOf(String(port ?? 0), endPort, String(protocol ?? 'TCP'), undefined, undefined),
          ),
        }),
      };
    });
    return [...items, { ...shared, peers: [] }];
  });
}

function isNetworkPolicyPeer(peer: Fields, namespace: string, party: Party): boolean {
  if (peer['ipBlock']) {
    const block = fields(peer['ipBlock']);
    const except = (block['except'] ?? []) as readonly string[];
    const inside = isWorld(party) && inCidr(String(block['cidr']), party.address);
    return inside && !except.some((hole) => inCidr(hole, party.address));
  }
  if (!selects(fields(peer['podSelector']), 'k8s', party)) return false;
  const own = party.labels.get(podNamespaceLabel);
  if (own === undefined) return false;
  if (!peer['namespaceSelector']) return own === namespace;
  const labels = new Map(
    [...party.labels]
      .filter(([key]) => key.startsWith(`k8s:${namespaceLabelPrefix}`))
      .map(([key, value]) => [`k8s:${key.slice(`k8s:${namespaceLabelPrefix}`.length)}`, value]),
  );
  return selects(fields(peer['namespaceSelector']), 'k8s', { address: '', labels });
}

/** Plain prefixes and prefixes without holes are the same selector, and NetworkPolicies name labels of Kubernetes only. */
function networkPolicyKey(peer: Fields, namespace: string): string {
  if (!peer['ipBlock']) return `NetworkPolicy ${namespace} ${JSON.stringify(peer)}`;
  const block = fields(peer['ipBlock']);
  const except = (block['except'] ?? []) as readonly string[];
  return except.length === 0 ? `cidr ${String(block['cidr'])}` : `CIDRSet ${JSON.stringify(block)}`;
}

/** Several selectors stand behind some entities (`EntitySelectorMapping` of `pkg/policy/api`); everything else is one. */
function selectorsOf(member: string, peer: unknown): readonly { readonly of: string; readonly value: unknown }[] {
  const { cidr, except } = fields(peer);
  if (member === 'CIDRSet' && cidr !== undefined && except === undefined) return [{ of: 'CIDR', value: cidr }];
  if (member !== 'Entities') return [{ of: member, value: peer }];
  const entities = (...names: string[]) => names.map((value) => ({ of: 'Entities', value }));
  const inCluster = ['host', 'remote-node', 'init', 'ingress', 'health', 'unmanaged', 'kube-apiserver'];
  if (peer === 'world') return entities('world', 'world-ipv4', 'world-ipv6');
  if (peer === 'cluster' || peer === 'cluster-mesh') return entities(...inCluster, peer);
  return entities(String(peer));
}

function entityKey(entity: string): string {
  if (['all', 'none', 'cluster', 'cluster-mesh'].includes(entity)) return entity;
  return endpointsKey({ matchLabels: { [`reserved:${entity}`]: '' } }, 'any', '');
}

function endpointsKey(selector: Fields, source: string, scope: string): string {
  const named = (key: string): string => (key.includes(':') ? key : `${source}:${key}`);
  const labels = Object.entries(fields(selector['matchLabels'])).map(
    ([key, value]) => `${named(key)}=${String(value)}`,
  );
  const requirements = list(selector['matchExpressions']).map(
    ({ key, operator, values }) => `${named(String(key))} ${String(operator)} ${JSON.stringify(values ?? [])}`,
  );
  return JSON.stringify(['endpoints', scope, ...labels.sort(), ...requirements]);
}
