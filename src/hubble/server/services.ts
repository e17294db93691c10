import type {
  ServerUnaryCall,
  ServerWritableStream,
  ServiceDefinition,
  sendUnaryData,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import {
  type ChangeNotification,
  type GetAgentEventsRequest,
  type GetFlowsRequest,
  type HealthCheckRequest,
  PeerChange,
  ServingStatus,
  serviceDefinition,
} from '../../model/flow/index.ts';
import { observerHealthName } from '../names/health.ts';
import type { Observer } from '../observer/observer.ts';
import { RpcCode, type RpcError, unimplemented } from '../observer/rpc-error.ts';
import { withReflection } from './reflection.ts';
import { admit, createStreamGate, type StreamGate, stream } from './stream.ts';

/** A service ready for `server.addService(definition, implementation)`. */
export interface GrpcService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

/** A node that serves an Observer. `address` is `ip:port`. */
export interface Peer {
  readonly name: string;
  readonly address: string;
  /** The name in its certificate; without one it serves in plain text. */
  readonly tlsServerName?: string;
}

/** The nodes of the cluster and a way to hear of changes; `subscribe` gives back what ends it. */
export interface PeerSource {
  readonly list: () => readonly Peer[];
  readonly subscribe: (changed: () => void) => () => void;
}

type Unary = (call: ServerUnaryCall<object, object>, answer: sendUnaryData<object>) => void;

/** Answers a unary call with what `make` gives. */
export function unary(make: () => object | Promise<object>): Unary {
  return (_call, answer) => {
    Promise.resolve()
      .then(make)
      .then(
        (message) => answer(null, message),
        (error: Error) => answer({ code: RpcCode.UNKNOWN, details: error.message }),
      );
  };
}

function refuseUnary(error: RpcError): Unary {
  return (_call, answer) => answer(error);
}

/** The Observer of one node. GetNodes is the relay's, as in the original. */
function observerService(observer: Observer, gate: StreamGate): GrpcService {
  return {
    definition: serviceDefinition('observer.Observer'),
    implementation: {
      GetFlows: (call: ServerWritableStream<GetFlowsRequest, object>) =>
        stream(call, gate, () => observer.getFlows(call.request)),
      GetAgentEvents: (call: ServerWritableStream<GetAgentEventsRequest, object>) =>
        stream(call, gate, () => observer.getAgentEvents(call.request)),
      GetDebugEvents: (call: ServerWritableStream<GetAgentEventsRequest, object>) =>
        stream(call, gate, () => observer.getDebugEvents(call.request)),
      GetNodes: refuseUnary(unimplemented('GetNodes')),
      GetNamespaces: unary(() => observer.namespaces()),
      ServerStatus: unary(() => observer.status()),
    },
  };
}

/** `Peer.Notify`: every known node as added, then the changes. */
export function peerService(peers: PeerSource, gate: StreamGate): GrpcService {
  return {
    definition: serviceDefinition('peer.Peer'),
    implementation: {
      Notify: (call: ServerWritableStream<object, object>) => {
        if (admit(call, gate)) notifyPeers(call, peers);
      },
    },
  };
}

function notifyPeers(call: ServerWritableStream<object, object>, peers: PeerSource): void {
  let known: ReadonlyMap<string, Peer> = new Map();
  const tell = (): void => {
    const current = new Map(peers.list().map((peer) => [peer.name, peer]));
    for (const change of peerChanges(known, current)) call.write(change);
    known = current;
  };
  tell();
  const unsubscribe = peers.subscribe(tell);
  call.once('cancelled', unsubscribe);
  call.once('close', unsubscribe);
}

/** What turns one list of peers, by name, into the next. */
function peerChanges(before: ReadonlyMap<string, Peer>, after: ReadonlyMap<string, Peer>): ChangeNotification[] {
  const changes: ChangeNotification[] = [];
  for (const [name, peer] of before) {
    if (!after.has(name)) changes.push(notification(peer, PeerChange.DELETED));
  }
  for (const [name, peer] of after) {
    const known = before.get(name);
    if (known === undefined) changes.push(notification(peer, PeerChange.ADDED));
    else if (known.address !== peer.address || known.tlsServerName !== peer.tlsServerName) {
      changes.push(notification(peer, PeerChange.UPDATED));
    }
  }
  return changes;
}

function notification({ name, address, tlsServerName }: Peer, type: number): ChangeNotification {
  return { name, address, type, ...(tlsServerName !== undefined && { tls: { server_name: tlsServerName } }) };
}

const watchIntervalMs = 1000;

/** gRPC health for the whole server (`""`) and the Observer, which `hubble status` asks for by the first name; `healthy` is asked on every check. */
export function healthService(healthy: () => boolean, gate: StreamGate): GrpcService {
  const names = new Set(['', observerHealthName, 'observer.Observer']);
  const status = (): number => (healthy() ? ServingStatus.SERVING : ServingStatus.NOT_SERVING);
  return {
    definition: serviceDefinition('grpc.health.v1.Health'),
    implementation: {
      Check: (call: ServerUnaryCall<HealthCheckRequest, object>, answer: sendUnaryData<object>) => {
        const service = call.request.service ?? '';
        if (names.has(service)) answer(null, { status: status() });
        else answer({ code: RpcCode.NOT_FOUND, details: `unknown service ${JSON.stringify(service)}` });
      },
      Watch: (call: ServerWritableStream<HealthCheckRequest, object>) => {
        if (!admit(call, gate)) return;
        const known = names.has(call.request.service ?? '');
        let told = known ? status() : ServingStatus.SERVICE_UNKNOWN;
        call.write({ status: told });
        const timer = setInterval(() => {
          const current = known ? status() : told;
          if (current !== told) call.write({ status: current });
          told = current;
        }, watchIntervalMs);
        timer.unref();
        const stop = (): void => clearInterval(timer);
        call.once('cancelled', stop);
        call.once('close', stop);
      },
    },
  };
}

/** Everything that an agent serves on its Hubble port. Streams are left to `relayAddress`, however many others there are. */
export function observerServices(observer: Observer, peers: PeerSource, relayAddress?: string): readonly GrpcService[] {
  const gate = createStreamGate(relayAddress);
  return withReflection(
    [observerService(observer, gate), peerService(peers, gate), healthService(() => true, gate)],
    gate,
  );
}
