import type { LabelSelector } from '../../base/index.ts';
import type { PolicyEntity } from './entities.ts';

/**
 * The rule model that CiliumNetworkPolicy, CiliumClusterwideNetworkPolicy and NetworkPolicy objects are decoded to.
 * Everything is decided that the object alone decides: defaults, ports, default deny, and the namespace that a selector
 * without one is limited to. What depends on the cluster (identities, Services, groups, named ports) is left to the reader.
 */
export interface PolicyObject {
  readonly kind: 'CiliumNetworkPolicy' | 'CiliumClusterwideNetworkPolicy' | 'NetworkPolicy';
  readonly namespace?: string;
  readonly name: string;
  readonly rules: readonly PolicyRule[];
}

export interface PolicyRule {
  /** Field path of the rule inside its object: `spec` or `specs[1]`. */
  readonly fieldPath: string;
  readonly subject: PolicySubject;
  readonly ingress: PolicyDirection;
  readonly egress: PolicyDirection;
  /** Origin labels with source, as flows show them: `k8s:io.cilium.k8s.policy.name=...`, then the rule's own. */
  readonly labels: readonly string[];
  readonly description?: string;
  /** `log.value`, copied into flows. */
  readonly logValue?: string;
}

/** `endpoints`: pods whose labels match (the policy's own namespace already required where the kind is namespaced); `nodes`: host policy. */
export interface PolicySubject {
  readonly kind: 'endpoints' | 'nodes';
  readonly selector: SourceLabelSelector;
}

/**
 * A label selector whose keys all carry a source: `any:app`, `k8s:app`, `reserved:host`, `cidr:10.0.0.0/8`, `node:zone`.
 * `any:app` matches the label key `app` of any source.
 */
export type SourceLabelSelector = LabelSelector;

export interface PolicyDirection {
  /** Allow and deny items; an empty list means that the rule says nothing about this direction. */
  readonly items: readonly PolicyItem[];
  /**
   * Whether the rule puts its subject in default deny. False when `items` is empty. False with items: the subject is not
   * isolated by this rule, and its Layer-7 rules only make traffic visible (a wildcard rule joins them).
   */
  readonly defaultDeny: boolean;
}

/** One entry of `ingress`, `ingressDeny`, `egress` or `egressDeny`. */
export interface PolicyItem {
  /** For instance `spec.egress[0]` or `spec.ingressDeny[2]`. */
  readonly fieldPath: string;
  readonly action: 'allow' | 'deny';
  /** Any of these. Absent: every peer, the world included. Empty: no peer, so the item matches nothing. */
  readonly peers?: readonly PolicyPeer[];
  /** Any of these. Absent: every protocol and port, unless `icmp` is given. */
  readonly ports?: readonly PolicyPortRule[];
  /** Any of these ICMP messages; never together with `ports`. */
  readonly icmp?: readonly IcmpMatch[];
  readonly authentication?: 'disabled' | 'required' | 'test-always-fail';
}

export type PolicyPeer =
  /** Endpoints (pods, or reserved identities where a key says `reserved:`); namespace scoping already applied. */
  | { readonly kind: 'endpoints'; readonly selector: SourceLabelSelector }
  | { readonly kind: 'entity'; readonly entity: PolicyEntity }
  /** Prefixes as `a.b.c.d/n` with host bits masked away. */
  | { readonly kind: 'cidr'; readonly cidr: string; readonly except: readonly string[] }
  /** CiliumCIDRGroups by name or by their labels. */
  | {
      readonly kind: 'cidr-group';
      readonly name?: string;
      readonly selector?: LabelSelector;
      readonly except: readonly string[];
    }
  | ({ readonly kind: 'fqdn' } & DnsMatch)
  /** `toServices`: the backends of a Service by name, or of Services by their labels (absent namespace: every one). */
  | { readonly kind: 'service'; readonly namespace: string; readonly name: string }
  | { readonly kind: 'service-selector'; readonly namespace?: string; readonly selector: LabelSelector }
  /** Nodes other than the own one by their labels (`node:` keys). */
  | { readonly kind: 'nodes'; readonly selector: SourceLabelSelector }
  /** A cloud provider's group; nothing on this machine can resolve it. */
  | { readonly kind: 'provider-group' };

