import type { Isolation, RuleReference } from '../policy/index.ts';

/**
 * What one node has to do: plain data, the answer of `plan(world)`.
 * `datapath` goes to the kernel, `xds` to the data plane, `dns` to the DNS proxy, `reports` to the objects' status.
 */
export interface NodePlan {
  readonly datapath: DatapathPlan;
  readonly xds: XdsResources;
  readonly dns: DnsPlan;
  readonly reports: readonly ObjectReport[];
  /** Rules of policies in the whole cluster that are closed, since Cilium refuses to merge them. */
  readonly conflicts: readonly PolicyConflict[];
  /** Listener name to port on the node's loopback, kept over plans so that a listener never changes its port. */
  readonly proxyPorts: ReadonlyMap<string, number>;
  /** The rule behind each name that the data plane and the verdict maps can report. */
  readonly rules: ReadonlyMap<string, RuleReference>;
  /** Keys of the rules that put endpoints of this node in default deny, by their identity; `host` (1) for the node itself. */
  readonly isolatedBy: ReadonlyMap<Identity, Isolation>;
  /** Labels (`source:key=value`) of every identity that the plan names: reserved, pods', and this node's own for ranges and names of the world. */
  readonly identities: ReadonlyMap<Identity, readonly string[]>;
  /** The policies and Envoy configurations in force, and the Secrets that the latter use, as objects, by `Kind/namespace/name`; for `World.lastGood` of the next plan. */
  readonly lastGood: ReadonlyMap<string, unknown>;
  /** The names of the resources that each Envoy configuration in force brings, by the same key. */
  readonly envoyConfigResources: ReadonlyMap<string, readonly string[]>;
}

/** Reserved numbers of `pkg/identity`: host 1, world 2, unmanaged 3, health 4, init 5, remote-node 6, kube-apiserver 7, ingress 8. */
export type Identity = number;

export type { RuleReference };

/** Two rules for one selector and ports that Cilium refuses to merge, and that allow nothing here. */
export interface PolicyConflict {
  readonly rules: readonly [RuleReference, RuleReference];
  /** In Cilium's words. */
  readonly message: string;
  /** `namespace/name` of the pods that both rules are for. */
  readonly endpoints: ReadonlySet<string>;
}

export interface DatapathPlan {
  readonly mode: 'vxlan' | 'direct';
  readonly node: NodeAddress;
  readonly peers: readonly NodeAddress[];
  /** The cluster's Service range, for instance `10.96.0.0/16`. */
  readonly serviceCidr: string;
  readonly endpoints: readonly LocalEndpoint[];
  /** What is enforced on the node itself, at both of its addresses; absent where the host firewall is off. */
  readonly host?: Enforcement;
  /** Identities of addresses: hosts as `a.b.c.d/32`, ranges as disjoint prefixes. What is not in it is `world` (2). */
  readonly ipcache: readonly { readonly cidr: string; readonly identity: Identity }[];
  readonly policy: readonly PolicyEntry[];
  readonly services: readonly ServiceEntry[];
  readonly serviceRedirects: readonly ServiceRedirect[];
  readonly monitorAggregation: MonitorAggregation;
}

/** Which packets become flows at the trace points; drops and policy verdicts always do. */
export interface MonitorAggregation {
  /**
   * `none`: every packet, where it comes in and where it goes out. `low`: every packet where it goes out. `medium`: of those the first of each
   * connection, flag and direction, and one in each interval.
   */
  readonly level: 'none' | 'low' | 'medium';
  /** With `medium`: after so long without a packet that was shown, the next of its direction is. */
  readonly intervalSeconds: number;
  /** With `medium`: the flags whose first packet in each direction is shown. New connections, FIN and RST always are. */
  readonly flags: readonly TcpFlag[];
}

/** In the order of their bits in the TCP header, the lowest first. */
export const tcpFlags = ['fin', 'syn', 'rst', 'psh', 'ack', 'urg', 'ece', 'cwr'] as const;
export type TcpFlag = (typeof tcpFlags)[number];

