import type { Uint64, WireTimestamp } from './time.ts';
import type { Endpoint, Flow, FlowFilter, Int32Value, LostEvent, UInt32Value } from './types.ts';

/** Requests and responses of the Observer, Peer and Health services; see `types.ts` for the shape rules. */
export interface GetFlowsRequest {
  number?: Uint64;
  first?: boolean;
  follow?: boolean;
  blacklist?: FlowFilter[];
  whitelist?: FlowFilter[];
  since?: WireTimestamp | null;
  until?: WireTimestamp | null;
  field_mask?: { paths?: string[] } | null;
}

export interface GetFlowsResponse {
  flow?: Flow | null;
  node_status?: NodeStatusEvent | null;
  lost_events?: LostEvent | null;
  node_name?: string;
  time?: WireTimestamp | null;
}

export interface NodeStatusEvent {
  state_change?: number;
  node_names?: string[];
  message?: string;
}

export interface GetAgentEventsRequest {
  number?: Uint64;
  first?: boolean;
  follow?: boolean;
  since?: WireTimestamp | null;
  until?: WireTimestamp | null;
}

export interface GetAgentEventsResponse {
  agent_event?: AgentEvent | null;
  node_name?: string;
  time?: WireTimestamp | null;
}

export interface AgentEvent {
  type?: number;
  unknown?: { type?: string; notification?: string } | null;
  agent_start?: { time?: WireTimestamp | null } | null;
  policy_update?: { labels?: string[]; revision?: Uint64; rule_count?: Uint64 } | null;
  endpoint_regenerate?: { id?: Uint64; labels?: string[]; error?: string } | null;
  endpoint_update?: {
    id?: Uint64;
    labels?: string[];
    error?: string;
    pod_name?: string;
    namespace?: string;
  } | null;
  ipcache_update?: {
    cidr?: string;
    identity?: number;
    old_identity?: UInt32Value | null;
    host_ip?: string;
    old_host_ip?: string;
    encrypt_key?: number;
    namespace?: string;
    pod_name?: string;
  } | null;
  service_upsert?: {
    id?: number;
    frontend_address?: ServiceAddress | null;
    backend_addresses?: ServiceAddress[];
    type?: string;
    traffic_policy?: string;
    name?: string;
    namespace?: string;
  } | null;
  service_delete?: { id?: number } | null;
}

export interface ServiceAddress {
  ip?: string;
  port?: number;
}

export interface GetDebugEventsResponse {
  debug_event?: DebugEvent | null;
  node_name?: string;
  time?: WireTimestamp | null;
}

/** What Cilium's programs in the kernel say when they are told to. */
export interface DebugEvent {
  type?: number;
  source?: Endpoint | null;
  hash?: UInt32Value | null;
  arg1?: UInt32Value | null;
  arg2?: UInt32Value | null;
  arg3?: UInt32Value | null;
  message?: string;
  cpu?: Int32Value | null;
}

export interface ServerStatusResponse {
  num_flows?: Uint64;
  max_flows?: Uint64;
  seen_flows?: Uint64;
  uptime_ns?: Uint64;
  num_connected_nodes?: UInt32Value | null;
  num_unavailable_nodes?: UInt32Value | null;
  unavailable_nodes?: string[];
  version?: string;
  flows_rate?: number;
}

export interface HubbleNode {
  name?: string;
  version?: string;
  address?: string;
  state?: number;
  tls?: { enabled?: boolean; server_name?: string } | null;
  uptime_ns?: Uint64;
  num_flows?: Uint64;
  max_flows?: Uint64;
  seen_flows?: Uint64;
}

export interface GetNodesResponse {
  nodes?: HubbleNode[];
}

export interface GetNamespacesResponse {
  namespaces?: { cluster?: string; namespace?: string }[];
}

export interface ChangeNotification {
  name?: string;
  address?: string;
  type?: number;
  tls?: { server_name?: string } | null;
}

export interface HealthCheckRequest {
  service?: string;
}

export interface HealthCheckResponse {
  status?: number;
}

export type EmptyMessage = Record<never, never>;
