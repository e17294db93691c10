import type { Uint64, WireTimestamp } from './time.ts';

/**
 * Messages of `proto/` as plain objects: field names as written there, enums as numbers, wrappers as `{ value }`.
 * A decoded message has null where an absent message field is read, so test fields for truth, not for `undefined`.
 */
export interface Flow {
  time?: WireTimestamp | null;
  uuid?: string;
  verdict?: number;
  drop_reason?: number;
  auth_type?: number;
  ethernet?: { source?: string; destination?: string } | null;
  IP?: FlowIp | null;
  l4?: Layer4 | null;
  source?: Endpoint | null;
  destination?: Endpoint | null;
  Type?: number;
  node_name?: string;
  node_labels?: string[];
  source_names?: string[];
  destination_names?: string[];
  l7?: Layer7 | null;
  reply?: boolean;
  event_type?: CiliumEventType | null;
  source_service?: NamespacedService | null;
  destination_service?: NamespacedService | null;
  traffic_direction?: number;
  policy_match_type?: number;
  trace_observation_point?: number;
  trace_reason?: number;
  drop_reason_desc?: number;
  is_reply?: BoolValue | null;
  debug_capture_point?: number;
  interface?: NetworkInterface | null;
  proxy_port?: number;
  trace_context?: { parent?: { trace_id?: string } | null } | null;
  ip_trace_id?: { trace_id?: Uint64; ip_option_type?: number } | null;
  sock_xlate_point?: number;
  socket_cookie?: Uint64;
  cgroup_id?: Uint64;
  Summary?: string;
  egress_allowed_by?: FlowPolicy[];
  ingress_allowed_by?: FlowPolicy[];
  egress_denied_by?: FlowPolicy[];
  ingress_denied_by?: FlowPolicy[];
  policy_log?: string[];
  aggregate?: FlowAggregate | null;
  proxied?: ProxiedRequest | null;
}

/** The way of an HTTP request through the data plane; a field of ours alone. */
export interface ProxiedRequest {
  listener?: string;
  route?: string;
  cluster?: string;
  original_path?: string;
}

/** How many flows an exporter has counted as one. */
export interface FlowAggregate {
  ingress_flow_count?: number;
  egress_flow_count?: number;
  unknown_direction_flow_count?: number;
}

export interface BoolValue {
  value?: boolean;
}

export interface Int32Value {
  value?: number;
}

export interface UInt32Value {
  value?: number;
}

export interface FlowIp {
  source?: string;
  source_xlated?: string;
  destination?: string;
  ipVersion?: number;
  encrypted?: boolean;
}

export interface Layer4 {
  TCP?: { source_port?: number; destination_port?: number; flags?: TcpFlags | null } | null;
  UDP?: Ports | null;
  ICMPv4?: { type?: number; code?: number } | null;
  ICMPv6?: { type?: number; code?: number } | null;
  SCTP?: (Ports & { chunk_type?: number }) | null;
  VRRP?: object | null;
  IGMP?: object | null;
}

export interface Ports {
  source_port?: number;
  destination_port?: number;
}

export interface TcpFlags {
  FIN?: boolean;
  SYN?: boolean;
  RST?: boolean;
  PSH?: boolean;
  ACK?: boolean;
  URG?: boolean;
  ECE?: boolean;
  CWR?: boolean;
  NS?: boolean;
}

export interface Endpoint {
  ID?: number;
  identity?: number;
  cluster_name?: string;
  namespace?: string;
  labels?: string[];
  pod_name?: string;
  workloads?: Workload[];
}

export interface Workload {
  name?: string;
  kind?: string;
}

export interface NamespacedService {
  name?: string;
  namespace?: string;
}

export interface NetworkInterface {
  index?: number;
  name?: string;
}

export interface CiliumEventType {
  type?: number;
  sub_type?: number;
}

export interface FlowPolicy {
  name?: string;
  namespace?: string;
  labels?: string[];
  revision?: Uint64;
  kind?: string;
}

export interface Layer7 {
  type?: number;
  latency_ns?: Uint64;
  dns?: FlowDns | null;
  http?: FlowHttp | null;
  kafka?: object | null;
}

export interface FlowDns {
  query?: string;
  ips?: string[];
  ttl?: number;
  cnames?: string[];
  observation_source?: string;
  rcode?: number;
  qtypes?: string[];
  rrtypes?: string[];
}

export interface FlowHttp {
  code?: number;
  method?: string;
  url?: string;
  protocol?: string;
  headers?: HttpHeader[];
}

export interface HttpHeader {
  key?: string;
  value?: string;
}

export interface LostEvent {
  source?: number;
  num_events_lost?: Uint64;
  cpu?: Int32Value | null;
  first?: WireTimestamp | null;
  last?: WireTimestamp | null;
}

/** A filter: every field that is set must match, by any one of its values. */
export interface FlowFilter {
  uuid?: string[];
  source_ip?: string[];
  source_ip_xlated?: string[];
  source_pod?: string[];
  source_fqdn?: string[];
  source_label?: string[];
  source_service?: string[];
  source_workload?: Workload[];
  source_cluster_name?: string[];
  destination_ip?: string[];
  destination_pod?: string[];
  destination_fqdn?: string[];
  destination_label?: string[];
  destination_service?: string[];
  destination_workload?: Workload[];
  destination_cluster_name?: string[];
  traffic_direction?: number[];
  verdict?: number[];
  drop_reason_desc?: number[];
  interface?: NetworkInterface[];
  event_type?: { type?: number; match_sub_type?: boolean; sub_type?: number }[];
  http_status_code?: string[];
  protocol?: string[];
  source_port?: string[];
  destination_port?: string[];
  reply?: boolean[];
  dns_query?: string[];
  source_identity?: number[];
  destination_identity?: number[];
  http_method?: string[];
  http_path?: string[];
  http_url?: string[];
  http_header?: HttpHeader[];
  tcp_flags?: TcpFlags[];
  node_name?: string[];
  node_labels?: string[];
  ip_version?: number[];
  trace_id?: string[];
  ip_trace_id?: Uint64[];
  encrypted?: boolean[];
  experimental?: { cel_expression?: string[] } | null;
}
