/** Numbers of the enums that code decides on; the whole set with its names is in the schema. */
export const Verdict = {
  FORWARDED: 1,
  DROPPED: 2,
  ERROR: 3,
  AUDIT: 4,
  REDIRECTED: 5,
  TRACED: 6,
  TRANSLATED: 7,
} as const;

export const FlowType = { L3_L4: 1, L7: 2, SOCK: 3 } as const;

export const L7FlowType = { REQUEST: 1, RESPONSE: 2, SAMPLE: 3 } as const;

export const TrafficDirection = { INGRESS: 1, EGRESS: 2 } as const;

export const IpVersion = { IPv4: 1, IPv6: 2 } as const;

export const TraceReason = { UNKNOWN: 0, NEW: 1, ESTABLISHED: 2, REPLY: 3, RELATED: 4 } as const;

export const LostEventSource = { PERF_EVENT_RING_BUFFER: 1, OBSERVER_EVENTS_QUEUE: 2, HUBBLE_RING_BUFFER: 3 } as const;

export const NodeState = { UNKNOWN: 0, CONNECTED: 1, UNAVAILABLE: 2, GONE: 3, ERROR: 4 } as const;

export const PeerChange = { ADDED: 1, DELETED: 2, UPDATED: 3 } as const;

export const ServingStatus = { SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } as const;

export const AgentEventType = {
  AGENT_EVENT_UNKNOWN: 0,
  AGENT_STARTED: 2,
  POLICY_UPDATED: 3,
  POLICY_DELETED: 4,
  ENDPOINT_REGENERATE_SUCCESS: 5,
  ENDPOINT_REGENERATE_FAILURE: 6,
  ENDPOINT_CREATED: 7,
  ENDPOINT_DELETED: 8,
  IPCACHE_UPSERTED: 9,
  IPCACHE_DELETED: 10,
  SERVICE_UPSERTED: 11,
  SERVICE_DELETED: 12,
} as const;

/** Monitor message types (`pkg/monitor/api`), the `type` of a flow's `event_type`. */
export const MessageType = {
  DROP: 1,
  DEBUG: 2,
  CAPTURE: 3,
  TRACE: 4,
  POLICY_VERDICT: 5,
  TRACE_SOCK: 7,
  L7: 129,
  AGENT: 130,
} as const;
