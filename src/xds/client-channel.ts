import { type ClientDuplexStream, credentials, makeGenericClientConstructor } from '@grpc/grpc-js';
import type { BackoffOptions } from '../base/index.ts';
import { type GrpcMessage, grpcService, serviceName } from '../model/envoy/index.ts';
import type { ProtocolForm } from './client-cache.ts';

export type StreamCall = ClientDuplexStream<GrpcMessage, GrpcMessage>;

export interface Channel {
  openStream(): StreamCall;
  close(): void;
}

const methods: Readonly<Record<ProtocolForm, string>> = {
  sotw: 'StreamAggregatedResources',
  delta: 'DeltaAggregatedResources',
};

const maxMessageBytes = 64 * 1024 * 1024;

/** A channel to the discovery service of a control plane; nothing is sent before the first stream. */
export function openChannel(address: string, form: ProtocolForm, reconnect: BackoffOptions): Channel {
  const service = serviceName.aggregatedDiscovery;
  const Client = makeGenericClientConstructor(grpcService(service), service);
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
