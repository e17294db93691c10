import {
  type ClientDuplexStream,
  credentials,
  makeGenericClientConstructor,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import type { BackoffOptions } from '../base/index.ts';
import { type GrpcMessage, grpcService, serviceName } from '../model/envoy/index.ts';
import type { ProtocolForm } from './client-cache.ts';

/** A message to send: its fields, and more of them that are encoded already. */
export interface Outgoing {
  readonly fields: GrpcMessage;
  readonly encoded?: Buffer;
}

export type StreamCall = ClientDuplexStream<Outgoing, GrpcMessage>;

export interface Channel {
  openStream(): StreamCall;
  close(): void;
}

const service = serviceName.aggregatedDiscovery;

/** The bytes of one message after those of another are one message with the fields of both. */
function outgoingService(): ServiceDefinition {
  const definitions = Object.entries(grpcService(service)).map(([name, definition]) => {
    const requestSerialize = ({ fields, encoded }: Outgoing): Buffer => {
      const bytes = definition.requestSerialize(fields);
      return encoded ? Buffer.concat([bytes, encoded]) : bytes;
    };
    return [name, { ...definition, requestSerialize }] as const;
  });
  return Object.fromEntries(definitions) as unknown as ServiceDefinition;
}

/** `resource_names` of a request, encoded: with thousands of names that is most of the work of an acknowledgement. */
export function encodedNames(names: readonly string[]): Buffer {
  const definition = grpcService(service)[methods.sotw];
  return definition?.requestSerialize({ resource_names: names }) ?? Buffer.alloc(0);
}

const methods: Readonly<Record<ProtocolForm, string>> = {
  sotw: 'StreamAggregatedResources',
  delta: 'DeltaAggregatedResources',
};

const maxMessageBytes = 64 * 1024 * 1024;

/** A channel to the discovery service of a control plane; nothing is sent before the first stream. */
export function openChannel(address: string, form: ProtocolForm, reconnect: BackoffOptions): Channel {
  const Client = makeGenericClientConstructor(outgoingService(), service);
  const client = new Client(address, credentials.createInsecure(), {
    'grpc.max_receive_message_length': maxMessageBytes,
    'grpc.initial_reconnect_backoff_ms': reconnect.baseMs,
    'grpc.max_reconnect_backoff_ms': reconnect.maxMs,
  });
  return {
    openStream() {
      const method: unknown = client[methods[form]];
      if (typeof method !== 'function') throw new Error(`no method ${methods[form]}`);
      const opened = method.call(client) as StreamCall;
      // The reader of the stream reports errors; one after its end has nobody else to hear it.
      opened.on('error', () => undefined);
      return opened;
    },
    close: () => client.close(),
  };
}
