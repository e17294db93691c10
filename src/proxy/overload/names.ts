export const ACTION_PREFIX = 'envoy.overload_actions.';
const POINT_PREFIX = 'envoy.load_shed_points.';

/** Actions that are known, by the last part of their names. */
export const ACTIONS = [
  'stop_accepting_requests',
  'disable_http_keepalive',
  'stop_accepting_connections',
  'reject_incoming_connections',
  'reduce_timeouts',
  'shrink_heap',
] as const;

export type ActionKind = (typeof ACTIONS)[number];

/** Points at which load is shed that are known, likewise. */
export const POINTS = ['tcp_listener_accept', 'http_connection_manager_decode_headers'] as const;

export type PointKind = (typeof POINTS)[number];

export const actionName = (kind: ActionKind): string => ACTION_PREFIX + kind;
export const pointName = (kind: PointKind): string => POINT_PREFIX + kind;

/** The name under which the monitor of downstream connections has to stand. */
export const CONNECTIONS = 'envoy.resource_monitors.global_downstream_max_connections';
