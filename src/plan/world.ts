import type { ConfigMap, Namespace, Node, Pod, Secret, Service } from 'kubernetes-types/core/v1.d.ts';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.d.ts';
import type { MonitorAggregation } from './node-plan.ts';

/**
 * Everything one node's plan depends on: the cluster's objects as the API server gives them, the names learnt from DNS,
 * and what earlier plans handed out. Nothing else may influence a plan.
 */
export interface World {
  readonly nodeName: string;
  readonly clusterName: string;
  readonly config: AgentConfig;
  readonly nodes: readonly Node[];
  readonly namespaces: readonly Namespace[];
  readonly pods: readonly Pod[];
  /** Pods whose labels come from a former state of their namespace, with that state. Absent: none. */
  readonly formerNamespaces?: ReadonlyMap<Pod, Namespace>;
  readonly services: readonly Service[];
  readonly endpointSlices: readonly EndpointSlice[];
  readonly secrets: readonly Secret[];
  /** CiliumNetworkPolicy, CiliumClusterwideNetworkPolicy and NetworkPolicy objects, undecoded. */
  readonly policies: readonly unknown[];
  /** CiliumCIDRGroup objects, undecoded. */
  readonly cidrGroups: readonly unknown[];
  /** CiliumEnvoyConfig and CiliumClusterwideEnvoyConfig objects, undecoded. */
  readonly envoyConfigs: readonly unknown[];
  /** CiliumIdentity objects: sorted `source:key=value` labels joined by `;` to number. */
  readonly identities: ReadonlyMap<string, number>;
  /** DNS names learnt on this node (lower case, trailing dot) to addresses. */
  readonly learntNames: ReadonlyMap<string, readonly string[]>;
  /** `NodePlan.proxyPorts` of the plan before. */
  readonly proxyPorts: ReadonlyMap<string, number>;
  /** `NodePlan.lastGood` of the plan before: what stays in force where an object has become one that cannot work. Absent: nothing. */
  readonly lastGood?: ReadonlyMap<string, unknown>;
  /** Versions of Envoy configurations and policies that the data plane refused, by `Kind/namespace/name`; they count as not working. Absent: none. */
  readonly refused?: ReadonlyMap<string, Refusal>;
}

/** One version of an object, and why the data plane would not take it. */
export interface Refusal {
  readonly uid: string | undefined;
  readonly generation: number | undefined;
  readonly message: string;
}

/** The keys of the `kube-system/cilium-config` ConfigMap that matter to a plan, decoded. */
export interface AgentConfig {
  readonly datapathMode: 'vxlan' | 'direct';
  readonly enableEnvoyConfig: boolean;
  /** `nodeSelector` rules are enforced. */
  readonly enableHostFirewall: boolean;
  readonly enablePolicy: 'default' | 'always' | 'never';
  /** Whether rules may leave their subjects open (`enableDefaultDeny: false`). */
  readonly enableNonDefaultDenyPolicies: boolean;
  /** Whether policies can select nodes by their labels. */
  readonly nodeSelectorLabels: boolean;
  /** Whether a node reaches its own pods without a rule that allows it. */
  readonly allowLocalhost: boolean;
  /** Which labels make an identity, as `compileLabelFilter` of `policy` takes it. */
  readonly labels: string;
  /** Which labels of nodes policies can select them by, as `compileNodeLabelFilter` of `policy` takes it. */
  readonly nodeLabels: string;
  /** What Layer 3 and 4 would drop is reported and passes; Layer-7 rules are enforced. */
  readonly policyAuditMode: boolean;
  /** What an endpoint hears of a packet that its egress policy drops. */
  readonly policyDenyResponse: 'none' | 'icmp';
  /** The body of a 403; empty: `Access denied`. */
  readonly http403Message: string;
  /** Where Envoy configurations may have Secrets from; empty: from nowhere. */
  readonly envoySecretsNamespace: string;
  readonly monitorAggregation: MonitorAggregation;
  readonly serviceCidr: string;
}

export type { ConfigMap, EndpointSlice, Namespace, Node, Pod, Secret, Service };
