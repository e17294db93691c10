import type net from 'node:net';
import { formatHostPort } from '../config/address.ts';
import type { Fields } from '../config/fields.ts';
import type { Peer } from '../http/stream-info.ts';
import { counter, statsKind } from '../stats/kind.ts';
import type { StatsScope } from '../stats/store.ts';
import { passedThrough, readPassThrough } from './pass-through.ts';
import type { ClientOfConnection, Tlv } from './types.ts';
import { LOCAL_HEADER, writeBinary, writeLine } from './write.ts';

/** Counters under `cluster.<name>.upstream.proxyprotocol.`. */
class UpstreamStats {
  tlvsCut = 0;
}

const UPSTREAM_STATS = statsKind(UpstreamStats, { tlvsCut: counter('v2_tlvs_exceed_max_length') });

/** What a connection between two ends begins with. */
export type Greeting = (local: Peer, remote: Peer) => Buffer;

/** How a cluster tells its hosts of clients. */
export interface UpstreamProxyProtocol {
  /** Clients with the same key share connections. TLVs are no part of it: those of the first client count, as in Envoy. */
  keyOf(client: ClientOfConnection | undefined): string;
  /** Undefined: nobody's connection, such as that of a health check. */
  greeting(client: ClientOfConnection | undefined): Greeting;
}

/** Reads an `envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport` but for its `transport_socket`. */
export function readUpstreamProxyProtocol(fields: Fields, stats: StatsScope, prefix: string): UpstreamProxyProtocol {
  const counters = stats.get(UPSTREAM_STATS, `${prefix}upstream.proxyprotocol.`);
  // Envoy does nothing about them either.
  fields.ignore('allow_unspecified_address', 'tlv_as_pool_key');
  const config = fields.message('config', readProxyProtocolConfig) ?? PLAIN;
  const local: Greeting =
    config.version === 1 ? (from, to) => writeLine({ source: from, destination: to }) : () => LOCAL_HEADER;
  return {
    keyOf: (client) => (client ? `${keyOfPeer(client.source)} ${keyOfPeer(client.destination)}` : ''),
    greeting(client) {
      if (!client) return local;
      if (config.version === 1) return () => writeLine(client);
      const tlvs = config.tlvsFor(client);
      return () => {
        const written = writeBinary(client, tlvs);
        if (written?.whole === false) counters.tlvsCut++;
        return written?.bytes ?? LOCAL_HEADER;
      };
    },
  };
}

const keyOfPeer = ({ address, port }: Peer): string => formatHostPort(address, port);

/** What a header says besides the ends of a connection. */
export interface ProxyProtocolConfig {
  readonly version: 1 | 2;
  tlvsFor(client: ClientOfConnection): readonly Tlv[];
}

const PLAIN: ProxyProtocolConfig = { version: 1, tlvsFor: () => [] };

/** Reads an `envoy.config.core.v3.ProxyProtocolConfig`. */
export function readProxyProtocolConfig(fields: Fields): ProxyProtocolConfig {
  const version = fields.choice('version', ['V1', 'V2']) === 'V1' ? 1 : 2;
  const passes = fields.message('pass_through_tlvs', readPassThrough);
  const added = fields.list('added_tlvs', readTlv);
  const types = new Set(added.map(({ type }) => type));
  return {
    version,
    // An added one stands in the place of those of its type that came.
    tlvsFor: ({ tlvs }) => [...added, ...passedThrough(tlvs, passes).filter(({ type }) => !types.has(type))],
  };
}

/** Reads an `envoy.config.core.v3.TlvEntry` with a value of its own. */
function readTlv(fields: Fields): Tlv {
  const value = Buffer.from(fields.text('value'), 'base64');
  if (value.length === 0) fields.problem('value', "one of 'value' or 'format_string' must be set");
  return { type: fields.number('type') ?? 0, value };
}

/** Both ends of a connection, its own first. */
export function endsOf({ localAddress, localPort, remoteAddress, remotePort }: net.Socket): [Peer, Peer] {
  return [
    { address: localAddress ?? '', port: localPort ?? 0 },
    { address: remoteAddress ?? '', port: remotePort ?? 0 },
  ];
}
