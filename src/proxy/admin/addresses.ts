import type { Address } from '../config/address.ts';
import type { JsonObject } from '../config/fields.ts';

/** An `envoy.config.core.v3.Address`. */
export function addressJson(address: Address): JsonObject {
  if (address.kind === 'pipe') return { pipe: { path: address.path } };
  if (address.kind === 'internal') {
    const { listener, endpointId } = address;
    return {
      envoy_internal_address: { server_listener_name: listener, ...(endpointId ? { endpoint_id: endpointId } : {}) },
    };
  }
  return { socket_address: { address: address.host, port_value: address.port } };
}
