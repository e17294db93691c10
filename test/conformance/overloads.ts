import { simple, socketAddress, typed } from './config.ts';
import { pressureFile } from './pressure.ts';
import type { Json, Places } from './types.ts';

/** Builders for overload managers. The resource `injected` has the pressure that a case writes to a file. */

export const injected = (places: Places, name = 'injected'): Json => ({
  name,
  typed_config: typed('envoy.extensions.resource_monitors.injected_resource.v3.InjectedResourceConfig', {
    filename: pressureFile(places),
  }),
});

export const CONNECTIONS = 'envoy.resource_monitors.global_downstream_max_connections';

export const mostConnections = (most: number | string, name = CONNECTIONS): Json => ({
  name,
  typed_config: typed('envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig', {
    max_active_downstream_connections: most,
  }),
});

export const threshold = (value: number, name = 'injected'): Json => ({ name, threshold: { value } });

export const scaled = (from: number, to: number, name = 'injected'): Json => ({
  name,
  scaled: { scaling_threshold: from, saturation_threshold: to },
});

export const action = (name: string, triggers: readonly Json[], more: Json = {}): Json => ({
  name: `envoy.overload_actions.${name}`,
  triggers,
  ...more,
});

export const point = (name: string, triggers: readonly Json[]): Json => ({
  name: `envoy.load_shed_points.${name}`,
  triggers,
});

export const timers = (factors: readonly Json[]): Json => ({
  typed_config: typed('envoy.config.overload.v3.ScaleTimersOverloadActionConfig', { timer_scale_factors: factors }),
});

/** The usual bootstrap with an overload manager; the admin interface, which the cases ask, does not count. */
export function overloaded(places: Places, manager: Json, config: Parameters<typeof simple>[1] = {}): Json {
  return {
    ...simple(places, config),
    admin: { address: socketAddress(places.host, places.admin), ignore_global_conn_limit: true },
    overload_manager: { refresh_interval: '0.02s', resource_monitors: [injected(places)], ...manager },
  };
}