/** One entry of `toPorts`, or all `ports` of a NetworkPolicy item. At most one of `http` and `dns` is set. */
export interface PolicyPortRule {
  /** For instance `spec.egress[0].toPorts[1]`. */
  readonly fieldPath: string;
  /** Any of these; empty when the manifest names none, and then the entry matches nothing. */
  readonly ports: readonly PortMatch[];
  /** Requests that may pass, any of these; an empty list is never set. */
  readonly http?: readonly HttpRule[];
  readonly dns?: readonly DnsRule[];
  /** Server name patterns of which a TLS client hello must carry one. */
  readonly serverNames?: readonly string[];
  readonly listener?: ListenerReference;
  readonly terminatingTls?: TlsContext;
  readonly originatingTls?: TlsContext;
}

/** `ANY` stands for TCP, UDP and SCTP, not for ICMP. */
export type PortProtocol =
  | 'TCP'
  | 'UDP'
  | 'SCTP'
  | 'ANY'
  | 'VRRP'
  | 'IGMP'
  | 'GRE'
  | 'IPIP'
  | 'IPV6'
  | 'ESP'
  | 'AH'
  | 'ICMP'
  | 'ICMPV6';

export type PortMatch =
  /** `port` 0: every port. Else the ports from `port` to `endPort`, both included; `endPort` equals `port` for one port. */
  | { readonly kind: 'number'; readonly protocol: PortProtocol; readonly port: number; readonly endPort: number }
  /** A container port's name, in lower case. */
  | { readonly kind: 'name'; readonly protocol: PortProtocol; readonly name: string };

export interface IcmpMatch {
  readonly family: 'IPv4' | 'IPv6';
  /** ICMP type number. */
  readonly type: number;
}

/** All fields that are set must hold. None set: every request. The expressions are RE2 and must match the whole value. */
export interface HttpRule {
  /** For instance `spec.egress[0].toPorts[0].rules.http[0]`. */
  readonly fieldPath: string;
  /** Against `:path`, the query included. */
  readonly path?: string;
  readonly method?: string;
  /** Against `:authority`, a port included. */
  readonly host?: string;
  readonly headers: readonly HeaderRule[];
}

/** `value` and `secret` absent: the header must be present. */
export interface HeaderRule {
  readonly name: string;
  readonly value?: string;
  /** A Secret with a single entry; used before `value`. */
  readonly secret?: { readonly namespace: string; readonly name: string };
  /** What to do on a mismatch instead of refusing the rule. */
  readonly mismatch?: 'LOG' | 'ADD' | 'DELETE' | 'REPLACE';
}

/** The texts as written; where both are given either may match. */
export interface DnsMatch {
  readonly matchName?: string;
  readonly matchPattern?: string;
}

export interface DnsRule extends DnsMatch {
  /** For instance `spec.egress[0].toPorts[0].rules.dns[0]`. */
  readonly fieldPath: string;
}

export interface ListenerReference {
  readonly envoyConfig: {
    readonly kind: 'CiliumEnvoyConfig' | 'CiliumClusterwideEnvoyConfig';
    readonly name: string;
  };
  readonly name: string;
  /** 1 is the highest. Absent: the default of Cilium for listeners of custom resources. */
  readonly priority?: number;
}

export interface TlsContext {
  readonly secret: { readonly namespace: string; readonly name: string };
  /** Keys inside the Secret that must be there. Absent: `ca.crt`, `tls.crt` and `tls.key`, of which one must. */
  readonly trustedCA?: string;
  readonly certificate?: string;
  readonly privateKey?: string;
}
