import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import { messageType, serviceOf } from './schema.ts';

/** A response that is protobuf bytes already; a server writes it as it is. */
export class EncodedMessage {
  readonly bytes: Buffer;
  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }
}

/** The services of `proto/` under the names they have on the wire. */
export type HubbleService = 'observer.Observer' | 'peer.Peer' | 'grpc.health.v1.Health';

/**
 * A definition for `Server.addService` and `makeClientConstructor` of @grpc/grpc-js, by method name.
 * Messages are the plain objects of `types.ts`; a server may also write an `EncodedMessage`.
 */
export function serviceDefinition(name: HubbleService): ServiceDefinition {
  const definition: Record<string, MethodDefinition<object, object>> = {};
  const prefix = name.slice(0, name.lastIndexOf('.'));
  for (const method of serviceOf(name).methodsArray) {
    const request = codec(`${prefix}.${method.requestType}`);
    const response = codec(`${prefix}.${method.responseType}`);
    definition[method.name] = {
      path: `/${name}/${method.name}`,
      originalName: method.name,
      requestStream: method.requestStream === true,
      responseStream: method.responseStream === true,
      requestSerialize: request.serialize,
      requestDeserialize: request.deserialize,
      responseSerialize: response.serialize,
      responseDeserialize: response.deserialize,
    };
  }
  return definition;
}

function codec(typeName: string): { serialize: (message: object) => Buffer; deserialize: (bytes: Buffer) => object } {
  const type = messageType(typeName);
  return {
    serialize: (message) =>
      message instanceof EncodedMessage ? message.bytes : (type.encode(message).finish() as Buffer),
    deserialize: (bytes) => type.decode(bytes),
  };
}
