import type { Address } from '../config/address.ts';
import type { JsonObject } from '../config/fields.ts';

/** An `envoy.config.core.v3.Address`. */
export function addressJson(address: Address): JsonObject {
  if (address.kind === 'pipe') return { pipe: { path: address.path } };
  return { socket_address: { address: address.host, port_value: address.port } };
}
