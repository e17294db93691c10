import type { ServerDuplexStream, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { Logger } from '../base/index.ts';
import { type GrpcMessage, grpcService, serviceName } from '../model/envoy/index.ts';
import type { XdsResources } from '../plan/index.ts';
import { delta, type ServerProtocol, stateOfTheWorld } from './server-protocol.ts';
import { createServerStream, type ServerStream } from './server-stream.ts';
import {
  createSnapshot,
  type EncodedResources,
  type Rejection,
  type Snapshot,
  sealSnapshot,
  withStale,
} from './snapshot.ts';

/** What came of publishing resources. */
export interface PublishOutcome {
  /**
   * `accepted`: every connected data plane has acknowledged everything. `rejected`: at least one refused something.
   * `pending`: none is connected; the next one that connects gets them. `timeout`: one did not answer in time.
   */
  readonly state: 'accepted' | 'rejected' | 'pending' | 'timeout';
  /** With `rejected`: the text for each type. */
  readonly rejections: readonly Rejection[];
}

export interface XdsServer {
  /** For `grpc.Server.addService`, once for each. */
  readonly services: readonly {
    readonly definition: ServiceDefinition;
    readonly implementation: UntypedServiceImplementation;
  }[];
  /**
   * Makes these resources the state that every data plane gets, and waits for the answers. Before the first call data planes get no answer and
   * keep what they have. What they replace is kept until the new
   * listeners and routes are acknowledged. Calls are served one after the other. Resources that are no valid messages
   * are rejected here and change nothing.
   */
  publish(resources: XdsResources): Promise<PublishOutcome>;
  /** Node ids of the connected data planes. */
  connected(): readonly string[];
  /** Ends every stream; waiting `publish` calls resolve. */
  close(): void;
}

export interface XdsServerOptions {
  readonly log: Logger;
  /** Called after a data plane has connected and sent its first request. */
  readonly onConnect?: () => void;
  /** How long `publish` waits for the answers of one step; 10 s when absent. */
  readonly ackTimeoutMs?: number;
}

type Call = ServerDuplexStream<GrpcMessage, GrpcMessage>;

export function createXdsServer({ log, onConnect, ackTimeoutMs = 10_000 }: XdsServerOptions): XdsServer {
  const streams = new Map<Call, ServerStream>();
  let resources: EncodedResources = new Map();
  let snapshot: Snapshot | undefined;
  let last: Promise<unknown> = Promise.resolve();

  function serve(protocol: ServerProtocol, call: Call): void {
    const stream = createServerStream({ protocol, log, write: (response) => void call.write(response) });
    const close = (): void => {
      if (streams.delete(call)) log.info({ node: stream.node }, 'data plane disconnected');
      stream.end();
    };
    let greeted = false;
    call.on('data', (request: GrpcMessage) => {
      // Only a data plane that has spoken counts as connected, so that publish never waits for a silent peer.
      if (!greeted) {
        streams.set(call, stream);
        if (snapshot) stream.update(snapshot);
      }
      stream.receive(request);
      if (greeted) return;
      greeted = true;
      log.info({ node: stream.node, method: protocol.method }, 'data plane connected');
      onConnect?.();
    });
    call.on('end', () => {
      close();
      call.end();
    });
    call.on('cancelled', close);
    call.on('error', close);
  }

  async function show(next: EncodedResources): Promise<Answers> {
    const sealed = sealSnapshot(next);
    snapshot = sealed;
    for (const stream of streams.values()) stream.update(sealed);
    return await answers([...streams.values()], ackTimeoutMs);
  }

  async function publishNow(wanted: XdsResources): Promise<PublishOutcome> {
    const encoded = createSnapshot(wanted, resources);
    if (!encoded.ok) return { state: 'rejected', rejections: encoded.error };
    const joined = withStale(resources, encoded.value);
    resources = encoded.value;
    if (streams.size === 0) {
      snapshot = sealSnapshot(resources);
      return { state: 'pending', rejections: [] };
    }
    const first = await show(joined);
    if (first.rejections.length > 0 || first.late) {
      // What was to be replaced may still be in use.
      resources = joined;
      return outcome(first);
    }
    return outcome(await show(resources));
  }

  return {
    services: [
      {
        definition: grpcService(serviceName.aggregatedDiscovery),
        implementation: {
          [stateOfTheWorld.method]: (call: Call) => serve(stateOfTheWorld, call),
          [delta.method]: (call: Call) => serve(delta, call),
        },
      },
    ],

    publish(wanted) {
      const result = last.then(() => publishNow(wanted));
      last = result.catch(() => undefined);
      return result;
    },

    connected: () => [...streams.values()].map(({ node }) => node),

    close() {
      for (const [call, stream] of streams) {
        stream.end();
        call.end();
      }
      streams.clear();
    },
  };
}

interface Answers {
  readonly rejections: readonly Rejection[];
  readonly late: boolean;
}

async function answers(streams: readonly ServerStream[], timeoutMs: number): Promise<Answers> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), timeoutMs);
  });
  try {
    const all = await Promise.race([Promise.all(streams.map((stream) => stream.settled())), timeout]);
    return all === 'late' ? { rejections: [], late: true } : { rejections: all.flat(), late: false };
  } finally {
    clearTimeout(timer);
  }
}

function outcome({ rejections, late }: Answers): PublishOutcome {
  if (late) return { state: 'timeout', rejections: [] };
  return rejections.length > 0 ? { state: 'rejected', rejections } : { state: 'accepted', rejections: [] };
}
