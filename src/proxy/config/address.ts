import net from 'node:net';
import type { Fields } from './fields.ts';

/** Where something listens or is reached: an IP (or, for DNS clusters, a name) with a port, a Unix socket, or an internal listener. */
export type Address =
  | {
      readonly kind: 'socket';
      readonly host: string;
      readonly port: number;
      /** A listener at an IPv6 address takes IPv4 connections, too. */
      readonly ipv4Compat?: boolean;
    }
  | {
      readonly kind: 'pipe';
      readonly path: string;
      /** Access rights of the file of a listener; without: as the process makes files. */
      readonly mode?: number;
    }
  | InternalAddress;

/** An `envoy.config.core.v3.EnvoyInternalAddress`. */
export interface InternalAddress {
  readonly kind: 'internal';
  readonly listener: string;
  readonly endpointId: string;
}

/** Reads an `envoy.config.core.v3.Address`. */
export function readAddress(fields: Fields): Address | undefined {
  switch (fields.oneOf('address', ['socket_address', 'pipe'])) {
    case 'pipe': {
      const pipe = fields.message('pipe', readPipe);
      return pipe?.path ? pipe : undefined;
    }
    case 'socket_address':
      return fields.message('socket_address', readSocketAddress);
    default:
      return undefined;
  }
}

function readPipe(fields: Fields): Extract<Address, { readonly kind: 'pipe' }> {
  const path = fields.required('path');
  const mode = fields.number('mode') ?? 0;
  if (mode !== 0 && path.startsWith('@')) fields.problem('mode', 'cannot be set for an abstract socket', '0');
  return { kind: 'pipe', path, ...(mode === 0 ? {} : { mode }) };
}

/** Reads the address of an endpoint, which may be that of an internal listener. */
export function readEndpointAddress(fields: Fields): Address | undefined {
  if (!fields.has('envoy_internal_address')) return readAddress(fields);
  return fields.message(
    'envoy_internal_address',
    (internal): InternalAddress => ({
      kind: 'internal',
      listener: internal.required('server_listener_name'),
      endpointId: internal.text('endpoint_id'),
    }),
  );
}

/** Reads an `envoy.config.core.v3.SocketAddress`. */
export function readSocketAddress(fields: Fields): Extract<Address, { readonly kind: 'socket' }> {
  fields.choice('protocol', ['TCP']);
  const host = fields.required('address');
  const port = fields.number('port_value') ?? 0;
  if (port < 0 || port > 65535) fields.problem('port_value', `found ${port}`, '0 to 65535');
  return { kind: 'socket', host, port, ...(fields.flag('ipv4_compat') ? { ipv4Compat: true } : {}) };
}

/** `a.b.c.d:p`, `[v6]:p` or the path of a Unix socket, as Envoy prints addresses. */
export function formatAddress(address: Address): string {
  switch (address.kind) {
    case 'pipe':
      return address.path;
    case 'internal':
      return `envoy://${address.listener}/${address.endpointId}`;
    case 'socket':
      return formatHostPort(address.host, address.port);
  }
}

export function formatHostPort(host: string, port: number): string {
  return net.isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}
