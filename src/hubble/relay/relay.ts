import type { ServerWritableStream } from '@grpc/grpc-js';
import { fail, ok } from '../../base/index.ts';
import {
  type GetAgentEventsRequest,
  type GetFlowsRequest,
  type GetNamespacesResponse,
  type GetNodesResponse,
  type HubbleNode,
  NodeState,
  type ServerStatusResponse,
  serviceDefinition,
  toNumber,
} from '../../model/flow/index.ts';
import { compileSelection } from '../filter/compile.ts';
import { compileFieldMask } from '../observer/field-mask.ts';
import { bareError, invalidArgument, type RpcError, unimplemented } from '../observer/rpc-error.ts';
import { withReflection } from '../server/reflection.ts';
import { type GrpcService, healthService, type Peer, peerService, unary } from '../server/services.ts';
import { createStreamGate, refuse, stream } from '../server/stream.ts';
import { createPeerPool, type PeerConnection, type PeerPool, type PoolTls } from './pool.ts';
import { agentEventReading, flowReading, openRelayReader } from './reader.ts';

export interface RelayOptions {
  /** The nodes' Observers (`ip:port`); asked anew for every call and twice a second by followers. */
  readonly peers: () => readonly Peer[];
  /** Called with what to call when the list changed; gives back what ends it. Without it Peer.Notify tells only the first list. */
  readonly subscribe?: (changed: () => void) => () => void;
  /** With which nodes to speak TLS; without it the relay speaks with none that asks for it. */
  readonly tls?: () => PoolTls;
  /** The relay's name in node status events. */
  readonly nodeName: string;
  readonly version: string;
  /** Nanoseconds since the epoch. */
  readonly now: () => bigint;
}

/** One Observer over all nodes. */
export interface Relay {
  /** For `serveGrpc`. */
  readonly services: readonly GrpcService[];
  readonly close: () => void;
}

const statusTimeoutMs = 3000;
const connectWaitMs = 500;
const mostNamedUnavailable = 10;

/** A relay. Connections to the nodes start at once and come back by themselves. Loads @grpc/grpc-js. */
export async function createRelay(options: RelayOptions): Promise<Relay> {
  const pool = createPeerPool(await import('@grpc/grpc-js'), options.peers, options.tls);
  pool.connections();
  const gate = createStreamGate();
  const surroundings = { nodeName: options.nodeName, connections: pool.connections, now: options.now };
  const observer: GrpcService = {
    definition: serviceDefinition('observer.Observer'),
    implementation: {
      GetFlows: (call: ServerWritableStream<GetFlowsRequest, object>) =>
        stream(call, gate, () => {
          const fault = requestFault(call.request);
          return fault ? fail(fault) : ok(openRelayReader(call.request, surroundings, flowReading));
        }),
      GetAgentEvents: (call: ServerWritableStream<GetAgentEventsRequest, object>) =>
        stream(call, gate, () => {
          if (call.request.first && call.request.follow) return fail(firstAndFollow);
          return ok(openRelayReader(call.request, surroundings, agentEventReading));
        }),
      GetDebugEvents: (call: ServerWritableStream<object, object>) => refuse(call, unimplemented('GetDebugEvents')),
      GetNodes: unary(() => nodes(pool)),
      GetNamespaces: unary(() => namespaces(pool)),
      ServerStatus: unary(() => status(pool, options.version)),
    },
  };
  const peers = peerService({ list: options.peers, subscribe: options.subscribe ?? (() => () => {}) }, gate);
  return {
    services: withReflection([observer, peers, healthService(() => true, gate)], gate),
    close: () => pool.close(),
  };
}

const firstAndFollow = invalidArgument('first cannot be specified with follow');

/** What every node would refuse, refused once. */
function requestFault(request: GetFlowsRequest): RpcError | undefined {
  if (request.first && request.follow) return firstAndFollow;
  const selection = compileSelection(request.whitelist ?? [], request.blacklist ?? []);
  if (!selection.ok) return bareError(selection.error);
  const mask = compileFieldMask(request.field_mask?.paths ?? []);
  return mask.ok ? undefined : bareError(mask.error);
}

interface Asked<T> {
  readonly peer: PeerConnection;
  readonly ready: boolean;
  readonly answer: T | undefined;
}

/** Asks every node at once; a node that is away or does not answer has no answer. */
async function askAll<T>(pool: PeerPool, ask: (peer: PeerConnection) => Promise<T>): Promise<readonly Asked<T>[]> {
  return Promise.all(
    pool.connections().map(async (peer) => {
      const ready = await peer.ready(connectWaitMs);
      const answer = ready ? await ask(peer).catch(() => undefined) : undefined;
      return { peer, ready, answer };
    }),
  );
}

async function status(pool: PeerPool, version: string): Promise<ServerStatusResponse> {
  const asked = await askAll(pool, (peer) => peer.serverStatus(statusTimeoutMs));
  const answers = asked.flatMap(({ answer }) => (answer ? [answer] : []));
  const away = asked.filter(({ ready }) => !ready).map(({ peer }) => peer.name);
  const sum = (read: (answer: ServerStatusResponse) => number): number =>
    answers.reduce((total, answer) => total + read(answer), 0);
  return {
    num_flows: sum((answer) => toNumber(answer.num_flows)),
    max_flows: sum((answer) => toNumber(answer.max_flows)),
    seen_flows: sum((answer) => toNumber(answer.seen_flows)),
    uptime_ns: Math.max(0, ...answers.map((answer) => toNumber(answer.uptime_ns))),
    num_connected_nodes: { value: asked.length - away.length },
    num_unavailable_nodes: { value: away.length },
    unavailable_nodes: away.slice(0, mostNamedUnavailable),
    version,
    flows_rate: sum((answer) => answer.flows_rate ?? 0),
  };
}

async function nodes(pool: PeerPool): Promise<GetNodesResponse> {
  const asked = await askAll(pool, (peer) => peer.serverStatus(statusTimeoutMs));
  return {
    nodes: asked.map(({ peer, ready, answer }): HubbleNode => {
      const { name, address, tlsServerName } = peer;
      const tls = { enabled: tlsServerName !== undefined, ...(tlsServerName && { server_name: tlsServerName }) };
      const common = { name, address, tls };
      if (!answer) return { ...common, state: ready ? NodeState.ERROR : NodeState.UNAVAILABLE };
      return {
        ...common,
        state: NodeState.CONNECTED,
        version: answer.version ?? '',
        uptime_ns: toNumber(answer.uptime_ns),
        num_flows: toNumber(answer.num_flows),
        max_flows: toNumber(answer.max_flows),
        seen_flows: toNumber(answer.seen_flows),
      };
    }),
  };
}

async function namespaces(pool: PeerPool): Promise<GetNamespacesResponse> {
  const asked = await askAll(pool, (peer) => peer.namespaces(statusTimeoutMs));
  const found = new Map<string, { cluster?: string; namespace?: string }>();
  for (const { answer } of asked) {
    for (const { cluster = '', namespace = '' } of answer?.namespaces ?? []) {
      found.set(`${cluster}/${namespace}`, { ...(cluster && { cluster }), namespace });
    }
  }
  return { namespaces: [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, namespace]) => namespace) };
}
