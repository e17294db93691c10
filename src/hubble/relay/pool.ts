import { createSecureContext } from 'node:tls';
import type { Channel, ChannelCredentials, ChannelOptions, Client, ClientReadableStream } from '@grpc/grpc-js';
import {
  type GetAgentEventsRequest,
  type GetFlowsRequest,
  type GetNamespacesResponse,
  type ServerStatusResponse,
  serviceDefinition,
} from '../../model/flow/index.ts';
import type { Peer } from '../server/services.ts';
import type { TlsMaterial } from '../tls/material.ts';
import { type Envelope, readEnvelope } from './envelope.ts';

/** A connection to one node's Observer; it reconnects by itself. */
export interface PeerConnection extends Peer {
  readonly isReady: () => boolean;
  /** Waits for the connection, at most so long; whether it stands. */
  readonly ready: (timeoutMs: number) => Promise<boolean>;
  readonly getFlows: (request: GetFlowsRequest) => ClientReadableStream<Envelope>;
  readonly getAgentEvents: (request: GetAgentEventsRequest) => ClientReadableStream<Envelope>;
  readonly serverStatus: (timeoutMs: number) => Promise<ServerStatusResponse>;
  readonly namespaces: (timeoutMs: number) => Promise<GetNamespacesResponse>;
  readonly close: () => void;
}

/** With whom the relay speaks TLS, and what it shows and trusts then; without material it speaks with none of these. */
export interface PoolTls {
  readonly use: 'asNodesSay' | 'always' | 'never';
  readonly material: () => TlsMaterial | undefined;
}

export interface PeerPool {
  /** The current peers, with connections opened and closed as the list changed. */
  readonly connections: () => readonly PeerConnection[];
  readonly close: () => void;
}

const channelOptions: ChannelOptions = {
  'grpc.max_receive_message_length': 16 * 1024 * 1024,
  'grpc.enable_http_proxy': 0,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2000,
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5000,
  'grpc.use_local_subchannel_pool': 1,
  // A window of HTTP/2's default size holds a hundred flows, which a busy node makes in two milliseconds.
  'grpc-node.flow_control_window': 1024 * 1024,
};

const readyState = 2;
const failureState = 3;

type Grpc = typeof import('@grpc/grpc-js');
type Caller = Client & Record<string, (...given: unknown[]) => unknown>;

const noTls: PoolTls = { use: 'never', material: () => undefined };

/** Keeps connections to the peers of a list. What a peer is spoken to with follows `tls`: a change of it makes a new connection. */
export function createPeerPool(grpc: Grpc, list: () => readonly Peer[], tls = (): PoolTls => noTls): PeerPool {
  const connections = new Map<string, { readonly way: Way; readonly connection: PeerConnection }>();
  return {
    connections() {
      const { use, material } = tls();
      const peers = list();
      const asked = use !== 'never' && peers.some(({ tlsServerName }) => tlsServerName !== undefined);
      const read = asked ? material() : undefined;
      const wanted = new Map(peers.map((peer) => [`${peer.name} ${peer.address}`, peer]));
      for (const [key, { connection }] of connections) {
        if (wanted.has(key)) continue;
        connection.close();
        connections.delete(key);
      }
      for (const [key, peer] of wanted) {
        const way = wayTo(peer, use, read);
        const known = connections.get(key);
        if (known && sameWay(known.way, way)) continue;
        known?.connection.close();
        connections.set(key, { way, connection: connectPeer(grpc, peer, way) });
      }
      return [...connections.values()].map(({ connection }) => connection);
    },
    close() {
      for (const { connection } of connections.values()) connection.close();
      connections.clear();
    },
  };
}

/** How a peer is spoken to; `none` where its server and the relay's settings do not go together. */
type Way =
  | { readonly kind: 'plain' }
  | { readonly kind: 'tls'; readonly material: TlsMaterial; readonly serverName: string }
  | { readonly kind: 'none' };