export interface NodeAddress {
  readonly name: string;
  /** Counts from 1; fixes the node's MAC addresses. */
  readonly index: number;
  /** Address on the underlay, `172.30.0.<index>`. */
  readonly address: string;
  /** Address inside the pod range, the pods' gateway, `10.244.<index>.1`. */
  readonly routerAddress: string;
  readonly podCidr: string;
}

/** `enforceEgress`: what no entry allows is dropped (default deny). */
export interface Enforcement {
  readonly enforceIngress: boolean;
  readonly enforceEgress: boolean;
  /** What Layer 3 and 4 would drop is reported and passes. Absent: it is dropped. */
  readonly audit?: true;
  /** It gets an ICMP error for what its egress policy drops. Absent: nothing. */
  readonly answerDenials?: true;
}

/** A pod on this node. */
export interface LocalEndpoint extends Enforcement {
  readonly address: string;
  readonly interfaceName: string;
  readonly namespace: string;
  readonly podName: string;
  readonly identity: Identity;
}

/**
 * One entry of an endpoint's policy map. A packet is dropped when any `deny` matches, else redirected when any `redirect`
 * matches, else accepted when any `allow` matches, else dropped where the endpoint enforces the direction.
 */
export interface PolicyEntry {
  readonly endpoint: string;
  readonly direction: 'ingress' | 'egress';
  /** 0: every peer. */
  readonly peer: Identity;
  readonly protocol: 'tcp' | 'udp' | 'sctp' | 'icmp' | 'any';
  /** 0: every port. `portEnd` makes a range, both ends included. For icmp the port is the type, -1 every type. */
  readonly port: number;
  readonly portEnd?: number;
  readonly action: 'allow' | 'deny' | 'redirect';
  /** With `redirect`: the port of the proxy listener on the node's loopback. */
  readonly proxyPort?: number;
  /** Keys of `NodePlan.rules`. */
  readonly rules: readonly string[];
}

export interface ServiceEntry {
  readonly namespace: string;
  readonly name: string;
  readonly address: string;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  readonly port: number;
  readonly backends: readonly { readonly address: string; readonly port: number }[];
}

/** A Service frontend that a CiliumEnvoyConfig takes over: pods' connections to it go to a proxy listener. */
export interface ServiceRedirect {
  readonly address: string;
  readonly port: number;
  readonly proxyPort: number;
  readonly listener: string;
}

/**
 * Envoy v3 resources as protobuf JSON with original field names (snake_case), without `@type`, by resource name.
 * `extensionConfigs` are `envoy.config.core.v3.TypedExtensionConfig` for ECDS: the RBAC filters of every cluster. They note in
 * the dynamic metadata of `envoy.filters.http.upstream_rbac` what they decided and by which rule: `enforced_engine_result` and
 * `enforced_effective_policy_id` for the client's egress, the same with `ingress_` before it for the backend's ingress.
 */
export interface XdsResources {
  readonly listeners: ResourceMap;
  readonly routes: ResourceMap;
  readonly clusters: ResourceMap;
  readonly endpoints: ResourceMap;
  readonly secrets: ResourceMap;
  readonly extensionConfigs: ResourceMap;
}

export type ResourceMap = ReadonlyMap<string, JsonObject>;
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** What pods may ask. A query of an endpoint that is redirected here is allowed when one of its rules allows name, server, protocol and port. */
export interface DnsPlan {
  /** UDP and TCP port of the DNS proxy on the node's loopback; 0 when nothing is redirected to it. */
  readonly proxyPort: number;
  readonly rules: readonly DnsRule[];
}

export interface DnsRule {
  readonly endpoint: string;
  /** 0: every peer. */
  readonly peer: Identity;
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
  /** `matchName` or `matchPattern` texts as written; either may decide. */
  readonly names: readonly { readonly matchName?: string; readonly matchPattern?: string }[];
  readonly rule: string;
}

/** What the agent has to say about one object: its condition and the Event with it. */
export interface ObjectReport {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly condition: {
    readonly type: string;
    readonly status: 'True' | 'False';
    readonly reason: string;
    readonly message: string;
  };
}
