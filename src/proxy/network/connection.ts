import type net from 'node:net';
import type { SourceAddress } from '../cluster/upstream-socket.ts';
import { ChoosingConnection } from '../http/choosing-connection.ts';
import type { HttpManager } from '../http/manager.ts';
import { ServerConnection } from '../http/server-connection.ts';
import { type ConnectionPeers, StreamInfo } from '../http/stream-info.ts';
import { Http2ServerConnection } from '../http2/server-connection.ts';
import { acceptedTransport, type Secured, type Transport, uncounted } from '../transport/transport.ts';
import type { NetworkChain, TerminalFilter } from './chain.ts';
import { NetworkGate, type TerminalConnection } from './gate.ts';
import { TcpConnection } from './tcp-connection.ts';

/** A client's connection at work. */
export interface ServedConnection {
  readonly transport: Transport;
  /** Ends after the response under way, at once when there is none. */
  drain(): void;
  destroy(): void;
}

export interface AcceptedSocket {
  readonly socket: net.Socket;
  /** A listener filter has read from it. */
  readonly wasRead?: boolean;
  /** What decrypts it. */
  readonly secure?: Secured;
  readonly peers: ConnectionPeers;
  readonly source: SourceAddress | undefined;
}

export interface OpenedConnection {
  readonly connection: ServedConnection;
  /** Lets the filters hear of it; until then nothing happens. */
  start(): void;
}

/** Puts an accepted socket behind a chain of network filters. */
export function openConnection(
  filters: NetworkChain['filters'],
  terminal: TerminalFilter,
  { socket, wasRead = false, secure, peers, source }: AcceptedSocket,
  onClosed: (connection: ServedConnection) => void,
): OpenedConnection {
  const info = new StreamInfo(peers);
  info.noteConnection();
  const gate = filters.length > 0 ? new NetworkGate(filters, info) : undefined;
  // A TCP proxy counts its bytes itself.
  const counts = terminal.kind === 'http' ? terminal.manager.stats : uncounted();
  const open = (user: TerminalConnection): Transport => {
    const transport = acceptedTransport(gate ?? user, counts, socket, { wasRead, secure });
    gate?.connect(user, transport);
    return transport;
  };
  if (terminal.kind !== 'http') {
    const connection = new TcpConnection(open, terminal.proxy, info, source, gate !== undefined, onClosed);
    return { connection, start: () => (gate ?? connection).start() };
  }
  const { manager } = terminal;
  manager.stats.cxTotal++;
  manager.stats.cxActive++;
  if (peers.tls) {
    manager.stats.cxTlsTotal++;
    manager.stats.cxTlsActive++;
  }
  const codecType = codecFor(manager, peers);
  if (codecType === 'AUTO') {
    const hand = (user: TerminalConnection): void => {
      if (gate) gate.connect(user, connection.transport);
      else connection.transport.handTo(user);
    };
    const connection = new ChoosingConnection(open, hand, manager, peers, source, onClosed);
    return { connection, start: () => (gate ?? connection).start() };
  }
  const Connection = codecType === 'HTTP2' ? Http2ServerConnection : ServerConnection;
  const connection = new Connection(open, manager, peers, source, onClosed);
  return { connection, start: () => (gate ?? connection).start() };
}

/** Counts a client whose handshake failed, as Envoy does, where connections are served before they are decrypted. */
export function countUnserved(terminal: TerminalFilter, lasted: number): void {
  if (terminal.kind !== 'http') return;
  const { stats } = terminal.manager;
  stats.cxTotal++;
  stats.cxTlsTotal++;
  stats.cxDestroy++;
  stats.cxDestroyRemote++;
  stats.lengthMs.record(lasted);
}

/** What was agreed on in the handshake decides for a codec that chooses. */
function codecFor({ codecType }: HttpManager, { tls }: ConnectionPeers): HttpManager['codecType'] {
  if (codecType !== 'AUTO' || !tls) return codecType;
  if (tls.protocol === 'h2') return 'HTTP2';
  return tls.protocol === 'http/1.1' ? 'HTTP1' : 'AUTO';
}