/** As Cilium's relay: a server name that is missing, or that is not expected, is a fault and never a reason for plain text. */
function wayTo({ tlsServerName }: Peer, use: PoolTls['use'], material: TlsMaterial | undefined): Way {
  if (tlsServerName === undefined) return { kind: use === 'always' ? 'none' : 'plain' };
  if (use === 'never' || !material) return { kind: 'none' };
  return { kind: 'tls', material, serverName: tlsServerName };
}

function sameWay(one: Way, other: Way): boolean {
  if (one.kind !== 'tls' || other.kind !== 'tls') return one.kind === other.kind;
  return one.material === other.material && one.serverName === other.serverName;
}

/** A peer that nobody is to speak to. */
function unreachable(peer: Peer): PeerConnection {
  const refuse = (): never => {
    throw new Error(`${peer.name} cannot be spoken to`);
  };
  const refuseLater = async (): Promise<never> => refuse();
  return {
    ...peer,
    isReady: () => false,
    ready: async () => false,
    getFlows: refuse,
    getAgentEvents: refuse,
    serverStatus: refuseLater,
    namespaces: refuseLater,
    close: () => {},
  };
}

function credentialsOf(
  grpc: Grpc,
  way: Exclude<Way, { kind: 'none' }>,
): { readonly credentials: ChannelCredentials; readonly names: ChannelOptions } {
  if (way.kind === 'plain') return { credentials: grpc.credentials.createInsecure(), names: {} };
  const { authorities, key, certificate } = way.material;
  const context = createSecureContext({ ca: authorities, key, cert: certificate, minVersion: 'TLSv1.3' });
  return {
    credentials: grpc.credentials.createFromSecureContext(context),
    names: { 'grpc.ssl_target_name_override': way.serverName },
  };
}

function connectPeer(grpc: Grpc, peer: Peer, way: Way): PeerConnection {
  if (way.kind === 'none') return unreachable(peer);
  const definition = serviceDefinition('observer.Observer');
  const relayed = { ...definition };
  for (const name of ['GetFlows', 'GetAgentEvents']) {
    const method = definition[name];
    if (method) relayed[name] = { ...method, responseDeserialize: readEnvelope };
  }
  const Constructor = grpc.makeClientConstructor(relayed, 'observer.Observer');
  const { credentials, names } = credentialsOf(grpc, way);
  const client = new Constructor(peer.address, credentials, { ...channelOptions, ...names }) as unknown as Caller;
  const channel = client.getChannel() as Channel;
  channel.getConnectivityState(true);
  const ask = <T>(method: string, timeoutMs: number): Promise<T> =>
    new Promise((resolve, reject) => {
      client[method]?.({}, { deadline: Date.now() + timeoutMs }, (error: Error | null, response: T) =>
        error ? reject(error) : resolve(response),
      );
    });
  return {
    ...peer,
    isReady: () => channel.getConnectivityState(true) === readyState,
    ready: (timeoutMs) => waitReady(channel, Date.now() + timeoutMs),
    getFlows: (request) => client['GetFlows']?.(request) as ClientReadableStream<Envelope>,
    getAgentEvents: (request) => client['GetAgentEvents']?.(request) as ClientReadableStream<Envelope>,
    serverStatus: (timeoutMs) => ask('ServerStatus', timeoutMs),
    namespaces: (timeoutMs) => ask('GetNamespaces', timeoutMs),
    close: () => client.close(),
  };
}

/** True once ready; false once an attempt failed or the deadline passed. */
function waitReady(channel: Channel, deadlineMs: number): Promise<boolean> {
  const state = channel.getConnectivityState(true);
  if (state === readyState) return Promise.resolve(true);
  if (state >= failureState) return Promise.resolve(false);
  return new Promise((resolve) => {
    channel.watchConnectivityState(state, deadlineMs, (error) =>
      resolve(error ? false : waitReady(channel, deadlineMs)),
    );
  });
}
