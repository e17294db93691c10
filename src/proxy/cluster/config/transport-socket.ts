import { isDeepStrictEqual } from 'node:util';
import type { FileSource } from '../../config/config-source.ts';
import { type Fields, isObject, type JsonObject, typeName } from '../../config/fields.ts';
import { readUpstreamProxyProtocol, type UpstreamProxyProtocol } from '../../proxy-protocol/upstream.ts';
import type { StatsScope } from '../../stats/store.ts';
import type { SecretReader } from '../../tls/secret.ts';
import { readUpstreamTls, type UpstreamTls } from '../../tls/upstream.ts';

/** How a cluster's connections are encrypted. */
export interface TransportSockets {
  /** Undefined: they are not. */
  readonly general: UpstreamTls | undefined;
  /** How hosts are told of clients; undefined: they are not. */
  readonly proxyProtocol: UpstreamProxyProtocol | undefined;
  /** For hosts whose metadata has all of these values; the first that fits counts. */
  readonly matches: readonly SocketMatch[];
  /** Discovered secrets by name; a file where they come from one. */
  readonly secrets: ReadonlyMap<string, FileSource | undefined>;
  /** How long the first answer about each of them is waited for, in milliseconds; 0: without end. */
  readonly waits: ReadonlyMap<string, number>;
}

interface SocketMatch {
  readonly criteria: JsonObject;
  readonly tls: UpstreamTls | undefined;
}

interface Surroundings {
  readonly secrets: SecretReader;
  readonly stats: StatsScope;
  readonly statPrefix: string;
}

const SOCKETS = 'envoy.extensions.transport_sockets';
const RAW_BUFFER = `${SOCKETS}.raw_buffer.v3.RawBuffer`;
const INTERNAL = `${SOCKETS}.internal_upstream.v3.InternalUpstreamTransport`;
const TLS = `${SOCKETS}.tls.v3.UpstreamTlsContext`;
const PROXY_PROTOCOL = `${SOCKETS}.proxy_protocol.v3.ProxyProtocolUpstreamTransport`;
const METADATA = 'envoy.transport_socket_match';

/** Reads `transport_socket` and `transport_socket_matches` of a cluster. */
export function readTransportSockets(fields: Fields, outer: Surroundings): TransportSockets {
  const secrets = new Map<string, FileSource | undefined>();
  const waits = new Map<string, number>();
  const discover: SecretReader['discover'] = (name, options) => {
    secrets.set(name, options.file);
    waits.set(name, options.timeoutMs);
    return outer.secrets.discover(name, options);
  };
  const surroundings = { ...outer, secrets: { fixed: (name: string) => outer.secrets.fixed(name), discover } };
  const { tls: general, proxyProtocol } = readSocket(fields, surroundings);
  const matches = fields.list('transport_socket_matches', (one): SocketMatch => {
    const name = one.required('name');
    const criteria = one.raw('match');
    const statPrefix = `${surroundings.statPrefix}transport_socket_match.${name}.`;
    const { tls, proxyProtocol: told } = readSocket(one, { ...surroundings, statPrefix });
    if (told)
      one.problem(
        'transport_socket',
        `${PROXY_PROTOCOL} is not supported for some hosts alone`,
        `${RAW_BUFFER}, ${TLS}`,
      );
    return { criteria: isObject(criteria) ? criteria : {}, tls };
  });
  return { general, proxyProtocol, matches, secrets, waits };
}

/** What a transport socket and those inside of it do. */
interface Layers {
  readonly tls?: UpstreamTls | undefined;
  readonly proxyProtocol?: UpstreamProxyProtocol | undefined;
}

/** Plain bytes, also inside the transport socket for internal listeners, which adds nothing while no metadata is passed through. */
function readSocket(fields: Fields, surroundings: Surroundings): Layers {
  const layers = fields.message('transport_socket', (socket): Layers | undefined => {
    socket.ignore('name');
    const config = socket.raw('typed_config');
    const type = isObject(config) ? typeName(config) : '';
    switch (type) {
      case RAW_BUFFER:
        return undefined;
      case INTERNAL:
        return socket.message('typed_config', (inner) => readSocket(inner, surroundings));
      case TLS:
        return { tls: socket.message('typed_config', (inner) => readUpstreamTls(inner, surroundings)) };
      case PROXY_PROTOCOL:
        return socket.message('typed_config', (inner) => readProxyProtocol(inner, surroundings));
      default: {
        const allowed = [RAW_BUFFER, INTERNAL, TLS, PROXY_PROTOCOL].join(', ');
        socket.problem('typed_config', `${type || 'nothing'} is not supported`, allowed);
        return undefined;
      }
    }
  });
  return layers ?? {};
}

function readProxyProtocol(fields: Fields, surroundings: Surroundings): Layers {
  const { tls, proxyProtocol } = readSocket(fields, surroundings);
  if (proxyProtocol)
    fields.problem('transport_socket', 'cannot be one that tells of clients itself', `${RAW_BUFFER}, ${TLS}`);
  const { stats, statPrefix } = surroundings;
  return { tls, proxyProtocol: readUpstreamProxyProtocol(fields, stats, statPrefix) };
}

/** What encrypts connections to a host with this metadata. */
export function socketFor(
  { general, matches }: TransportSockets,
  metadata: JsonObject | undefined,
): UpstreamTls | undefined {
  if (matches.length === 0) return general;
  const own = metadata?.[METADATA];
  const values = isObject(own) ? own : {};
  const match = matches.find(({ criteria }) =>
    Object.entries(criteria).every(([key, value]) => isDeepStrictEqual(values[key], value)),
  );
  return match ? match.tls : general;
}
