import type { Channel, ChannelOptions, Client, ClientReadableStream } from '@grpc/grpc-js';
import {
  type GetAgentEventsRequest,
  type GetFlowsRequest,
  type GetNamespacesResponse,
  type ServerStatusResponse,
  serviceDefinition,
} from '../../model/flow/index.ts';
import type { Peer } from '../server/services.ts';
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

export function createPeerPool(grpc: Grpc, list: () => readonly Peer[]): PeerPool {
  const connections = new Map<string, PeerConnection>();
  return {
    connections() {
      const wanted = list();
      const keys = new Set(wanted.map(keyOf));
      for (const [key, connection] of connections) {
        if (keys.has(key)) continue;
        connection.close();
        connections.delete(key);
      }
      for (const peer of wanted) {
        if (!connections.has(keyOf(peer))) connections.set(keyOf(peer), connectPeer(grpc, peer));
      }
      return [...connections.values()];
    },
    close() {
      for (const connection of connections.values()) connection.close();
      connections.clear();
    },
  };
}

function keyOf({ name, address }: Peer): string {
  return `${name} ${address}`;
}

function connectPeer(grpc: Grpc, peer: Peer): PeerConnection {
  const definition = serviceDefinition('observer.Observer');
  const relayed = { ...definition };
  for (const name of ['GetFlows', 'GetAgentEvents']) {
    const method = definition[name];
    if (method) relayed[name] = { ...method, responseDeserialize: readEnvelope };
  }
  const Constructor = grpc.makeClientConstructor(relayed, 'observer.Observer');
  const client = new Constructor(peer.address, grpc.credentials.createInsecure(), channelOptions) as unknown as Caller;
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
